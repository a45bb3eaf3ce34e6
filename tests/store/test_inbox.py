"""What holds of the inbox on SQLite alone; its promises are in the contract suite."""

import sqlite3
from contextlib import closing

import pytest

from msp_server.errors import StoreError
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.text import Text
from msp_server.store import opening
from msp_server.store.conversations import Changes
from msp_server.store.opening import open_store

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
NOW = 1_700_000_000.25
LEASE_S = 60


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file, monkeypatch):
    monkeypatch.setattr(opening, "_BUSY_TIMEOUT_MS", 10)
    store = open_store(f"sqlite:///{file}")
    store.inbox.put(InboundMessage("1", BUSINESS, CUSTOMER, Text("Hi")), {}, b"\x00\xff", NOW)
    yield store
    store.close()


def reply(message_id):
    return OutboundMessage(message_id, BUSINESS, CUSTOMER, Text("Hello"), automated=True)


def test_put_returns_when_others_can_see_the_message(store, file):
    with closing(sqlite3.connect(file)) as other:
        rows = other.execute("SELECT message_id, state FROM inbox").fetchall()

    assert rows == [("1", "RECEIVED")]


def test_put_keeps_the_bytes_as_they_are(store, file):
    with closing(sqlite3.connect(file)) as other:
        rows = other.execute("SELECT packed FROM inbox").fetchall()

    assert rows == [(b"\x00\xff",)]


def test_an_answer_tells_what_it_answers(store, file):
    store.inbox.finish(store.inbox.claim(NOW, LEASE_S), [reply("a")], NOW)

    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT message_id, answers FROM outbox").fetchall() == [("a", "1")]


def test_finish_raises_while_somebody_else_writes(store, file):
    entry = store.inbox.claim(NOW, LEASE_S)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreError):
            store.inbox.finish(entry, [reply("a")], NOW)


def test_finish_that_raised_can_be_repeated(store, file):
    entry = store.inbox.claim(NOW, LEASE_S)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            store.inbox.finish(entry, [reply("a")], NOW)

    assert store.inbox.finish(entry, [reply("a")], NOW) is True


ALL_CHANGES = Changes(state='{"count":1}', desk="desk", note="a note", offer='{"at":0}')


def left_behind(file):
    with closing(sqlite3.connect(file)) as other:
        return other.execute("SELECT state, desk, note, offer FROM conversations").fetchall()


def test_what_an_answer_leaves_behind_is_kept_with_it(store, file):
    store.inbox.finish(store.inbox.claim(NOW, LEASE_S), [reply("a")], NOW, ALL_CHANGES)

    assert left_behind(file) == [('{"count":1}', "desk", "a note", '{"at":0}')]


def test_finish_that_raised_leaves_nothing_behind(store, file):
    entry = store.inbox.claim(NOW, LEASE_S)
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(
            "CREATE TRIGGER no BEFORE UPDATE OF offer ON conversations"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    with pytest.raises(StoreError):
        store.inbox.finish(entry, [reply("a")], NOW, ALL_CHANGES)

    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT state FROM inbox").fetchall() == [("CLAIMED",)]
        assert other.execute("SELECT count(*) FROM outbox").fetchall() == [(0,)]
    assert left_behind(file) == [(None, None, None, None)]


def test_what_is_held_stays_held_after_a_restart(store, file):
    store.inbox.finish(store.inbox.claim(NOW, LEASE_S), [], NOW, Changes(desk="desk"))
    store.inbox.put(InboundMessage("2", BUSINESS, CUSTOMER, Text("Hi")), {}, b"{}", NOW)
    store.close()

    restarted = open_store(f"sqlite:///{file}")
    with restarted.working(NOW):
        assert restarted.inbox.claim(NOW, LEASE_S) is None
    restarted.close()


def test_packed_gives_the_bytes_that_came(store):
    assert store.inbox.packed(store.inbox.claim(NOW, LEASE_S).seq) == b"\x00\xff"


def test_packed_of_a_message_that_is_not_there_is_a_key_error(store):
    with pytest.raises(KeyError):
        store.inbox.packed(1000)
