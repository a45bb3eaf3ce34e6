"""Picking a time: reads the times of a time picker and tells the chosen one in words."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from msp_server.emulator.packing import JsonObject
from msp_server.emulator.replies import Reply, frame, list_names, pick, read_name, tell_choice
from msp_server.emulator.shapes import number_in, object_in, objects_in, text_in
from msp_server.emulator.transcript import DeedUnfit, Entry

#: The words of a month, in the one language this phone speaks.
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY_MINUTES = 24 * 60


def build_time_reply(bubble: Entry, fields: JsonObject, zone: tzinfo) -> Reply:
    """Pick the time that `identifier`, `index` or `start` names.

    Args:
        bubble: the time picker.
        fields: what the customer wants.
        zone: the phone's.

    Raises:
        DeedUnfit: it does not name one of the times, or no device could show the picker.

    Source: MSP REST API, "Time Picker"; that one time alone comes back observed.
    """
    event = object_in(object_in(bubble.interactive, "data"), "event")
    shown_zone = _shown_zone(event, zone)
    slot = _find_slot(objects_in(event, "timeslots"), fields, shown_zone)
    start = parse_time(text_in(slot, "startTime") or "", shown_zone)
    if start is None:
        raise DeedUnfit("A phone cannot show this time picker: a startTime of it is no time")
    feature = event | {"timeslots": [slot]}
    return frame(bubble, {"event": feature}, tell_choice(bubble, tell_time(start, shown_zone)))


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """Read a time with or without seconds, with `Z`, `+hhmm`, `+hh:mm` or no zone of its own.

    Source: MSP REST API, "Time Picker" (`+0000`); the other spellings observed.
    """
    read = _TIME.fullmatch(text)
    if not read:
        return None
    try:
        time = datetime.fromisoformat(read[1] + (read[2] or ""))
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # a 30th of February, or the end of the calendar
        return None


def tell_time(start: datetime, zone: tzinfo) -> str:
    """Tell a time in words.

    Source: observed, in one language.
    """
    try:
        local = start.astimezone(zone)
    except OverflowError:  # the first and the last day of the calendar
        local = start
    return f"{local.day} {MONTHS[local.month - 1][:3]}, {local:%H:%M}"


def _shown_zone(event: JsonObject, zone: tzinfo) -> tzinfo:
    """Give the zone that the business fixed for everybody, else the phone's.

    Source: MSP REST API, "Time Picker" (timezoneOffset, in minutes).
    """
    offset = number_in(event, "timezoneOffset")
    if offset is None:
        return zone
    if not abs(offset) < _DAY_MINUTES:  # true for NaN as well
        raise DeedUnfit("A phone cannot show this time picker: its timezoneOffset is beyond a day")
    return timezone(timedelta(minutes=offset))


def _find_slot(slots: list[JsonObject], fields: JsonObject, zone: tzinfo) -> JsonObject:
    index = fields.get("index")
    if index is None:
        key, name = read_name(fields, "identifier", "start")
        if key == "identifier":
            return pick(slots, (key, name), "time")
        return _find_start(slots, name, zone)
    if fields.get("identifier") is not None or fields.get("start") is not None:
        raise DeedUnfit("Name the time by exactly one of identifier, index and start")
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(slots):
        raise DeedUnfit(f"index has to be a whole number from 0 to {len(slots) - 1}")
    return slots[index]


def _find_start(slots: list[JsonObject], start: str, zone: tzinfo) -> JsonObject:
    wanted = parse_time(start, zone)
    if wanted is None:
        raise DeedUnfit(f"start is {start[:64]!r}: write it like 2031-03-22T12:30+0000")
    found = [slot for slot in slots if parse_time(text_in(slot, "startTime") or "", zone) == wanted]
    if not found:
        there_are = list_names([slot.get("startTime") for slot in slots])
        raise DeedUnfit(f"No time starts at {start[:64]!r}: there are {there_are}")
    if len(found) > 1:
        raise DeedUnfit(f"{len(found)} times start at {start[:64]!r}: name one by its identifier")
    return found[0]
