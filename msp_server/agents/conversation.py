"""What a handler is told about the one it answers, and what it may leave behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.raw import JsonObject


@dataclass(frozen=True)
class Said:
    """One message of a conversation, as it is remembered."""

    by: Literal["customer", "business"]
    #: Name of its kind, such as `Text`.
    kind: str
    #: What it says, in words; of a bubble, its title.
    body: str
    at: datetime
    #: The message as it came or went.
    fields: JsonObject = field(repr=False)


def _nothing_said(_count: int) -> Sequence[Said]:
    return ()


def _nothing_sent(_name: str) -> ByReference | None:
    return None


@dataclass(frozen=True)
class Conversation:
    """All ever said by one customer and one business, as it stands with this message.

    `state` and a hand-over are committed together with the answers, or not at all.
    """

    business_id: BusinessId
    customer_id: OpaqueId
    #: The message being answered. A handler may run again for it after a crash: a handler that
    #: does something once only, such as placing an order, uses this as the key.
    message_id: MessageId
    #: What the customer's device can show; None when it never said.
    capabilities: frozenset[Capability] | None = None
    #: The customer's language and region, such as `en_US`.
    locale: str | None = None
    #: The newest hints of the entry points the customer came through.
    intent: str | None = None
    group: str | None = None
    #: Our own name for it, a UUID: `python -m msp_server messages --conversation ID`.
    id: str = ""
    #: What agents remember of it: put in what you like. As JSON at most 16 KB.
    state: dict[str, Any] = field(default_factory=dict)
    #: Who has it after this message, if it was handed over.
    desk: str | None = None
    #: What that desk is told.
    note: str | None = None
    #: Reads what was said before.
    read_history: Callable[[int], Sequence[Said]] = field(
        default=_nothing_said, repr=False, compare=False
    )
    #: Finds what was sent before.
    find_sent_before: Callable[[str], ByReference | None] = field(
        default=_nothing_sent, repr=False, compare=False
    )

    def shows(self, capability: Capability) -> bool:
        """Tell whether the customer's device can show something; of one that never said, yes."""
        return self.capabilities is None or capability in self.capabilities

    def history(self, count: int) -> Sequence[Said]:
        """Give the newest `count` messages of both sides before this one, oldest first."""
        return self.read_history(count)

    def sent_before(self, name: str) -> ByReference | None:
        """Give what was last sent under a name with `reusable=True`, to be sent by reference.

        None while the gateway has given no reference, or where the customer's device cannot show
        it: then it has to be sent whole, and becomes what the device can show.
        """
        return self.find_sent_before(name)

    def hand_over(self, desk: str, note: str = "") -> None:
        """Give the conversation to a desk: from now on it answers, until it gives back.

        The answers of this handler are still sent. Meanwhile what the customer says is held.

        Args:
            desk: who takes it, such as `billing desk`.
            note: what the desk is told.

        Raises:
            ValueError: the desk has no name.
        """
        if not desk.strip():
            raise ValueError("a desk needs a name")
        object.__setattr__(self, "desk", desk)
        object.__setattr__(self, "note", note)
