"""The pace: how fast all workers of a store send together, and until when none of them sends.

One row says both. A claim of the outbox takes its place there in its own transaction, if there is
a limit to how many go a second; if not, it only looks whether sending is held.
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Float,
    ScalarSelect,
    bindparam,
    case,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from msp_server.store.base import FAR_FUTURE_S, INSERTS, Database
from msp_server.store.schema import PACE
from msp_server.store.statements import NOW

#: How many seconds' worth of messages may go at once after a rest; one message in any case. Loops
#: look less often than messages may go.
BURST_S: Final = 1.0

_AT_FIRST: Final = {"id": 1, "next_at": 0.0, "held_until": 0.0, "refusals": 0}
_INTERVAL: Final[BindParameter[float]] = bindparam("interval_s", type_=Float())
#: The earliest time from which places count that nobody took.
_RESTED: Final[BindParameter[float]] = bindparam("rested", type_=Float())


def _is_ahead(at: "ColumnElement[float]", now: "BindParameter[float]") -> ColumnElement[bool]:
    """Tell whether a time is still to come; far in the future it is one of another clock."""
    return (at > now) & (at <= now + FAR_FUTURE_S)


def _taking(first: sqlite.Insert | postgresql.Insert) -> ReturningInsert[tuple[int]]:
    """Make the statement that takes a place, if there is one: what it returns says so."""
    begins = case(
        (PACE.c.next_at > NOW, NOW),  # set by another clock
        (PACE.c.next_at < _RESTED, _RESTED),
        else_=PACE.c.next_at,
    )
    return (
        first.values({**_AT_FIRST, "next_at": _RESTED + _INTERVAL})
        .on_conflict_do_update(
            index_elements=[PACE.c.id],
            set_={"next_at": begins + _INTERVAL},
            where=~_is_ahead(PACE.c.next_at, NOW),
        )
        .returning(PACE.c.id)
    )


_TAKE: Final = {name: _taking(insert(PACE)) for name, insert in INSERTS.items()}
_ACCEPTED: Final = (
    update(PACE).where(PACE.c.refusals > 0, ~_is_ahead(PACE.c.held_until, NOW)).values(refusals=0)
)


class Pace:
    """Holds all sending back while the gateway refuses us."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(self, now: float, at_least_s: float, backoff_s: Callable[[int], float]) -> float:
        """Let nobody send for a while, longer after each refusal.

        Refusals of sends that were under way together count as one.

        Args:
            now: seconds since 1970.
            at_least_s: how long the gateway asks us to wait; 0 if it does not say.
            backoff_s: gives how long to wait after so many refusals.

        Returns:
            For how many seconds nothing is sent.
        """
        with self._database.write() as connection:
            first = INSERTS[connection.dialect.name](PACE).values(_AT_FIRST)
            connection.execute(first.on_conflict_do_nothing())
            row = connection.execute(select(PACE).with_for_update()).one()
            held_s = row.held_until - now
            is_held = 0 < held_s <= FAR_FUTURE_S
            refusals = row.refusals if is_held else row.refusals + 1
            pause_s = max(at_least_s, held_s if is_held else backoff_s(refusals))
            connection.execute(update(PACE).values(held_until=now + pause_s, refusals=refusals))
            return pause_s


def gates(now: "BindParameter[float]", *, limited: bool) -> Sequence[ColumnElement[bool]]:
    """Give what has to hold for a message to go now."""
    times = [PACE.c.held_until, PACE.c.next_at] if limited else [PACE.c.held_until]
    closed = or_(*(_is_ahead(at, now) for at in times))
    return (~select(PACE.c.id).where(closed).exists(),)


def take_place(connection: Connection, now: float, interval_s: float) -> bool:
    """Take a place in the row of messages, one each `interval_s`; False when it is too early."""
    rested = now - max(0.0, BURST_S - interval_s)
    times = {"now": now, "rested": rested, "interval_s": interval_s}
    return connection.scalar(_TAKE[connection.dialect.name], times) is not None


def refusals() -> ScalarSelect[int]:
    """Give how often the gateway has refused us since it last accepted, for a statement's use."""
    return select(PACE.c.refusals).scalar_subquery()


def note_acceptance(connection: Connection, now: float) -> None:
    """Let the next pause be short again.

    While sending is held this changes nothing: what is accepted then was under way before.
    """
    connection.execute(_ACCEPTED, {"now": now})
