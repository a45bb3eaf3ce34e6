"""Upkeep: what was given up, for a person to look at, and to be tried again when they say so."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, literal, select, update
from sqlalchemy import union_all as all_of

from msp_server.messages.ids import BusinessId, OpaqueId
from msp_server.messages.outgoing_file import files_from_json
from msp_server.store.base import Database, fit
from msp_server.store.outbox import CLOSED
from msp_server.store.schema import (
    CONVERSATIONS,
    INBOX,
    OUTBOX,
    PAYMENTS,
    SIGN_INS,
    InboxState,
    OutboxState,
    PaymentState,
    SignInState,
)

#: How many messages are looked at together.
_PAGE: Final = 200
#: Payments that may be asked for again: another card may do.
_ASKABLE: Final = (PaymentState.ASKED, PaymentState.REFUSED)

#: Whether a message came in or goes out.
Direction = Literal["in", "out"]

#: What is to be sent is looked at first.
_TABLES: Final[dict[Direction, Table]] = {"out": OUTBOX, "in": INBOX}


@dataclass(frozen=True)
class BuriedMessage:
    """One message that was given up."""

    direction: Direction
    message_id: str
    conversation_id: str
    business_id: BusinessId
    customer_id: OpaqueId
    kind: str
    reason: str | None
    #: Seconds since 1970.
    created_at: float
    buried_at: float
    #: How many attempts to send it ended without an answer; 0 for what was received.
    unsure: int = 0


class Outcome(StrEnum):
    """What becomes of a message that is to be tried again."""

    #: A received message goes to the agent, one to be sent to the gateway.
    AGAIN = "goes again"
    #: A desk has the conversation, and so the message.
    HELD = "is held for the desk that has the conversation"
    LEFT = "the customer closed the conversation after it: what was said before gets no answer"
    OVER = "the payment or sign-in that it asks for is over: ask anew"
    FILE_GONE = "its file is not there any more: send it anew"
    NOT_BURIED = "it is not buried"


#: Where a message begins anew.
_BEGINNINGS: Final[dict[tuple[str, Outcome], dict[str, Any]]] = {
    (INBOX.name, Outcome.AGAIN): {"state": InboxState.RECEIVED, "attempts": 0},
    (INBOX.name, Outcome.HELD): {"state": InboxState.HELD, "attempts": 0},
    (OUTBOX.name, Outcome.AGAIN): {"state": OutboxState.PENDING},
}


@dataclass(frozen=True)
class Replayed:
    """What became of one message."""

    direction: Direction
    message_id: str
    outcome: Outcome


class Upkeep:
    """Looks after what was given up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def buried(self, limit: int, conversation_id: str | None = None) -> Sequence[BuriedMessage]:
        """Give what was given up last in both directions, the newest last."""
        both = all_of(
            _newest_buried("in", limit, conversation_id),
            _newest_buried("out", limit, conversation_id),
        ).subquery()
        newest = (
            select(both, CONVERSATIONS.c.business_id, CONVERSATIONS.c.customer_id)
            .join(CONVERSATIONS, CONVERSATIONS.c.id == both.c.conversation_id)
            .order_by(both.c.buried_at.desc(), both.c.direction, both.c.seq.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(newest).all()
        return [_record(row) for row in reversed(rows)]

    def count_buried(self) -> int:
        """Say how much was given up."""
        with self._database.read() as connection:
            counts = (
                select(func.count()).select_from(table).where(_is_buried(table))
                for table in (INBOX, OUTBOX)
            )
            return sum(connection.scalar(count) or 0 for count in counts)

    def replay(self, message_id: str, now: float, is_there: Callable[[str], bool]) -> Replayed:
        """Let a buried message be tried again, with the same id and the same bytes.

        Args:
            message_id: of a message of either direction.
            now: seconds since 1970.
            is_there: tells of a file to be sent, by our own name of it, whether it is there.

        Raises:
            KeyError: there is no such message.
        """
        for direction, table in _TABLES.items():
            known = select(table.c.seq, table.c.conversation_id).where(
                table.c.message_id == fit(message_id)
            )
            with self._database.read() as connection:
                row = connection.execute(known).first()
            if row is not None:
                replayed = self._replay(direction, row.conversation_id, [row.seq], (now, is_there))
                return (*replayed, Replayed(direction, message_id, Outcome.NOT_BURIED))[0]
        raise KeyError(message_id)

    def replay_all(
        self, now: Callable[[], float], is_there: Callable[[str], bool]
    ) -> Iterator[Sequence[Replayed]]:
        """Let everything that is buried be tried again, a few messages of a conversation at a time.

        What is to be sent comes first, so that it stays before what the agent answers now. Each
        step is committed when it is given; who ends in between loses nothing, and begins anew.

        Args:
            now: gives seconds since 1970.
            is_there: as in `replay`.
        """
        for direction in _TABLES:
            for page in self._pages(direction):
                for conversation_id, group in groupby(sorted(page), lambda place: place[0]):
                    seqs = [seq for _, seq in group]
                    yield self._replay(direction, conversation_id, seqs, (now(), is_there))

    def _pages(self, direction: Direction) -> Iterator[list[tuple[str, int]]]:
        """Give what is buried, oldest first, by conversation and place."""
        table = _TABLES[direction]
        last = 0
        while True:
            page = (
                select(table.c.seq, table.c.conversation_id)
                .where(_is_buried(table), table.c.seq > last)
                .order_by(table.c.seq)
                .limit(_PAGE)
            )
            with self._database.read() as connection:
                places = [(row.conversation_id, row.seq) for row in connection.execute(page)]
            if not places:
                return
            yield places
            last = places[-1][1]

    def _replay(
        self,
        direction: Direction,
        conversation_id: str,
        seqs: Sequence[int],
        given: tuple[float, Callable[[str], bool]],
    ) -> Sequence[Replayed]:
        """Let those of some messages of one conversation be tried again that can be."""
        table = _TABLES[direction]
        wanted = select(table).where(table.c.seq.in_(seqs), _is_buried(table))
        judge = _judge_received if direction == "in" else _judge_sent
        with self._database.write() as connection:
            conversation = connection.execute(_locked(conversation_id)).first()
            if conversation is None:
                return ()  # pruned meanwhile, with all that was in it
            rows = connection.execute(wanted.order_by(table.c.seq).with_for_update()).all()
            outcomes = {row.seq: judge(connection, conversation, row, *given) for row in rows}
            for outcome in (Outcome.AGAIN, Outcome.HELD):
                chosen = [seq for seq, found in outcomes.items() if found is outcome]
                if chosen:
                    _let_go(connection, table, chosen, outcome)
            if Outcome.AGAIN in outcomes.values():
                _make_due(connection, table, conversation, given[0])
        return [Replayed(direction, row.message_id, outcomes[row.seq]) for row in rows]


def _locked(conversation_id: str) -> Select[Any]:
    return select(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id).with_for_update()


def _is_buried(table: Table) -> ColumnElement[bool]:
    # Literal, or the database does not see that the index of buried entries fits.
    return table.c.state == literal(str(InboxState.BURIED), literal_execute=True)


def _newest_buried(direction: Direction, limit: int, conversation_id: str | None) -> Select[Any]:
    table = _TABLES[direction]
    names = ("seq", "message_id", "conversation_id", "kind", "reason", "created_at")
    buried_at = func.coalesce(table.c.finished_at, table.c.created_at).label("buried_at")
    unsure = table.c.unsure if table is OUTBOX else literal(0).label("unsure")
    wanted = select(
        literal(direction).label("direction"), *(table.c[name] for name in names), buried_at, unsure
    ).where(_is_buried(table))
    if conversation_id is not None:
        wanted = wanted.where(table.c.conversation_id == conversation_id)
    return wanted.order_by(buried_at.desc(), table.c.seq.desc()).limit(limit).subquery().select()


def _judge_received(
    _connection: Connection,
    conversation: Row[Any],
    row: Row[Any],
    _now: float,
    _is_there: Callable[[str], bool],
) -> Outcome:
    if conversation.closed or row.seq <= conversation.closed_seq:
        return Outcome.LEFT
    return Outcome.AGAIN if conversation.desk is None else Outcome.HELD


def _judge_sent(
    connection: Connection,
    conversation: Row[Any],
    row: Row[Any],
    now: float,
    is_there: Callable[[str], bool],
) -> Outcome:
    if conversation.closed or row.reason == CLOSED or _closed_since(connection, conversation, row):
        return Outcome.LEFT
    if _asks_for_what_is_over(connection, row.message_id, now):
        return Outcome.OVER
    if not row.uploaded and not all(is_there(file.file) for file in files_from_json(row.files)):
        return Outcome.FILE_GONE
    return Outcome.AGAIN


def _closed_since(connection: Connection, conversation: Row[Any], row: Row[Any]) -> bool:
    """Tell whether the customer left after a message was put out, though they came back."""
    closed_at = connection.scalar(
        select(INBOX.c.created_at).where(INBOX.c.seq == conversation.closed_seq)
    )
    return closed_at is not None and row.created_at <= closed_at


def _asks_for_what_is_over(connection: Connection, message_id: str, now: float) -> bool:
    paid = select(PAYMENTS.c.seq).where(
        PAYMENTS.c.message_id == message_id, PAYMENTS.c.state.not_in(_ASKABLE)
    )
    # The key of a sign-in is forgotten when its time is up.
    over = (SIGN_INS.c.stage != SignInState.ASKED) | (SIGN_INS.c.expires_at <= now)
    signed_in = select(SIGN_INS.c.seq).where(SIGN_INS.c.message_id == message_id, over)
    return any(connection.execute(found).first() is not None for found in (paid, signed_in))


def _let_go(connection: Connection, table: Table, seqs: Sequence[int], outcome: Outcome) -> None:
    values: dict[str, Any] = dict.fromkeys(("claim", "reason", "failing_since", "finished_at"))
    values |= _BEGINNINGS[table.name, outcome]
    connection.execute(update(table).where(table.c.seq.in_(seqs)).values(values))


def _make_due(connection: Connection, table: Table, conversation: Row[Any], now: float) -> None:
    """Let a conversation go on, unless something in it is under work: then it goes on after it."""
    due = CONVERSATIONS.c.answer_at if table is INBOX else CONVERSATIONS.c.send_at
    under_work = select(table.c.seq).where(
        table.c.conversation_id == conversation.id,
        table.c.state == literal(str(InboxState.CLAIMED), literal_execute=True),
    )
    if connection.execute(under_work.limit(1)).first() is None:
        connection.execute(
            update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation.id).values({due: now})
        )


def _record(row: Row[Any]) -> BuriedMessage:
    return BuriedMessage(
        direction=row.direction,
        message_id=row.message_id,
        conversation_id=row.conversation_id,
        business_id=row.business_id,
        customer_id=row.customer_id,
        kind=row.kind,
        reason=row.reason,
        created_at=row.created_at,
        buried_at=row.buried_at,
        unsure=row.unsure,
    )
