"""History: what came and went, for a person to read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, Table, literal, select, union_all

from msp_server.messages.ids import BusinessId, OpaqueId
from msp_server.store.base import Database, Entry
from msp_server.store.schema import CONVERSATIONS, INBOX, OUTBOX


@dataclass(frozen=True)
class HistoryEntry:
    """One message as the store holds it."""

    direction: Literal["in", "out"]
    message_id: str
    conversation_id: str
    business_id: BusinessId
    customer_id: OpaqueId
    kind: str
    state: str
    reason: str | None
    attempts: int
    #: Seconds since 1970.
    created_at: float
    finished_at: float | None
    headers: dict[str, str]
    packed: bytes
    #: How many attempts to send it ended without an answer; 0 for what was received.
    unsure: int = 0


class History:
    """Reads messages of both directions together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(
        self, limit: int, conversation_id: str | None = None, before: Entry | None = None
    ) -> Sequence[HistoryEntry]:
        """Give the newest messages, oldest of them first.

        Args:
            limit: how many, at most.
            conversation_id: of this conversation alone, if it is given.
            before: of those received, only such as came before this one.
        """
        received = [] if before is None else [INBOX.c.seq < before.seq]
        sent: list[ColumnElement[bool]] = []
        if conversation_id is not None:
            received.append(INBOX.c.conversation_id == conversation_id)
            sent.append(OUTBOX.c.conversation_id == conversation_id)
        both = union_all(
            _newest(INBOX, "in", limit, received), _newest(OUTBOX, "out", limit, sent)
        ).subquery()
        statement = (
            select(both, CONVERSATIONS.c.business_id, CONVERSATIONS.c.customer_id)
            .join(CONVERSATIONS, CONVERSATIONS.c.id == both.c.conversation_id)
            .order_by(both.c.created_at.desc(), both.c.direction.desc(), both.c.seq.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [
            HistoryEntry(
                direction=row.direction,
                message_id=row.message_id,
                conversation_id=row.conversation_id,
                business_id=row.business_id,
                customer_id=row.customer_id,
                kind=row.kind,
                state=row.state,
                reason=row.reason,
                attempts=row.attempts,
                created_at=row.created_at,
                finished_at=row.finished_at,
                headers=json.loads(row.headers),
                packed=row.packed,
                unsure=row.unsure,
            )
            for row in reversed(rows)
        ]


def _newest(
    table: Table, direction: str, limit: int, conditions: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    # Of one conversation, by its index on time; of all, by the primary key.
    order = [table.c.created_at.desc()] if conditions else []
    return (
        select(
            literal(direction).label("direction"),
            table.c.unsure if table is OUTBOX else literal(0).label("unsure"),
            *(
                table.c[name]
                for name in (
                    "seq",
                    "conversation_id",
                    "message_id",
                    "kind",
                    "state",
                    "reason",
                    "attempts",
                    "created_at",
                    "finished_at",
                    "headers",
                    "packed",
                )
            ),
        )
        .where(*conditions)
        .order_by(*order, table.c.seq.desc())
        .limit(limit)
        .subquery()
        .select()
    )
