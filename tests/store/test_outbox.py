"""What holds of the outbox on SQLite alone; its promises are in the contract suite."""

import json
import sqlite3
from contextlib import closing

import pytest

from msp_server.messages.authenticate import Authenticate
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.list_picker import ListPicker, Section
from msp_server.messages.presence import TypingStart
from msp_server.messages.raw_interactive import RawInteractive
from msp_server.messages.text import Text
from msp_server.store.opening import open_store

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
NOW = 1_700_000_000.25
LEASE_S = 60


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file):
    store = open_store(f"sqlite:///{file}")
    yield store
    store.close()


def reply(message_id, content=None):
    return OutboundMessage(message_id, BUSINESS, CUSTOMER, content or Text("Grüße"), True)


def test_a_message_is_laid_out_once_when_it_is_put(store, file):
    message = reply("a")
    headers, packed = message.to_wire()

    store.outbox.put([message], NOW)

    with closing(sqlite3.connect(file)) as other:
        rows = other.execute("SELECT headers, packed FROM outbox").fetchall()
    assert rows == [(json.dumps(headers), packed)]


def test_a_message_put_on_its_own_answers_nothing(store, file):
    store.outbox.put([reply("a")], NOW)

    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT answers FROM outbox").fetchall() == [(None,)]


def test_a_message_is_recorded_with_its_kind(store):
    store.outbox.put([reply("a", TypingStart())], NOW)

    assert store.outbox.claim(NOW, LEASE_S).kind == "TypingStart"


def test_a_send_keeps_its_id_and_its_bytes_over_a_restart(store, file):
    store.outbox.put([reply("a")], NOW)
    before = store.outbox.claim(NOW, LEASE_S)
    store.close()

    restarted = open_store(f"sqlite:///{file}")
    with restarted.working(NOW):
        after = restarted.outbox.claim(NOW, LEASE_S)

    assert (after.message_id, after.headers, after.packed) == (
        before.message_id,
        before.headers,
        before.packed,
    )
    restarted.close()


def test_a_message_put_by_another_process_is_claimed(store, file):
    other = open_store(f"sqlite:///{file}")

    other.outbox.put([reply("a")], NOW)

    assert store.outbox.claim(NOW, LEASE_S).message_id == "a"
    other.close()


def kept(file, *columns):
    with closing(sqlite3.connect(file)) as other:
        return other.execute(f"SELECT {', '.join(columns)} FROM outbox").fetchall()  # noqa: S608 - our own names


MENU = ListPicker("Menu", [Section("Fruit", ["Apple"])], name="menu", session_id="session")


def test_a_message_is_kept_with_what_joins_a_response_to_it(store, file):
    store.outbox.put([reply("a", MENU)], NOW)

    assert kept(file, "answer_key", "session_id", "name") == [("a", "session", "menu")]


def test_what_its_author_calls_a_message_is_not_sent(store, file):
    store.outbox.put([reply("a", MENU)], NOW)

    assert b'"menu"' not in kept(file, "packed")[0][0]


def test_a_text_is_kept_with_nothing_that_joins_a_response_to_it(store, file):
    store.outbox.put([reply("a")], NOW)

    assert kept(file, "answer_key", "session_id", "name", "pause_s") == [(None, None, None, 0.0)]


SIGN_IN = Authenticate(
    "Sign in", scope=("openid",), state="s", redirect_uri="https://shop.example.com/back"
)
RAW_SIGN_IN = RawInteractive(SIGN_IN.identified("a").to_wire()["interactiveData"])


@pytest.mark.parametrize(
    ("content", "endpoint"),
    [
        (Text("Hi"), "message"),
        (TypingStart(), "message"),
        (MENU, "message"),
        (SIGN_IN, "authenticate"),
        (RAW_SIGN_IN, "authenticate"),
    ],
    ids=["text", "typing", "list picker", "sign-in", "raw sign-in"],
)
def test_a_message_is_kept_with_the_endpoint_that_takes_it(store, file, content, endpoint):
    store.outbox.put([reply("a", content)], NOW)

    assert kept(file, "endpoint") == [(endpoint,)]


def test_a_pause_holds_over_a_restart(store, file):
    typing = OutboundMessage("a", BUSINESS, CUSTOMER, TypingStart(), automated=True, pause_s=1.5)
    store.outbox.put([typing, reply("b")], NOW)
    store.outbox.finish(store.outbox.claim(NOW, LEASE_S), NOW)
    store.close()

    restarted = open_store(f"sqlite:///{file}")
    with restarted.working(NOW + 1):
        claims = [restarted.outbox.claim(at, LEASE_S) for at in (NOW + 1, NOW + 1.5)]

    assert [claim and claim.message_id for claim in claims] == [None, "b"]
    restarted.close()
