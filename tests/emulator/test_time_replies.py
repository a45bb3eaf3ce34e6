from datetime import UTC, datetime, timedelta, timezone

import pytest

from msp_server.emulator.time_replies import parse_time, tell_time

MORNING = {"identifier": "s1", "startTime": "2031-03-22T09:00+0000", "duration": 1800}
NOON = {"identifier": "s2", "startTime": "2031-03-22T12:30+0000", "duration": 1800}
FITTING = {
    "identifier": "visit-1",
    "title": "Fitting",
    "timezoneOffset": 60,
    "location": {"latitude": 52.52, "longitude": 13.405, "radius": 100, "title": "Shop Mitte"},
    "timeslots": [MORNING, NOON],
}


@pytest.fixture
def offer_times(offer, interactive):
    def send(**changes):
        event = {key: value for key, value in (FITTING | changes).items() if value is not None}
        return offer(interactive({"event": event}))

    return send


@pytest.mark.parametrize(
    "choice",
    [
        {"identifier": "s2"},
        {"index": 1},
        {"start": "2031-03-22T12:30+0000"},
        {"start": "2031-03-22T12:30:00Z"},
        {"start": "2031-03-22T14:30+02:00"},
        {"start": "2031-03-22T13:30"},
    ],
)
def test_event_comes_back_with_the_picked_time_alone(answered, offer_times, interactive, choice):
    offer_times()

    reply = answered("pick_time", **choice)["interactiveData"]

    expected = interactive({"event": FITTING | {"timeslots": [NOON]}})
    received, replied = expected.pop("receivedMessage"), expected.pop("replyMessage")
    words = "22 Mar, 13:30"
    replied |= {"title": words, "alternateTitle": words}
    expected["data"] |= {"receivedMessage": received, "replyMessage": replied}
    assert reply == expected


@pytest.mark.parametrize(
    ("offset", "time_zone", "words"),
    [
        (None, None, "22 Mar, 08:30"),
        (None, "Asia/Tokyo", "22 Mar, 21:30"),
        (-420, "Asia/Tokyo", "22 Mar, 05:30"),
        (0, "Asia/Tokyo", "22 Mar, 12:30"),
        (720, None, "23 Mar, 00:30"),
    ],
)
def test_time_is_told_in_the_fixed_zone_or_the_phones(
    ava, answered, offer_times, offset, time_zone, words
):
    if time_zone:
        ava.change(time_zone=time_zone)
    offer_times(timezoneOffset=offset)

    reply = answered("pick_time", index=1)["interactiveData"]

    assert reply["data"]["replyMessage"]["title"] == words


def test_numbers_come_as_text_where_the_switch_says_so(answered, offer_times, set_switches):
    set_switches(numbers_as_text=True)
    offer_times(timezoneOffset=-100)

    event = answered("pick_time", index=0)["interactiveData"]["data"]["event"]

    assert event["timezoneOffset"] == "-100"
    assert event["timeslots"] == [MORNING | {"duration": "1800"}]
    assert event["location"] == FITTING["location"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "exactly one of identifier and start"),
        ({"index": 0, "identifier": "s1"}, "exactly one of identifier, index and start"),
        ({"index": 2}, "index has to be a whole number from 0 to 1"),
        ({"index": -1}, "from 0 to 1"),
        ({"index": True}, "from 0 to 1"),
        ({"index": "0"}, "from 0 to 1"),
        ({"identifier": "s3"}, "no time with the identifier 's3': there are 's1', 's2'"),
        ({"start": "at noon"}, "write it like 2031-03-22T12:30+0000"),
        ({"start": "2031-03-22T12:31Z"}, "there are '2031-03-22T09:00+0000', '2031-03-22T12"),
        ({"start": 7}, "start has to be a text"),
    ],
)
def test_time_that_is_not_offered_is_400(ava, offer_times, fields, error):
    offer_times()

    answer = ava.do("pick_time", **fields)

    assert answer.status_code == 400
    assert error in answer.json()["error"]


def test_two_slots_of_one_start_are_named_by_identifier(ava, answered, offer_times):
    offer_times(timeslots=[NOON, NOON | {"identifier": "s3"}])

    answer = ava.do("pick_time", start="2031-03-22T12:30Z")

    assert answer.status_code == 400
    assert "name one by its identifier" in answer.json()["error"]
    assert answered("pick_time", identifier="s3")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"timezoneOffset": 1440}, "timezoneOffset is beyond a day"),
        ({"timezoneOffset": "nan"}, "timezoneOffset is beyond a day"),
        ({"timeslots": [MORNING | {"startTime": "soon"}]}, "a startTime of it is no time"),
        ({"timeslots": [MORNING | {"startTime": 7}]}, "a startTime of it is no time"),
        ({"timeslots": []}, "index has to be"),
        ({"timeslots": 7}, "index has to be"),
    ],
)
def test_picker_that_no_phone_shows_is_400(ava, put_on_phone, interactive, changes, error):
    put_on_phone(
        {"type": "interactive", "interactiveData": interactive({"event": FITTING | changes})}
    )

    answer = ava.do("pick_time", index=0)

    assert answer.status_code == 400
    assert error in answer.json()["error"]


@pytest.mark.parametrize(
    "text", ["2031-03-22T12:30+0000", "2031-03-22T12:30:00.000Z", "2031-03-22T14:00+01:30"]
)
def test_spellings_of_one_time(text):
    assert parse_time(text, UTC) == datetime(2031, 3, 22, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2031-03-22", "2031-02-30T12:30Z", "2031-03-22T25:00Z", "0001-01-01T00:00+1200"]
)
def test_what_is_no_time_is_none(text):
    assert parse_time(text, UTC) is None


def test_last_day_of_the_calendar_is_told():
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)

    assert tell_time(last, timezone(timedelta(hours=1))) == "31 Dec, 23:59"
