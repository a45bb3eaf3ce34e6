"""Offers: choices written out as numbered lines, and the text that picks one.

A device that cannot show quick replies, list pickers or time pickers gets their choices as a
text. The customer's very next text, if it is exactly a number or a title, counts as the tap.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Self, TypeAlias

from msp_server.messages.interactive import as_bubble
from msp_server.messages.list_picker import ListPicker
from msp_server.messages.quick_reply import QuickReply
from msp_server.messages.raw import JsonObject, object_in, objects_in
from msp_server.messages.text import Text
from msp_server.messages.time_picker import TimePicker, Timeslot

#: The kinds whose choices can be written out.
Offerable: TypeAlias = QuickReply | ListPicker | TimePicker

_DIGITS_LIMIT: Final = 4


@dataclass(frozen=True)
class Offer:
    """Choices that a customer was sent as a text."""

    #: The `interactiveData` that the device could not show.
    data: JsonObject
    #: The `name` of the message that could not be shown.
    name: str | None
    #: What stood behind each number, from 1.
    titles: Sequence[str]
    #: When it was made, seconds since 1970: what came before is no answer to it.
    at: float

    def to_json(self) -> str:
        """Write it as the store keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        kept = json.loads(text)
        return cls(kept["data"], kept["name"], kept["titles"], kept["at"])

    def pick(self, body: str) -> JsonObject | None:
        """Give the `interactiveData` of the tap that a text stands for; None if for none."""
        place = self._place(body.strip())
        if place is None:
            return None
        data = object_in(self.data, "data")
        shown = {"replyMessage": {"title": self.titles[place]}}
        return {**self.data, "data": {**data, **_tapped(data, place), **shown}}

    def _place(self, words: str) -> int | None:
        number = int(words) if words.isdecimal() and len(words) <= _DIGITS_LIMIT else None
        meant = [
            place
            for place, title in enumerate(self.titles)
            if number == place + 1 or title.strip().casefold() == words.casefold()
        ]
        return meant[0] if len(meant) == 1 else None  # of several, no one is guessed


def make_offer(content: Offerable, at: float) -> tuple[Text, Offer]:
    """Write choices as a text of numbered lines, and keep what stands behind each number.

    Args:
        content: with its ids filled in.
        at: seconds since 1970.
    """
    words, titles = _write_out(content)
    data: JsonObject = content.to_wire()["interactiveData"]
    data["data"].pop("images", None)
    return Text(words), Offer(data, content.name, titles, at)


def _write_out(content: Offerable) -> tuple[str, list[str]]:
    match content:
        case QuickReply():
            titles = [choice.title for choice in content.choices]
            return "\n".join([content.summary, *_numbered(titles)]), titles
        case ListPicker():
            titles = [item.title for _, item in content.numbered()]
            lines = iter(_numbered(_with_subtitles(content)))
            parts = _heading(content)
            for section in content.sections:
                parts += [section.title, *(next(lines) for _ in section.items)]
            return "\n".join(parts), titles
        case picker:
            titles = [_time(slot, picker.timezone_offset_min) for slot in picker.timeslots]
            return "\n".join([*_heading(picker), *_numbered(titles)]), titles


def _heading(content: ListPicker | TimePicker) -> list[str]:
    bubble = as_bubble(content.received)
    return [part for part in (bubble.title, bubble.subtitle) if part]


def _with_subtitles(content: ListPicker) -> list[str]:
    return [
        f"{item.title} ({item.subtitle})" if item.subtitle else item.title
        for _, item in content.numbered()
    ]


def _numbered(lines: Sequence[str]) -> list[str]:
    return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]


def _time(slot: Timeslot, offset_min: int | None) -> str:
    """Write a time; in Greenwich time where only the customer's phone knows the customer's."""
    zone = UTC if offset_min is None else timezone(timedelta(minutes=offset_min))
    start = slot.start.astimezone(zone)
    return f"{start:%a} {start.day} {start:%b %Y, %H:%M} {_zone_name(start)}"


def _zone_name(at: datetime) -> str:
    return "UTC" if not at.utcoffset() else at.strftime("UTC%z")


def _tapped(data: JsonObject, place: int) -> JsonObject:
    """Give what the device would have put in `data` for a tap on the choice at a place."""
    if "quick-reply" in data:
        reply = object_in(data, "quick-reply")
        item = objects_in(reply, "items")[place]
        tapped = {"selectedIndex": place, "selectedIdentifier": item["identifier"]}
        return {"quick-reply": {**reply, **tapped}}
    if "listPicker" in data:
        sections = objects_in(object_in(data, "listPicker"), "sections")
        every = [(section, item) for section in sections for item in objects_in(section, "items")]
        section, item = every[place]
        return {"listPicker": {"sections": [{**section, "items": [item]}]}}
    event = object_in(data, "event")
    return {"event": {**event, "timeslots": [objects_in(event, "timeslots")[place]]}}
