"""The inbox: messages received, not yet answered."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from msp_server.errors import ConversationClosed
from msp_server.messages.content import closes, fingerprint, kind_name, needs_answer
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.offer import Offer
from msp_server.messages.reaction import Tapback
from msp_server.store.base import INSERTS, Entries, Entry, fit, lock_conversation
from msp_server.store.conversations import Changes, change, lock, make, told_by
from msp_server.store.fetches import put_fetches, unfetched
from msp_server.store.outbox import (
    bury_closed,
    put_buried_rows,
    put_openings,
    put_rows,
    row_of,
)
from msp_server.store.schema import CONVERSATIONS, INBOX, OUTBOX, Author, InboxState, OutboxState
from msp_server.store.sign_ins import tell
from msp_server.store.taps import REPEATED, find_same_tap

#: Why a message is answered that nobody answered by itself.
BY_DESK: Final = "held for desk {}, which wrote later or gave back"
LEFT: Final = "held for desk {}, and then the customer left"

_NO_CHANGES: Final = Changes()
_INSERT: Final = {
    name: insert(INBOX).on_conflict_do_nothing().returning(INBOX.c.seq)
    for name, insert in INSERTS.items()
}


class Inbox(Entries):
    """Messages received, oldest first within their conversation."""

    table = INBOX
    due = CONVERSATIONS.c.answer_at
    waiting_state = InboxState.RECEIVED
    claimed_state = InboxState.CLAIMED
    buried_state = InboxState.BURIED

    def put(
        self, message: InboundMessage, headers: Mapping[str, str], packed: bytes, now: float
    ) -> bool:
        """Commit a message as it came.

        Args:
            message: what was read from the rest.
            headers: those of `INBOUND_HEADERS` that came.
            packed: the body as the bytes that came.
            now: seconds since 1970.

        Returns:
            Whether it was new; a message with an id seen before changes nothing.

        Raises:
            StoreBusy, StoreUnavailable: it is not committed.
        """
        row = {
            "message_id": message.id,
            "kind": kind_name(message.content),
            "headers": json.dumps(dict(headers)),
            "packed": packed,
            "tap": fingerprint(message.content),
            "attempts": 0,
            "created_at": now,
        }
        return self._database.do_first(lambda connection: _put(connection, message, row, now))

    def finish(
        self,
        entry: Entry,
        answers: Sequence[OutboundMessage],
        now: float,
        changes: Changes = _NO_CHANGES,
    ) -> bool:
        """Note that an entry is answered and put its answers in the outbox, all or nothing.

        Answers to what was said before the customer closed the conversation are buried.

        Args:
            entry: what is answered.
            answers: what is to be sent, in order.
            now: seconds since 1970.
            changes: what the answer leaves behind in the conversation.

        Returns:
            False when the claim had been lost meanwhile; then nothing was changed.

        Raises:
            ContentInvalid: one of the answers cannot be sent as it stands.
        """
        rows = [row_of(answer, now, answers=entry.message_id) for answer in answers]

        def finish(connection: Connection) -> bool:
            conversation = lock_conversation(connection, entry.conversation_id)
            if not self._finish(connection, entry, InboxState.ANSWERED, now, None):
                return False
            too_late = entry.seq <= conversation.closed_seq
            put = put_buried_rows if too_late else put_rows
            put(connection, conversation, rows, now)
            if not too_late:
                put_openings(connection, conversation, answers, now)
            if changes.told_sign_in is not None:
                tell(connection, changes.told_sign_in, entry.message_id)
            _change_conversation(connection, conversation, changes, too_late=too_late)
            if changes.desk is not None and not too_late:
                self._hold_waiting(connection, conversation.id)
            return True

        return self._database.do(finish)

    def packed(self, seq: int) -> bytes:
        """Give the body of a message as the bytes that came.

        Raises:
            KeyError: there is no such message.
        """
        with self._database.read() as connection:
            packed: bytes | None = connection.scalar(
                select(INBOX.c.packed).where(INBOX.c.seq == seq)
            )
        if packed is None:
            raise KeyError(seq)
        return packed

    def take_over(self, conversation_id: str, desk: str, note: str, now: float) -> None:
        """Give a conversation to a desk, with all that waits in it.

        What is under work is answered by the agent all the same.

        Raises:
            ConversationClosed: the customer has left.
        """
        with self._database.write() as connection:
            conversation = lock_conversation(connection, conversation_id)
            if conversation.closed:
                raise ConversationClosed
            change(connection, conversation_id, {"desk": fit(desk), "note": fit(note)})
            claimed = connection.scalar(
                select(INBOX.c.seq).where(
                    INBOX.c.conversation_id == conversation_id,
                    INBOX.c.state == InboxState.CLAIMED,
                )
            )
            self._hold_waiting(connection, conversation_id)
            if claimed is not None:  # it is due again when its lease ends
                self._set_due(connection, conversation_id, conversation.answer_at)

    def give_back(self, conversation_id: str, now: float) -> int:
        """Give a conversation back from its desk to the agent.

        What the customer said after the desk last wrote goes to the agent; what came before, the
        desk has answered.

        Returns:
            How many messages go to the agent.
        """
        with self._database.write() as connection:
            conversation = lock_conversation(connection, conversation_id)
            heard_seq = connection.scalar(
                select(func.max(OUTBOX.c.heard_seq)).where(
                    OUTBOX.c.conversation_id == conversation_id,
                    OUTBOX.c.author == Author.DESK,
                    OUTBOX.c.state != OutboxState.BURIED,
                )
            )
            answered = _held(conversation_id, INBOX.c.seq <= (heard_seq or 0))
            values: dict[str, Any] = {"desk": None, "note": None}
            if _passed_over(connection, conversation, answered):
                values["offer"] = None
            _end_held(connection, answered, BY_DESK.format(conversation.desk), now)
            waiting = connection.execute(
                update(INBOX).where(*_held(conversation_id)).values(state=InboxState.RECEIVED)
            ).rowcount
            if waiting and conversation.answer_at is None:
                values["answer_at"] = now
            change(connection, conversation_id, values)
            return waiting

    def release(self, entry: Entry, reason: str, now: float, delay_s: float) -> None:
        """Let an entry be answered again after `delay_s`; it fails since `now`, or for longer."""
        values = {
            "state": InboxState.RECEIVED,
            "claim": None,
            "reason": fit(reason),
            "failing_since": min(now, entry.failing_since or now),
        }
        with self._database.write() as connection:
            lock_conversation(connection, entry.conversation_id)
            if self._change(connection, entry, values):
                self._set_due(connection, entry.conversation_id, now + delay_s)

    def postpone(self, entry: Entry, now: float, delay_s: float) -> None:
        """Let an entry be looked at again after `delay_s`, as if it had not been claimed."""
        values = {
            "state": InboxState.RECEIVED,
            "claim": None,
            "attempts": max(0, entry.attempts - 1),
        }
        with self._database.write() as connection:
            lock_conversation(connection, entry.conversation_id)
            if self._change(connection, entry, values):
                self._set_due(connection, entry.conversation_id, now + delay_s)

    def _is_ready(self, connection: Connection, row: Row[Any]) -> bool:
        """Tell whether all that a message points at was fetched, or cannot be."""
        return not unfetched(connection, row.seq)

    def _hold_waiting(self, connection: Connection, conversation_id: str) -> None:
        """Hold what came before the conversation was handed over and is not answered yet."""
        connection.execute(
            update(INBOX)
            .where(INBOX.c.conversation_id == conversation_id, INBOX.c.state == InboxState.RECEIVED)
            .values(state=InboxState.HELD)
        )
        self._set_due(connection, conversation_id, None)


def _put(connection: Connection, message: InboundMessage, row: dict[str, Any], now: float) -> bool:
    """Insert a message with all that comes of it, unless it is there already."""
    conversation = lock(connection, message.business_id, message.customer_id)
    if conversation is None:
        if _is_known(connection, message.id):
            return False
        conversation = make(connection, message.business_id, message.customer_id)
    state, reason = _first_state(connection, conversation, message, row["tap"], now)
    ends = state == InboxState.ANSWERED
    ended = {"state": state, "reason": reason, "finished_at": now if ends else None}
    seq = _insert(connection, {**row, **ended, "conversation_id": conversation.id})
    if seq is None:
        return False
    put_fetches(connection, message, seq, conversation.id, now)
    values = told_by(message, now)
    if not ends:
        values |= _let_answer(connection, conversation, seq, message, now)
    change(connection, conversation.id, values)
    return True


def _first_state(
    connection: Connection,
    conversation: Row[Any],
    message: InboundMessage,
    tap: str | None,
    now: float,
) -> tuple[InboxState, str | None]:
    """Say how a message begins: waiting for an agent, held for a desk, or needing no answer."""
    if not needs_answer(message.content):
        return InboxState.ANSWERED, None
    first = find_same_tap(connection, conversation.id, tap, now, message.id)
    if first is not None:
        return InboxState.ANSWERED, fit(REPEATED.format(first))
    if conversation.desk is not None and not closes(message.content):
        return InboxState.HELD, None
    return InboxState.RECEIVED, None


def _let_answer(
    connection: Connection, conversation: Row[Any], seq: int, message: InboundMessage, now: float
) -> dict[str, Any]:
    """Give what changes in a conversation when a message comes that is to be answered."""
    leaves = closes(message.content)
    values: dict[str, Any] = {"closed": leaves}
    if leaves:
        values |= {"closed_seq": seq, "desk": None, "note": None, "offer": None}
        bury_closed(connection, conversation.id, now)
        _end_held(connection, _held(conversation.id), LEFT.format(conversation.desk), now)
    if conversation.answer_at is None and (leaves or conversation.desk is None):
        values["answer_at"] = now
    return values


def _change_conversation(
    connection: Connection, conversation: Row[Any], changes: Changes, *, too_late: bool
) -> None:
    values: dict[str, Any] = {} if changes.state is None else {"state": changes.state}
    if not too_late:
        if changes.offer is not None or conversation.offer == changes.ended_offer:
            values["offer"] = changes.offer
        if changes.desk is not None:
            values |= {"desk": fit(changes.desk), "note": fit(changes.note)}
    change(connection, conversation.id, values)


def _held(conversation_id: str, *further: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Give the conditions of what is held in a conversation."""
    of_conversation = INBOX.c.conversation_id == conversation_id
    return [of_conversation, INBOX.c.state == InboxState.HELD, *further]


def _end_held(
    connection: Connection, held: Sequence[ColumnElement[bool]], reason: str, now: float
) -> None:
    connection.execute(
        update(INBOX)
        .where(*held)
        .values(state=InboxState.ANSWERED, reason=fit(reason), finished_at=now)
    )


def _passed_over(
    connection: Connection, conversation: Row[Any], answered: Sequence[ColumnElement[bool]]
) -> bool:
    """Tell whether a desk answered what was said to an offer: then the offer is over."""
    if conversation.offer is None:
        return False
    said_at = connection.scalar(
        select(func.max(INBOX.c.created_at)).where(*answered, INBOX.c.kind != Tapback.__name__)
    )
    return said_at is not None and said_at >= Offer.from_json(conversation.offer).at


def _is_known(connection: Connection, message_id: str) -> bool:
    known = select(INBOX.c.seq).where(INBOX.c.message_id == message_id)
    return connection.execute(known).first() is not None


def _insert(connection: Connection, row: dict[str, Any]) -> int | None:
    """Insert a row and give its place; None if its message id is there already."""
    seq: int | None = connection.scalar(_INSERT[connection.dialect.name], row)
    return seq
