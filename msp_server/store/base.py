"""What every part of the store stands on: transactions, and entries that are claimed in order."""

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Final, TypeVar

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    Table,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from msp_server import metrics
from msp_server.errors import StoreBusy, StoreError, StoreUnavailable
from msp_server.store.group import Group
from msp_server.store.schema import CONVERSATIONS
from msp_server.store.statements import (
    CHANGE_CONVERSATION,
    LOCK_CONVERSATION,
    NOW,
    Statements,
    make_statements,
)

#: What is due later than this is due by another clock than ours, which was set back since, or runs
#: on another machine: 300 s are the longest lease and the longest delay, the rest is for clocks
#: that differ a little.
FAR_FUTURE_S: Final = 330.0
#: The longest reason that is kept.
_REASON_LIMIT_CHARS: Final = 2000
#: Makes an insert that can say what happens on a conflict, by the name of the database.
INSERTS: Final[dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
_BUSY_WORDS: Final = (
    "database is locked",
    "database table is locked",
    "deadlock detected",
    "due to lock timeout",
    "due to statement timeout",
)

T = TypeVar("T")


class Database:
    """Transactions on one engine, with its errors translated."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(msp_writes=True)
        self._looker = engine.execution_options(msp_looks=True)
        self._group = Group(self._writer) if engine.dialect.name == "sqlite" else None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is committed when the block ends, unless it raises.

        Raises:
            StoreBusy: other writers were too many for too long.
            StoreUnavailable: the database cannot be reached or written.
        """
        begin = self._writer.begin if self._group is None else self._group.write
        with translated(), begin() as connection:
            yield connection

    def do(self, work: Callable[[Connection], T]) -> T:
        """Do a short work in a transaction, and give what it gives, once that is committed.

        On SQLite, works that wait at the same time share a commit, and one thread does all.

        Raises:
            StoreBusy, StoreUnavailable: as `write` does; then nothing of the work is left.
        """
        with translated():
            if self._group is not None:
                return self._group.do(work)
            with self._writer.begin() as connection:
                return work(connection)

    def do_first(self, work: Callable[[Connection], T]) -> T:
        """Do what `do` does, before all others of this process who wait for it."""
        if self._group is None:
            return self.do(work)
        with translated():
            return self._group.do_first(work)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads; raises what `write` does."""
        with translated(), self.engine.connect() as connection:
            yield connection

    def first(self, statement: Select[Any], values: Mapping[str, Any]) -> Row[Any] | None:
        """Give the first row of a statement that reads, or None; raises what `write` does.

        On SQLite it needs no transaction, which would be two calls more for each look.
        """
        with translated(), self._looker.connect() as connection:
            return connection.execute(statement, values).first()

    def close(self) -> None:
        """Close every connection."""
        if self._group is not None:
            self._group.close()
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of ours for those of the database, and count them."""
    try:
        yield
    except StoreError as error:
        _count(error)
        raise
    except (PoolTimeoutError, DBAPIError, sqlite3.Error) as error:
        ours = _translate(error)
        _count(ours)
        raise ours from error


def _translate(error: PoolTimeoutError | DBAPIError | sqlite3.Error) -> StoreError:
    if isinstance(error, PoolTimeoutError):
        return StoreBusy("store has no free connection")
    orig = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, OperationalError | sqlite3.OperationalError):
        said = " ".join(str(orig).split())  # PostgreSQL speaks in several lines
        if any(words in said for words in _BUSY_WORDS):
            return StoreBusy(f"store is busy: {said}")
        return StoreUnavailable(f"store cannot be used: {said}")
    # PostgreSQL quotes values in what it says, SQLite does not.
    refusal = orig if isinstance(orig, sqlite3.Error) else type(orig).__name__
    return StoreUnavailable(f"store refused: {refusal}")


def _count(error: StoreError) -> None:
    metrics.STORE_ERRORS.labels(type(error).__name__).inc()


@dataclass(frozen=True)
class Entry:
    """One stored message, claimed by whoever holds this value."""

    seq: int
    message_id: str
    conversation_id: str
    kind: str
    headers: dict[str, str]
    packed: bytes
    #: How often it was claimed, this time included.
    attempts: int
    #: When it was put in, seconds since 1970.
    created_at: float
    #: Since when it fails, in seconds since 1970; None before its first failure.
    failing_since: float | None
    claim: str
    #: Files that go with it, as JSON; None for none.
    files: str | None = None
    #: Whether they are uploaded: then `packed` names them.
    uploaded: bool = True
    #: Which of the gateway's endpoints takes it; empty for what was received.
    endpoint: str = ""
    #: How many attempts to send it ended without an answer: each may have been accepted.
    unsure: int = 0
    #: Whether something else was due when it was claimed.
    more_due: bool = False


class Entries:
    """Stored messages that are worked off in the order of their conversation.

    Within a conversation the oldest waiting entry is claimed, and none beside it; conversations
    never wait for each other.
    """

    table: ClassVar[Table]
    #: The column of `conversations` that says when the next entry is due.
    due: ClassVar["Column[float]"]
    waiting_state: ClassVar[str]
    claimed_state: ClassVar[str]
    buried_state: ClassVar[str]

    def __init__(self, database: Database) -> None:
        self._database = database

    def bury(self, entry: Entry, reason: str, now: float) -> bool:
        """Give an entry up, for a person to look at.

        Returns:
            False when the claim had been lost meanwhile; then nothing was changed.
        """
        with self._database.write() as connection:
            lock_conversation(connection, entry.conversation_id)
            return self._finish(connection, entry, self.buried_state, now, reason)

    def extend(self, entry: Entry, now: float, lease_s: float) -> None:
        """Keep a claim for another `lease_s` seconds."""
        mine = {"which": entry.seq, "by": entry.claim}
        with self._database.write() as connection:
            lock_conversation(connection, entry.conversation_id)
            if connection.execute(self._statements.held, mine).first() is not None:
                self._set_due(connection, entry.conversation_id, now + lease_s)

    def bring_forward(self, now: float) -> int:
        """Make due what is due so late that our clock must have been set back meanwhile.

        Claims are to be extended before: those that are alive have to be due by our clock.

        Args:
            now: seconds since 1970.

        Returns:
            In how many conversations something was.
        """
        return bring_forward(self._database, CONVERSATIONS.c.id, self.due, now)

    def recover(self, now: float) -> int:
        """Take back every claim; only for the one worker that runs, before it starts.

        Returns:
            How many claims a worker that is no more had left behind.
        """
        claimed = self.table.c.state == self.claimed_state
        of_claimed = CONVERSATIONS.c.id.in_(select(self.table.c.conversation_id).where(claimed))
        with self._database.write() as connection:
            connection.execute(update(CONVERSATIONS).where(of_claimed).values({self.due: now}))
            self._drop_abandoned(connection, now)
            released = connection.execute(
                update(self.table)
                .where(claimed)
                .values(state=self.waiting_state, claim=None, **self._without_word())
            )
            return released.rowcount

    def claim(self, now: float, lease_s: float) -> Entry | None:
        """Claim the oldest entry of the conversation that has been due for longest.

        Args:
            now: seconds since 1970.
            lease_s: after this long without `extend`, another worker may claim it.

        Returns:
            The entry, or None when nothing is due.
        """
        if self._database.first(self._statements.first_due, {"now": now}) is None:
            return None
        return self._database.do(lambda connection: self._claim(connection, now, lease_s))

    def _claim(self, connection: Connection, now: float, lease_s: float) -> Entry | None:
        at = {"now": now}
        which = connection.scalar(self._statements.first_free, at)
        if which is None:  # somebody has it locked, for a moment: wait for that
            which = self._wait_for_one(connection, at)
        while which is not None:
            row = self._next(connection, which, now)
            if row is not None and not self._admits(connection, now):
                return None
            self._set_due(connection, which, None if row is None else now + lease_s)
            if row is not None:
                more_due = connection.scalar(self._statements.first_due, at) is not None
                return replace(self._take(connection, row), more_due=more_due)
            which = connection.scalar(self._statements.first_free, at)
        return None

    def _wait_for_one(self, connection: Connection, at: dict[str, float]) -> str | None:
        """Lock the conversation that is due; who waits for several at once can be in a deadlock."""
        due = connection.scalar(self._statements.first_due, at)
        if due is None:
            return None
        which: str | None = connection.scalar(self._statements.still_due, {"which": due, **at})
        return which or connection.scalar(self._statements.first_free, at)

    @cached_property
    def _statements(self) -> Statements:
        states = (self.waiting_state, self.claimed_state)
        return make_statements(self.table, self.due, states, self._gates(NOW))

    def _next(self, connection: Connection, conversation_id: str, now: float) -> Row[Any] | None:
        """Give the entry of a conversation to be worked on; None when there is none for now."""
        row = self._oldest_waiting(connection, conversation_id)
        if row is not None and row.state == self.claimed_state:  # its holder is no more
            self._drop_abandoned(connection, now, conversation_id)
            row = self._oldest_waiting(connection, conversation_id)
        return row if row is not None and self._is_ready(connection, row) else None

    def _drop_abandoned(
        self, connection: Connection, now: float, conversation_id: str | None = None
    ) -> None:
        """Close entries whose claim has ended and that nobody wants any more.

        Args:
            connection: of the transaction.
            now: seconds since 1970.
            conversation_id: where to look; everywhere if None.
        """

    def _is_ready(self, _connection: Connection, _row: Row[Any]) -> bool:
        """Tell whether an entry can be worked on; who makes it so sets when it is due."""
        return True

    def _gates(self, _now: "BindParameter[float]") -> Sequence[ColumnElement[bool]]:
        """Give what has to hold, beside being due, for anything to be claimed."""
        return ()

    def _admits(self, _connection: Connection, _now: float) -> bool:
        """Let an entry be claimed that is due; False when it is too early for one more."""
        return True

    def _without_word(self) -> dict[str, Any]:
        """Give what is noted of an entry whose claim ended, and nobody said how."""
        return {}

    def _take(self, connection: Connection, row: Row[Any]) -> Entry:
        entry = Entry(
            seq=row.seq,
            message_id=row.message_id,
            conversation_id=row.conversation_id,
            kind=row.kind,
            headers=json.loads(row.headers),
            packed=row.packed,
            attempts=row.attempts + 1,
            created_at=row.created_at,
            failing_since=row.failing_since,
            claim=uuid.uuid4().hex,
        )
        take = self._statements.take
        if row.state == self.claimed_state and (ended := self._without_word()):
            take = take.values(ended)
        values = {"state": self.claimed_state, "claim": entry.claim, "attempts": entry.attempts}
        connection.execute(take, {"which": entry.seq, **values})
        return entry

    def _finish(
        self,
        connection: Connection,
        entry: Entry,
        state: str,
        now: float,
        reason: str | None,
        *,
        next_at: float | None = None,
    ) -> bool:
        """Move a claimed entry to its last state, if it is still ours, and let the next one go.

        The next one goes `next_at`; now if that is None.
        """
        values = {"state": state, "claim": None, "finished_at": now, "reason": fit(reason)}
        if not self._change(connection, entry, values):
            return False
        due = {"which": entry.conversation_id, "at": now if next_at is None else next_at}
        connection.execute(self._statements.go_on, due)
        return True

    def _change(self, connection: Connection, entry: Entry, values: dict[str, Any]) -> bool:
        """Change a claimed entry, if it is still ours."""
        mine = {"which": entry.seq, "by": entry.claim}
        return connection.execute(self._statements.change, {**values, **mine}).rowcount == 1

    def _oldest_waiting(self, connection: Connection, conversation_id: str) -> Row[Any] | None:
        which = {"which": conversation_id}
        return connection.execute(self._statements.oldest_waiting, which).first()

    def _set_due(self, connection: Connection, conversation_id: str, at: float | None) -> None:
        due = {"which": conversation_id, self.due.name: at}
        connection.execute(CHANGE_CONVERSATION, due)


def fit(reason: str | None) -> str | None:
    """Make a reason fit for a column of text, whatever it quotes."""
    if reason is None:
        return None
    return reason.encode("utf-8", "replace").decode().replace("\0", "?")[:_REASON_LIMIT_CHARS]


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Begin an insert that can say what happens on a conflict; each database has its own."""
    return INSERTS[connection.dialect.name](table)


def bring_forward(database: Database, key: "Column[Any]", due: "Column[float]", now: float) -> int:
    """Set `due` to `now` in the rows in which it lies too far ahead, and say how many these are."""
    far = select(key).where(due > now + FAR_FUTURE_S)
    with database.read() as connection:
        if connection.execute(far.limit(1)).first() is None:
            return 0
    free = far.with_for_update(skip_locked=True)  # who holds the others says when they are due
    with database.write() as connection:
        forward = update(key.table).where(key.in_(free)).values({due: now})
        return connection.execute(forward).rowcount


def lock_conversation(connection: Connection, conversation_id: str) -> Row[Any]:
    """Read a conversation and keep others from changing it until this transaction ends."""
    return connection.execute(LOCK_CONVERSATION, {"which": conversation_id}).one()
