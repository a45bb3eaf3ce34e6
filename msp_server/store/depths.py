"""How much waits in the store, for how long, and how much was given up."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, Select, Table, func, literal, select

from msp_server.store.base import FAR_FUTURE_S, Database
from msp_server.store.schema import INBOX, OUTBOX, PACE, InboxState, OutboxState


@dataclass(frozen=True)
class Depth:
    """How full the inbox or the outbox is."""

    #: What is not answered or sent yet, that under work included.
    waiting: int
    #: Age of the oldest of it, seconds; 0 for none.
    oldest_s: float
    #: What was given up.
    buried: int


class Depths:
    """Reads how full inbox and outbox are; old messages, however many, are not looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def paused_s(self, now: float) -> float:
        """Give how much longer nothing is sent, seconds; raises what `read` does."""
        with self._database.read() as connection:
            held_until = connection.scalar(select(PACE.c.held_until))
        held_s = 0.0 if held_until is None else held_until - now
        return held_s if 0 < held_s <= FAR_FUTURE_S else 0.0  # further ahead: of another clock

    def read(self, now: float) -> dict[str, Depth]:
        """Give the depth of `inbox` and of `outbox`.

        Raises:
            StoreBusy, StoreUnavailable: the store cannot be read.
        """
        with self._database.read() as connection:
            return {
                box: _depth(connection.execute(statement).one(), now)
                for box, statement in _STATEMENTS.items()
            }


def _depth(row: Row[Any], now: float) -> Depth:
    oldest_s = 0.0 if row.oldest_at is None else max(0.0, now - row.oldest_at)
    return Depth(row.waiting, oldest_s, row.buried)


def _statement(table: Table, waiting: tuple[str, str], buried: str) -> Select[Any]:
    """Make the question of one table; indexes that hold nothing else answer it."""
    # Literal, or SQLite does not see that these indexes fit.
    values = [literal(str(state), literal_execute=True) for state in waiting]
    counted = (
        select(func.count().label("waiting"), func.min(table.c.seq).label("first"))
        .where(table.c.state.in_(values))
        .subquery()
    )
    given_up = table.alias()
    given_up_count = (
        select(func.count())
        .select_from(given_up)
        .where(given_up.c.state == literal(str(buried), literal_execute=True))
        .scalar_subquery()
    )
    return select(
        counted.c.waiting, table.c.created_at.label("oldest_at"), given_up_count.label("buried")
    ).select_from(counted.outerjoin(table, table.c.seq == counted.c.first))


_STATEMENTS: Final = {
    "inbox": _statement(INBOX, (InboxState.RECEIVED, InboxState.CLAIMED), InboxState.BURIED),
    "outbox": _statement(OUTBOX, (OutboxState.PENDING, OutboxState.CLAIMED), OutboxState.BURIED),
}
