"""The bell: wakes the workers of every machine when something was stored, by LISTEN and NOTIFY.

NOTIFY takes a lock of the whole database when it commits, so it stands in no transaction of ours:
whoever stored something rings, and a thread says so to PostgreSQL, once for all who rang within a
few milliseconds. What is lost while PostgreSQL is away is found by the loops, which also look by
themselves.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

#: How long after one NOTIFY the next is sent, seconds.
GATHER_S: Final = 0.003
#: How long to wait before connecting again, seconds.
PAUSE_S: Final = 1.0
#: How often a listener looks whether it is to end, seconds.
_LOOK_S: Final = 0.25
_CHANNEL: Final = "msp_stored"


class Bell:
    """Rings on every machine; each of its threads has a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        """Make a bell.

        Args:
            engine: of PostgreSQL; makes a new connection for each use.
        """
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lost: tuple[type[Exception], ...] = (
            DBAPIError,
            engine.dialect.loaded_dbapi.Error,
            OSError,
        )
        self._rung = threading.Event()
        self._ended = threading.Event()
        self._starting = threading.Lock()
        self._ringer: threading.Thread | None = None

    def ring(self) -> None:
        """Say that something was stored; neither waits nor fails."""
        self._rung.set()
        if self._ringer is None:
            with self._starting:
                self._ringer = self._ringer or self._start("bell-rings", self._ended, self._tell)

    @contextmanager
    def listening(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call back whenever anybody rings, while the block lasts."""
        ended = threading.Event()
        thread = self._start(
            "bell-listens", ended, lambda connection: self._listen(connection, ended, callback)
        )
        try:
            yield
        finally:
            ended.set()
            thread.join(2 * _LOOK_S)

    def close(self) -> None:
        """End the thread that rings."""
        self._ended.set()
        self._rung.set()
        if self._ringer is not None:
            self._ringer.join(2 * _LOOK_S)

    def _start(
        self, name: str, ended: threading.Event, work: Callable[[Connection], None]
    ) -> threading.Thread:
        thread = threading.Thread(target=self._repeat, args=(ended, work), name=name, daemon=True)
        thread.start()
        return thread

    def _repeat(self, ended: threading.Event, work: Callable[[Connection], None]) -> None:
        """Do what lasts until it is to end, again whenever its connection is lost."""
        told = False
        while not ended.is_set():
            try:
                with self._engine.connect() as connection:
                    told = False
                    work(connection)
            except self._lost as error:
                if not told:  # once, not every second while PostgreSQL is away
                    log.warning("bell lost error=%s", type(error).__name__)
                told = True
                ended.wait(PAUSE_S)

    def _tell(self, connection: Connection) -> None:
        while not self._ended.wait(GATHER_S):
            self._rung.wait()
            self._rung.clear()
            try:
                connection.exec_driver_sql(f"NOTIFY {_CHANNEL}")
            except self._lost:
                self._rung.set()  # it was not heard
                raise

    def _listen(
        self, connection: Connection, ended: threading.Event, callback: Callable[[], None]
    ) -> None:
        connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
        driver: Any = connection.connection.dbapi_connection
        callback()  # somebody may have rung while nobody listened
        while not ended.is_set():
            if list(driver.notifies(timeout=_LOOK_S, stop_after=1)):
                callback()
