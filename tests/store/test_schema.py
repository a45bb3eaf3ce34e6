"""What the tables themselves hold to on SQLite."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event

from msp_server.messages.envelope import InboundMessage
from msp_server.messages.quick_reply import QuickReplyResponse
from msp_server.messages.text import Text
from msp_server.store.opening import open_store
from msp_server.store.schema import METADATA

ENTRY = {
    "message_id": "1",
    "conversation_id": "here",
    "kind": "Text",
    "headers": "{}",
    "packed": b"{}",
    "state": "RECEIVED",
    "attempts": 0,
    "created_at": 1.0,
}
TO_SEND = {**ENTRY, "endpoint": "message", "pause_s": 0.0, "uploaded": False}
OPENED = {
    "conversation_id": "here",
    "message_id": "1",
    "request_id": "request",
    "created_at": 1.0,
}
PAYMENT = {
    **OPENED,
    "token": "token",
    "state": "ASKED",
    "asked": "{}",
    "further": "{}",
    "settled": "{}",
    "course": "[]",
}
SIGN_IN = {**OPENED, "state": "state", "stage": "ASKED"}
ENTRIES = {"inbox": ENTRY, "outbox": TO_SEND, "payments": PAYMENT, "sign_ins": SIGN_IN}
TABLES = pytest.mark.parametrize("table", ENTRIES)
CONVERSATION = {
    "id": "here",
    "business_id": "a business",
    "customer_id": "urn:mbid:alice",
    "closed": False,
    "closed_seq": 0,
}


@pytest.fixture
def connection(tmp_path):
    """Give a bare connection to the file of a store that has one conversation."""
    file = tmp_path / "store.db"
    open_store(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        insert(connection, "conversations", CONVERSATION)
        yield connection


def insert(connection, table, row):
    names, places = ", ".join(row), ", ".join("?" * len(row))
    statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - our own names
    return connection.execute(statement, tuple(row.values())).lastrowid


def plan(connection, statement):
    return " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))


def test_the_file_has_the_tables_of_the_schema(connection):
    names = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }

    assert names - {"sqlite_sequence", "alembic_version"} == set(METADATA.tables)


@TABLES
def test_a_place_is_never_given_twice(connection, table):
    first = insert(connection, table, ENTRIES[table])
    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own name

    second = insert(connection, table, ENTRIES[table])

    assert second > first


@TABLES
def test_an_entry_needs_its_conversation(connection, table):
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        insert(connection, table, {**ENTRIES[table], "conversation_id": "nowhere"})


@TABLES
def test_a_message_id_is_kept_once(connection, table):
    insert(connection, table, ENTRIES[table])

    with pytest.raises(sqlite3.IntegrityError, match="message_id"):
        insert(connection, table, ENTRIES[table])


@pytest.mark.parametrize(("table", "column"), [("payments", "token"), ("sign_ins", "state")])
def test_what_lets_a_customer_in_is_kept_once(connection, table, column):
    insert(connection, table, ENTRIES[table])

    with pytest.raises(sqlite3.IntegrityError, match=column):
        insert(connection, table, {**ENTRIES[table], "message_id": "2"})


def test_a_customer_has_one_conversation_with_a_business(connection):
    with pytest.raises(sqlite3.IntegrityError, match="customer_id"):
        insert(connection, "conversations", {**CONVERSATION, "id": "there"})


@pytest.mark.parametrize("column", ["answer_at", "send_at"])
def test_what_is_due_is_found_without_a_look_at_every_conversation(connection, column):
    due = f"SELECT id FROM conversations WHERE {column} <= 5 ORDER BY {column} LIMIT 1"  # noqa: S608 - our own name

    assert f"USING INDEX conversations_{column}" in plan(connection, due)


def test_the_oldest_waiting_is_found_without_a_look_at_what_is_done(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    store.inbox.put(InboundMessage("1", "b", "c", Text("Hi")), {}, b"{}", 1.0)
    statements = []
    event.listen(
        store._database.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, parameters, *_: statements.append((statement, parameters)),
    )
    store.inbox.claim(1.0, 60)
    statement, parameters = next(one for one in statements if "FROM inbox" in one[0])
    with closing(sqlite3.connect(tmp_path / "store.db")) as c:
        plan = " ".join(row[3] for row in c.execute("EXPLAIN QUERY PLAN " + statement, parameters))
    store.close()
    assert "inbox_waiting" in plan


@pytest.fixture
def seen(tmp_path):
    """Give a store, and the plans of what it reads and writes from now on."""
    file = tmp_path / "seen.db"
    store = open_store(f"sqlite:///{file}")
    plans = []

    def explain(_connection, _cursor, statement, parameters, *_):
        with closing(sqlite3.connect(file)) as other:
            if not statement.startswith(("BEGIN", "PRAGMA")):
                rows = other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
                plans.append(" ".join(row[3] for row in rows))

    event.listen(store._database.engine, "before_cursor_execute", explain)
    yield store, plans
    store.close()


TAP = QuickReplyResponse(request_id="request", session_id="session", identifier="1")


def test_the_same_tap_is_found_without_a_look_at_every_message(seen):
    store, plans = seen

    store.inbox.put(InboundMessage("1", "b", "c", TAP), {}, b"{}", 1.0)

    assert any("USING INDEX inbox_tap" in plan for plan in plans), plans


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"answer_key": "request"}, "outbox_answer_key"),
        ({"session_id": "session"}, "outbox_session"),
        ({"message_id": "1"}, "sqlite_autoindex_outbox_1"),
    ],
)
def test_what_a_response_answers_is_found_without_a_look_at_every_message(seen, asked, index):
    store, plans = seen

    store.outbox.find_sent("here", **asked)

    assert f"USING INDEX {index}" in plans[-1]


@pytest.mark.parametrize(
    ("table", "index"),
    [
        ("payments", "payments_request"),
        ("sign_ins", "sign_ins_request"),
    ],
)
def test_what_a_closing_message_names_is_found_without_a_look_at_every_one(seen, table, index):
    store, plans = seen

    getattr(store, table).of_request("here", "request")

    assert f"USING INDEX {index}" in plans[-1]


def test_a_payment_is_found_by_its_token_without_a_look_at_every_one(seen):
    store, plans = seen

    store.payments.find("token")

    assert "USING INDEX sqlite_autoindex_payments_" in plans[-1]


def test_a_sign_in_is_found_by_its_state_without_a_look_at_every_one(seen):
    store, plans = seen

    store.sign_ins.take_back("state", 1.0)

    assert "USING INDEX sqlite_autoindex_sign_ins_" in plans[-1]


@pytest.mark.parametrize("index", ["inbox_history", "outbox_history"])
def test_one_conversation_is_read_without_a_look_at_the_others(seen, index):
    store, plans = seen

    store.history.newest(10, "here")

    assert f"USING INDEX {index}" in plans[-1]


@pytest.mark.parametrize("table", ["inbox", "outbox"])
def test_the_newest_of_all_are_read_without_a_sort_of_everything(seen, table):
    store, plans = seen

    store.history.newest(10)

    inner = plans[-1].partition(f"SCAN {table}")[2].partition("SCAN")[0]
    assert inner
    assert "TEMP B-TREE" not in inner.partition("UNION ALL")[0].partition("CO-ROUTINE")[0]
