"""Open the store: one engine, its tables, and on SQLite the lock of the one worker."""

import fcntl
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_engine, event, func, inspect, make_url, select
from sqlalchemy.exc import ArgumentError

from msp_server.errors import StoreBusy, StoreError, StoreUnavailable
from msp_server.store.base import Database, insert_into
from msp_server.store.conversations import Conversations
from msp_server.store.fetches import Fetches
from msp_server.store.history import History
from msp_server.store.inbox import Inbox
from msp_server.store.outbox import Outbox
from msp_server.store.payments import Payments
from msp_server.store.schema import METADATA, PULSE
from msp_server.store.sign_ins import SignIns

_BUSY_TIMEOUT_MS: Final = 5000
_CONNECTIONS: Final = 32
#: Names the making of tables among PostgreSQL's advisory locks.
_TABLES_LOCK: Final = 8002


@dataclass(frozen=True)
class Store:
    """Everything that must not be lost."""

    inbox: Inbox
    outbox: Outbox
    fetches: Fetches
    conversations: Conversations
    history: History
    payments: Payments
    sign_ins: SignIns
    _database: Database
    #: The file whose lock says that a worker runs; None on PostgreSQL, where any number may.
    _lock_file: Path | None

    def check(self, now: float) -> None:
        """Commit something, to see that it can be done.

        Raises:
            StoreBusy, StoreUnavailable: it cannot.
        """
        with self._database.write() as connection:
            pulse = insert_into(connection, PULSE).values(id=1, at=now)
            connection.execute(
                pulse.on_conflict_do_update(index_elements=[PULSE.c.id], set_={"at": now})
            )

    @contextmanager
    def working(self, now: float) -> Iterator[None]:
        """Be a worker on this store: take over what one that died has left behind.

        On SQLite there can be one at a time, so that its claims are known to be dead when it is.

        Raises:
            StoreBusy: another worker runs.
        """
        if self._lock_file is None:
            self._clear_up(now)
            yield
            return
        descriptor = _open_private(self._lock_file)
        try:
            _lock(descriptor, self._lock_file)
            self.inbox.recover(now)
            self.outbox.recover(now)
            self.fetches.recover(now)
            self._clear_up(now)
            yield
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close every connection."""
        self._database.engine.dispose()

    def _clear_up(self, now: float) -> None:
        """End what nobody ends any more, whatever other workers run."""
        self.sign_ins.forget(now)
        self.payments.give_up_abandoned(now)


def open_store(database_url: str) -> Store:
    """Open a store, and make its tables if they are not there.

    Args:
        database_url: `sqlite:///FILE`, in a directory that exists, or `postgresql+psycopg://…`.

    Raises:
        StoreUnavailable: it cannot be opened, or an earlier version made it; says why.
    """
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError) as error:  # not quoted: it may have a password in it
        raise StoreUnavailable("MSP_DATABASE_URL cannot be read: is its port a number?") from error
    lock_file = None
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        lock_file = file.with_name(f"{file.name}.worker")
        _make_private(file)
    try:
        engine = create_engine(url, pool_size=_CONNECTIONS, max_overflow=0, pool_timeout=5)
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"PostgreSQL needs {error.name}: pip install 'psycopg[binary]'"
        ) from error
    if lock_file is not None:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    database = Database(engine)
    try:
        _make_tables(database)
    except StoreError:
        engine.dispose()
        raise
    return Store(
        inbox=Inbox(database),
        outbox=Outbox(database),
        fetches=Fetches(database),
        conversations=Conversations(database),
        history=History(database),
        payments=Payments(database),
        sign_ins=SignIns(database),
        _database=database,
        _lock_file=lock_file,
    )


def _make_tables(database: Database) -> None:
    """Make the tables that are not there; of several processes at once, one does."""
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_TABLES_LOCK)))
        _refuse_earlier(connection)
        METADATA.create_all(connection)


def _refuse_earlier(connection: Connection) -> None:
    """Refuse tables that lack a column of ours, before anything is made beside them."""
    there = inspect(connection).get_multi_columns(filter_names=list(METADATA.tables))
    for (_, name), columns in there.items():
        lacks = set(METADATA.tables[name].c.keys()) - {column["name"] for column in columns}
        if lacks:
            raise StoreUnavailable(
                f"{connection.engine.url.database} was made by an earlier version of this server "
                f"(its table {name} has no {', '.join(sorted(lacks))}): move it away, or name "
                "another with MSP_DATABASE_URL or MSP_DATA_DIR"
            )


def _make_private(file: Path) -> None:
    """Make a database file that only its owner can read; SQLite gives its side files the same."""
    os.close(_open_private(file))


def _open_private(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"{file} cannot be written: {error.strerror}; check MSP_DATA_DIR and MSP_DATABASE_URL"
        ) from error


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in (
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit is on disk before Apple hears of it
        "foreign_keys=ON",
        "secure_delete=ON",  # what is forgotten is not left in the file; builds differ in this
        *(("fullfsync=ON", "checkpoint_fullfsync=ON") if sys.platform == "darwin" else ()),
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("msp_writes")
    # A transaction that reads first and writes later can find the file locked in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _lock(descriptor: int, file: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise StoreBusy(
            f"another server or worker runs on {file.with_suffix('')}: stop it first"
        ) from error
