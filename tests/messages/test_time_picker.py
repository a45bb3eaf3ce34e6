import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.capability import Capability
from msp_server.messages.content import Unknown, parse_content
from msp_server.messages.image import Image
from msp_server.messages.interactive import BID, Bubble
from msp_server.messages.limits import PNG_MAGIC
from msp_server.messages.time_picker import (
    Location,
    TimePicker,
    TimePickerResponse,
    Timeslot,
    parse_time,
)

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
NOON = datetime(2031, 3, 22, 12, 0, tzinfo=UTC)
SLOT = {"identifier": "s2", "startTime": "2031-03-22T12:00+0000", "duration": 1800}


def visit(**changes):
    return TimePicker(**({"received": "When?", "timeslots": [Timeslot(NOON, 1800)]} | changes))


def response(*slots, **event):
    return {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "session",
            "data": {
                "version": "1.0",
                "requestIdentifier": "request",
                "event": {
                    "identifier": "visit-1",
                    "title": "Fitting",
                    "timezoneOffset": 60,
                    "location": {},
                    "timeslots": list(slots),
                    **event,
                },
                "replyMessage": {"title": "22 Mar, 13:00", "style": "icon"},
            },
        }
    }


# Sending


def test_timeslots_become_a_tuple_numbered_from_one():
    slots = [Timeslot(NOON, 1800), Timeslot(NOON, 3600, "1"), Timeslot(NOON, 60)]
    picker = visit(timeslots=slots)

    assert picker.timeslots == tuple(slots)
    assert [name for name, _ in picker.numbered()] == ["_1", "1", "3"]


def test_a_time_picker_needs_a_device_that_shows_it():
    assert TimePicker.capability is Capability.TIME


def test_to_wire_gives_what_apple_shows():
    text = (SAMPLES / "time_picker.json").read_text("utf-8")
    interactive = json.loads(text.replace('"shop-front"', '"0"'))["interactiveData"]
    data = interactive["data"]
    data["event"]["identifier"] = data["requestIdentifier"]
    front = Image(base64.b64decode(data["images"][0]["data"]))
    there = timezone(timedelta(hours=-7))

    picker = TimePicker(
        Bubble("Pick a time", "Half an hour or more", image=front),
        [
            Timeslot(datetime(2031, 3, 22, 10, 0, tzinfo=there), 3600, "morning"),
            Timeslot(datetime(2031, 3, 22, 18, 30, tzinfo=there), 1800, "evening"),
        ],
        replied=Bubble("Booked", "See you then"),
        event="Fitting",
        timezone_offset_min=-420,
        location=Location("The shop by the park", 37.33, -122.01),
        image=front,
        request_id=data["requestIdentifier"],
    )

    assert picker.to_wire() == {"interactiveData": interactive}


def test_to_wire_fills_in_what_was_left_out():
    assert visit().identified("message").to_wire() == {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "message",
            "data": {
                "version": "1.0",
                "requestIdentifier": "message",
                "event": {
                    "identifier": "message",
                    "title": "",
                    "timeslots": [
                        {"identifier": "1", "startTime": "2031-03-22T12:00+0000", "duration": 1800}
                    ],
                },
            },
            "receivedMessage": {"title": "When?", "style": "icon"},
            "replyMessage": {"title": "When?", "style": "icon"},
        }
    }


def test_an_event_without_request_has_an_identifier_too():
    assert visit().to_wire()["interactiveData"]["data"]["event"]["identifier"] == "event"


@pytest.mark.parametrize("offset", [-1080, 0, 1080])
def test_to_wire_gives_the_zone(offset):
    picker = visit(timezone_offset_min=offset)

    assert picker.to_wire()["interactiveData"]["data"]["event"]["timezoneOffset"] == offset


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": ""}, "received"),
        ({"timeslots": []}, "timeslots"),
        ({"timeslots": [NOON]}, "timeslots[0]"),
        ({"timeslots": [Timeslot(NOON, 60, "a")] * 2}, "timeslots.identifier"),
        ({"event": 5}, "event"),
        ({"timezone_offset_min": 1081}, "timezone_offset_min"),
        ({"timezone_offset_min": -1081}, "timezone_offset_min"),
        ({"timezone_offset_min": "Berlin"}, "timezone_offset_min"),
        ({"location": "Berlin"}, "location"),
        ({"image": "shop.png"}, "image"),
    ],
)
def test_a_time_picker_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        visit(**changes)

    assert caught.value.field == f"TimePicker.{field}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start": NOON.replace(tzinfo=None)}, "start"),
        ({"start": NOON.replace(second=1)}, "start"),
        ({"start": NOON.replace(microsecond=1)}, "start"),
        ({"start": NOON.astimezone(timezone(timedelta(hours=1))).replace(second=1)}, "start"),
        ({"start": NOON.replace(tzinfo=timezone(timedelta(seconds=30)))}, "start"),
        ({"start": NOON.replace(year=1000)}, "start"),
        ({"start": NOON.replace(year=9999)}, "start"),
        ({"start": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))}, "start"),
        ({"start": datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=9)))}, "start"),
        ({"start": "noon"}, "start"),
        ({"start": None}, "start"),
        ({"duration_s": 0}, "duration_s"),
        ({"duration_s": -60}, "duration_s"),
        ({"duration_s": 1.5}, "duration_s"),
        ({"duration_s": None}, "duration_s"),
        ({"identifier": 5}, "identifier"),
    ],
)
def test_a_timeslot_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        Timeslot(**({"start": NOON, "duration_s": 1800} | changes))

    assert caught.value.field == f"Timeslot.{field}"


@pytest.mark.parametrize(
    ("start", "written"),
    [
        (datetime(1001, 1, 1, tzinfo=timezone(timedelta(hours=1))), "1000-12-31T23:00+0000"),
        (datetime(9998, 12, 31, 23, tzinfo=timezone(-timedelta(hours=1))), "9999-01-01T00:00+0000"),
    ],
)
def test_the_first_and_the_last_years_can_be_written(start, written):
    assert Timeslot(start, 60).to_wire("1")["startTime"] == written


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"latitude": 90.1}, "latitude"),
        ({"latitude": -90.1}, "latitude"),
        ({"latitude": float("nan")}, "latitude"),
        ({"latitude": "north"}, "latitude"),
        ({"longitude": 180.1}, "longitude"),
        ({"longitude": -180.1}, "longitude"),
        ({"longitude": float("nan")}, "longitude"),
        ({"radius_m": 0}, "radius_m"),
        ({"radius_m": 10**8}, "radius_m"),
        ({"radius_m": float("inf")}, "radius_m"),
        ({"radius_m": float("nan")}, "radius_m"),
    ],
)
def test_a_location_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        Location(**({"title": "Shop", "latitude": 52.52, "longitude": 13.4} | changes))

    assert caught.value.field == f"Location.{field}"


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 180), (-90, -180)])
def test_a_location_may_lie_at_the_end_of_the_world(latitude, longitude):
    assert Location("Pole", latitude, longitude).to_wire() == {
        "latitude": latitude,
        "longitude": longitude,
        "radius": 100,
        "title": "Pole",
    }


@pytest.mark.parametrize(
    "picker",
    [
        visit(received="w" * 200, event="e" * 200),
        visit(location=Location("l" * 200, 0, 0)),
        visit(timeslots=[Timeslot(NOON, 60, "i" * 200)]),
        visit(image=Image(PNG_MAGIC.ljust(200_000))),
    ],
)
def test_a_time_picker_at_the_edge_is_as_vendors_report(picker, require_reported):
    require_reported(picker)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": "w" * 201}, "received"),
        ({"event": "e" * 201}, "event"),
        ({"event": "a\nb"}, "event"),
        ({"location": Location("l" * 201, 0, 0)}, "location.title"),
        ({"timeslots": [Timeslot(NOON, 60, "i" * 201)]}, "timeslots[0].identifier"),
        ({"image": Image(PNG_MAGIC.ljust(200_001))}, "image.data"),
    ],
)
def test_a_time_picker_beyond_what_vendors_report_is_refused(changes, field, require_reported):
    with pytest.raises(ContentInvalid) as caught:
        require_reported(visit(**changes))

    assert caught.value.field == f"TimePicker.{field}"


# What comes back


def test_a_choice_comes_with_all_that_it_says():
    raw = response(SLOT)

    content = parse_content("interactive", raw)

    assert content == TimePickerResponse(
        identifier="s2",
        start=NOON,
        duration_s=1800,
        title="22 Mar, 13:00",
        request_id="request",
        session_id="session",
    )
    assert content.raw is raw


def test_numbers_may_come_as_texts():
    raw = response({**SLOT, "duration": "1800"}, timezoneOffset="-100")

    assert parse_content("interactive", raw).duration_s == 1800


def test_an_older_shape_has_the_event_in_time_picker():
    raw = response(SLOT)
    data = raw["interactiveData"]["data"]
    data["timePicker"] = {"event": data.pop("event")}

    assert parse_content("interactive", raw).start == NOON


def test_the_start_names_a_slot_without_identifier():
    content = parse_content("interactive", response({"startTime": SLOT["startTime"]}))

    assert content.identifier == "2031-03-22T12:00+0000"
    assert content.duration_s is None


@pytest.mark.parametrize("start", [None, 5, "", "noon", []])
def test_a_start_that_is_no_time_is_none(start):
    content = parse_content("interactive", response({**SLOT, "startTime": start}))

    assert (content.identifier, content.start) == ("s2", None)


@pytest.mark.parametrize("duration", [None, 0, -1, 10**9, 10**400, "nan", "x", True, []])
def test_a_duration_that_is_none_is_none(duration):
    assert parse_content("interactive", response({**SLOT, "duration": duration})).duration_s is None


@pytest.mark.parametrize("slots", [[], [{}], [5], [{"identifier": "", "startTime": 5}]])
def test_a_response_without_a_time_is_unknown(slots):
    assert parse_content("interactive", response(*slots)) == Unknown("interactive")


@pytest.mark.parametrize("event", [None, 5, [], {}, {"timeslots": SLOT}])
def test_an_event_in_another_shape_is_unknown(event):
    raw = response()
    raw["interactiveData"]["data"]["event"] = event

    assert parse_content("interactive", raw) == Unknown("interactive")


def test_junk_in_any_field_harms_nothing(spoil_each):
    for raw in spoil_each(response(SLOT)):
        content = parse_content("interactive", raw)

        assert isinstance(content, TimePickerResponse | Unknown)


def test_selection_is_the_slot_and_its_time():
    picked = TimePickerResponse(identifier="s2", start=NOON, duration_s=60)

    assert picked.selection == ["s2", "2031-03-22T12:00:00+00:00"]


def test_selection_without_time_is_the_slot():
    picked = TimePickerResponse(identifier="s2", start=None, duration_s=60)

    assert picked.selection == ["s2", None]


def test_joined_takes_what_is_missing_from_what_was_sent():
    sent = visit(timeslots=[Timeslot(NOON, 60, "s1"), Timeslot(NOON, 1800, "s2")])
    picked = TimePickerResponse(identifier="s2", start=None, duration_s=None)

    joined = picked.joined("visit", sent.to_wire()["interactiveData"])

    assert joined == TimePickerResponse(identifier="s2", start=NOON, duration_s=1800, to="visit")


def test_joined_keeps_what_the_customer_said():
    sent = visit(timeslots=[Timeslot(NOON, 60, "s2")])
    picked = TimePickerResponse(identifier="s2", start=NOON + timedelta(days=1), duration_s=1800)

    assert picked.joined(None, sent.to_wire()["interactiveData"]) == picked


@pytest.mark.parametrize("data", [{}, {"data": 5}, {"data": {"event": {"timeslots": [{}]}}}])
def test_joined_to_nothing_known_is_the_same(data):
    picked = TimePickerResponse(identifier="s2", start=None, duration_s=None)

    assert picked.joined(None, data) == picked


@pytest.mark.parametrize(
    "text",
    [
        "2031-03-22T12:00+0000",
        "2031-03-22T12:00Z",
        "2031-03-22T12:00z",
        "2031-03-22T12:00:00Z",
        "2031-03-22T12:00:00.000Z",
        "2031-03-22T12:00:00+00:00",
        "2031-03-22 12:00 +0000",
        "2031-03-22T13:00+0100",
        "2031-03-22T07:00:00-05:00",
        "2031-03-22T17:30+05:30",
        " 2031-03-22T12:00+0000\n",
    ],
)
def test_parse_time_reads_every_spelling(text):
    assert parse_time(text) == NOON


def test_parse_time_keeps_seconds():
    assert parse_time("2031-03-22T12:00:59Z") == NOON.replace(second=59)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "2031-03-22",
        "2031-03-22T12:00",
        "2031-02-30T12:00Z",
        "2031-03-22T25:00Z",
        "2031-03-22T12:60Z",
        "2031-03-22T12:00+2500",
        "0000-01-01T00:00Z",
        "0001-01-01T00:00+0100",
        "9999-12-31T23:59-0100",
        "٢٠٣١-٠٣-٢٢T12:00Z",
    ],
)
def test_parse_time_gives_none_for_what_is_no_time(text):
    assert parse_time(text) is None
