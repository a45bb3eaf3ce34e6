"""Whether the process lives, and whether the store can commit."""

import sqlite3
from contextlib import closing

import pytest
import requests
from sqlalchemy import insert

from msp_server.app import create_app, open_store_of
from msp_server.errors import StoreBusy
from msp_server.store.opening import Store
from msp_server.store.schema import CONVERSATIONS, INBOX, InboxState

CONVERSATION = {
    "id": "c",
    "business_id": "b",
    "customer_id": "a",
    "closed": False,
    "closed_seq": 0,
    "answer_at": 1.0,
}
WAITING = {
    "conversation_id": "c",
    "kind": "Text",
    "headers": "{}",
    "packed": b"{}",
    "state": InboxState.RECEIVED,
    "attempts": 0,
    "created_at": 1.0,
}


def get(msp, path):
    with requests.Session() as web:
        return web.get(f"{msp.url}{path}")


def test_healthz_answers_while_the_process_lives(msp):
    answer = get(msp, "/healthz")

    assert answer.status_code == 200


def test_readyz_answers_while_the_store_can_commit(msp):
    answer = get(msp, "/readyz")

    assert answer.status_code == 200


def test_readyz_is_503_while_the_store_cannot_commit(hurried_store, msp, monkeypatch):
    monkeypatch.setattr("msp_server.web.health.GOOD_FOR_S", 0)
    other = sqlite3.connect(msp.settings.data_dir / "msp.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    answer = get(msp, "/readyz")
    other.execute("ROLLBACK")
    other.close()

    assert answer.status_code == 503
    assert get(msp, "/readyz").status_code == 200


def test_readyz_stays_200_with_10_000_messages_waiting(settings):
    with closing(open_store_of(settings)) as store:
        rows = [{**WAITING, "message_id": str(number)} for number in range(10_000)]
        with store._database.write() as connection:
            connection.execute(insert(CONVERSATIONS), [CONVERSATION])
            connection.execute(insert(INBOX), rows)

        answer = create_app(settings, store).test_client().get("/readyz")

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_says_nothing_about_settings(msp, path):
    answer = get(msp, path)

    assert msp.settings.msp_id not in answer.text


def test_readyz_remembers_for_a_second_that_the_store_cannot_commit(msp, monkeypatch):
    monkeypatch.setattr("msp_server.web.health.GOOD_FOR_S", 0.5)
    looks = []

    def fail(_store, now):
        looks.append(now)
        raise StoreBusy

    with monkeypatch.context() as patched:
        patched.setattr(Store, "check", fail)
        answers = [get(msp, "/readyz").status_code for _ in range(5)]

    assert answers == [503] * 5
    assert len(looks) < 5
