"""Conversations: what is known of each customer of each business."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, select

from msp_server.messages.capability import Capability, parse_capabilities
from msp_server.messages.content import needs_answer
from msp_server.messages.envelope import InboundMessage
from msp_server.messages.ids import BusinessId, OpaqueId
from msp_server.store.base import Database, fit, insert_into
from msp_server.store.schema import CONVERSATIONS
from msp_server.store.statements import CHANGE_CONVERSATION

_GET: Final = select(CONVERSATIONS).where(CONVERSATIONS.c.id == bindparam("which"))
_LOCK: Final = (
    select(CONVERSATIONS)
    .where(
        CONVERSATIONS.c.business_id == bindparam("business_id"),
        CONVERSATIONS.c.customer_id == bindparam("customer_id"),
    )
    .with_for_update()
)


@dataclass(frozen=True)
class ConversationRecord:
    """What the store knows of one conversation."""

    id: str
    business_id: BusinessId
    customer_id: OpaqueId
    #: What the customer's device can show; None when never said.
    capabilities: frozenset[Capability] | None
    locale: str | None
    intent: str | None
    group: str | None
    #: Whether the customer has left and not written since.
    closed: bool
    #: What agents remember, as JSON.
    state: str = "{}"
    #: Who has it instead of the agent, and what that desk was told.
    desk: str | None = None
    note: str | None = None
    #: Choices that were written out as a text, as JSON.
    offer: str | None = None


@dataclass(frozen=True)
class Changes:
    """What an answer leaves behind in its conversation, beside the messages it puts out."""

    #: What agents remember from now on, as JSON; None leaves it as it is.
    state: str | None = None
    #: Who has the conversation from now on, and what that desk is told; None: the agent.
    desk: str | None = None
    note: str | None = None
    #: Choices that were written out as a text, as JSON.
    offer: str | None = None
    #: The offer before, to which the answered message was the answer or not; it ends with it.
    ended_offer: str | None = None
    #: The sign-in whose result the agent was told.
    told_sign_in: int | None = None


class Conversations:
    """Reads conversations; they are written as messages come and go."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, conversation_id: str) -> ConversationRecord:
        """Give one conversation by its id.

        Raises:
            KeyError: there is none.
        """
        row = self._database.first(_GET, {"which": conversation_id})
        if row is None:
            raise KeyError(conversation_id)
        return _record(row)

    def find(self, name: str) -> ConversationRecord | None:
        """Give the conversation of that id, or else the one that a customer last spoke in.

        Args:
            name: our own id of it, or a customer's opaque ID.
        """
        if name != fit(name):
            return None  # a terminal may give what no column can hold
        return self._first(
            (CONVERSATIONS.c.customer_id == name) | (CONVERSATIONS.c.id == name.lower())
        )

    def latest(self, limit: int, *, at_desk: bool) -> Sequence[ConversationRecord]:
        """Give the conversations in which customers wrote last, newest first.

        Args:
            limit: how many, at most.
            at_desk: only those that a desk has.
        """
        statement = select(CONVERSATIONS).where(CONVERSATIONS.c.heard_at.isnot(None))
        if at_desk:
            statement = statement.where(CONVERSATIONS.c.desk.isnot(None))
        newest_first = statement.order_by(CONVERSATIONS.c.heard_at.desc()).limit(limit)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(newest_first)]

    def newest(self) -> ConversationRecord | None:
        """Give the open conversation in which a customer last wrote something."""
        wrote = CONVERSATIONS.c.heard_at.isnot(None)
        return self._first(wrote & CONVERSATIONS.c.closed.is_(False))

    def _first(self, condition: ColumnElement[bool]) -> ConversationRecord | None:
        statement = select(CONVERSATIONS).where(condition)
        with self._database.read() as connection:
            row = connection.execute(
                statement.order_by(CONVERSATIONS.c.heard_at.desc().nulls_last()).limit(1)
            ).first()
        return None if row is None else _record(row)


def lock(connection: Connection, business_id: BusinessId, customer_id: OpaqueId) -> Row[Any] | None:
    """Give the row of a conversation, locked until the transaction ends; None if there is none."""
    whose = {"business_id": business_id, "customer_id": customer_id}
    return connection.execute(_LOCK, whose).first()


def make(connection: Connection, business_id: BusinessId, customer_id: OpaqueId) -> Row[Any]:
    """Make a conversation, and give its row, locked; another process may have been first."""
    connection.execute(
        insert_into(connection, CONVERSATIONS)
        .values(
            id=str(uuid.uuid4()),
            business_id=business_id,
            customer_id=customer_id,
            closed=False,
            closed_seq=0,
        )
        .on_conflict_do_nothing()
    )
    row = lock(connection, business_id, customer_id)
    assert row is not None  # noqa: S101 - for the type checker: one of us made it
    return row


def lock_or_make(
    connection: Connection, business_id: BusinessId, customer_id: OpaqueId
) -> Row[Any]:
    """Give the row of a conversation, made if there is none, locked until the transaction ends."""
    return lock(connection, business_id, customer_id) or make(connection, business_id, customer_id)


def change(connection: Connection, conversation_id: str, values: Mapping[str, Any]) -> None:
    """Set columns of a conversation, each by its name."""
    if values:
        connection.execute(CHANGE_CONVERSATION, {"which": conversation_id, **values})


def told_by(message: InboundMessage, now: float) -> dict[str, Any]:
    """Give what a message tells about its customer; what it leaves out stays as it was."""
    said = {"locale": message.locale, "intent": message.intent, "group": message.group}
    values: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if message.capabilities is not None:
        values["capabilities"] = ",".join(sorted(message.capabilities))
    if needs_answer(message.content):
        values["heard_at"] = now
    return values


def _record(row: Row[Any]) -> ConversationRecord:
    return ConversationRecord(
        id=row.id,
        business_id=row.business_id,
        customer_id=row.customer_id,
        capabilities=None if row.capabilities is None else parse_capabilities(row.capabilities),
        locale=row.locale,
        intent=row.intent,
        group=row.group,
        closed=row.closed,
        state=row.state or "{}",
        desk=row.desk,
        note=row.note,
        offer=row.offer,
    )
