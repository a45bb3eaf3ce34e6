"""Quick reply, list picker and time picker: what the customer chooses from."""

import re
from datetime import datetime
from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import quoted
from msp_server.emulator.pieces import Piece, check_unique

_START_TIME_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\+0000")
#: All samples say `default`; that an item may have a bubble's styles is assumed.
_ITEM_STYLES: Final = ("default", "icon", "small", "large")


def check_quick_reply(quick_reply: Piece) -> None:
    """Refuse quick replies that cannot be tapped, or are too few or too many.

    Raises:
        Refused: 400.

    Source: MSP API Tutorial, exercise 23; how many: observed.
    """
    quick_reply.words("summaryText")
    items = quick_reply.pieces("items")
    least, most = limits.QUICK_REPLIES_LEAST, limits.QUICK_REPLIES_MOST
    quick_reply.check(
        least.value <= len(items) <= most.value,
        most,
        "items",
        f"holds {len(items)}: offer {least.value} to {most.value}",
    )
    for item in items:
        item.identifier("identifier")
        item.words("title")
    check_unique(items, "identifier", limits.REPLY_REPEATED)


def check_list_picker(list_picker: Piece) -> None:
    """Refuse a list picker with sections or items that cannot be shown or told apart.

    Raises:
        Refused: 400.

    Source: MSP API Tutorial, exercises 06 and 07.
    """
    items: list[Piece] = []
    for section in list_picker.pieces("sections"):
        section.words("title")
        section.whole_if_any("order", 0)
        section.flag("multipleSelection")
        items += section.pieces("items")
    for item in items:
        item.identifier("identifier")
        item.words("title")
        item.words_if_any("subtitle")
        item.whole_if_any("order", 0)
        item.choice("style", _ITEM_STYLES, default="default")
    check_unique(items, "identifier", limits.ITEM_REPEATED)


def check_time_picker(event: Piece) -> None:
    """Refuse a time picker with slots that are no times, or a place or zone that is none.

    Raises:
        Refused: 400.

    Source: MSP API Tutorial, exercises 10 and 11; the location observed.
    """
    event.identifier("identifier")
    event.words_if_any("title")
    _check_zone(event)
    location = event.piece_if_any("location", limits.OTHERS)
    if location:
        _check_location(location)
    slots = event.pieces("timeslots")
    for slot in slots:
        _check_slot(slot)
    check_unique(slots, "identifier", limits.SLOT_REPEATED)


def _check_slot(slot: Piece) -> None:
    slot.identifier("identifier")
    start_time = slot.text("startTime")
    if not _is_start_time(start_time):
        raise slot.refused(
            limits.START_TIME,
            "startTime",
            f"is {quoted(start_time)}: write a date and time of GMT such as "
            "2031-03-22T17:00+0000, without seconds",
        )
    duration = slot.number("duration")
    if duration <= 0:
        raise slot.refused(
            limits.DURATION, "duration", f"is {quoted(duration)}: write how many seconds it lasts"
        )


def _is_start_time(text: str) -> bool:
    if not _START_TIME_SHAPE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_zone(event: Piece) -> None:
    if not event.has("timezoneOffset"):
        return
    offset = event.number("timezoneOffset")
    most = limits.ZONE.value
    if not -most <= offset <= most or offset != int(offset):
        raise event.refused(
            limits.ZONE,
            "timezoneOffset",
            f"is {quoted(offset)}: write whole minutes from GMT, {-most:,} to {most:,}",
        )


def _check_location(location: Piece) -> None:
    location.number("latitude", -90, 90)
    location.number("longitude", -180, 180)
    if location.has("radius"):
        location.number("radius", 0)
    location.words_if_any("title")
