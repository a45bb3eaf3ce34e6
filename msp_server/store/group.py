"""Group commit: writes that wait at the same time are committed together.

SQLite has one writer at a time, and a commit that waits for the disk. So writers queue here, where
the next one is woken at once, and not at the file, where each sleeps for longer and longer; each
does its part in a shared transaction, and whoever finds nobody behind it commits for all. None goes
on before that commit is on disk. Nobody is delayed for company: a writer alone commits at once.

Two lanes lead there. Apple waits for what comes in, so that goes first, and is committed without
the others; of these, one may go after each commit, however much comes in.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from msp_server.errors import StoreBusy

#: How long a writer waits for its turn before it gives up.
TURN_LIMIT_S: Final = 5.0


class _Batch:
    """Writes of one transaction."""

    def __init__(self) -> None:
        self.writes = 0
        #: Whether one of them is in a hurry.
        self.hurries = False
        self.ended = threading.Event()
        self.error: BaseException | None = None


class _Lane:
    """Writers that wait for their turn."""

    def __init__(self, lock: threading.Lock) -> None:
        self.changed = threading.Condition(lock)
        self.waiting = 0


class Group:
    """The writers of one process, and the one connection they share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._batch = _Batch()
        self._lock = threading.Lock()
        self._busy = False
        #: Whether the next turn is one of those who are in no hurry.
        self._owed = False
        self._first = _Lane(self._lock)
        self._others = _Lane(self._lock)

    def write(self) -> AbstractContextManager[Connection]:
        """Take part in a transaction, alone while the block lasts; return once it is committed.

        A block that raises takes back what it wrote itself, and nothing else.

        Raises:
            StoreBusy: other writers were too many for too long.
            DBAPIError: the block's own statement failed, or the commit that it was part of.
        """
        return self._write(self._others)

    def write_first(self) -> AbstractContextManager[Connection]:
        """Do the same before all others who wait."""
        return self._write(self._first)

    @contextmanager
    def _write(self, lane: _Lane) -> Iterator[Connection]:
        self._take_turn(lane)
        batch = self._batch
        batch.hurries |= lane is self._first
        try:
            yield from self._take_part(batch)
        finally:
            self._end_turn(batch)
        batch.ended.wait()
        if batch.error is not None:
            raise batch.error

    def _take_turn(self, lane: _Lane) -> None:
        with self._lock:
            lane.waiting += 1
            mine = lane.changed.wait_for(lambda: self._may_begin(lane), TURN_LIMIT_S)
            lane.waiting -= 1
            if not mine:
                raise StoreBusy("store is busy: too many writers of this process wait")
            self._busy = True
            self._owed &= lane is self._first

    def _may_begin(self, lane: _Lane) -> bool:
        return not self._busy and lane is self._next_lane()

    def _next_lane(self) -> _Lane:
        if self._first.waiting and not (self._owed and self._others.waiting):
            return self._first
        return self._others

    def _end_turn(self, batch: _Batch) -> None:
        """Let the next writer go on, or commit if none is to be waited for."""
        with self._lock:
            waiting = self._first.waiting or (self._others.waiting and not batch.hurries)
            if waiting and batch.error is None:
                self._pass_on()
                return
        try:
            self._commit(batch)
        finally:
            self._batch = _Batch()
            with self._lock:
                self._owed = True
                self._pass_on()
            batch.ended.set()

    def _pass_on(self) -> None:
        self._busy = False
        self._next_lane().changed.notify()

    def _take_part(self, batch: _Batch) -> Iterator[Connection]:
        """Do one writer's part; only what follows others in the transaction needs a savepoint."""
        if not batch.writes:
            yield from self._open(batch)
            return
        connection = self._connected()
        driver = _driver(connection)
        driver.execute("SAVEPOINT part")
        try:
            yield connection
            driver.execute("RELEASE part")
        except BaseException as error:
            if not _take_back(driver):
                batch.error = error
            raise
        batch.writes += 1

    def _open(self, batch: _Batch) -> Iterator[Connection]:
        try:
            connection = self._connected()
            connection.begin()
            yield connection
        except BaseException:
            self._roll_back()
            raise
        batch.writes = 1

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _commit(self, batch: _Batch) -> None:
        if batch.error is not None:
            self._roll_back()
        elif batch.writes:
            try:
                self._connected().commit()
            except BaseException as error:  # noqa: BLE001 - every writer of the batch raises it
                batch.error = error
                self._roll_back()

    def _roll_back(self) -> None:
        """Take everything back, and begin with a new connection: this one may be spoilt."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.invalidate()
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close the shared connection."""
        self._roll_back()


def _driver(connection: Connection) -> sqlite3.Connection:
    """Give the driver's own connection, for what SQLAlchemy does at ten times the cost."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for the type checker
    return driver


def _take_back(driver: sqlite3.Connection) -> bool:
    """Take back one writer's part; False when all of them are lost: a full disk does that."""
    try:
        driver.execute("ROLLBACK TO part")
    except sqlite3.Error:
        return False
    return True
