"""Open the store: one engine, its tables, and on SQLite the lock of the one worker."""

import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from msp_server.errors import StoreError, StoreUnavailable
from msp_server.store.base import Database, insert_into
from msp_server.store.bell import Bell
from msp_server.store.conversations import Conversations
from msp_server.store.depths import Depths
from msp_server.store.export import Export
from msp_server.store.fetches import Fetches
from msp_server.store.history import History
from msp_server.store.inbox import Inbox
from msp_server.store.migrating import make_tables, newest_version
from msp_server.store.outbox import Outbox
from msp_server.store.pace import Pace
from msp_server.store.payments import Payments
from msp_server.store.postgresql import open_engine, open_plain_engine, require_durable
from msp_server.store.private_files import lock, make_private, open_private
from msp_server.store.pruning import Pruning
from msp_server.store.schema import PULSE
from msp_server.store.sign_ins import SignIns
from msp_server.store.upgrading import upgrade_file, upgrade_postgresql
from msp_server.store.upkeep import Upkeep
from msp_server.store.workers import Workers

log = logging.getLogger(__name__)

_BUSY_TIMEOUT_MS: Final = 5000
_CONNECTIONS: Final = 32
#: How long a thread waits for one of them, seconds.
_WAIT_S: Final = 5


@dataclass(frozen=True)
class Store:
    """Everything that must not be lost."""

    inbox: Inbox
    outbox: Outbox
    pace: Pace
    fetches: Fetches
    conversations: Conversations
    history: History
    payments: Payments
    sign_ins: SignIns
    depths: Depths
    upkeep: Upkeep
    export: Export
    pruning: Pruning
    workers: Workers
    _database: Database
    #: Wakes workers on other machines; None on SQLite, where there are none.
    _bell: Bell | None
    #: The file whose lock says that a worker runs; None on PostgreSQL, where any number may.
    _lock_file: Path | None

    def check(self, now: float) -> None:
        """Commit something, to see that it can be done.

        Raises:
            StoreBusy, StoreUnavailable: it cannot.
        """

        def note(connection: Connection) -> None:
            pulse = insert_into(connection, PULSE).values(id=1, at=now)
            connection.execute(
                pulse.on_conflict_do_update(index_elements=[PULSE.c.id], set_={"at": now})
            )

        self._database.do_first(note)  # a backlog of the loops does not matter here

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
        descriptor = open_private(self._lock_file)
        try:
            lock(descriptor, self._lock_file)
            self.inbox.recover(now)
            self.outbox.recover(now)
            self.fetches.recover(now)
            self._clear_up(now)
            yield
        finally:
            os.close(descriptor)

    @property
    def is_shared(self) -> bool:
        """Whether workers on several machines may run on it."""
        return self._bell is not None

    def ring(self) -> None:
        """Wake the workers on other machines: something was stored; neither waits nor fails."""
        if self._bell is not None:
            self._bell.ring()

    def listening(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Call back whenever something was stored on any machine, while the block lasts."""
        return nullcontext() if self._bell is None else self._bell.listening(callback)

    def close(self) -> None:
        """Close every connection."""
        if self._bell is not None:
            self._bell.close()
        self._database.close()

    def _clear_up(self, now: float) -> None:
        """End what nobody ends any more, whatever other workers run."""
        for entries in (self.inbox, self.outbox, self.fetches):
            entries.bring_forward(now)
        self.sign_ins.forget(now)
        self.payments.give_up_abandoned(now)


def open_store(database_url: str, sends_per_s: float = 0.0) -> Store:
    """Open a store, and make its tables if they are not there.

    Args:
        database_url: `sqlite:///FILE`, in a directory that exists, or `postgresql+psycopg://…`.
        sends_per_s: how many messages all workers together send a second, at most; 0: no limit.

    Raises:
        StoreUnavailable: it cannot be opened, or needs `migrate_store`; says why.
        StoreBusy: it has to be migrated, and a server or worker runs on it.
    """
    url = _read_url(database_url)
    engine = _open_engine(url)
    database = Database(engine)
    try:
        _bring_up_to_date(database, url)
    except StoreError:
        database.close()
        raise
    bell = None if _is_sqlite(url) else Bell(open_plain_engine(url))
    return Store(
        inbox=Inbox(database),
        outbox=Outbox(database, sends_per_s),
        pace=Pace(database),
        fetches=Fetches(database),
        conversations=Conversations(database),
        history=History(database),
        payments=Payments(database),
        sign_ins=SignIns(database),
        depths=Depths(database),
        upkeep=Upkeep(database),
        export=Export(database),
        pruning=Pruning(database),
        workers=Workers(database),
        _database=database,
        _bell=bell,
        _lock_file=_lock_file(url) if _is_sqlite(url) else None,
    )


def migrate_store(database_url: str, tell: Callable[[str], None]) -> None:
    """Bring a database to the schema of this version; nothing happens to one that has it.

    Args:
        database_url: as `open_store` takes it.
        tell: called with each step.

    Raises:
        StoreBusy: others use it.
        StoreUnavailable: it cannot be opened or migrated; says why.
    """
    url = _read_url(database_url)
    engine = _open_engine(url)
    database = Database(engine)
    try:
        found = _make_tables(database)
        if found is not None and _is_sqlite(url):
            upgrade_file(engine, _file(url), _lock_file(url), found, tell)
        elif found is not None:
            upgrade_postgresql(open_plain_engine(url), tell)
        tell(f"{url.database} has schema {newest_version()}")
    finally:
        database.close()


def _bring_up_to_date(database: Database, url: URL) -> None:
    """Make the tables that are not there, and migrate a file that is of an older version."""
    found = _make_tables(database)
    if found is None:
        return
    if not _is_sqlite(url):
        raise StoreUnavailable(
            f"{url.database} has schema {found}, and this version needs {newest_version()}: stop "
            "every server and worker on it, then run `python -m msp_server migrate`"
        )

    def tell(step: str) -> None:
        log.warning("migrating database=%s from=%s step=%s", url.database, found, step)

    upgrade_file(database.engine, _file(url), _lock_file(url), found, tell)


def _make_tables(database: Database) -> str | None:
    """Make the tables that are not there; give the number of an older schema, or None."""
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            require_durable(connection)
        return make_tables(connection)


def _read_url(database_url: str) -> URL:
    try:
        return make_url(database_url)
    except (ArgumentError, ValueError) as error:  # not quoted: it may have a password in it
        raise StoreUnavailable("MSP_DATABASE_URL cannot be read: is its port a number?") from error


def _open_engine(url: URL) -> Engine:
    if not _is_sqlite(url):
        try:
            return open_engine(url)
        except ModuleNotFoundError as error:
            raise StoreUnavailable(
                f"PostgreSQL needs {error.name}: pip install 'psycopg[binary]'"
            ) from error
    make_private(_file(url))
    engine = create_engine(url, pool_size=_CONNECTIONS, max_overflow=0, pool_timeout=_WAIT_S)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _file(url: URL) -> Path:
    return Path(url.database or "")


def _lock_file(url: URL) -> Path:
    file = _file(url)
    return file.with_name(f"{file.name}.worker")


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
    options = connection.get_execution_options()
    if options.get("msp_looks"):
        return  # one statement is a transaction by itself
    # A transaction that reads first and writes later can find the file locked in between.
    begin = "BEGIN IMMEDIATE" if options.get("msp_writes") else "BEGIN"
    connection.connection.cursor().execute(begin)  # SQLAlchemy's own way costs ten times as much
