import base64
import struct
import zlib
from uuid import UUID

import pytest

from msp_server.emulator.replies import list_names, numbers_as_text


def _chunk(kind, packed):
    return (
        struct.pack(">I", len(packed))
        + kind
        + packed
        + struct.pack(">I", zlib.crc32(kind + packed))
    )


PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
    + _chunk(b"IEND", b"")
).decode()

YES = {"identifier": "y", "title": "Yes"}
NO = {"identifier": "n", "title": "No"}
QUICK_REPLY = {"quick-reply": {"summaryText": "Was that helpful?", "items": [YES, NO]}}

TEA = {
    "identifier": "tea",
    "title": "Tea",
    "subtitle": "pot",
    "order": 0,
    "style": "default",
    "imageIdentifier": "tea-image",
}
COLA = {"identifier": "cola", "title": "Cola", "order": 1, "style": "default"}
CAKE = {"identifier": "cake", "title": "Cake", "order": 0, "style": "default"}
PIE = {"identifier": "pie", "title": "Pie", "order": 1, "style": "default"}
IMAGES = [{"identifier": "tea-image", "data": PNG}]
DRINKS = {"title": "Drinks", "order": 0, "multipleSelection": True, "items": [TEA, COLA]}
FOOD = {"title": "Food", "order": 1, "multipleSelection": False, "items": [CAKE, PIE]}
MENU = {"images": IMAGES, "listPicker": {"sections": [DRINKS, FOOD]}}

APP = {
    "bid": "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAMID0001:com.example.delivery.App",
    "appId": 987654321,
    "appName": "Delivery",
    "URL": "?parcel=77&city=Berlin",
    "sessionIdentifier": "2d1c0b0a-1111-4222-8333-44445555666a",
    "useLiveLayout": True,
    "receivedMessage": {"title": "Parcel 77", "subtitle": "Arrives today"},
}


@pytest.fixture
def offer_quick_reply(offer, interactive):
    return lambda: offer(interactive(QUICK_REPLY, bubbles=False))


@pytest.fixture
def offer_menu(offer, interactive):
    return lambda: offer(interactive(MENU))


@pytest.mark.parametrize("choice", [{"title": "No"}, {"identifier": "n"}])
def test_quick_reply_comes_back_with_what_was_tapped(
    ava, answered, offer_quick_reply, interactive, choice, settings
):
    offer_quick_reply()

    fields = answered("tap", **choice)

    assert fields == {
        "id": fields["id"],
        "v": 1,
        "type": "interactive",
        "sourceId": ava.profile()["id"],
        "destinationId": settings.business_ids[0],
        "locale": "en_US",
        "interactiveData": interactive(
            {
                "quick-reply": {
                    "summaryText": "Was that helpful?",
                    "items": [YES, NO],
                    "selectedIndex": 1,
                    "selectedIdentifier": "n",
                }
            },
            bubbles=False,
        ),
    }
    assert ava.transcript()["entries"][0]["replied"] == {"title": "No"}


def test_bubbles_sent_with_a_quick_reply_come_back(put_on_phone, answered, interactive):
    put_on_phone({"type": "interactive", "interactiveData": interactive(QUICK_REPLY)})

    reply = answered("tap", title="Yes")["interactiveData"]

    assert reply["data"]["receivedMessage"]["title"] == "Please choose"
    assert reply["data"]["replyMessage"]["title"] == "Yes"


def framed(interactive, feature, words):
    """Give the interactive data of a reply, its bubbles inside `data`."""
    sent = interactive(feature)
    received, replied = sent.pop("receivedMessage"), sent.pop("replyMessage")
    sent["data"] |= {
        "receivedMessage": received,
        "replyMessage": replied | {"title": words, "alternateTitle": words},
    }
    return sent


@pytest.mark.parametrize(
    ("choice", "sections", "words"),
    [
        ({"titles": ["Tea"]}, [DRINKS | {"items": [TEA]}], "Tea"),
        ({"identifiers": ["cola"]}, [DRINKS | {"items": [COLA]}], "Cola"),
        (
            {"titles": ["Cake", "Cola", "Tea"]},
            [DRINKS, FOOD | {"items": [CAKE]}],
            "3 items",
        ),
    ],
)
def test_list_reply_keeps_the_sections_of_what_was_chosen(
    answered, offer_menu, interactive, choice, sections, words
):
    offer_menu()

    reply = answered("choose", **choice)["interactiveData"]

    feature = {"images": IMAGES, "listPicker": {"sections": sections}}
    assert reply == framed(interactive, feature, words)


def test_answered_bubble_shows_the_choice(ava, answered, offer_menu):
    offer_menu()

    reply = answered("choose", titles=["Tea"])["interactiveData"]

    assert ava.transcript()["entries"][0]["replied"] == reply["data"]["replyMessage"]


def section(title, order, *items):
    numbered = [item | {"order": place} for place, item in enumerate(items)]
    return {"title": title, "order": order, "multipleSelection": True, "items": numbered}


@pytest.mark.parametrize(
    ("shape", "sections"),
    [
        ("you_selected", [section("You Selected", 0, TEA, CAKE)]),
        (
            "with_unselected",
            [section("You Selected", 0, TEA, CAKE), section("Not Selected", 1, COLA, PIE)],
        ),
    ],
)
def test_list_reply_in_another_shape(
    answered, offer_menu, interactive, set_switches, shape, sections
):
    set_switches(list_reply=shape)
    offer_menu()

    reply = answered("choose", titles=["Cake", "Tea"])["interactiveData"]

    feature = {"images": IMAGES, "listPicker": {"sections": sections}}
    assert reply == framed(interactive, feature, "2 items")


def test_everything_chosen_leaves_no_second_section(answered, offer, interactive, set_switches):
    set_switches(list_reply="with_unselected")
    offer(interactive({"listPicker": {"sections": [FOOD | {"items": [CAKE]}]}}))

    reply = answered("choose", titles=["Cake"])["interactiveData"]

    assert [s["title"] for s in reply["data"]["listPicker"]["sections"]] == ["You Selected"]


def test_numbers_come_as_text_where_the_switch_says_so(answered, offer_menu, set_switches):
    set_switches(numbers_as_text=True)
    offer_menu()

    reply = answered("choose", titles=["Cola", "Cake"])["interactiveData"]

    drinks, food = reply["data"]["listPicker"]["sections"]
    assert (drinks["order"], drinks["items"][0]["order"]) == ("0", "1")
    assert (food["order"], food["multipleSelection"]) == ("1", False)


def test_only_named_numbers_become_text():
    assert numbers_as_text({"order": 1.5, "radius": 2, "a": [[{"duration": 3}, 4]], "b": True}) == {
        "order": "1.5",
        "radius": 2,
        "a": [[{"duration": "3"}, 4]],
        "b": True,
    }


def test_version_comes_back_under_the_key_that_was_sent(answered, offer, interactive):
    sent = interactive(MENU)
    sent["data"]["mspVersion"] = sent["data"].pop("version")
    offer(sent)

    data = answered("choose", titles=["Tea"])["interactiveData"]["data"]

    assert data["mspVersion"] == "1.0"
    assert "version" not in data


def test_session_is_made_once_for_a_bubble_that_has_none(answered, offer, interactive):
    offer(interactive(MENU, sessionIdentifier=None))

    first = answered("choose", titles=["Tea"])["interactiveData"]["sessionIdentifier"]
    second = answered("choose", titles=["Pie"])["interactiveData"]["sessionIdentifier"]

    assert UUID(first).version == 4
    assert first == second


def test_reply_bubble_that_was_not_sent_is_made(answered, put_on_phone, interactive):
    put_on_phone({"type": "interactive", "interactiveData": interactive(MENU, replyMessage=None)})

    data = answered("choose", titles=["Tea"])["interactiveData"]["data"]

    assert data["replyMessage"] == {"title": "Tea", "alternateTitle": "Tea", "style": "icon"}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "exactly one of titles and identifiers"),
        ({"titles": ["Tea"], "identifiers": ["tea"]}, "exactly one of titles and identifiers"),
        ({"titles": []}, "titles has to be a list"),
        ({"titles": "Tea"}, "titles has to be a list"),
        ({"titles": [7]}, "title has to be a text"),
        ({"titles": ["Beer"]}, "no item with the title 'Beer': there are 'Tea', 'Cola', 'Cake'"),
        ({"identifiers": ["Tea"]}, "there are 'tea', 'cola', 'cake', 'pie'"),
        ({"titles": ["Tea", "Tea"]}, "'Tea' is named twice"),
        ({"titles": ["Cake", "Pie"]}, "The section 'Food' takes one item, and 2 of it were named"),
    ],
)
def test_choice_that_cannot_be_made_is_400(ava, offer_menu, fields, error):
    offer_menu()

    answer = ava.do("choose", **fields)

    assert answer.status_code == 400
    assert error in answer.json()["error"]
    assert "replied" not in ava.transcript()["entries"][0]


def test_title_of_two_items_has_to_be_named_otherwise(ava, offer, interactive):
    twin = COLA | {"identifier": "cola-2"}
    offer(interactive({"listPicker": {"sections": [DRINKS | {"items": [COLA, twin]}]}}))

    answer = ava.do("choose", titles=["Cola"])

    assert answer.status_code == 400
    assert "2 have the title 'Cola': name one by its identifier" in answer.json()["error"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "exactly one of title and identifier"),
        ({"title": "Yes", "identifier": "y"}, "exactly one of title and identifier"),
        ({"title": "Maybe"}, "no quick reply with the title 'Maybe': there are 'Yes', 'No'"),
        ({"identifier": "Yes"}, "there are 'y', 'n'"),
        ({"title": 7}, "title has to be a text"),
    ],
)
def test_tap_on_nothing_is_400(ava, offer_quick_reply, fields, error):
    offer_quick_reply()

    answer = ava.do("tap", **fields)

    assert answer.status_code == 400
    assert error in answer.json()["error"]


def test_app_answers_without_data(ava, answered, offer):
    offer(APP)

    reply = answered("open_app", url="?slot=2&parcel=77", subtitle="Slot 2")["interactiveData"]

    received = {"title": "Parcel 77", "subtitle": "Slot 2"}
    assert reply == APP | {"URL": "?slot=2&parcel=77", "receivedMessage": received}
    assert ava.transcript()["entries"][0]["replied"] == received


def test_app_that_says_nothing_new_answers_as_it_was_sent(answered, offer):
    offer(APP)

    assert answered("open_app")["interactiveData"] == APP


@pytest.mark.parametrize(
    "fields", [{"url": 7}, {"url": "?" + "x" * 65_536}, {"title": []}, {"subtitle": "x" * 513}]
)
def test_app_that_says_too_much_is_400(ava, offer, fields):
    offer(APP)

    answer = ava.do("open_app", **fields)

    assert answer.status_code == 400
    assert "has to be a text of at most" in answer.json()["error"]


def test_long_list_of_names_is_cut():
    assert list_names([]) == "none"
    assert list_names(list(range(23))).endswith("19 and 3 more")
