"""The envelope: who says something to whom, and under which identity."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msp_server.errors import ContentInvalid, MessageUnreadable
from msp_server.messages import limits
from msp_server.messages.capability import Capability, parse_capabilities
from msp_server.messages.checked import require_reported, set_field
from msp_server.messages.content import (
    InboundContent,
    OutboundContent,
    identified,
    kind_name,
    parse_content,
)
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId, parse_business_id
from msp_server.messages.interactive import Interactive
from msp_server.messages.invitation import MESSAGE_TYPE, Invitation
from msp_server.messages.opening import Opening
from msp_server.messages.outgoing_file import OutgoingFile
from msp_server.messages.raw import JsonObject
from msp_server.messages.references import Reference, parse_references

#: The headers of Apple's that say something about a message, in lower case.
#: Source: MSP REST API, "Common Specifications".
INBOUND_HEADERS: Final = ("id", "source-id", "destination-id", "capability-list")

#: The longest identifier that is read. Assumed: Apple's measure at most 200 characters.
ID_LIMIT_CHARS: Final = 1024

_HINT_LIMIT_CHARS: Final = 256
_NOT_INVITED: Final = (
    "an invitation goes to a telephone number, tel:+…, and nothing else does: who accepts it "
    "writes from an opaque ID"
)


@dataclass(frozen=True)
class InboundMessage:
    """One thing a customer, or the customer's device, said."""

    id: MessageId
    business_id: BusinessId
    customer_id: OpaqueId
    content: InboundContent
    #: What the device can show; None when Apple did not say.
    capabilities: frozenset[Capability] | None = None
    #: The customer's language and region, such as `en_US`.
    locale: str | None = None
    #: The entry point's hints.
    intent: str | None = None
    group: str | None = None
    #: What has to be fetched before it can be answered.
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class OutboundMessage:
    """One thing a business says to a customer."""

    id: MessageId
    business_id: BusinessId
    customer_id: OpaqueId
    content: OutboundContent
    #: Whether a machine wrote it.
    automated: bool
    #: How long the next message waits after this one was accepted, seconds.
    pause_s: float = 0
    #: The content's files, as they wait for being uploaded.
    files: tuple[OutgoingFile, ...] = ()
    #: What it opens at this server for the customer's device.
    opening: Opening | None = None

    def __post_init__(self) -> None:
        """Fill in the ids that the content's author left out: this message's serves for all."""
        set_field(self, "content", identified(self.content, self.id))

    def require_reported(self) -> None:
        """Check what only vendors report of limits.

        Raises:
            ContentInvalid: something is beyond one.
        """
        require_reported(self.content)
        if isinstance(self.content, Interactive):
            try:
                self.content.require_reported()
            except ContentInvalid as error:
                raise error.inside(kind_name(self.content)) from None
        _, packed = self.to_wire()
        if len(packed) > limits.MESSAGE_BYTES:
            raise ContentInvalid(
                f"measures {len(packed)} bytes",
                field="message",
                limit=f"at most {limits.MESSAGE_BYTES} are allowed",
                source=limits.MESSAGE_SOURCE,
            )

    def to_wire(self) -> tuple[dict[str, str], bytes]:
        """Give the headers that say what it is, and the body.

        Raises:
            ContentInvalid: the content cannot be sent as it stands.

        Source: MSP REST API, "Common Specifications".
        """
        for name, value in (("id", self.id), ("customer_id", self.customer_id)):
            if not _is_plain(value) or len(value) > ID_LIMIT_CHARS:
                raise ContentInvalid(f"{name} is not plain printable ASCII, or too long")
        invites = isinstance(self.content, Invitation)
        if invites != self.customer_id.startswith("tel:"):
            raise ContentInvalid(_NOT_INVITED)
        fields = {
            "v": 1,
            "type": self.content.type,
            "id": self.id,
            "sourceId": self.business_id,
            "destinationId": self.customer_id,
            **self.content.to_wire(),
        }
        headers = {
            "Content-Type": "application/json",
            "id": self.id,
            "Source-Id": self.business_id,
            "Destination-Id": self.customer_id,
        }
        if self.automated:
            headers["auto-reply"] = "true"
        if invites:
            headers["message-type"] = MESSAGE_TYPE
        if isinstance(self.content, Interactive) and self.content.reusable:
            headers["include-data-ref"] = "true"
        return headers, _encode(fields)


def parse_message(headers: Mapping[str, str], fields: JsonObject) -> InboundMessage:
    """Read one message of Apple's.

    A header counts before the field of the same meaning.

    Args:
        headers: those of `INBOUND_HEADERS` that came, by name in lower case.
        fields: the unpacked body.

    Raises:
        MessageUnreadable: no `type`, no `id`, ids that differ or cannot be an identifier.

    Source: MSP REST API, "Messages Received".
    """
    kind = fields.get("type")
    if not isinstance(kind, str) or not kind:
        raise MessageUnreadable("body has no type")
    message_id = _identifier("id", fields.get("id"))
    if headers.get("id", message_id) != message_id:
        raise MessageUnreadable("id in the header and id in the body differ")
    source_id = headers.get("source-id") or fields.get("sourceId")
    destination_id = headers.get("destination-id") or fields.get("destinationId")
    capabilities = headers.get("capability-list")
    return InboundMessage(
        id=MessageId(message_id),
        business_id=parse_business_id(_identifier("destinationId", destination_id)),
        customer_id=OpaqueId(_identifier("sourceId", source_id)),
        content=parse_content(kind, fields),
        capabilities=None if capabilities is None else parse_capabilities(capabilities),
        locale=_hint(fields.get("locale")),
        intent=_hint(fields.get("intent")),
        group=_hint(fields.get("group")),
        references=parse_references(fields),
    )


def _identifier(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise MessageUnreadable(f"message has no {name}")
    if len(value) > ID_LIMIT_CHARS:
        raise MessageUnreadable(f"{name} of more than {ID_LIMIT_CHARS} characters")
    if not _is_plain(value):
        raise MessageUnreadable(f"{name} is not plain printable ASCII")
    return value


def _is_plain(value: str) -> bool:
    """Tell whether a value may stand in a header as it is."""
    return value.isascii() and value.isprintable() and value == value.strip() and value != ""


def _hint(value: object) -> str | None:
    """Clean one of the words that describe a customer; none if nothing is left."""
    if not isinstance(value, str):
        return None
    return "".join(filter(str.isprintable, value))[:_HINT_LIMIT_CHARS] or None


def _encode(fields: JsonObject) -> bytes:
    try:
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise ContentInvalid("content has half of a surrogate pair in it") from error
