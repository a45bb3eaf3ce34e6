"""What every part of the store stands on: transactions, and entries that are claimed in order."""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Column, Connection, Engine, Row, Table, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from msp_server.errors import StoreBusy, StoreUnavailable
from msp_server.store.schema import CONVERSATIONS

#: How long a writer waits for its turn before it gives up.
_TURN_LIMIT_S: Final = 5.0
#: The longest reason that is kept.
_REASON_LIMIT_CHARS: Final = 2000
_BUSY_WORDS: Final = ("database is locked", "database table is locked", "deadlock detected")


class Database:
    """Transactions on one engine, with its errors translated."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(msp_writes=True)
        # SQLite has one writer at a time. Those of this process wait here, where the next one is
        # woken at once, and not at the file, where each sleeps for longer and longer.
        self._one_writer = threading.Lock() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is committed when the block ends, unless it raises.

        Raises:
            StoreBusy: other writers were too many for too long.
            StoreUnavailable: the database cannot be reached or written.
        """
        with self._turn(), _translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads; raises what `write` does."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._one_writer is None:
            yield
            return
        if not self._one_writer.acquire(timeout=_TURN_LIMIT_S):
            raise StoreBusy("store is busy: too many writers of this process wait")
        try:
            yield
        finally:
            self._one_writer.release()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreBusy("store has no free connection") from error
    except OperationalError as error:
        said = " ".join(str(error.orig).split())  # PostgreSQL speaks in several lines
        if any(words in said for words in _BUSY_WORDS):
            raise StoreBusy(f"store is busy: {said}") from error
        raise StoreUnavailable(f"store cannot be used: {said}") from error
    except DBAPIError as error:
        # PostgreSQL quotes values in what it says, SQLite does not.
        orig = error.orig
        refusal = orig if isinstance(orig, sqlite3.Error) else type(orig).__name__
        raise StoreUnavailable(f"store refused: {refusal}") from error


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
        held = (self.table.c.seq == entry.seq, self.table.c.claim == entry.claim)
        with self._database.write() as connection:
            lock_conversation(connection, entry.conversation_id)
            if connection.execute(select(self.table.c.seq).where(*held)).first() is not None:
                self._set_due(connection, entry.conversation_id, now + lease_s)

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
                update(self.table).where(claimed).values(state=self.waiting_state, claim=None)
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
        is_due = select(CONVERSATIONS.c.id).where(self.due <= now).order_by(self.due).limit(1)
        with self._database.read() as connection:
            if connection.execute(is_due).first() is None:
                return None
        is_due = is_due.with_for_update(skip_locked=True)
        with self._database.write() as connection:
            while (conversation_id := connection.scalar(is_due)) is not None:
                self._drop_abandoned(connection, now, conversation_id)
                row = self._oldest_waiting(connection, conversation_id)
                if row is not None and not self._is_ready(connection, row):
                    row = None
                self._set_due(connection, conversation_id, None if row is None else now + lease_s)
                if row is not None:
                    return self._take(connection, row)
        return None

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
        connection.execute(
            update(self.table)
            .where(self.table.c.seq == entry.seq)
            .values(state=self.claimed_state, claim=entry.claim, attempts=entry.attempts)
        )
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
        more = self._oldest_waiting(connection, entry.conversation_id)
        due = now if next_at is None else next_at
        self._set_due(connection, entry.conversation_id, None if more is None else due)
        return True

    def _change(self, connection: Connection, entry: Entry, values: dict[str, Any]) -> bool:
        """Change a claimed entry, if it is still ours."""
        held = (self.table.c.seq == entry.seq, self.table.c.claim == entry.claim)
        return connection.execute(update(self.table).where(*held).values(values)).rowcount == 1

    def _oldest_waiting(self, connection: Connection, conversation_id: str) -> Row[Any] | None:
        return connection.execute(
            select(self.table)
            .where(
                self.table.c.conversation_id == conversation_id,
                # Literal, or SQLite does not see that the index of waiting entries fits.
                self.table.c.state.in_(
                    [
                        literal(str(self.waiting_state), literal_execute=True),
                        literal(str(self.claimed_state), literal_execute=True),
                    ]
                ),
            )
            .order_by(self.table.c.seq)
            .limit(1)
        ).first()

    def _set_due(self, connection: Connection, conversation_id: str, at: float | None) -> None:
        connection.execute(
            update(CONVERSATIONS)
            .where(CONVERSATIONS.c.id == conversation_id)
            .values({self.due: at})
        )


def fit(reason: str | None) -> str | None:
    """Make a reason fit for a column of text, whatever it quotes."""
    if reason is None:
        return None
    return reason.encode("utf-8", "replace").decode().replace("\0", "?")[:_REASON_LIMIT_CHARS]


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Begin an insert that can say what happens on a conflict; each database has its own."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def lock_conversation(connection: Connection, conversation_id: str) -> Row[Any]:
    """Read a conversation and keep others from changing it until this transaction ends."""
    return connection.execute(
        select(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id).with_for_update()
    ).one()
