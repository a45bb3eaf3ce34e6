"""Time pickers: times to choose one of."""

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, ClassVar, Final, Self

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.capability import Capability
from msp_server.messages.checked import checked, set_field
from msp_server.messages.image import Gallery, Image
from msp_server.messages.interactive import (
    Bubbled,
    Identifier,
    Response,
    Shown,
    Title,
    frame,
    identifiers,
)
from msp_server.messages.raw import (
    JsonObject,
    label_in,
    number_in,
    object_in,
    objects_in,
    present,
    text_in,
)

#: The zone farthest from Greenwich that a picker may be shown in, minutes. Assumed.
OFFSET_LIMIT_MIN: Final = 18 * 60

_WRITTEN: Final = "%Y-%m-%dT%H:%M+0000"
_READ: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.\d{1,9})?)?\s*"
    r"(?:Z|z|([+-])(\d\d):?(\d\d))"
)
_SOURCE: Final = "MSP API Tutorial, exercises 10 and 11"


@checked
class Timeslot:
    """One time that can be chosen.

    Source: MSP API Tutorial, exercise 10.
    """

    #: When it begins: an aware time, in whole minutes.
    start: datetime
    #: How long it lasts, seconds.
    duration_s: int
    #: How the response names it; its place, counted from 1, when left out.
    identifier: Identifier | None = None

    def __post_init__(self) -> None:
        """Check that Apple can be told this time."""
        if self.start.utcoffset() is None:
            raise _invalid("start", "has no time zone", "it has to be an aware time")
        if not 1000 < self.start.year < 9999:
            raise _invalid("start", "is out of range", "its year has to be from 1001 to 9998")
        in_greenwich = self.start.astimezone(UTC)
        if in_greenwich.second or in_greenwich.microsecond:
            raise _invalid("start", "has seconds", "it has to be a whole minute")
        if self.duration_s <= 0:
            raise _invalid("duration_s", "is not above 0", "it has to be a number of seconds")

    def to_wire(self, identifier: str) -> JsonObject:
        """Give a slot; the time without seconds, in Greenwich time, as every sample has it."""
        return {
            "identifier": identifier,
            "startTime": self.start.astimezone(UTC).strftime(_WRITTEN),
            "duration": self.duration_s,
        }


@checked
class Location:
    """Where the appointment takes place.

    Source: observed.
    """

    title: Title
    #: Degrees, north positive.
    latitude: float
    #: Degrees, east positive.
    longitude: float
    radius_m: float = 100

    def __post_init__(self) -> None:
        """Check that there is such a place."""
        if not -90 <= self.latitude <= 90:
            raise _invalid("latitude", "is no latitude", "it has to be from -90 to 90")
        if not -180 <= self.longitude <= 180:
            raise _invalid("longitude", "is no longitude", "it has to be from -180 to 180")
        if not 0 < self.radius_m < 10**8:
            raise _invalid("radius_m", "is no radius", "it has to be above 0, in metres")

    def to_wire(self) -> JsonObject:
        """Give a location."""
        return {
            "latitude": self.latitude,
            "longitude": self.longitude,
            "radius": self.radius_m,
            "title": self.title,
        }


@checked
class TimePicker(Bubbled):
    """A bubble that opens a calendar of times to choose one of.

    Source: MSP API Tutorial, exercises 10 and 11; location and picture: observed.
    """

    capability: ClassVar = Capability.TIME

    timeslots: Annotated[Sequence[Timeslot], limits.NOT_EMPTY]
    _: KW_ONLY
    #: What the appointment is called.
    event: Shown = ""
    #: Zone in which everybody sees the times, minutes from Greenwich; None: the customer's own.
    timezone_offset_min: int | None = None
    location: Location | None = None
    image: Image | None = None

    def __post_init__(self) -> None:
        """Check the zone, and that no identifier is there twice."""
        super().__post_init__()
        set_field(self, "timeslots", tuple(self.timeslots))
        self.numbered()
        if self.timezone_offset_min is not None and (
            abs(self.timezone_offset_min) > OFFSET_LIMIT_MIN
        ):
            raise _invalid("timezone_offset_min", "is no time zone", "minutes from -1080 to 1080")

    def numbered(self) -> list[tuple[str, Timeslot]]:
        """Give every timeslot with its identifier, in order."""
        names = identifiers((slot.identifier for slot in self.timeslots), "timeslots.identifier")
        return list(zip(names, self.timeslots, strict=True))

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone."""
        return {
            "event": {
                "identifier": self.request_id or "event",
                "title": self.event,
                **present(
                    timezoneOffset=self.timezone_offset_min,
                    location=self.location.to_wire() if self.location else None,
                    imageIdentifier=gallery.identify(self.image),
                ),
                "timeslots": [slot.to_wire(identifier) for identifier, slot in self.numbered()],
            }
        }


@dataclass(frozen=True, kw_only=True)
class TimePickerResponse(Response):
    """The customer chose a time."""

    #: Of the timeslot.
    identifier: str
    #: When it begins, in Greenwich time; None when what came is no time.
    start: datetime | None
    #: How long it lasts, seconds.
    duration_s: int | None

    @property
    def selection(self) -> object:
        """What was chosen, as a value that JSON can hold."""
        return [self.identifier, self.start.isoformat() if self.start else None]

    def joined(self, name: str | None, data: JsonObject) -> Self:
        """Give the same, joined to the message it answers, with what that said of the time."""
        offered = (each for each in _slots(data) if label_in(each, "identifier") == self.identifier)
        slot = next(offered, {})
        return replace(
            self,
            to=name,
            start=self.start or parse_time(text_in(slot, "startTime") or ""),
            duration_s=self.duration_s or _duration(slot),
        )


def parse_time_picker(raw: JsonObject) -> TimePickerResponse | None:
    """Read a response, or give None when its shape is not known.

    Source: observed; an older shape has the event in `timePicker`.
    """
    slots = _slots(object_in(raw, "interactiveData"))
    if not slots:
        return None
    slot = slots[0]
    start = text_in(slot, "startTime")
    identifier = label_in(slot, "identifier") or start
    if identifier is None:
        return None
    return TimePickerResponse(
        identifier=identifier,
        start=parse_time(start or ""),
        duration_s=_duration(slot),
        **frame(raw),
    )


def parse_time(text: str) -> datetime | None:
    """Read a time with or without seconds, with `Z`, `+hhmm` or `+hh:mm`; None if it is none.

    Source: MSP API Tutorial, exercise 10 writes `2031-03-22T17:00+0000`; the others: observed.
    """
    found = _READ.fullmatch(text.strip())
    if found is None:
        return None
    day, clock, seconds, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        local = datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}")
        return local.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _slots(interactive: JsonObject) -> list[JsonObject]:
    data = object_in(interactive, "data")
    event = object_in(data, "event") or object_in(object_in(data, "timePicker"), "event")
    return objects_in(event, "timeslots")


def _duration(slot: JsonObject) -> int | None:
    seconds = number_in(slot, "duration")
    return int(seconds) if seconds is not None and 0 < seconds < 10**9 else None


def _invalid(field: str, problem: str, limit: str) -> ContentInvalid:
    return ContentInvalid(problem, field=field, limit=limit, source=_SOURCE)
