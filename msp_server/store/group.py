"""Group commit: writes that wait at the same time are committed together.

SQLite has one writer at a time, and a commit that waits for the disk. So works queue here, and not
at the file, where each writer sleeps for longer and longer. Whoever finds nobody at it does all
that is queued, in one transaction, commits, and hands the lead to the next who came meanwhile.
Nobody goes on before the commit is on disk; nobody is delayed for company.

Two queues lead there. Apple waits for what comes in, so that goes first; of the rest, some may go
along each time, however much comes in.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, Generic, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from msp_server.errors import StoreBusy, StoreUnavailable

#: How long a writer waits for its turn before it gives up.
TURN_LIMIT_S: Final = 5.0
#: How many works go along with those in a hurry. Each message takes four more writes than the one
#: that takes it in: of 1,600 in 8 s, 984 were answered meanwhile with one, 1,209 with eight.
ALONG: Final = 8

T = TypeVar("T")


class _Task(Generic[T]):
    """A work that waits for being done, and the thread that waits for that."""

    def __init__(self, work: Callable[[Connection], T] | None) -> None:
        #: None: the thread wants the lead, and does it itself.
        self.work = work
        self.leads = False
        self.result: T | None = None
        #: Why it is not done; None once it is committed.
        self.error: BaseException | None = StoreUnavailable("store was left in the middle of it")
        self._ended = threading.Lock()
        self._ended.acquire()

    def wait(self, limit_s: float = -1) -> bool:
        """Wait until it is done or leads; False if that takes too long."""
        return self._ended.acquire(timeout=limit_s)

    def wake(self) -> None:
        """Let its thread go on."""
        self._ended.release()


class Group:
    """The writers of one process, and the one connection they share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._is_led = False
        self._first: deque[_Task[Any]] = deque()
        self._others: deque[_Task[Any]] = deque()

    def do(self, work: Callable[[Connection], T]) -> T:
        """Have a work done in a transaction, and return once it is committed.

        A work that raises takes back what it wrote itself, and nothing else.

        Args:
            work: may be called in another thread; must neither wait nor write by itself.

        Raises:
            StoreBusy: other writers were too many for too long.
            DBAPIError: the work's own statement failed, or the commit that it was part of.
        """
        return self._do(work, self._others)

    def do_first(self, work: Callable[[Connection], T]) -> T:
        """Do the same before all others who wait."""
        return self._do(work, self._first)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction for a block, with nobody else's work in it; raises what `do` does."""
        self._queue(_Task(None), self._others)
        try:
            with self._connected().begin():
                yield self._connected()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._pass_on()

    def close(self) -> None:
        """Close the shared connection."""
        self._roll_back()

    def _do(self, work: Callable[[Connection], T], queue: deque[_Task[Any]]) -> T:
        task = _Task(work)
        self._queue(task, queue)
        if task.leads:
            self._lead(task)
        if task.error is not None:
            raise task.error
        return cast(T, task.result)

    def _queue(self, task: _Task[Any], queue: deque[_Task[Any]]) -> None:
        """Wait until a task is done, or leads: at once if nobody does."""
        with self._lock:
            if not self._is_led:
                self._is_led = task.leads = True
            if task.work is not None or not task.leads:
                queue.append(task)
        if task.leads or task.wait(TURN_LIMIT_S):
            return
        with self._lock:
            if task in queue and not task.leads:
                queue.remove(task)
                raise StoreBusy("store is busy: too many writers of this process wait")
        task.wait()  # somebody is at it

    def _lead(self, leader: _Task[Any]) -> None:
        tasks = self._take()
        try:
            self._do_all(tasks)
        finally:
            self._pass_on()
            for task in tasks:
                if task is not leader:
                    task.wake()

    def _take(self) -> Sequence[_Task[Any]]:
        """Take what is to be done together: all that is in a hurry and some more, or all."""
        with self._lock:
            tasks = list(self._first)
            self._first.clear()
            most = ALONG if tasks else len(self._others)
            while most and self._others and self._others[0].work is not None:
                tasks.append(self._others.popleft())
                most -= 1
            return tasks

    def _pass_on(self) -> None:
        with self._lock:
            queue = self._first or self._others
            if not queue:
                self._is_led = False
                return
            task = queue[0]
            task.leads = True
            if task.work is None:
                queue.popleft()
        task.wake()

    def _do_all(self, tasks: Sequence[_Task[Any]]) -> None:
        done: list[_Task[Any]] = []
        for task in tasks:
            try:
                self._do_one(task, follows=bool(done))
            except Exception as error:  # noqa: BLE001 - its own thread raises it
                task.error = error
                done = self._take_back(done, error)
            else:
                done.append(task)
        self._commit(done)

    def _do_one(self, task: _Task[Any], *, follows: bool) -> None:
        """Do one work; only what follows others in the transaction needs a savepoint."""
        connection = self._connected()
        if not follows:
            connection.begin()
        driver = _driver(connection)
        if follows:
            driver.execute("SAVEPOINT part")
        assert task.work is not None  # noqa: S101 - for the type checker
        task.result = task.work(connection)
        if follows:
            driver.execute("RELEASE part")

    def _take_back(self, done: list[_Task[Any]], error: Exception) -> list[_Task[Any]]:
        """Take back one work, and give those before it that are still there.

        They are lost too when SQLite has taken everything back: a full disk does that.
        """
        if done:
            with suppress(sqlite3.Error):
                _driver(self._connected()).execute("ROLLBACK TO part")
                return done
        self._roll_back()
        for task in done:
            task.error = error
        return []

    def _commit(self, done: Sequence[_Task[Any]]) -> None:
        if not done:
            return
        failure: Exception | None = None
        try:
            self._connected().commit()
        except Exception as error:  # noqa: BLE001 - each one's thread raises it
            failure = error
            self._roll_back()
        for task in done:
            task.error = failure

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _roll_back(self) -> None:
        """Take everything back; a connection that cannot do that is spoilt."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
            self._connection.close()
        except DBAPIError:
            self._connection.invalidate()
        self._connection = None


def _driver(connection: Connection) -> sqlite3.Connection:
    """Give the driver's own connection, for what SQLAlchemy does at ten times the cost."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for the type checker
    return driver
