"""What a handler is told about the one it answers."""

from dataclasses import dataclass

from msp_server.messages.capability import Capability
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId


@dataclass(frozen=True)
class Conversation:
    """All ever said by one customer and one business, as it stands with this message."""

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
