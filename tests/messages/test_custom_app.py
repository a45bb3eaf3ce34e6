import base64
import json
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.content import Unknown, parse_content
from msp_server.messages.custom_app import CustomApp, CustomAppResponse
from msp_server.messages.image import Image
from msp_server.messages.interactive import BID, Bubble
from msp_server.messages.limits import PNG_MAGIC

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
PLUGIN = "com.apple.messages.MSMessageExtensionBalloonPlugin"
APP = f"{PLUGIN}:TEAMID0001:com.example.delivery.MessagesExtension"
PICTURE = Image(PNG_MAGIC + b"van")


def parcel(**changes):
    valid = {
        "received": "Parcel 77",
        "bid": APP,
        "app_id": 987654321,
        "app_name": "Delivery",
        "url": "?parcel=77",
    }
    return CustomApp(**(valid | changes))


def response(**changes):
    """Make what comes back; what is None is left out."""
    fields = {
        "bid": APP,
        "appId": 987654321,
        "appName": "Delivery",
        "URL": "?slot=2&parcel=77",
        "sessionIdentifier": "session",
        "useLiveLayout": True,
        "receivedMessage": {"title": "Parcel 77", "subtitle": "Slot 2"},
        **changes,
    }
    return {"interactiveData": {name: each for name, each in fields.items() if each is not None}}


def parameters(url):
    return CustomAppResponse(bid=APP, app_name=None, url=url).parameters


# Sending


def test_to_wire_gives_what_apple_shows():
    interactive = json.loads((SAMPLES / "custom_app.json").read_text("utf-8"))["interactiveData"]
    interactive["receivedMessage"]["style"] = "icon"

    app = CustomApp(
        Bubble(
            "Parcel 77",
            "Arrives today",
            image_title="Track",
            image_subtitle="77",
            secondary_subtitle="Before noon",
            tertiary_subtitle="By bicycle",
        ),
        APP,
        987654321,
        "Delivery",
        {"parcel": "77", "city": "Zürich"},
        icon=Image(base64.b64decode(interactive["appIcon"])),
        session_id="2d1c0b0a-1111-4222-8333-44445555666a",
    )

    assert app.to_wire() == {"interactiveData": interactive}


def test_to_wire_fills_in_what_was_left_out():
    assert parcel().identified("message").to_wire() == {
        "interactiveData": {
            "bid": APP,
            "appId": 987654321,
            "appName": "Delivery",
            "URL": "?parcel=77",
            "sessionIdentifier": "message",
            "useLiveLayout": True,
            "receivedMessage": {"title": "Parcel 77", "style": "icon"},
        }
    }


def test_to_wire_gives_the_bubble_after_the_answer_if_there_is_one():
    interactive = parcel(replied="Thank you", live_layout=False).to_wire()["interactiveData"]

    assert interactive["replyMessage"] == {"title": "Thank you", "style": "icon"}
    assert interactive["useLiveLayout"] is False


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("?", "?"),
        ("?a=1&b=%20", "?a=1&b=%20"),
        ({}, "?"),
        ({"a": "1", "b": "x y"}, "?a=1&b=x%20y"),
        ({"a": "1+1=2&c"}, "?a=1%2B1%3D2%26c"),
        ({"city": "Zürich"}, "?city=Z%C3%BCrich"),
    ],
)
def test_what_an_app_is_told_is_encoded_once(given, url):
    assert parcel(url=given).url == url


def test_what_an_app_is_told_can_be_read_again():
    told = {"parcel": "77", "note": "50 % off + tea & cake = 👍", "empty": ""}

    assert parameters(parcel(url=told).url) == told


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": ""}, "received"),
        ({"received": Bubble("Parcel", image=PICTURE)}, "received.image"),
        ({"replied": Bubble("Thanks", image=PICTURE)}, "replied.image"),
        ({"bid": ""}, "bid"),
        ({"bid": 5}, "bid"),
        ({"bid": BID}, "bid"),
        ({"bid": "com.example.delivery"}, "bid"),
        ({"bid": f"{PLUGIN}:TEAMID0001"}, "bid"),
        ({"bid": f"{PLUGIN}::com.example"}, "bid"),
        ({"bid": f"{APP} "}, "bid"),
        ({"bid": f"{APP}\n"}, "bid"),
        ({"app_id": 0}, "app_id"),
        ({"app_id": -1}, "app_id"),
        ({"app_id": "Delivery"}, "app_id"),
        ({"app_name": ""}, "app_name"),
        ({"app_name": 5}, "app_name"),
        ({"url": ""}, "url"),
        ({"url": "parcel=77"}, "url"),
        ({"url": "https://shop.example.com/?parcel=77"}, "url"),
        ({"url": "?city=Zürich"}, "url"),
        ({"url": "?a=x y"}, "url"),
        ({"url": "?a=1\n"}, "url"),
        ({"url": "?a=%"}, "url"),
        ({"url": "?a=%zz"}, "url"),
        ({"url": 5}, "url"),
        ({"url": {"a": "\ud800"}}, "url"),
        ({"icon": "icon.png"}, "icon"),
        ({"live_layout": 5}, "live_layout"),
    ],
)
def test_a_custom_app_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        parcel(**changes)

    assert caught.value.field == f"CustomApp.{field}"


def test_names_and_texts_hold_texts_alone():
    with pytest.raises(ContentInvalid, match=r"CustomApp\.url"):
        parcel(url={"parcel": 77})


def test_an_app_is_told_64_kib_at_most():
    parcel(url="?".ljust(64 * 1024, "a"))

    with pytest.raises(ContentInvalid, match=r"CustomApp\.url"):
        parcel(url="?".ljust(64 * 1024 + 1, "a"))


@pytest.mark.parametrize(
    "changes",
    [
        {"received": "r" * 200, "replied": "r" * 200},
        {"app_name": "a" * 200},
        {"icon": Image(PNG_MAGIC.ljust(15_359))},
    ],
)
def test_a_custom_app_at_the_edge_is_as_vendors_report(changes, require_reported):
    require_reported(parcel(**changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": "r" * 201}, "received"),
        ({"replied": "r" * 201}, "replied"),
        ({"app_name": "a" * 201}, "app_name"),
        ({"icon": Image(PNG_MAGIC.ljust(15_360))}, "icon.data"),
        ({"icon": Image(b"\xff\xd8\xffJPEG")}, "icon.data"),
    ],
)
def test_a_custom_app_beyond_what_vendors_report_is_refused(changes, field, require_reported):
    with pytest.raises(ContentInvalid) as caught:
        require_reported(parcel(**changes))

    assert caught.value.field == f"CustomApp.{field}"


# What comes back


def test_an_answer_comes_with_all_that_it_says():
    raw = response()

    content = parse_content("interactive", raw)

    assert content == CustomAppResponse(
        bid=APP,
        app_name="Delivery",
        url="?slot=2&parcel=77",
        title="Parcel 77",
        session_id="session",
    )
    assert content.raw is raw
    assert content.parameters == {"slot": "2", "parcel": "77"}


def test_the_bubble_after_the_answer_gives_the_title_if_it_came():
    raw = response(replyMessage={"title": "Slot 2", "style": "icon"})

    assert parse_content("interactive", raw).title == "Slot 2"


@pytest.mark.parametrize("changes", [{"appId": "987654321"}, {"appId": None}, {"appIcon": "iVBO"}])
def test_what_is_not_needed_may_come_in_any_shape(changes):
    assert isinstance(parse_content("interactive", response(**changes)), CustomAppResponse)


def test_an_answer_that_says_nothing_is_one_too():
    raw = response(URL=None, appName=None, receivedMessage=None, sessionIdentifier=None)

    assert parse_content("interactive", raw) == CustomAppResponse(bid=APP, app_name=None, url="")


@pytest.mark.parametrize("bid", [None, "", 5, [], BID])
def test_what_comes_from_no_app_of_a_business_is_unknown(bid):
    assert parse_content("interactive", response(bid=bid)) == Unknown("interactive")


def test_junk_in_any_field_harms_nothing(spoil_each):
    for raw in spoil_each(response(replyMessage={"title": "Slot 2"})):
        content = parse_content("interactive", raw)

        assert isinstance(content, CustomAppResponse | Unknown)
        if isinstance(content, CustomAppResponse):
            assert isinstance(content.parameters, dict)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", {}),
        ("?", {}),
        ("parcel=77", {}),
        ("?parcel", {"parcel": ""}),
        ("?parcel=77&parcel=78", {"parcel": "77"}),
        ("https://app.example.com/track?parcel=77", {"parcel": "77"}),
        ("?city=Z%C3%BCrich", {"city": "Zürich"}),
        ("?sum=1+1&words=a%20b", {"sum": "1+1", "words": "a b"}),
        ("?a=%FF", {"a": "\ufffd"}),
        (f"?{'&'.join('a' * 1000)}", {"a": ""}),
        (f"?{'&'.join('a' * 1001)}", {}),
    ],
)
def test_parameters_are_decoded(url, said):
    assert parameters(url) == said


def test_selection_is_what_the_app_says():
    assert parse_content("interactive", response()).selection == "?slot=2&parcel=77"


def test_joined_names_what_it_answers():
    answered = CustomAppResponse(bid=APP, app_name=None, url="?a=1")

    assert answered.joined("parcel", {}) == CustomAppResponse(
        bid=APP, app_name=None, url="?a=1", to="parcel"
    )
