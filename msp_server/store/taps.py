"""Taps: the same one is delivered twice now and then, under different message ids."""

from typing import Final

from sqlalchemy import Connection, func, select

from msp_server.store.schema import INBOX

#: How long the same tap under another id counts as the same, seconds.
#: Source: observed, 0.5 to 2 s apart.
SAME_TAP_S: Final = 10.0
#: Why a tap is answered that nobody answered by itself.
REPEATED: Final = "the same tap as message {}"


def find_same_tap(
    connection: Connection, conversation_id: str, tap: str | None, now: float, message_id: str
) -> str | None:
    """Give the message id of the same tap, if it came at the same time under another id."""
    if tap is None:
        return None
    same = select(INBOX.c.message_id).where(
        INBOX.c.conversation_id == conversation_id,
        INBOX.c.tap == tap,
        # Both ways: a clock that was set back must not make it the same for hours.
        func.abs(INBOX.c.created_at - now) <= SAME_TAP_S,
        INBOX.c.message_id != message_id,
    )
    first: str | None = connection.scalar(same.order_by(INBOX.c.seq).limit(1))
    return first
