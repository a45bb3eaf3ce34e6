"""PostgreSQL as the engine of several machines: whatever becomes of it or of them, nobody hangs.

A machine that vanishes in the middle of a transaction keeps no conversation for long: PostgreSQL
ends what is idle or waits. A PostgreSQL that vanishes or hangs is noticed by a watch of ours, for
the driver waits for an answer without a limit: the connection is cut, and until one can be made
again, one thread at a time tries, while the others are told at once. So a hanging PostgreSQL holds
few threads for a few seconds, and one that restarted is found by the first who comes.
"""

import os
import select
import socket
import threading
import time
from typing import Any, Final, Protocol

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from msp_server.errors import StoreUnavailable

#: How long making a connection may take, seconds.
CONNECT_LIMIT_S: Final = 3
#: How many connections a process has; each is a process of PostgreSQL's, which has 100 by default.
CONNECTIONS: Final = 16
#: How long a thread waits for one of them, seconds.
WAIT_S: Final = 3.0
#: How long PostgreSQL may leave us without an answer; less while many wait for one, seconds.
ANSWER_LIMIT_S: Final = 6.0
CROWD_LIMIT_S: Final = 3.0
#: How many of the connections are many.
CROWD: Final = 12
_WATCH_EVERY_S: Final = 0.25

#: What the driver is told, unless MSP_DATABASE_URL says something else.
_CONNECTION: Final[dict[str, str | int]] = {
    "application_name": "msp_server",
    "connect_timeout": CONNECT_LIMIT_S,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
#: What PostgreSQL is told for each session of ours; milliseconds, and seconds for keepalives.
_SESSION: Final = {
    "lock_timeout": 3000,
    "statement_timeout": 5000,
    "idle_in_transaction_session_timeout": 10_000,
    "tcp_user_timeout": 10_000,
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
}


class Driver(Protocol):
    """What we need of the driver's connection."""

    def fileno(self) -> int:
        """Give its socket's descriptor."""


def open_engine(url: URL, connections: int = CONNECTIONS, wait_s: float = WAIT_S) -> Engine:
    """Make an engine whose connections are watched.

    Args:
        url: of the database.
        connections: how many there may be.
        wait_s: how long one waits for one of them.
    """
    engine = create_engine(
        url,
        connect_args=_arguments(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_s,
    )
    _Watch(engine)
    return engine


def open_plain_engine(url: URL) -> Engine:
    """Make an engine for what takes long: each use has a connection of its own, watched by nobody.

    Each statement on it is committed by itself, unless a transaction is begun.
    """
    return create_engine(url, connect_args=_arguments(url), poolclass=NullPool)


def require_durable(connection: Connection) -> None:
    """Refuse a PostgreSQL that says "committed" before it is.

    Raises:
        StoreUnavailable: it does.
    """
    if connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "off":
        raise StoreUnavailable(
            "PostgreSQL has synchronous_commit off, and may lose what it has committed: "
            f"ALTER DATABASE {connection.engine.url.database} SET synchronous_commit = on"
        )


def _arguments(url: URL) -> dict[str, Any]:
    """Give what a connection is made with, beside what the address says."""
    given = url.query.get("options", "")
    options = [f"-c {name}={value}" for name, value in _SESSION.items()]
    options += [given] if isinstance(given, str) else given  # of two, the later one counts
    ours = {name: value for name, value in _CONNECTION.items() if name not in url.query}
    return {**ours, "options": " ".join(options)}


class _Watch:
    """Cuts connections on which PostgreSQL owes an answer for too long."""

    def __init__(self, engine: Engine) -> None:
        self._asked_at: dict[int, float] = {}
        self._lines: dict[int, socket.socket] = {}
        self._hangs = False
        self._trying = threading.Lock()
        self._starting = threading.Lock()
        self._ended = threading.Event()
        self._ended.set()
        event.listen(engine, "do_connect", self._connect)
        event.listen(engine, "connect", self._take_in)
        event.listen(engine, "close", self._let_go)
        event.listen(engine, "checkout", self._require_alive)
        event.listen(engine, "checkin", self._note_end)
        event.listen(engine, "before_cursor_execute", self._note_statement)
        event.listen(engine, "after_cursor_execute", self._note_answer)
        event.listen(engine, "commit", self._note_transaction_end)
        event.listen(engine, "rollback", self._note_transaction_end)
        event.listen(engine, "engine_disposed", self._end)

    def _connect(
        self,
        dialect: Dialect,
        _record: ConnectionPoolEntry,
        arguments: list[Any],
        named: dict[str, Any],
    ) -> Any:  # noqa: ANN401 - the driver's connection
        """Make a connection; while PostgreSQL hangs, one thread at a time tries."""
        if not self._hangs:
            return self._try(dialect, arguments, named)
        if not self._trying.acquire(blocking=False):
            raise _errors(dialect).OperationalError("PostgreSQL does not answer")
        try:
            return self._try(dialect, arguments, named)
        finally:
            self._trying.release()

    def _try(self, dialect: Dialect, arguments: list[Any], named: dict[str, Any]) -> Any:  # noqa: ANN401
        begun_at = time.monotonic()
        try:
            connection = dialect.connect(*arguments, **named)
        except _errors(dialect).OperationalError:
            self._hangs = time.monotonic() - begun_at >= CONNECT_LIMIT_S / 2
            raise
        self._hangs = False
        return connection

    def _take_in(self, connection: Driver, _record: ConnectionPoolEntry) -> None:
        # A descriptor of our own: the driver's may be another connection's by the time we cut.
        self._lines[id(connection)] = socket.socket(fileno=os.dup(connection.fileno()))
        with self._starting:
            if self._ended.is_set():
                self._ended = threading.Event()
                threading.Thread(
                    target=self._run, args=(self._ended,), name="postgresql-watch", daemon=True
                ).start()

    def _let_go(self, connection: Driver, _record: ConnectionPoolEntry) -> None:
        self._asked_at.pop(id(connection), None)
        line = self._lines.pop(id(connection), None)
        if line is not None:
            line.close()

    def _require_alive(self, connection: Driver, _record: object, _proxy: object) -> None:
        """Refuse a connection that PostgreSQL has closed: it has something to read, its end."""
        line = self._lines.get(id(connection))
        if line is None or _has_something_to_read(line):
            raise DisconnectionError

    def _note_statement(self, _connection: Connection, cursor: Any, *_more: object) -> None:  # noqa: ANN401
        self._asked_at[id(cursor.connection)] = time.monotonic()

    def _note_answer(self, _connection: Connection, cursor: Any, *_more: object) -> None:  # noqa: ANN401
        self._asked_at.pop(id(cursor.connection), None)

    def _note_transaction_end(self, connection: Connection) -> None:
        if not connection.invalidated:
            self._asked_at[id(connection.connection.dbapi_connection)] = time.monotonic()

    def _note_end(self, connection: Driver | None, _record: ConnectionPoolEntry) -> None:
        self._asked_at.pop(id(connection), None)

    def _end(self, _engine: Engine) -> None:
        self._ended.set()

    def _run(self, ended: threading.Event) -> None:
        while not ended.wait(_WATCH_EVERY_S):
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Cut what has waited for too long."""
        waiting = list(self._asked_at.items())
        limit_s = CROWD_LIMIT_S if len(waiting) >= CROWD else ANSWER_LIMIT_S
        for key, asked_at in waiting:
            line = self._lines.get(key)
            if now - asked_at > limit_s and line is not None:
                self._hangs = True
                _cut(line)


def _has_something_to_read(line: socket.socket) -> bool:
    poll = select.poll()  # select() knows no descriptors above 1023
    poll.register(line, select.POLLIN)
    return bool(poll.poll(0))


def _cut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended by itself
        return


def _errors(dialect: Dialect) -> Any:  # noqa: ANN401 - the driver's module
    return dialect.loaded_dbapi
