"""What holds of opening a store on SQLite, and of being its one worker."""

import fcntl
import shutil
import sqlite3
import stat
import sys
from contextlib import closing

import pytest

from msp_server.errors import StoreBusy, StoreUnavailable
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.text import Text
from msp_server.store import opening
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
    """Open a store that does not wait long for other writers."""
    monkeypatch.setattr(opening, "_BUSY_TIMEOUT_MS", 10)
    store = open_store(f"sqlite:///{file}")
    yield store
    store.close()


@pytest.fixture
def locked(store, file):
    """Let somebody else write in the store's file."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def said(message_id):
    return InboundMessage(message_id, BUSINESS, CUSTOMER, Text("Hi"))


def mode(file):
    return stat.S_IMODE(file.stat().st_mode)


def pragma(connection, name):
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"], ids=["database", "wal", "shm"])
def test_only_the_owner_can_read_the_file(store, file, suffix):
    store.inbox.put(said("1"), {}, b"{}", NOW)

    assert mode(file.with_name(file.name + suffix)) == 0o600


def test_only_the_owner_can_read_the_lock_file(store, file):
    with store.working(NOW):
        assert mode(file.with_name("store.db.worker")) == 0o600


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("busy_timeout", 10),
    ],
)
def test_every_connection_is_set_up(store, name, value):
    with store._database.read() as first, store._database.read() as second:
        values = [pragma(first, name), pragma(second, name)]

    assert values == [value, value]


def test_a_commit_reaches_the_disk_on_macos_too(file, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    store = open_store(f"sqlite:///{file}")

    with store._database.read() as connection:
        assert pragma(connection, "fullfsync") == 1
    store.close()


def test_a_store_opened_twice_keeps_its_messages(store, file):
    store.inbox.put(said("1"), {}, b"{}", NOW)

    second = open_store(f"sqlite:///{file}")

    assert second.inbox.claim(NOW, LEASE_S).message_id == "1"
    second.close()


def test_what_was_put_is_there_after_the_process_died(store, file, tmp_path):
    store.inbox.put(said("1"), {}, b"{}", NOW)
    (tmp_path / "after").mkdir()
    for left in (file, file.with_name("store.db-wal")):
        shutil.copy(left, tmp_path / "after")

    after = open_store(f"sqlite:///{tmp_path / 'after' / 'store.db'}")

    assert after.inbox.claim(NOW, LEASE_S).message_id == "1"
    after.close()


def test_put_raises_store_busy_while_somebody_else_writes(store, locked):
    with pytest.raises(StoreBusy, match="locked"):
        store.inbox.put(said("1"), {}, b"{}", NOW)


def test_what_raised_store_busy_is_new_the_next_time(store, locked):
    with pytest.raises(StoreBusy):
        store.inbox.put(said("1"), {}, b"{}", NOW)
    locked.execute("ROLLBACK")

    assert store.inbox.put(said("1"), {}, b"{}", NOW) is True


def test_check_raises_store_busy_while_somebody_else_writes(store, locked):
    with pytest.raises(StoreBusy, match="locked"):
        store.check(NOW)


def test_reading_does_not_wait_for_somebody_else_who_writes(store, locked):
    assert store.conversations.find(CUSTOMER) is None


def test_a_claim_where_nothing_is_due_does_not_wait_for_somebody_else_who_writes(store, locked):
    assert store.inbox.claim(NOW, LEASE_S) is None


def test_check_notes_when_it_was(store, file):
    store.check(NOW)
    store.check(NOW + 1)

    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT id, at FROM pulse").fetchall() == [(1, NOW + 1)]


def test_check_raises_store_unavailable_when_the_table_is_gone(store, file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE pulse")

    with pytest.raises(StoreUnavailable, match="pulse"):
        store.check(NOW)


def test_put_raises_store_unavailable_when_the_disk_is_full(store):
    with store._database.write() as connection:
        pages = pragma(connection, "page_count")
        pragma(connection, f"max_page_count={pages}")  # of this connection, that of all writers

    with pytest.raises(StoreUnavailable, match="full"):
        store.inbox.put(said("1"), {}, b"x" * 1_000_000, NOW)


def test_a_missing_directory_is_store_unavailable(tmp_path):
    with pytest.raises(StoreUnavailable, match=r"missing/store\.db cannot be written: No such"):
        open_store(f"sqlite:///{tmp_path / 'missing' / 'store.db'}")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/sys is Linux's")
def test_a_directory_nobody_can_write_in_is_store_unavailable():
    with pytest.raises(StoreUnavailable, match=r"^/sys/store\.db cannot be written: "):
        open_store("sqlite:////sys/store.db")


def test_a_directory_in_place_of_the_file_is_store_unavailable(tmp_path):
    with pytest.raises(StoreUnavailable, match="cannot be written: Is a directory"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_store_unavailable(file):
    file.write_bytes(b"not a database, though long enough to look at " * 100)

    with pytest.raises(StoreUnavailable, match="store"):
        open_store(f"sqlite:///{file}")


def test_a_file_that_is_no_database_is_left_as_it_was(file):
    file.write_bytes(b"not a database, though long enough to look at " * 100)

    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{file}")

    assert file.read_bytes().startswith(b"not a database")


def test_a_database_somebody_else_writes_in_is_not_opened(store, locked, file):
    with pytest.raises(StoreBusy, match="locked"):
        open_store(f"sqlite:///{file}")


def test_postgresql_that_does_not_answer_is_store_unavailable():
    with pytest.raises(StoreUnavailable, match="store cannot be used"):
        open_store("postgresql+psycopg://postgres:opensesame@127.0.0.1:1/test")


def test_the_password_of_postgresql_is_not_told():
    with pytest.raises(StoreUnavailable) as caught:
        open_store("postgresql+psycopg://postgres:opensesame@127.0.0.1:1/test")

    assert "opensesame" not in str(caught.value)


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreUnavailable, match="pip install"):
        open_store("postgresql+psycopg://postgres@127.0.0.1:1/test")


def test_a_second_worker_on_the_same_file_is_store_busy(store, file):
    second = open_store(f"sqlite:///{file}")

    with store.working(NOW), pytest.raises(StoreBusy), second.working(NOW):
        pass
    second.close()


def test_a_second_worker_hears_which_store_is_taken(store, file):
    busy = pytest.raises(StoreBusy, match=r"store\.db: stop it first")

    with store.working(NOW), busy, store.working(NOW):
        pass


def test_a_second_worker_takes_nothing_from_the_first(store):
    store.inbox.put(said("1"), {}, b"{}", NOW)
    with store.working(NOW):
        entry = store.inbox.claim(NOW, LEASE_S)
        with pytest.raises(StoreBusy), store.working(NOW):
            pass

        assert store.inbox.finish(entry, [], NOW) is True


def test_a_worker_may_follow_another(store):
    with store.working(NOW):
        pass

    with store.working(NOW):
        pass


def test_a_worker_may_follow_one_that_failed(store):
    with pytest.raises(LookupError), store.working(NOW):
        raise LookupError

    with store.working(NOW):
        pass


def test_a_worker_that_cannot_recover_lets_go_of_its_lock(store, locked, file):
    with pytest.raises(StoreBusy, match="locked"), store.working(NOW):
        pass

    with file.with_name("store.db.worker").open("rb") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_worker_takes_over_what_one_that_died_was_answering(store):
    store.inbox.put(said("1"), {}, b"{}", NOW)
    store.inbox.claim(NOW, LEASE_S)

    with store.working(NOW):
        assert store.inbox.claim(NOW, LEASE_S).message_id == "1"


def test_a_worker_takes_over_what_one_that_died_was_sending(store):
    store.outbox.put([OutboundMessage("a", BUSINESS, CUSTOMER, Text("Hi"), True)], NOW)
    store.outbox.claim(NOW, LEASE_S)

    with store.working(NOW):
        assert store.outbox.claim(NOW, LEASE_S).message_id == "a"


def test_address_of_a_database_that_cannot_be_read_is_named_without_its_password():
    with pytest.raises(StoreUnavailable, match="MSP_DATABASE_URL") as caught:
        open_store("postgresql+psycopg://me:marzipan@host:port/name")

    assert "marzipan" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "column"),
    [("conversations", "state"), ("inbox", "reason"), ("outbox", "pause_s")],
)
def test_a_database_of_an_earlier_version_says_what_to_do(store, file, table, column):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE alembic_version")
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")

    with pytest.raises(StoreUnavailable, match=f"{table} has no {column}.*move it away") as caught:
        open_store(f"sqlite:///{file}")

    assert "MSP_DATABASE_URL" in str(caught.value)
    assert "MSP_DATA_DIR" in str(caught.value)


def test_a_database_of_an_earlier_version_names_every_column_of_a_table_that_it_lacks(store, file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE alembic_version")
        connection.execute("ALTER TABLE conversations DROP COLUMN state")
        connection.execute("ALTER TABLE conversations DROP COLUMN note")

    with pytest.raises(StoreUnavailable, match="conversations has no note, state"):
        open_store(f"sqlite:///{file}")


def test_a_database_of_an_earlier_version_is_left_as_it_was(file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE conversations (id TEXT)")

    with pytest.raises(StoreUnavailable, match="earlier version"):
        open_store(f"sqlite:///{file}")

    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert tables.fetchall() == [("conversations",)]


def test_a_database_with_more_than_is_needed_is_opened(store, file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ALTER TABLE conversations ADD COLUMN later TEXT")
        connection.execute("CREATE TABLE of_somebody_else (id TEXT)")

    open_store(f"sqlite:///{file}").close()
