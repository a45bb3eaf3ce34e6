"""Export: the whole history, page after page, so that no more than a page is ever in memory.

Each direction is read in the order it was put in, which never changes; the two are merged by time.
What comes next is told by the last place in each: so an export that was cut off goes on exactly
where it ended, whatever has come or was removed meanwhile.
"""

import heapq
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    select,
)

from msp_server.messages.apple_pay import ApplePay
from msp_server.messages.authenticate import Authenticate
from msp_server.store.base import Database
from msp_server.store.fetches import Fetches, FetchRecord
from msp_server.store.payments import PaymentRecord, Payments
from msp_server.store.schema import CONVERSATIONS, INBOX, OUTBOX
from msp_server.store.sign_ins import SignInRecord, SignIns
from msp_server.store.upkeep import Direction

#: How many messages are read at once: the largest measure 2 MiB.
PAGE: Final = 100
#: How long transactions that began before the export are waited for, seconds.
_SETTLE_LIMIT_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.02

_TABLES: Final[dict[Direction, Table]] = {"in": INBOX, "out": OUTBOX}


@dataclass(frozen=True)
class Position:
    """Up to where each direction has come."""

    received: int = 0
    sent: int = 0

    def moved(self, message: "ExportedMessage") -> "Position":
        """Give the position after a message."""
        if message.direction == "in":
            return Position(message.row.seq, self.sent)
        return Position(self.received, message.row.seq)


@dataclass(frozen=True)
class Wanted:
    """What is exported."""

    #: Only what came or was put out since, in seconds since 1970.
    since: float | None = None
    conversation_id: str | None = None


@dataclass(frozen=True)
class ExportedMessage:
    """One message with all that belongs to it."""

    direction: Direction
    #: Its columns, those of its conversation's addresses with them.
    row: Row[Any]
    fetches: Sequence[FetchRecord] = ()
    payment: PaymentRecord | None = None
    sign_in: SignInRecord | None = None


class Export:
    """Reads everything, oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fetches = Fetches(database)
        self._payments = Payments(database)
        self._sign_ins = SignIns(database)

    def end(self) -> Position:
        """Give where the history ends now; all before it is committed, or never will be."""
        with self._database.read() as connection:
            end = Position(*(_last_seq(connection, table) for table in _TABLES.values()))
            if connection.dialect.name == "postgresql":
                _await_earlier(connection)
            return end

    def messages(self, start: Position, end: Position, wanted: Wanted) -> Iterator[ExportedMessage]:
        """Give the messages after `start`, up to `end`.

        Of both directions the older one comes next; of equally old ones, the received.
        """
        return heapq.merge(
            self._stream("in", start.received, end.received, wanted),
            self._stream("out", start.sent, end.sent, wanted),
            key=lambda message: message.row.created_at,
        )

    def _stream(
        self, direction: Direction, after: int, until: int, wanted: Wanted
    ) -> Iterator[ExportedMessage]:
        page = _page(_TABLES[direction], wanted)
        while True:
            with self._database.read() as connection:
                rows = connection.execute(page, {"after": after, "until": until}).all()
            if not rows:
                return
            yield from self._with_belongings(direction, rows)
            after = rows[-1].seq

    def _with_belongings(
        self, direction: Direction, rows: Sequence[Row[Any]]
    ) -> Iterator[ExportedMessage]:
        if direction == "in":
            fetches = self._fetches.of_several([row.seq for row in rows])
            for row in rows:
                yield ExportedMessage(direction, row, fetches.get(row.seq, ()))
            return
        asked = _ids_of(rows, ApplePay)
        payments = self._payments.of_messages(asked) if asked else {}
        asked = _ids_of(rows, Authenticate)
        sign_ins = self._sign_ins.of_messages(asked) if asked else {}
        for row in rows:
            yield ExportedMessage(
                direction,
                row,
                payment=payments.get(row.message_id),
                sign_in=sign_ins.get(row.message_id),
            )


def _page(table: Table, wanted: Wanted) -> Select[Any]:
    after = bindparam("after", type_=table.c.seq.type)
    until = bindparam("until", type_=table.c.seq.type)
    places = select(table.c.seq).where(table.c.seq > after, table.c.seq <= until)
    if wanted.since is not None:
        places = places.where(table.c.created_at >= wanted.since)
    if wanted.conversation_id is not None:
        places = places.where(table.c.conversation_id == wanted.conversation_id)
    # Places first: an index alone may tell them, and large bodies are read of this page only.
    chosen = places.order_by(table.c.seq).limit(PAGE).subquery()
    return (
        select(table, CONVERSATIONS.c.business_id, CONVERSATIONS.c.customer_id)
        .join(chosen, chosen.c.seq == table.c.seq)
        .join(CONVERSATIONS, CONVERSATIONS.c.id == table.c.conversation_id)
        .order_by(table.c.seq)
    )


def _ids_of(rows: Sequence[Row[Any]], kind: type) -> list[str]:
    return [row.message_id for row in rows if row.kind == kind.__name__]


def _last_seq(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.max(table.c.seq))) or 0


def _await_earlier(connection: Connection) -> None:
    """Wait until what is under way has ended: PostgreSQL gives places before it commits.

    What takes longer than any transaction of ours is somebody else's, and not waited for.
    """
    ours = select(_number(func.pg_current_xact_id()))  # later than all that have begun
    oldest = select(_number(func.pg_snapshot_xmin(func.pg_current_snapshot())))
    begun = connection.execute(ours).scalar_one()
    deadline = time.monotonic() + _SETTLE_LIMIT_S
    while connection.execute(oldest).scalar_one() < begun and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)


def _number(transaction: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(cast(transaction, Text), BigInteger)
