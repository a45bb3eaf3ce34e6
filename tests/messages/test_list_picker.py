import base64
import json
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.capability import Capability
from msp_server.messages.content import Unknown, parse_content
from msp_server.messages.image import Image
from msp_server.messages.interactive import BID, Bubble, Style
from msp_server.messages.limits import PNG_MAGIC
from msp_server.messages.list_picker import (
    Item,
    ListPicker,
    ListPickerResponse,
    PickedItem,
    Section,
)

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
PICTURE = Image(PNG_MAGIC + b"kettle")
TEA = {"identifier": "tea", "title": "Tea", "subtitle": "pot", "style": "default", "order": 0}
CAKE = {"identifier": "cake", "title": "Cake", "style": "default", "order": 1}
PLUM = {"identifier": "plum", "title": "Plum cake", "style": "default", "order": "0"}


def menu(**changes):
    valid = {"received": "Menu", "sections": [Section("Drinks", ["Tea", "Juice"])]}
    return ListPicker(**(valid | changes))


def section(title, *items):
    return {"title": title, "order": 0, "multipleSelection": True, "items": list(items)}


def response(*sections):
    return {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "session",
            "data": {
                "mspVersion": "1.0",
                "requestIdentifier": "request",
                "listPicker": {"sections": list(sections)},
                "receivedMessage": {"title": "Menu", "subtitle": "Pick", "style": "small"},
                "replyMessage": {"title": "2 items", "style": "icon", "alternateTitle": "2 items"},
            },
        }
    }


# Sending


def test_texts_stand_for_items():
    assert Section("Fruit", ["Apple", Item("Orange")]).items == (Item("Apple"), Item("Orange"))


def test_lists_become_tuples_that_nobody_changes():
    sections = [Section("Fruit", ["Apple"])]
    picker = ListPicker("What would you like?", sections)
    sections.clear()

    assert picker.sections == (Section("Fruit", (Item("Apple"),)),)
    assert isinstance(picker.sections[0].items, tuple)


def test_items_are_numbered_from_one_through_all_sections():
    picker = menu(
        sections=[
            Section("Drinks", ["Tea", Item("Juice", identifier="4")]),
            Section("Cake", ["Plum", "Cheese"]),
        ]
    )

    assert [name for name, _ in picker.numbered()] == ["1", "4", "3", "_4"]


def test_a_list_picker_needs_a_device_that_shows_it():
    assert ListPicker.capability is Capability.LIST


def test_to_wire_gives_what_apple_shows():
    text = (SAMPLES / "list_picker.json").read_text("utf-8")
    sample = json.loads(text.replace('"tea-cup"', '"0"').replace('"cake-plate"', '"1"'))
    cup, plate = (
        Image(base64.b64decode(image["data"]), description=image.get("description"))
        for image in sample["interactiveData"]["data"]["images"]
    )
    sample["interactiveData"]["receivedMessage"]["imageDescription"] = "A cup of tea"

    picker = ListPicker(
        Bubble("Café menu", "What may we bring?", image=cup),
        [
            Section(
                "Drinks",
                [
                    Item("Tea", "A pot", identifier="tea", image=cup),
                    Item("Juice", identifier="juice"),
                ],
                multiple=True,
            ),
            Section(
                "Cake",
                [
                    Item("Plum cake", "A slice", identifier="plum", image=plate),
                    Item("Cheesecake", identifier="cheese"),
                ],
            ),
        ],
        replied=Bubble("Your order", "Coming soon", style=Style.ICON),
        request_id="c0ffee00-0000-4000-8000-000000000003",
    )

    assert picker.to_wire() == {"interactiveData": sample["interactiveData"]}


def test_to_wire_fills_in_what_was_left_out():
    assert menu().identified("message").to_wire() == {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "message",
            "data": {
                "version": "1.0",
                "requestIdentifier": "message",
                "listPicker": {
                    "sections": [
                        {
                            "title": "Drinks",
                            "order": 0,
                            "multipleSelection": False,
                            "items": [
                                {"identifier": "1", "title": "Tea", "order": 0, "style": "default"},
                                {
                                    "identifier": "2",
                                    "title": "Juice",
                                    "order": 1,
                                    "style": "default",
                                },
                            ],
                        }
                    ]
                },
            },
            "receivedMessage": {"title": "Menu", "style": "small"},
            "replyMessage": {"title": "Menu", "style": "small"},
        }
    }


def test_to_wire_gives_a_picture_once_wherever_it_is_shown():
    picker = menu(
        received=Bubble("Menu", image=PICTURE),
        sections=[Section("Drinks", [Item("Tea", image=PICTURE)])],
    )

    interactive = picker.to_wire()["interactiveData"]

    assert len(interactive["data"]["images"]) == 1
    assert interactive["receivedMessage"]["imageIdentifier"] == "0"
    assert interactive["replyMessage"]["imageIdentifier"] == "0"
    item = interactive["data"]["listPicker"]["sections"][0]["items"][0]
    assert item["imageIdentifier"] == "0"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": ""}, "ListPicker.received"),
        ({"received": 5}, "ListPicker.received"),
        ({"replied": ""}, "ListPicker.replied"),
        ({"sections": []}, "ListPicker.sections"),
        ({"sections": "Drinks"}, "ListPicker.sections"),
        ({"sections": ["Drinks"]}, "ListPicker.sections[0]"),
        (
            {"sections": [Section("A", [Item("1", identifier="x")])] * 2},
            "ListPicker.sections.items.identifier",
        ),
        ({"fallback": "Tea or juice?"}, "ListPicker.fallback"),
        ({"reusable": 5}, "ListPicker.reusable"),
    ],
)
def test_a_list_picker_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        menu(**changes)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "Section.title"),
        ({"title": 5}, "Section.title"),
        ({"items": []}, "Section.items"),
        ({"items": "Tea"}, "Section.items"),
        ({"items": ["Tea", 5]}, "Section.items[1]"),
        ({"multiple": 5}, "Section.multiple"),
    ],
)
def test_a_section_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        Section(**({"title": "Drinks", "items": ["Tea"]} | changes))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "Item.title"),
        ({"title": None}, "Item.title"),
        ({"subtitle": 5}, "Item.subtitle"),
        ({"identifier": 5}, "Item.identifier"),
        ({"image": "kettle.png"}, "Item.image"),
    ],
)
def test_an_item_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        Item(**({"title": "Tea"} | changes))

    assert caught.value.field == field


def test_an_empty_text_is_no_item():
    with pytest.raises(ContentInvalid, match="title"):
        Section("Drinks", ["Tea", ""])


@pytest.mark.parametrize(
    "picker",
    [
        menu(received="m" * 200, replied="r" * 200),
        menu(received=Bubble("m" * 200, "s" * 200)),
        menu(sections=[Section("d" * 200, ["t" * 200])]),
        menu(sections=[Section("D", [Item("T", "s" * 200, identifier="i" * 200)])]),
        menu(sections=[Section("D", [Item("T", image=Image(PNG_MAGIC.ljust(200_000)))])]),
    ],
)
def test_a_list_picker_at_the_edge_is_as_vendors_report(picker, require_reported):
    require_reported(picker)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": "m" * 201}, "received"),
        ({"received": "Me\nnu"}, "received"),
        ({"replied": "r" * 201}, "replied"),
        ({"received": Bubble("m" * 201)}, "received.title"),
        ({"received": Bubble("m", "s" * 201)}, "received.subtitle"),
        ({"sections": [Section("d" * 201, ["Tea"])]}, "sections[0].title"),
        ({"sections": [Section("D", ["Tea", "t" * 201])]}, "sections[0].items[1].title"),
        ({"sections": [Section("D", [Item("T", "s" * 201)])]}, "sections[0].items[0].subtitle"),
        (
            {"sections": [Section("D", [Item("T", identifier="i" * 201)])]},
            "sections[0].items[0].identifier",
        ),
        (
            {"sections": [Section("D", [Item("T", image=Image(PNG_MAGIC.ljust(200_001)))])]},
            "sections[0].items[0].image.data",
        ),
        (
            {"sections": [Section("D", [Item("T", image=Image(b"\xff\xd8\xffJPEG"))])]},
            "sections[0].items[0].image.data",
        ),
        ({"request_id": "r" * 201}, "request_id"),
        (
            {
                "sections": [
                    Section(
                        "D",
                        [
                            Item("T", image=Image(PNG_MAGIC.ljust(200_000), description=str(each)))
                            for each in range(25)
                        ],
                    )
                ]
            },
            "images",
        ),
    ],
)
def test_a_list_picker_beyond_what_vendors_report_is_refused(changes, field, require_reported):
    with pytest.raises(ContentInvalid) as caught:
        require_reported(menu(**changes))

    assert caught.value.field == f"ListPicker.{field}"


# What comes back


def test_a_choice_comes_with_all_that_it_says():
    raw = response(section("Hot", TEA), section("Sweet", CAKE, PLUM))

    content = parse_content("interactive", raw)

    assert content == ListPickerResponse(
        items=(
            PickedItem("tea", "Tea", "pot", "Hot"),
            PickedItem("cake", "Cake", None, "Sweet"),
            PickedItem("plum", "Plum cake", None, "Sweet"),
        ),
        title="2 items",
        request_id="request",
        session_id="session",
    )
    assert content.raw is raw
    assert content.titles == ("Tea", "Cake", "Plum cake")
    assert content.identifiers == ("tea", "cake", "plum")


@pytest.mark.parametrize("title", ["You Selected", "you selected", "Selected items"])
def test_a_section_that_says_selected_holds_what_was_chosen(title):
    content = parse_content("interactive", response(section(title, TEA, CAKE)))

    assert content.items == (PickedItem("tea", "Tea", "pot"), PickedItem("cake", "Cake"))


@pytest.mark.parametrize("title", ["Not Selected", "Unselected", "You have not selected"])
def test_a_section_of_what_was_not_chosen_does_not_count(title):
    content = parse_content(
        "interactive", response(section("You Selected", TEA), section(title, CAKE, PLUM))
    )

    assert content.identifiers == ("tea",)


def test_the_bubble_outside_of_data_is_read_too():
    raw = response(section("Hot", TEA))
    interactive = raw["interactiveData"]
    interactive["replyMessage"] = interactive["data"].pop("replyMessage")

    assert parse_content("interactive", raw).title == "2 items"


def test_the_alternate_title_serves_when_there_is_no_other():
    raw = response(section("Hot", TEA))
    raw["interactiveData"]["data"]["replyMessage"] = {"alternateTitle": "1 item"}

    assert parse_content("interactive", raw).title == "1 item"


@pytest.mark.parametrize("version", ["version", "mspVersion", "v"])
def test_the_version_may_have_any_name(version):
    raw = response(section("Hot", TEA))
    data = raw["interactiveData"]["data"]
    data[version] = data.pop("mspVersion")

    assert parse_content("interactive", raw).identifiers == ("tea",)


@pytest.mark.parametrize("order", [0, "0", None, [], 10**400])
def test_the_order_may_be_anything(order):
    raw = response(section("Hot", {**TEA, "order": order}))

    assert parse_content("interactive", raw).identifiers == ("tea",)


def test_an_item_that_comes_twice_counts_once():
    content = parse_content("interactive", response(section("A", TEA), section("B", TEA, CAKE)))

    assert content.identifiers == ("tea", "cake")
    assert content.items[0].section == "A"


def test_an_identifier_may_come_as_a_number():
    content = parse_content("interactive", response(section("Hot", {"identifier": 7})))

    assert content.items == (PickedItem("7", "7", None, "Hot"),)


@pytest.mark.parametrize("junk", [5, None, "tea", [], {}, {"title": "Tea"}, {"identifier": ""}])
def test_an_item_that_cannot_be_read_is_left_out(junk):
    content = parse_content("interactive", response(section("Hot", junk, TEA)))

    assert content.identifiers == ("tea",)


@pytest.mark.parametrize(
    "picker",
    [None, 5, [], {}, {"sections": None}, {"sections": []}, {"sections": [{"items": [{}]}]}],
)
def test_a_response_without_items_is_unknown(picker):
    raw = response()
    raw["interactiveData"]["data"]["listPicker"] = picker

    assert parse_content("interactive", raw) == Unknown("interactive")


def test_junk_in_any_field_harms_nothing(spoil_each):
    for raw in spoil_each(response(section("You Selected", TEA), section("Not Selected", CAKE))):
        content = parse_content("interactive", raw)

        assert isinstance(content, ListPickerResponse | Unknown)


def test_selection_is_the_same_in_any_order():
    tea, cake = PickedItem("tea", "Tea"), PickedItem("cake", "Cake")

    assert ListPickerResponse(items=(tea, cake)).selection == ["cake", "tea"]
    assert ListPickerResponse(items=(cake, tea)).selection == ["cake", "tea"]


def test_joined_takes_what_was_sent_of_each_item():
    picker = menu(sections=[Section("Hot", [Item("Tea", "A pot", identifier="tea"), "Cocoa"])])
    chosen = ListPickerResponse(items=(PickedItem("tea", "tea"), PickedItem("rum", "Rum")))

    joined = chosen.joined("menu", picker.to_wire()["interactiveData"])

    assert joined == ListPickerResponse(
        items=(PickedItem("tea", "Tea", "A pot", "Hot"), PickedItem("rum", "Rum")), to="menu"
    )


def test_joined_to_nothing_known_is_the_same():
    chosen = ListPickerResponse(items=(PickedItem("tea", "Tea"),))

    assert chosen.joined(None, {}) == chosen


def test_joined_knows_a_section_of_ours_that_says_selected():
    sent = menu(
        sections=[
            Section("Selected teas", [Item("Green", identifier="green")]),
            Section("Cake", [Item("Plum", identifier="plum")]),
        ]
    )
    raw = response(
        section("Selected teas", {"identifier": "green"}), section("Cake", {"identifier": "plum"})
    )

    joined = parse_content("interactive", raw).joined("menu", sent.to_wire()["interactiveData"])

    assert joined.identifiers == ("green", "plum")
    assert joined.items[1].section == "Cake"


def test_joined_does_not_take_what_was_not_chosen():
    raw = response(section("You Selected", TEA), section("Not Selected", CAKE))
    sent = menu(
        sections=[Section("Menu", [Item("Tea", identifier="tea"), Item("Cake", identifier="cake")])]
    )

    joined = parse_content("interactive", raw).joined("menu", sent.to_wire()["interactiveData"])

    assert joined.items == (PickedItem("tea", "Tea", None, "Menu"),)
