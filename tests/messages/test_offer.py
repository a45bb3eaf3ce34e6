from dataclasses import replace
from datetime import UTC, datetime

import pytest

from msp_server.messages.content import parse_content
from msp_server.messages.image import Image
from msp_server.messages.interactive import Bubble
from msp_server.messages.limits import PNG_MAGIC
from msp_server.messages.list_picker import Item, ListPicker, PickedItem, Section
from msp_server.messages.offer import Offer, make_offer
from msp_server.messages.quick_reply import Choice, QuickReply
from msp_server.messages.text import Text
from msp_server.messages.time_picker import TimePicker, Timeslot

TEA = Image(PNG_MAGIC + b"tea")
QUICK = QuickReply(
    "Was that helpful?", [Choice("Yes", "y"), "No", "Später"], name="helpful"
).identified("m1")
LIST = ListPicker(
    Bubble("Menu", "Pick", image=TEA),
    [
        Section("Drinks", [Item("Tea", "pot", identifier="tea", image=TEA), "Water"]),
        Section("Food", ["Cake"], multiple=True),
    ],
).identified("m1")
TIME = TimePicker(
    "When?",
    [
        Timeslot(datetime(2031, 3, 22, 17, 0, tzinfo=UTC), 1800, "a"),
        Timeslot(datetime(2031, 3, 2, 9, 5, tzinfo=UTC), 1800),
    ],
    event="Fitting",
    timezone_offset_min=60,
).identified("m1")


def offer(content):
    return make_offer(content, 12.5)[1]


def words(content):
    return make_offer(content, 12.5)[0].body


def answer(content, body):
    """Read what a text means as an answer to what was written out."""
    data = offer(content).pick(body)
    return None if data is None else parse_content("interactive", {"interactiveData": data})


def titled(*titles):
    return QuickReply("Which?", titles).identified("m1")


def test_a_quick_reply_is_written_out():
    assert make_offer(QUICK, 1)[0] == Text("Was that helpful?\n1. Yes\n2. No\n3. Später")


def test_a_list_picker_is_written_out_with_its_sections():
    assert words(LIST) == "Menu\nPick\nDrinks\n1. Tea (pot)\n2. Water\nFood\n3. Cake"


@pytest.mark.parametrize(
    ("offset_min", "lines"),
    [
        (60, ["1. Sat 22 Mar 2031, 18:00 UTC+0100", "2. Sun 2 Mar 2031, 10:05 UTC+0100"]),
        (-330, ["1. Sat 22 Mar 2031, 11:30 UTC-0530", "2. Sun 2 Mar 2031, 03:35 UTC-0530"]),
        (480, ["1. Sun 23 Mar 2031, 01:00 UTC+0800", "2. Sun 2 Mar 2031, 17:05 UTC+0800"]),
        (0, ["1. Sat 22 Mar 2031, 17:00 UTC", "2. Sun 2 Mar 2031, 09:05 UTC"]),
        (None, ["1. Sat 22 Mar 2031, 17:00 UTC", "2. Sun 2 Mar 2031, 09:05 UTC"]),
    ],
)
def test_a_time_picker_is_written_out_with_its_zone(offset_min, lines):
    assert words(replace(TIME, timezone_offset_min=offset_min)).splitlines() == ["When?", *lines]


@pytest.mark.parametrize("body", ["1", " 1\n", "01", "0001", "Yes", "yes", "YES", " Yes "])
def test_a_number_or_a_title_counts_as_a_tap_on_a_quick_reply(body):
    tapped = answer(QUICK, body)

    assert (tapped.identifier, tapped.title) == ("y", "Yes")
    assert (tapped.request_id, tapped.session_id) == ("m1", "m1")


@pytest.mark.parametrize("body", ["3", "٣", "\uff13", "३", "Später", "SPÄTER"])
def test_digits_and_letters_of_other_scripts_count_too(body):
    assert answer(QUICK, body).title == "Später"


@pytest.mark.parametrize(
    "body",
    [
        *["", " ", "0", "4", "-1", "1.", "1.0", "+1", "00001", "9" * 5000, "²", "½", "one"],
        *["Yes please", "Yes!", "Y", "Yes No", "1 2", "Was that helpful?", "\ud83d"],
    ],
)
def test_everything_else_is_no_tap(body):
    assert offer(QUICK).pick(body) is None


@pytest.mark.parametrize("body", ["2", "Water", "wAtEr"])
def test_a_number_or_a_title_counts_as_a_choice_in_a_list_picker(body):
    chosen = answer(LIST, body)

    assert chosen.items == (PickedItem("2", "Water", section="Drinks"),)
    assert chosen.request_id == "m1"


def test_the_numbers_of_a_list_picker_go_on_through_its_sections():
    assert answer(LIST, "3").items == (PickedItem("3", "Cake", section="Food"),)


def test_the_subtitle_of_an_item_is_no_part_of_its_title():
    assert answer(LIST, "Tea").identifiers == ("tea",)
    assert answer(LIST, "Tea (pot)") is None


@pytest.mark.parametrize("body", ["Drinks", "Menu", "Pick", "pot"])
def test_headings_of_a_list_picker_are_no_choices(body):
    assert answer(LIST, body) is None


@pytest.mark.parametrize("body", ["1", "Sat 22 Mar 2031, 18:00 UTC+0100"])
def test_a_number_or_a_line_counts_as_a_choice_in_a_time_picker(body):
    chosen = answer(TIME, body)

    assert (chosen.identifier, chosen.duration_s) == ("a", 1800)
    assert chosen.start == datetime(2031, 3, 22, 17, 0, tzinfo=UTC)
    assert chosen.title == "Sat 22 Mar 2031, 18:00 UTC+0100"


def test_a_title_that_two_choices_have_is_no_tap():
    twice = titled("Tea", "tea", "Cake")

    assert answer(twice, "TEA") is None
    assert answer(twice, "2").identifier == "2"
    assert answer(twice, "Cake").identifier == "3"


def test_a_number_that_is_the_title_of_another_choice_is_no_tap():
    sizes = titled("2", "4", "8")

    assert answer(sizes, "2") is None
    assert answer(sizes, "1").title == "2"
    assert answer(sizes, "8").title == "8"


def test_a_number_that_is_its_own_title_is_a_tap():
    assert answer(titled("1", "2"), "2").identifier == "2"


@pytest.mark.parametrize("content", [QUICK, LIST, TIME])
def test_an_offer_comes_back_from_json(content):
    made = offer(content)

    assert Offer.from_json(made.to_json()) == made


@pytest.mark.parametrize("content", [QUICK, LIST, TIME])
def test_an_offer_that_came_back_from_json_is_picked_alike(content):
    made = offer(content)

    assert Offer.from_json(made.to_json()).pick("2") == made.pick("2")


def test_an_offer_knows_name_and_time():
    assert (offer(QUICK).name, offer(LIST).name, offer(QUICK).at) == ("helpful", None, 12.5)


def test_an_offer_keeps_no_pictures():
    assert "images" in LIST.to_wire()["interactiveData"]["data"]
    assert "images" not in offer(LIST).data["data"]


def test_picking_leaves_the_offer_as_it_is():
    made = offer(LIST)
    before = made.to_json()
    made.pick("1")

    assert made.to_json() == before
