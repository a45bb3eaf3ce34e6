"""Interactive messages: what all kinds of them share, both ways."""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.attachment import Attachment
from msp_server.messages.capability import Capability
from msp_server.messages.checked import checked
from msp_server.messages.image import Gallery, Image
from msp_server.messages.raw import JsonObject, object_in, present, text_in
from msp_server.messages.rich_link import RichLink
from msp_server.messages.text import Text

#: Names Apple's own extension, which shows every kind but custom apps.
#: Source: MSP REST API, "Type Interactive".
BID: Final = (
    "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"
    "com.apple.icloud.apps.messages.business.extension"
)
#: Source: MSP REST API, "Type Interactive". Some samples call it `mspVersion`.
VERSION: Final = "1.0"
#: The gateway's endpoints that take messages. Source: MSP REST API, "Common Specifications"; MSP
#: API Tutorial, exercise 18.
MESSAGE: Final = "message"
AUTHENTICATE: Final = "authenticate"

#: A text that a customer is shown, and one that has to be there.
Shown = Annotated[str, limits.SHOWN_TEXT]
Title = Annotated[str, limits.REQUIRED, limits.SHOWN_TEXT]
#: How we name a part of a message, to find it in the answer.
Identifier = Annotated[str, limits.IDENTIFIER]


class Style(StrEnum):
    """How much room a bubble takes.

    Source: Business Chat API, "ReceivedMessage".
    """

    ICON = "icon"
    SMALL = "small"
    LARGE = "large"


@checked
class Bubble:
    """How an interactive message looks in the transcript.

    Source: MSP REST API, "Type Interactive"; the description of the picture: observed.
    """

    title: Title
    subtitle: Shown | None = None
    _: KW_ONLY
    #: The kind's own style when left out.
    style: Style | None = None
    image: Image | None = None
    image_title: Shown | None = None
    image_subtitle: Shown | None = None
    secondary_subtitle: Shown | None = None
    tertiary_subtitle: Shown | None = None

    def to_wire(self, gallery: Gallery, style: Style) -> JsonObject:
        """Give `receivedMessage` or `replyMessage`."""
        return present(
            title=self.title,
            subtitle=self.subtitle,
            style=str(self.style or style),
            imageIdentifier=gallery.identify(self.image),
            imageDescription=self.image.description if self.image else None,
            imageTitle=self.image_title,
            imageSubtitle=self.image_subtitle,
            secondarySubtitle=self.secondary_subtitle,
            tertiarySubtitle=self.tertiary_subtitle,
        )


@checked
class Interactive:
    """What every interactive message has beside what it says."""

    type: ClassVar = "interactive"
    #: What a device must have to show it; None: every device has it.
    capability: ClassVar[Capability | None] = None

    _: KW_ONLY
    #: What a handler calls it by: `@agent.on(ListPickerResponse, to="menu")`. Never sent.
    name: str | None = field(default=None, repr=False)
    #: What is sent to a device that cannot show it.
    fallback: Text | RichLink | None = field(default=None, repr=False)
    #: Joins the response to it; the message's own id when left out.
    request_id: Identifier | None = field(default=None, repr=False)
    #: Joins the bubbles of one session; the message's own id when left out.
    session_id: Identifier | None = field(default=None, repr=False)
    #: Whether the gateway is asked for a reference, by which it can be sent again.
    reusable: bool = field(default=False, repr=False)

    def identified(self, message_id: str) -> Self:
        """Give the same with every id filled in."""
        return replace(
            self,
            request_id=self.request_id or message_id,
            session_id=self.session_id or message_id,
        )

    @property
    def needs(self) -> Capability | None:
        """What the customer's device must have; None: every device shows it."""
        return self.capability

    @property
    def endpoint(self) -> str:
        """Which of the gateway's endpoints takes it, below `/v1`."""
        return MESSAGE

    @property
    def answer_key(self) -> str | None:
        """What a response names to say which message it answers."""
        return self.request_id

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone."""
        raise NotImplementedError

    def bubbles(self, gallery: Gallery) -> JsonObject:
        """Give what stands beside `data`; nothing by default."""
        return {}

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope.

        Source: MSP REST API, "Type Interactive".
        """
        gallery = Gallery()
        feature, bubbles = self.feature(gallery), self.bubbles(gallery)
        data = {"version": VERSION, **present(requestIdentifier=self.request_id)}
        images = gallery.to_wire()
        if images:
            data["images"] = images
        return {
            "interactiveData": {
                "bid": BID,
                **present(sessionIdentifier=self.session_id),
                "data": data | feature,
                **bubbles,
            }
        }

    def require_reported(self) -> None:
        """Check what vendors report of the message as a whole.

        Raises:
            ContentInvalid: something is beyond it.
        """
        gallery = Gallery()
        self.feature(gallery)
        self.bubbles(gallery)
        gallery.require_reported()


@checked
class Bubbled(Interactive):
    """An interactive message with a bubble before and one after the answer."""

    style: ClassVar[Style] = Style.ICON

    #: The bubble before the answer; a text stands for a bubble with that title.
    received: Bubble | str
    _: KW_ONLY
    #: The bubble after the answer; a text stands for a bubble with that title and the first one's
    #: picture. With the title of the first, too, when left out.
    replied: Bubble | str | None = None

    def __post_init__(self) -> None:
        """Check that there is a title."""
        for name in ("received", "replied"):
            given = getattr(self, name)
            if isinstance(given, str):
                limits.REQUIRED.check(given, name)

    def require_reported(self) -> None:
        """Check what vendors report of the message as a whole, titles given as texts included."""
        for name in ("received", "replied"):
            given = getattr(self, name)
            if isinstance(given, str):
                limits.SHOWN_TEXT.check(given, name)
        super().require_reported()

    def bubbles(self, gallery: Gallery) -> JsonObject:
        """Give both bubbles: vendors report that Apple wants both."""
        received = as_bubble(self.received)
        replied = self.replied or received.title
        if isinstance(replied, str):
            replied = Bubble(replied, image=received.image)
        return {
            "receivedMessage": received.to_wire(gallery, self.style),
            "replyMessage": replied.to_wire(gallery, self.style),
        }


@dataclass(frozen=True, kw_only=True)
class Response:
    """What every response to an interactive message has beside what it says."""

    #: The `name` of the message it answers; None when that has none, or is not ours.
    to: str | None = None
    #: The request identifier it answers.
    request_id: str | None = None
    session_id: str | None = None
    #: What the bubble says after the answer.
    title: str = ""
    #: Files that came with it, such as the picture of a custom app.
    attachments: tuple[Attachment, ...] = ()
    raw: JsonObject = field(default_factory=dict, repr=False, compare=False)

    @property
    def answer_key(self) -> str | None:
        """What it names to say which message it answers."""
        return self.request_id

    @property
    def selection(self) -> object:
        """What was chosen, as a value that JSON can hold; the same tap has the same."""
        raise NotImplementedError

    def joined(self, name: str | None, data: JsonObject) -> Self:
        """Give the same, joined to the message it answers.

        Args:
            name: what that message is called by.
            data: its `interactiveData`, as it was sent.
        """
        return replace(self, to=name)


def as_bubble(given: Bubble | str) -> Bubble:
    """Give the bubble that a text stands for."""
    return Bubble(given) if isinstance(given, str) else given


def identifiers(given: Iterable[str | None], field_path: str) -> list[str]:
    """Give every part an identifier: its own, else its place, counted from 1.

    Raises:
        ContentInvalid: two have the same.

    Source: MSP REST API, "Type Interactive": unique in the message.
    """
    names = list(given)
    own = Counter(name for name in names if name is not None)
    twice = next((name for name, count in own.items() if count > 1), None)
    if twice is not None:
        raise ContentInvalid(
            "is given twice",
            field=field_path,
            value=twice,
            limit="each has to be unique in the message",
            source='MSP REST API, "Type Interactive"',
        )
    return [
        _free(str(place), own) if name is None else name
        for place, name in enumerate(names, start=1)
    ]


def frame(raw: JsonObject) -> JsonObject:
    """Read what every response has, as arguments for its class.

    The bubbles stand in `data` when they come, beside it when they go; both are read.

    Args:
        raw: the whole message as it came.

    Source: Business Chat API, "InteractiveMessageData".
    """
    interactive = object_in(raw, "interactiveData")
    data = object_in(interactive, "data")
    replied = object_in(data, "replyMessage") or object_in(interactive, "replyMessage")
    return {
        "request_id": text_in(data, "requestIdentifier"),
        "session_id": text_in(interactive, "sessionIdentifier"),
        "title": text_in(replied, "title") or text_in(replied, "alternateTitle") or "",
        "raw": raw,
    }


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name
