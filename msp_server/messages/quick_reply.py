"""Quick replies: a few short answers under a question, to be tapped."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Self

from msp_server.messages import limits
from msp_server.messages.capability import Capability
from msp_server.messages.checked import checked, set_field
from msp_server.messages.image import Gallery
from msp_server.messages.interactive import (
    Identifier,
    Interactive,
    Response,
    Title,
    frame,
    identifiers,
)
from msp_server.messages.raw import JsonObject, label_in, number_in, object_in, objects_in, text_in


@checked
class Choice:
    """One answer that can be tapped.

    Source: MSP API Tutorial, exercise 23.
    """

    title: Title
    #: How the response names it; its place, counted from 1, when left out.
    identifier: Identifier | None = None


@checked
class QuickReply(Interactive):
    """A question with two to five answers: `QuickReply("Was that helpful?", ["Yes", "No"])`.

    Source: MSP API Tutorial, exercise 23; the number of answers: observed.
    """

    capability: ClassVar = Capability.QUICK

    #: The question, and what the notification says.
    summary: Title
    #: The answers; a text stands for a choice with that title.
    items: Annotated[Sequence[Choice | str], limits.NOT_EMPTY, limits.QUICK_REPLY_ITEMS]

    def __post_init__(self) -> None:
        """Make choices of the texts, and give each its identifier."""
        given = [Choice(item) if isinstance(item, str) else item for item in self.items]
        names = identifiers((choice.identifier for choice in given), "items.identifier")
        named = zip(given, names, strict=True)
        set_field(self, "items", tuple(replace(each, identifier=name) for each, name in named))

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The answers, each with its identifier."""
        return tuple(item for item in self.items if isinstance(item, Choice))

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone."""
        return {
            "quick-reply": {
                "summaryText": self.summary,
                "items": [
                    {"identifier": choice.identifier, "title": choice.title}
                    for choice in self.choices
                ],
            }
        }


@dataclass(frozen=True, kw_only=True)
class QuickReplyResponse(Response):
    """The customer tapped an answer of a quick reply."""

    #: Of the answer that was tapped.
    identifier: str

    @property
    def selection(self) -> object:
        """What was chosen, as a value that JSON can hold."""
        return self.identifier

    def joined(self, name: str | None, data: JsonObject) -> Self:
        """Give the same, joined to the message it answers, whose title it takes over."""
        return replace(self, to=name, title=_title(_offered(data), self.identifier) or self.title)


def parse_quick_reply(raw: JsonObject) -> QuickReplyResponse | None:
    """Read a response, or give None when its shape is not known.

    `selectedIdentifier` counts, else `selectedIndex` among the items that came back.

    Source: observed.
    """
    reply = object_in(object_in(object_in(raw, "interactiveData"), "data"), "quick-reply")
    items = objects_in(reply, "items")
    identifier = label_in(reply, "selectedIdentifier")
    index = number_in(reply, "selectedIndex")
    if identifier is None and index is not None and 0 <= index < len(items):
        identifier = label_in(items[int(index)], "identifier")
    if identifier is None:
        return None
    shared = frame(raw)
    shared["title"] = _title(items, identifier) or shared["title"]
    return QuickReplyResponse(identifier=identifier, **shared)


def _offered(interactive: JsonObject) -> list[JsonObject]:
    return objects_in(object_in(object_in(interactive, "data"), "quick-reply"), "items")


def _title(items: list[JsonObject], identifier: str) -> str | None:
    found = (each for each in items if label_in(each, "identifier") == identifier)
    return text_in(next(found, {}), "title")
