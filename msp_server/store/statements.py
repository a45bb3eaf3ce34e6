"""The statements by which entries are worked off, made once.

SQLAlchemy takes about 22 µs to run an update that is there already, and 110 µs to make it first:
with a dozen statements to a message, that is most of what the store costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Float,
    Select,
    Table,
    Update,
    bindparam,
    literal,
    select,
    update,
)

from msp_server.store.schema import CONVERSATIONS

#: The parameter that stands for now, seconds since 1970.
NOW: Final[BindParameter[float]] = bindparam("now", type_=Float())
#: Locks a conversation, by its id as `which`.
LOCK_CONVERSATION: Final = (
    select(CONVERSATIONS).where(CONVERSATIONS.c.id == bindparam("which")).with_for_update()
)
#: Sets columns of a conversation, by its id as `which`; parameters name the columns.
CHANGE_CONVERSATION: Final = update(CONVERSATIONS).where(CONVERSATIONS.c.id == bindparam("which"))


@dataclass(frozen=True)
class Statements:
    """Those of one table of entries."""

    #: The conversation that has been due for longest, at `now`.
    first_due: Select[Any]
    #: The same, locked, and none that another worker has locked.
    first_free: Select[Any]
    #: Conversation `which`, if it is due at `now`, locked, after a wait if another worker has it
    #: locked.
    still_due: Select[Any]
    #: The oldest entry of conversation `which` that waits or is claimed.
    oldest_waiting: Select[Any]
    #: Sets when the next entry of conversation `which` is due: `at`, or never if none waits.
    go_on: Update
    #: Sets columns of entry `which`; parameters name the columns.
    take: Update
    #: The same if it is still claimed as `by`.
    change: Update
    #: Finds entry `which` if it is still claimed as `by`.
    held: Select[Any]


def make_statements(
    table: Table,
    due: "Column[float]",
    states: Sequence[str],
    gates: Sequence[ColumnElement[bool]],
) -> Statements:
    """Make the statements of one table.

    Args:
        table: whose entries are worked off.
        due: the column of `conversations` that says when the next entry is due.
        states: in which an entry waits or is claimed.
        gates: what has to hold at `now`, beside being due, for anything to be claimed.
    """
    first_due = select(CONVERSATIONS.c.id).where(due <= NOW, *gates).order_by(due).limit(1)
    mine = (table.c.seq == bindparam("which"), table.c.claim == bindparam("by"))
    # Literal, or SQLite does not see that the index of waiting entries fits.
    waits = table.c.state.in_([literal(str(state), literal_execute=True) for state in states])
    of_conversation = table.c.conversation_id == bindparam("which")
    oldest = select(table).where(of_conversation, waits).order_by(table.c.seq).limit(1)
    # Not whether one exists: SQLite would look through all that the conversation ever had.
    at_if_any = oldest.with_only_columns(bindparam("at", type_=Float())).scalar_subquery()
    return Statements(
        first_due=first_due,
        first_free=first_due.with_for_update(skip_locked=True),
        still_due=select(CONVERSATIONS.c.id)
        .where(CONVERSATIONS.c.id == bindparam("which"), due <= NOW)
        .with_for_update(),
        oldest_waiting=oldest,
        go_on=update(CONVERSATIONS)
        .where(CONVERSATIONS.c.id == bindparam("which"))
        .values({due: at_if_any}),
        take=update(table).where(table.c.seq == bindparam("which")),
        change=update(table).where(*mine),
        held=select(table.c.seq).where(*mine),
    )
