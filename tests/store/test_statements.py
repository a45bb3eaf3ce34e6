"""The statements of both boxes, on SQLite: each is found by an index, however much is done."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import postgresql

from msp_server.store.opening import open_store
from msp_server.store.statements import CHANGE_CONVERSATION, LOCK_CONVERSATION


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def plan(tmp_path, store):
    """Give a function that tells how SQLite goes about a statement."""

    def plan(statement, **parameters):
        seen = []
        with store._database.read() as connection:
            event.listen(
                connection, "before_cursor_execute", lambda *given: seen.append(given[2:4])
            )
            connection.execute(statement, parameters)
        ((sql, values),) = seen
        with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
            rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            return " / ".join(row[3] for row in rows)

    return plan


@pytest.mark.parametrize(
    ("box", "index"), [("inbox", "conversations_answer_at"), ("outbox", "conversations_send_at")]
)
def test_what_is_due_is_found_by_when_it_is(store, plan, box, index):
    statements = getattr(store, box)._statements

    found = plan(statements.first_due, now=1.0)

    assert f"{index} (" in found
    assert "TEMP B-TREE" not in found


@pytest.mark.parametrize("box", ["inbox", "outbox"])
def test_the_oldest_that_waits_is_found_among_those_that_wait(store, plan, box):
    statements = getattr(store, box)._statements

    found = plan(statements.oldest_waiting, which="some conversation")

    assert found == f"SEARCH {box} USING INDEX {box}_waiting (conversation_id=?)"


@pytest.mark.parametrize("box", ["inbox", "outbox"])
def test_whether_a_conversation_goes_on_is_found_among_what_waits(store, plan, box):
    statements = getattr(store, box)._statements

    found = plan(statements.go_on, which="some conversation", at=1.0)

    assert found.endswith(f"SEARCH {box} USING INDEX {box}_waiting (conversation_id=?)")


@pytest.mark.parametrize("box", ["inbox", "outbox"])
def test_statements_are_made_once(store, box):
    entries = getattr(store, box)

    assert entries._statements is entries._statements


def test_on_postgresql_a_claim_passes_by_what_another_worker_has_locked(store):
    statements = store.inbox._statements
    text = {
        name: str(getattr(statements, name).compile(dialect=postgresql.dialect()))
        for name in ("first_due", "first_free", "still_due")
    }

    assert "FOR UPDATE" not in text["first_due"]
    assert text["first_free"].endswith("FOR UPDATE SKIP LOCKED")
    assert text["still_due"].endswith("FOR UPDATE")


def test_a_claim_waits_for_one_conversation_at_a_time(plan, store):
    assert "(id=?)" in plan(store.inbox._statements.still_due, which="some conversation", now=1.0)


def test_a_conversation_is_changed_and_locked_by_its_id(plan):
    assert "(id=?)" in plan(LOCK_CONVERSATION, which="some conversation")
    assert "(id=?)" in plan(CHANGE_CONVERSATION.values(desk=None), which="some conversation")
