import json
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.capability import Capability
from msp_server.messages.content import parse_outbound
from msp_server.messages.interactive import BID
from msp_server.messages.raw_interactive import RawInteractive

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
SHOWN = {"imageIdentifier": "van"}


def test_to_wire_fills_in_what_was_left_out():
    raw = RawInteractive({"data": {"hologram": {}}}).identified("message")

    assert raw.to_wire() == {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "message",
            "data": {"version": "1.0", "requestIdentifier": "message", "hologram": {}},
        }
    }


def test_to_wire_keeps_what_was_given():
    given = {
        "bid": "com.example.another",
        "sessionIdentifier": "session",
        "data": {"version": "2.0", "requestIdentifier": "request", "hologram": {"depth": 3}},
        "receivedMessage": {"title": "See this"},
    }

    assert RawInteractive(given).identified("message").to_wire() == {"interactiveData": given}


@pytest.mark.parametrize("kind", ["quick_reply", "list_picker", "time_picker", "form"])
def test_to_wire_gives_a_sample_of_apple_as_it_is(kind):
    interactive = json.loads((SAMPLES / f"{kind}.json").read_text("utf-8"))["interactiveData"]

    content = parse_outbound({"interactiveData": interactive})

    assert type(content) is RawInteractive
    assert content.to_wire() == {"interactiveData": interactive}


def test_to_wire_gives_the_version_under_one_name():
    data = RawInteractive({"data": {"mspVersion": "1.0"}}).to_wire()["interactiveData"]["data"]

    assert data == {"mspVersion": "1.0"}


@pytest.mark.parametrize("data", [{}, {"URL": "?a=1"}])
def test_to_wire_makes_no_data_where_there_is_none(data):
    assert RawInteractive(data).to_wire() == {"interactiveData": {"bid": BID, **data}}


def test_to_wire_leaves_the_given_as_it_was():
    given = {"data": {"hologram": {}}}

    RawInteractive(given).identified("message").to_wire()

    assert given == {"data": {"hologram": {}}}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"data": {"requestIdentifier": "request"}}, "request"),
        ({"data": {}}, "message"),
        ({"data": {"requestIdentifier": ""}}, "message"),
        ({"data": {"requestIdentifier": 5}}, "message"),
        ({}, "message"),
    ],
)
def test_the_answer_names_the_request_that_is_sent(data, key):
    raw = RawInteractive(data).identified("message")

    assert raw.answer_key == key
    assert raw.to_wire()["interactiveData"].get("data", {}).get("requestIdentifier", key) == key


def test_it_takes_over_the_ids_in_it():
    raw = RawInteractive({"sessionIdentifier": "session", "data": {"requestIdentifier": "request"}})

    assert (raw.session_id, raw.request_id) == ("session", "request")


def test_vendors_report_nothing_of_what_is_raw(require_reported):
    raw = RawInteractive({"data": {"hologram": {}}})

    require_reported(raw)


def test_a_picture_that_is_there_may_be_named_anywhere():
    RawInteractive(
        {
            "data": {"images": [{"identifier": "van"}], "hologram": [{"items": [[SHOWN]]}]},
            "receivedMessage": {"title": "See", **SHOWN},
        }
    )


@pytest.mark.parametrize(
    "data",
    [
        {"receivedMessage": SHOWN},
        {"data": {"hologram": {"items": [{}, [SHOWN]]}}},
        {"data": {"images": [], **SHOWN}},
        {"data": {"images": "van", **SHOWN}},
        {"data": {"images": [{"identifier": "bus"}, 5], **SHOWN}},
        {"data": {"images": [{}], **SHOWN}},
        {"data": [SHOWN]},
    ],
)
def test_a_picture_that_is_not_there_cannot_be_named(data):
    with pytest.raises(ContentInvalid, match="van") as caught:
        RawInteractive(data)

    assert caught.value.field == "RawInteractive.data.data.images"


@pytest.mark.parametrize("name", [None, 5, [], {}])
def test_what_is_no_name_names_no_picture(name):
    RawInteractive({"receivedMessage": {"imageIdentifier": name}})


@pytest.mark.parametrize("data", [None, 5, "data", []])
def test_it_is_made_of_an_object_alone(data):
    with pytest.raises(ContentInvalid) as caught:
        RawInteractive(data)

    assert caught.value.field == "RawInteractive.data"


def nested(depth):
    """Give lists within lists."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [b"bytes", {1, 2}, object(), float("nan"), float("inf"), nested(100_000)]
)
def test_what_is_no_json_cannot_be_sent(value):
    with pytest.raises(ContentInvalid, match="JSON") as caught:
        RawInteractive({"data": {"hologram": value}})

    assert caught.value.field == "RawInteractive.data"


@pytest.mark.parametrize(
    ("data", "needed"),
    [
        ({"quick-reply": {}}, Capability.QUICK),
        ({"listPicker": {}}, Capability.LIST),
        ({"event": {}}, Capability.TIME),
        ({"dynamic": {}}, Capability.FORM),
        ({"authenticate": {"oauth2": {"redirectURI": "https://a.example"}}}, Capability.AUTH2),
        ({"authenticate": {"oauth2": {"responseEncryptionKey": "BA=="}}}, Capability.AUTH),
        ({"hologram": {}}, None),
        ({}, None),
    ],
)
def test_what_a_device_must_have_is_told_by_the_key_of_its_kind(data, needed):
    assert RawInteractive({"data": data}).needs is needed
