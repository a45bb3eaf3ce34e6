"""The inbox: messages received, not yet answered."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from msp_server.messages.content import asks_for_answer, kind_name
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.presence import Close
from msp_server.store.base import Entries, Entry, fit, insert_into, lock_conversation
from msp_server.store.conversations import lock_or_make, take_over
from msp_server.store.outbox import bury_closed, put_buried_rows, put_rows, row_of
from msp_server.store.schema import CONVERSATIONS, INBOX, InboxState


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
        answerable = asks_for_answer(message.content)
        with self._database.write() as connection:
            if _is_known(connection, message.id):
                return False
            conversation = lock_or_make(connection, message.business_id, message.customer_id)
            seq = _insert(
                connection,
                {
                    "message_id": message.id,
                    "conversation_id": conversation.id,
                    "kind": kind_name(message.content),
                    "headers": json.dumps(dict(headers)),
                    "packed": packed,
                    "state": InboxState.RECEIVED if answerable else InboxState.ANSWERED,
                    "attempts": 0,
                    "created_at": now,
                    "finished_at": None if answerable else now,
                },
            )
            if seq is None:
                return False
            take_over(connection, conversation, message, now)
            if answerable:
                self._let_answer(connection, conversation, seq, message, now)
            return True

    def finish(self, entry: Entry, answers: Sequence[OutboundMessage], now: float) -> bool:
        """Note that an entry is answered and put its answers in the outbox, both or neither.

        Answers to what was said before the customer closed the conversation are buried.

        Returns:
            False when the claim had been lost meanwhile; then nothing was changed.

        Raises:
            ContentInvalid: one of the answers cannot be sent as it stands.
        """
        rows = [row_of(answer, now, answers=entry.message_id) for answer in answers]
        with self._database.write() as connection:
            conversation = lock_conversation(connection, entry.conversation_id)
            if not self._finish(connection, entry, InboxState.ANSWERED, now, None):
                return False
            too_late = entry.seq <= conversation.closed_seq
            put = put_buried_rows if too_late else put_rows
            put(connection, conversation, rows, now)
            return True

    def release(self, entry: Entry, reason: str, now: float, delay_s: float) -> None:
        """Let an entry be answered again after `delay_s`."""
        values = {"state": InboxState.RECEIVED, "claim": None, "reason": fit(reason)}
        with self._database.write() as connection:
            lock_conversation(connection, entry.conversation_id)
            if self._change(connection, entry, values):
                self._set_due(connection, entry.conversation_id, now + delay_s)

    def _let_answer(
        self,
        connection: Connection,
        conversation: Row[Any],
        seq: int,
        message: InboundMessage,
        now: float,
    ) -> None:
        closes = isinstance(message.content, Close)
        values: dict[str, Any] = {"closed": closes}
        if closes:
            values["closed_seq"] = seq
            bury_closed(connection, conversation.id, now)
        if conversation.answer_at is None:
            values["answer_at"] = now
        connection.execute(
            update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation.id).values(values)
        )


def _is_known(connection: Connection, message_id: str) -> bool:
    known = select(INBOX.c.seq).where(INBOX.c.message_id == message_id)
    return connection.execute(known).first() is not None


def _insert(connection: Connection, row: dict[str, Any]) -> int | None:
    """Insert a row and give its place; None if its message id is there already."""
    statement = (
        insert_into(connection, INBOX).values(row).on_conflict_do_nothing().returning(INBOX.c.seq)
    )
    seq: int | None = connection.scalar(statement)
    return seq
