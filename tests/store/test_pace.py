"""What holds of the pace on SQLite alone; its promises are in the contract suite."""

import sqlite3
from contextlib import closing

import pytest

from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.text import Text
from msp_server.store.opening import open_store

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
NOW = 1_700_000_000.25
LEASE_S = 60


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def open_limited(file):
    """Give a function that opens the store with a limit, and puts two messages in it."""
    stores = []

    def open_with(sends_per_s):
        store = open_store(f"sqlite:///{file}", sends_per_s)
        stores.append(store)
        for name in "ab":
            message = OutboundMessage(name, BUSINESS, f"urn:mbid:{name}", Text("Hello"), True)
            store.outbox.put([message], NOW)
        return store

    yield open_with
    for store in stores:
        store.close()


def rows(file):
    with closing(sqlite3.connect(file)) as other:
        return other.execute("SELECT next_at, held_until, refusals FROM pace").fetchall()


def test_without_a_limit_no_row_is_written(open_limited, file):
    store = open_limited(0)

    store.outbox.finish(store.outbox.claim(NOW, LEASE_S), NOW)

    assert rows(file) == []


def test_each_place_is_written_with_the_claim_that_takes_it(open_limited, file):
    store = open_limited(0.5)

    store.outbox.claim(NOW, LEASE_S)

    assert rows(file) == [(NOW + 2, 0, 0)]


@pytest.mark.parametrize(("sends_per_s", "pause_s"), [(0, 1), (0.5, 0)], ids=["held", "too early"])
def test_who_may_not_send_yet_waits_for_no_other_writer(open_limited, file, sends_per_s, pause_s):
    store = open_limited(sends_per_s)
    store.outbox.claim(NOW, LEASE_S)
    store.pace.hold(NOW, pause_s, lambda _refusals: pause_s)

    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert store.outbox.claim(NOW + 0.5, LEASE_S) is None


def test_an_acceptance_writes_the_row_only_after_a_refusal(open_limited, file):
    store = open_limited(0)
    store.pace.hold(NOW - 5, 1, lambda _refusals: 1)

    store.outbox.finish(store.outbox.claim(NOW, LEASE_S), NOW)

    assert rows(file) == [(0, NOW - 4, 0)]
