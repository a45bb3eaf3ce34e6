"""Pruning: removes what has ended and is old, in steps so small that nobody waits for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, select

from msp_server.messages.outgoing_file import files_from_json
from msp_server.store.base import Database
from msp_server.store.schema import (
    CONVERSATIONS,
    FETCHES,
    INBOX,
    OUTBOX,
    PAYMENTS,
    SIGN_INS,
    InboxState,
    OutboxState,
    PaymentState,
)
from msp_server.store.upkeep import Direction

#: How many messages go in one transaction.
STEP: Final = 200
#: How long the id of a received message is kept in any case, seconds: a message that Apple repeats
#: would be new again without it. Assumed: nobody says how long Apple tries.
REPEATED_WITHIN_S: Final = 2 * 86_400.0

_TABLES: Final[dict[Direction, Table]] = {"in": INBOX, "out": OUTBOX}
_ENDED: Final = {"in": InboxState.ANSWERED, "out": OutboxState.SENT}
_BURIED: Final = {"in": InboxState.BURIED, "out": OutboxState.BURIED}
#: Payments that nothing more happens to.
_OVER: Final = (
    PaymentState.ASKED,
    PaymentState.REFUSED,
    PaymentState.AUTHORISED,
    PaymentState.TRACKED,
)


@dataclass(frozen=True)
class Cut:
    """What is removed."""

    #: What has ended before, in seconds since 1970.
    before: float
    #: What was received before: later than `before` is only what cannot be.
    received_before: float
    #: Whether what was given up goes too, and payments that nobody knows the end of.
    buried: bool

    @classmethod
    def of(cls, before: float, now: float, *, buried: bool = False) -> "Cut":
        """Cut off what has ended before, save ids that Apple may still repeat."""
        return cls(before, min(before, now - REPEATED_WITHIN_S), buried)


@dataclass(frozen=True)
class Page:
    """Messages that can go together."""

    direction: Direction
    seqs: Sequence[int]
    #: How many places of the history were looked through to find them.
    passed: int


@dataclass(frozen=True)
class Pruned:
    """What is no more."""

    received: int = 0
    sent: int = 0
    conversations: int = 0
    #: Our own names of files that nobody needs any more: what customers sent, and what did not go.
    attachments: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()


class Pruning:
    """Finds what can go, and removes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def span(self, cut: Cut) -> int:
        """Say how many places of the history are to be looked through."""
        with self._database.read() as connection:
            ranges = (_range(connection, direction, cut) for direction in _TABLES)
            return sum(until - first for first, until in ranges)

    def find(self, cut: Cut) -> Iterator[Page]:
        """Find what can go, oldest first, whether what was found before has gone or not."""
        for direction, table in _TABLES.items():
            with self._database.read() as connection:
                first, until = _range(connection, direction, cut)
            last = first - 1
            conditions = [table.c.seq < until, *_can_go(direction, cut)]
            while True:
                page = select(table.c.seq).where(table.c.seq > last, *conditions)
                with self._database.read() as connection:
                    seqs = list(connection.scalars(page.order_by(table.c.seq).limit(STEP)))
                if not seqs:
                    break
                yield Page(direction, seqs, seqs[-1] - last)
                last = seqs[-1]

    def remove(self, page: Page, cut: Cut) -> Pruned:
        """Remove messages with all that belongs to them, and conversations left with nothing.

        The files of what is removed are to be removed after it, by their names.
        """
        remove = _remove_received if page.direction == "in" else _remove_sent
        table = _TABLES[page.direction]
        names = ("seq", "message_id", "conversation_id", *(["files"] if table is OUTBOX else []))
        wanted = select(*(table.c[name] for name in names)).where(
            table.c.seq.in_(page.seqs), *_can_go(page.direction, cut)
        )
        with self._database.write() as connection:
            # Who works on one of them, or removes it too, keeps it.
            rows = connection.execute(
                wanted.order_by(table.c.seq).with_for_update(of=table, skip_locked=True)
            ).all()
            if not rows:
                return Pruned()
            pruned = remove(connection, rows)
            forgotten = _forget_empty(connection, {row.conversation_id for row in rows})
        return replace(pruned, conversations=forgotten)


def _range(connection: Connection, direction: Direction, cut: Cut) -> tuple[int, int]:
    """Give the first place of a direction, and the first of what is too young.

    It is searched for by halves, for places are given as time goes on. A clock that was set in
    between makes this miss its mark: then less goes, or more is looked through.
    """
    table = _TABLES[direction]
    before = cut.received_before if direction == "in" else cut.before
    first, last = connection.execute(
        select(func.coalesce(func.min(table.c.seq), 0), func.coalesce(func.max(table.c.seq), -1))
    ).one()
    low, high = first, last + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            select(table.c.seq, table.c.created_at)
            .where(table.c.seq >= middle)
            .order_by(table.c.seq)
            .limit(1)
        ).first()
        if row is not None and row.created_at < before:
            low = row.seq + 1
        else:
            high = middle
    return first, low


def _can_go(direction: Direction, cut: Cut) -> list[ColumnElement[bool]]:
    """Give the conditions of what has ended, long enough ago, and with all that belongs to it."""
    table = _TABLES[direction]
    states = [_ENDED[direction], *([_BURIED[direction]] if cut.buried else [])]
    conditions = [table.c.state.in_(states), table.c.finished_at < cut.before]
    if direction == "in":
        open_fetch = exists().where(
            FETCHES.c.inbox_seq == INBOX.c.seq, FETCHES.c.due_at.isnot(None)
        )
        return [*conditions, INBOX.c.created_at < cut.received_before, ~open_fetch]
    return [*conditions, ~_payment_goes_on(cut), ~_sign_in_goes_on(cut)]


def _payment_goes_on(cut: Cut) -> ColumnElement[bool]:
    over = [*_OVER, *([PaymentState.UNCLEAR] if cut.buried else [])]
    return exists().where(
        PAYMENTS.c.message_id == OUTBOX.c.message_id,
        PAYMENTS.c.state.not_in(over) | (PAYMENTS.c.expires_at >= cut.before),
    )


def _sign_in_goes_on(cut: Cut) -> ColumnElement[bool]:
    return exists().where(
        SIGN_INS.c.message_id == OUTBOX.c.message_id,
        SIGN_INS.c.user.isnot(None) | (SIGN_INS.c.expires_at >= cut.before),
    )


def _remove_received(connection: Connection, rows: Sequence[Any]) -> Pruned:
    seqs = [row.seq for row in rows]
    files = connection.scalars(
        delete(FETCHES).where(FETCHES.c.inbox_seq.in_(seqs)).returning(FETCHES.c.file)
    )
    attachments = tuple(file for file in files if file is not None)
    connection.execute(delete(INBOX).where(INBOX.c.seq.in_(seqs)))
    return Pruned(received=len(seqs), attachments=attachments)


def _remove_sent(connection: Connection, rows: Sequence[Any]) -> Pruned:
    message_ids = [row.message_id for row in rows]
    for table in (PAYMENTS, SIGN_INS):
        connection.execute(delete(table).where(table.c.message_id.in_(message_ids)))
    connection.execute(delete(OUTBOX).where(OUTBOX.c.seq.in_([row.seq for row in rows])))
    outgoing = tuple(file.file for row in rows for file in files_from_json(row.files))
    return Pruned(sent=len(rows), outgoing=outgoing)


def _forget_empty(connection: Connection, conversation_ids: set[str]) -> int:
    """Remove those conversations that are left with nothing, and what agents remember of them.

    One that a desk has is kept: without it, the customer's next message would go to the agent.
    """
    idle = (CONVERSATIONS.c.id.in_(conversation_ids), CONVERSATIONS.c.desk.is_(None))
    # Locked first: whoever puts a message in waits, and makes the conversation anew.
    locked = list(
        connection.scalars(
            select(CONVERSATIONS.c.id)
            .where(*idle)
            .order_by(CONVERSATIONS.c.id)
            .with_for_update(skip_locked=True)
        )
    )
    empty = [
        ~exists().where(table.c.conversation_id == CONVERSATIONS.c.id)
        for table in (INBOX, OUTBOX, FETCHES, PAYMENTS, SIGN_INS)
    ]
    gone = connection.execute(delete(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(locked), *empty))
    return gone.rowcount
