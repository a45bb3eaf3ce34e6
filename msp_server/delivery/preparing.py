"""Preparing: makes of what an agent says what this customer can be sent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msp_server.delivery.equipping import Equipping
from msp_server.delivery.files import Files
from msp_server.errors import AttachmentUnusable, CapabilityMissing, ContentInvalid
from msp_server.messages.attachment import SIZE_LIMIT_BYTES, Attachment, Readable
from msp_server.messages.capability import Capability
from msp_server.messages.content import OutboundContent, identified, kind_name
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.interactive import Interactive
from msp_server.messages.list_picker import ListPicker
from msp_server.messages.offer import make_offer
from msp_server.messages.outgoing_file import OutgoingFile
from msp_server.messages.presence import TypingEnd, TypingStart
from msp_server.messages.quick_reply import QuickReply
from msp_server.messages.text import Text
from msp_server.messages.time_picker import TimePicker
from msp_server.wire.cipher import CHUNK_BYTES, key_to_wire, new_key

_PRESENCE: Final = (TypingStart, TypingEnd)


@dataclass(frozen=True)
class Prepared:
    """Messages that can go to the outbox, and the choices that one of them writes out."""

    messages: Sequence[OutboundMessage]
    #: The last offer among them, as JSON.
    offer: str | None


@dataclass(frozen=True)
class Preparing:
    """Turns contents into messages."""

    #: Gives seconds since 1970.
    now: Callable[[], float]
    #: Makes the id of a message.
    new_id: Callable[[], MessageId]
    #: Whether what only vendors report is kept too.
    vendor_limits: bool
    #: Where files wait for being sent.
    outgoing: Files
    #: Gives payments and sign-ins what this server alone knows.
    equipping: Equipping

    def prepare(
        self,
        contents: Sequence[OutboundContent],
        addresses: tuple[BusinessId, OpaqueId],
        capabilities: frozenset[Capability] | None,
        *,
        automated: bool,
        typing_s: float = 0,
    ) -> Prepared:
        """Make messages of contents, each as this customer's device can show it.

        Args:
            contents: what is said, in order.
            addresses: who speaks, and to whom.
            capabilities: what the device can show; None when it never said.
            automated: whether a machine speaks.
            typing_s: how long typing is shown before, seconds.

        Raises:
            CapabilityMissing: the device cannot show one of them, and there is no other way.
            ContentInvalid: one of them does not hold.
            AttachmentError: one of their files cannot be read, or kept until it is sent.
        """
        messages: list[OutboundMessage] = []
        offer = None
        for content in _after_typing(contents, typing_s):
            message_id = self.new_id()
            equipped, opening = self.equipping.equip(identified(content, message_id), capabilities)
            shown, new_offer = self._fit(equipped, capabilities)
            message = OutboundMessage(message_id, *addresses, shown, automated)
            if shown is equipped:
                message = replace(message, opening=opening)
            if typing_s and not messages and isinstance(content, TypingStart):
                message = replace(message, pause_s=typing_s)
            if self.vendor_limits:
                message.require_reported()
            messages.append(message)
            offer = new_offer or offer
        # Last, so that nothing is written for an answer that does not hold.
        return Prepared([self._with_files(message) for message in messages], offer)

    def _with_files(self, message: OutboundMessage) -> OutboundMessage:
        """Keep a message's files until they are sent: on disk before it is committed."""
        if not isinstance(message.content, Text) or not message.content.attachments:
            return message
        files = tuple(self._keep(each) for each in message.content.attachments)
        return replace(message, files=files)

    def _keep(self, attachment: Attachment) -> OutgoingFile:
        with attachment.open() as source:
            stored = self.outgoing.write(_chunks(source, attachment.name))
        return OutgoingFile(
            stored.name,
            attachment.name,
            attachment.mime_type,
            stored.size_bytes,
            key_to_wire(new_key()),
        )

    def _fit(
        self, content: OutboundContent, capabilities: frozenset[Capability] | None
    ) -> tuple[OutboundContent, str | None]:
        """Give what the device can show instead of what it cannot, and the offer in it."""
        if not isinstance(content, Interactive) or _shows(capabilities, content.needs):
            return content, None
        if content.fallback is not None:
            return content.fallback, None
        if isinstance(content, QuickReply | ListPicker | TimePicker):
            text, offer = make_offer(content, self.now())
            return text, offer.to_json()
        raise CapabilityMissing(
            f"the customer's device lacks {content.needs} and cannot show {kind_name(content)}"
            ": give it a fallback, or look at conversation.capabilities first"
        )


def _chunks(source: Readable, name: str) -> Iterator[bytes]:
    """Read a file, as far as one may be sent."""
    size_bytes = 0
    while chunk := _read(source):
        size_bytes += len(chunk)
        if size_bytes > SIZE_LIMIT_BYTES:
            raise _unfit(name, "is too large", f"at most {SIZE_LIMIT_BYTES} bytes are allowed")
        yield chunk
    if not size_bytes:
        raise _unfit(name, "is empty", "a file needs something in it")


def _read(source: Readable) -> bytes:
    try:
        return source.read(CHUNK_BYTES)
    except OSError as error:
        raise AttachmentUnusable(f"cannot be read: {error.strerror or error}") from error


def _unfit(name: str, problem: str, limit: str) -> ContentInvalid:
    return ContentInvalid(
        problem, field="attachment", value=name, limit=limit, source='MSP REST API, "Type Text"'
    )


def _shows(capabilities: frozenset[Capability] | None, capability: Capability | None) -> bool:
    return capability is None or capabilities is None or capability in capabilities


def _after_typing(
    contents: Sequence[OutboundContent], typing_s: float
) -> Sequence[OutboundContent]:
    """Put typing before an answer, unless it begins with it or says nothing."""
    says = any(not isinstance(content, _PRESENCE) for content in contents)
    if typing_s and says and not isinstance(contents[0], TypingStart):
        return [TypingStart(), *contents]
    return contents
