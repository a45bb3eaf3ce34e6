"""What holds of the history on SQLite alone; its promises are in the contract suite."""

import sqlite3
from contextlib import closing

import pytest

from msp_server.messages.envelope import InboundMessage
from msp_server.messages.text import Text
from msp_server.store.opening import open_store

NOW = 1_700_000_000.25


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file):
    store = open_store(f"sqlite:///{file}")
    for number in range(3):
        message = InboundMessage(str(number), "a business", "urn:mbid:alice", Text("Hi"))
        store.inbox.put(message, {}, b"{}", NOW + number)
    yield store
    store.close()


def test_history_is_read_while_somebody_else_writes(store, file):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM inbox")

        assert [one.message_id for one in store.history.newest(10)] == ["0", "1", "2"]


def test_history_changes_nothing(store, file):
    with closing(sqlite3.connect(file)) as other:
        before = "\n".join(other.iterdump())

    store.history.newest(10)

    with closing(sqlite3.connect(file)) as other:
        assert "\n".join(other.iterdump()) == before


def test_history_of_a_conversation_is_read_while_somebody_else_writes(store, file):
    here = store.conversations.find("urn:mbid:alice").id
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM inbox")

        assert [one.message_id for one in store.history.newest(2, here)] == ["1", "2"]
