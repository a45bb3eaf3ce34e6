"""Who and what: the identifiers on every message."""

import uuid
from typing import NewType

#: A customer's stable name, other for every business: `urn:mbid:…`.
OpaqueId = NewType("OpaqueId", str)
#: A business, as a UUID in lower case.
BusinessId = NewType("BusinessId", str)
#: A message; its sender makes it.
MessageId = NewType("MessageId", str)


def new_message_id() -> MessageId:
    """Make the identity of a message of ours, a random UUID."""
    return MessageId(str(uuid.uuid4()))


def parse_business_id(text: str) -> BusinessId:
    """Read a business ID, with or without the `urn:biz:` of device addresses."""
    return BusinessId(text.strip().lower().removeprefix("urn:biz:"))


def short(customer_id: OpaqueId) -> str:
    """Name a customer in a log by the end of a long opaque ID; of a telephone number, nothing."""
    return f"…{customer_id[-6:]}" if customer_id.startswith("urn:mbid:") else "…"
