"""A database of an older version is brought up to date, whole or not at all."""

import fcntl
import logging
import multiprocessing
import shutil
import sqlite3
import stat
import threading
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from msp_server.errors import StoreBusy, StoreError, StoreUnavailable
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.text import Text
from msp_server.store import migrating, upgrading
from msp_server.store.migrating import MIGRATIONS
from msp_server.store.opening import migrate_store, open_store
from msp_server.store.private_files import lock
from msp_server.store.schema import SCHEMA_VERSION
from tests.postgresql import own_schema

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
NOW = 1_700_000_000.25
LEASE_S = 60
DEADLINE_S = 20

NEXT = f"{int(SCHEMA_VERSION) + 1:04}"
#: Makes a table anew that rows of others point at, as SQLite needs for most changes.
SECOND = '''"""Give each conversation a mood."""

import sqlalchemy as sa
from alembic import op

revision = "{next}"
down_revision = "{last}"


def upgrade():
    with op.batch_alter_table("conversations", recreate="auto") as table:
        table.add_column(sa.Column("mood", sa.Text(), server_default="fine", nullable=False))
        table.create_check_constraint("some_mood", "mood <> ''")
{more}
'''
FAILS = '    op.execute("SELECT * FROM nowhere")'
BREAKS = '    op.execute("DELETE FROM conversations")'


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def url(file):
    return f"sqlite:///{file}"


def fill(url):
    """Put a message in and an answer out, with the newest schema there is."""
    store = open_store(url)
    store.inbox.put(InboundMessage("1", BUSINESS, "urn:mbid:a", Text("Hi")), {}, b"{}", NOW)
    store.outbox.put([OutboundMessage("a", BUSINESS, "urn:mbid:a", Text("Hi"), True)], NOW)
    store.close()


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Give a function that lets there be a second migration, and a version that needs it."""

    def release(more=""):
        history = tmp_path / "migrations"
        history.mkdir(exist_ok=True)
        for step in MIGRATIONS.glob("[0-9]*.py"):
            shutil.copy(step, history)
        (history / f"{NEXT}_mood.py").write_text(
            SECOND.format(next=NEXT, last=SCHEMA_VERSION, more=more)
        )
        monkeypatch.setattr(migrating, "MIGRATIONS", history)
        monkeypatch.setattr(migrating, "SCHEMA_VERSION", NEXT)

    return release


@pytest.fixture
def postgresql():
    with own_schema() as url:
        yield url


def read(url, sql):
    engine = create_engine(url)
    with engine.begin() as connection:
        rows = [tuple(row) for row in connection.execute(text(sql))]
    engine.dispose()
    return rows


# SQLite: by itself


def test_a_file_of_an_older_version_is_migrated_when_it_is_opened(url, release):
    fill(url)
    release()

    open_store(url).close()

    assert read(url, "SELECT version_num FROM alembic_version") == [(NEXT,)]
    assert read(url, "SELECT mood FROM conversations") == [("fine",)]


def test_what_was_in_an_older_file_is_still_there(url, release):
    fill(url)
    release()

    store = open_store(url)

    assert store.inbox.claim(NOW, LEASE_S).message_id == "1"
    assert store.outbox.claim(NOW, LEASE_S).message_id == "a"
    store.close()


def test_a_migration_is_logged(url, release, caplog):
    fill(url)
    release()

    with caplog.at_level(logging.INFO):
        open_store(url).close()

    assert f"from={SCHEMA_VERSION} step={NEXT} Give each conversation a mood" in caplog.text
    assert f"store.db.before-{NEXT}" in caplog.text


def test_an_older_file_is_copied_before(url, file, release):
    fill(url)
    release()

    open_store(url).close()

    copy = file.with_name(f"store.db.before-{NEXT}")
    assert read(f"sqlite:///{copy}", "SELECT version_num FROM alembic_version") == [
        (SCHEMA_VERSION,)
    ]
    assert read(f"sqlite:///{copy}", "SELECT message_id FROM inbox") == [("1",)]


def test_only_the_owner_can_read_the_copy(url, file, release):
    fill(url)
    release()

    open_store(url).close()

    assert stat.S_IMODE(file.with_name(f"store.db.before-{NEXT}").stat().st_mode) == 0o600


def test_a_file_is_left_as_it_was_by_a_migration_that_fails(url, file, release):
    fill(url)
    before = read(url, "SELECT sql FROM sqlite_master")
    release(FAILS)

    with pytest.raises(StoreUnavailable, match="nowhere"):
        open_store(url)

    assert read(url, "SELECT sql FROM sqlite_master") == before
    assert read(url, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]


def test_a_file_is_migrated_by_the_next_version_after_one_that_failed(url, release):
    fill(url)
    release(FAILS)
    with pytest.raises(StoreUnavailable):
        open_store(url)
    release()

    open_store(url).close()

    assert read(url, "SELECT mood FROM conversations") == [("fine",)]


def test_a_migration_that_leaves_rows_which_point_at_nothing_is_taken_back(url, release):
    fill(url)
    release(BREAKS)

    with pytest.raises(StoreUnavailable, match="point at nothing"):
        open_store(url)

    assert read(url, "SELECT count(*) FROM conversations") == [(1,)]


def test_foreign_keys_hold_again_after_a_migration(url, release):
    fill(url)
    release()

    store = open_store(url)

    for _ in range(3):
        with store._database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    store.close()


def test_a_file_that_cannot_be_copied_is_not_migrated(url, file, release):
    fill(url)
    release()
    file.with_name(f"store.db.before-{NEXT}").mkdir()

    with pytest.raises(StoreUnavailable, match="cannot be copied"):
        open_store(url)

    assert read(url, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]
    assert not file.with_name(f"store.db.before-{NEXT}.draft").exists()


def test_a_file_that_an_older_server_runs_on_is_not_migrated(url, file, release, monkeypatch):
    fill(url)
    release()
    monkeypatch.setattr(upgrading, "_TURN_LIMIT_S", 0.1)
    with file.with_name("store.db.worker").open("wb") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)

        with pytest.raises(
            StoreBusy, match=rf"stop it first.*earlier version \({SCHEMA_VERSION}\)"
        ):
            open_store(url)

    assert read(url, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]


def test_a_file_that_another_process_migrates_meanwhile_is_opened(url, file, release, monkeypatch):
    fill(url)
    release()
    waits = threading.Event()
    opened = []

    def try_to_lock(descriptor, lock_file):
        waits.set()
        lock(descriptor, lock_file)

    def open_it():
        opened.append(open_store(url))

    monkeypatch.setattr(upgrading, "lock", try_to_lock)

    with file.with_name("store.db.worker").open("wb") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        thread = threading.Thread(target=open_it)
        thread.start()
        assert waits.wait(DEADLINE_S)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("ALTER TABLE conversations ADD COLUMN mood TEXT")
            connection.execute("UPDATE alembic_version SET version_num = ?", (NEXT,))
            connection.commit()
        thread.join(DEADLINE_S)

    (store,) = opened
    store.close()


def open_together(url, history, start, said):
    """Open a file in a process of its own, at the same moment as others."""
    migrating.MIGRATIONS = history
    migrating.SCHEMA_VERSION = NEXT
    start.wait(DEADLINE_S)
    try:
        open_store(url).close()
    except StoreBusy as error:
        said.put(str(error))
    else:
        said.put("opened")


def test_processes_that_open_an_older_file_at_once_all_can(url, release, tmp_path):
    fill(url)
    release()
    context = multiprocessing.get_context("forkserver")
    start, said = context.Barrier(3), context.Queue()
    processes = [
        context.Process(target=open_together, args=(url, tmp_path / "migrations", start, said))
        for _ in range(3)
    ]
    for process in processes:
        process.start()

    answers = [said.get(timeout=2 * DEADLINE_S) for _ in processes]

    for process in processes:
        process.join(DEADLINE_S)
    assert answers == ["opened"] * 3


def test_migrate_brings_a_file_up_to_date_and_says_so(url, release):
    fill(url)
    release()
    told = []

    migrate_store(url, told.append)

    assert told[0].endswith(f"store.db.before-{NEXT}")
    assert told[1] == f"{NEXT} Give each conversation a mood."
    assert told[2].endswith(f"store.db has schema {NEXT}")


# PostgreSQL: on demand


def test_a_postgresql_of_an_older_version_is_refused_with_what_to_do(postgresql, release):
    fill(postgresql)
    release()

    with pytest.raises(
        StoreUnavailable, match=rf"has schema {SCHEMA_VERSION}.*needs {NEXT}.*msp_server migrate"
    ):
        open_store(postgresql)


def test_migrate_brings_a_postgresql_up_to_date_and_says_so(postgresql, release):
    fill(postgresql)
    release()
    told = []

    migrate_store(postgresql, told.append)

    assert told[0] == f"{NEXT} Give each conversation a mood."
    assert told[1].endswith(f"has schema {NEXT}")
    store = open_store(postgresql)
    assert store.inbox.claim(NOW, LEASE_S).message_id == "1"
    store.close()


def test_migrating_a_postgresql_twice_does_no_harm(postgresql, release):
    fill(postgresql)
    release()
    migrate_store(postgresql, print)
    told = []

    migrate_store(postgresql, told.append)

    assert [line.split()[1:] for line in told] == [["has", "schema", NEXT]]


def test_a_postgresql_is_left_as_it_was_by_a_migration_that_fails(postgresql, release):
    fill(postgresql)
    release(FAILS)

    with pytest.raises(StoreUnavailable):
        migrate_store(postgresql, print)

    assert read(postgresql, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]


def test_a_postgresql_that_others_use_is_not_migrated(postgresql, release, monkeypatch):
    fill(postgresql)
    release()
    monkeypatch.setattr(upgrading, "_IN_USE_LIMIT_S", 1)
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM conversations"))

        with pytest.raises(StoreBusy, match="lock timeout"):
            migrate_store(postgresql, print)
    engine.dispose()


def test_an_empty_postgresql_is_made_by_itself(postgresql):
    open_store(postgresql).close()

    assert read(postgresql, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]


def test_stores_that_open_an_empty_postgresql_at_once_all_can(postgresql):
    start = threading.Barrier(4)
    errors = []

    def open_it():
        start.wait(DEADLINE_S)
        try:
            open_store(postgresql).close()
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)

    assert errors == []
