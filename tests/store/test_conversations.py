"""What holds of conversations on SQLite alone; their promises are in the contract suite."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from msp_server.messages.capability import Capability
from msp_server.messages.envelope import InboundMessage
from msp_server.messages.text import Text
from msp_server.store.conversations import Changes
from msp_server.store.opening import open_store

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
NOW = 1_700_000_000.25
DEADLINE_S = 30


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file):
    store = open_store(f"sqlite:///{file}")
    yield store
    store.close()


def said(message_id, **hints):
    return InboundMessage(message_id, BUSINESS, CUSTOMER, Text("Hi"), **hints)


def test_two_processes_open_one_conversation(store, file):
    other = open_store(f"sqlite:///{file}")
    puts = [(one, said(f"{number}")) for number, one in enumerate([store, other] * 10)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda put: put[0].inbox.put(put[1], {}, b"", NOW), puts, timeout=DEADLINE_S))

    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM conversations").fetchone() == (1,)
    other.close()


def test_capabilities_are_kept_as_the_words_of_the_header(store, file):
    store.inbox.put(said("1", capabilities=frozenset(Capability)), {}, b"", NOW)

    with closing(sqlite3.connect(file)) as connection:
        (words,) = connection.execute("SELECT capabilities FROM conversations").fetchone()
    assert words == "AUTH,AUTH2,FORM,LIST,QUICK,TIME"


def test_what_is_known_is_read_after_a_restart(store, file):
    store.inbox.put(said("1", locale="de_AT"), {}, b"", NOW)
    store.close()

    restarted = open_store(f"sqlite:///{file}")

    assert restarted.conversations.find(CUSTOMER).locale == "de_AT"
    restarted.close()


def test_a_desk_keeps_a_conversation_over_a_restart(store, file):
    store.inbox.put(said("1"), {}, b"", NOW)
    changes = Changes(state='{"count":1}', desk="desk", note="a note", offer='{"at":0}')
    store.inbox.finish(store.inbox.claim(NOW, 60), [], NOW, changes)
    before = store.conversations.find(CUSTOMER)
    store.close()

    restarted = open_store(f"sqlite:///{file}")

    assert restarted.conversations.find(CUSTOMER) == before
    assert (before.desk, before.note, before.offer) == ("desk", "a note", '{"at":0}')
    restarted.close()
