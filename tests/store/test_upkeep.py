"""What holds of upkeep on SQLite alone; its promises are in the contract suite."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event

from msp_server.errors import StoreError
from msp_server.store import opening
from msp_server.store.opening import open_store
from tests.contract.given import NOW, bury, receive


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file, monkeypatch):
    monkeypatch.setattr(opening, "_BUSY_TIMEOUT_MS", 10)
    store = open_store(f"sqlite:///{file}")
    receive(store, "1")
    bury(store.inbox)
    yield store
    store.close()


def plans(store, act):
    """Give how SQLite goes about each statement that an act reads with."""
    asked = []

    @event.listens_for(store._database.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    act()
    event.remove(store._database.engine, "before_cursor_execute", note)
    with closing(sqlite3.connect(store._database.engine.url.database)) as other:
        return [
            [row[3] for row in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in asked
            if statement.startswith("SELECT")
        ]


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.upkeep.buried(10),
        lambda store: store.upkeep.count_buried(),
        lambda store: list(store.upkeep.replay_all(lambda: NOW, bool)),
        lambda store: store.outbox.spooled(),
    ],
    ids=["buried", "count_buried", "replay_all", "spooled"],
)
def test_what_was_given_up_is_found_without_a_look_at_everything_else(store, act):
    steps = [step for plan in plans(store, lambda: act(store)) for step in plan]

    assert steps
    assert [step for step in steps if step in ("SCAN inbox", "SCAN outbox")] == []


def test_replay_raises_while_somebody_else_writes(store, file):
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            store.upkeep.replay("1", NOW, bool)
        other.rollback()

    assert store.upkeep.count_buried() == 1
