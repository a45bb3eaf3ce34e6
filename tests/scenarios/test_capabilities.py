"""A customer whose device shows less gets less, and is understood all the same."""

from datetime import UTC, datetime

import pytest

from msp_server import (
    Agent,
    Form,
    InputPage,
    ListPicker,
    ListPickerResponse,
    QuickReply,
    QuickReplyResponse,
    Section,
    Text,
    TimePicker,
    TimePickerResponse,
    Timeslot,
)

NOON = datetime(2031, 3, 22, 12, 0, tzinfo=UTC)
QUICK = QuickReply("Was that helpful?", ["Yes", "No"], name="it")
MENU = ListPicker(
    "Menu", [Section("Fruit", ["Apple", "Lemon"]), Section("Bread", ["Rye"])], name="it"
)
TIMES = TimePicker("When?", [Timeslot(NOON, 60), Timeslot(NOON.replace(hour=14), 60)], name="it")


def make_agent(content):
    agent = Agent("plain")

    @agent.on(Text, where=lambda text, _conversation: text.body == "show")
    def show(_text, _conversation):
        return content

    for kind in (QuickReplyResponse, ListPickerResponse, TimePickerResponse):
        agent.on(kind, to="it")(lambda response, _conversation: Text(f"Chosen: {response.title}"))

    @agent.on(Text)
    def say_back(text, _conversation):
        return Text(f"Said: {text.body}")

    return agent


@pytest.mark.parametrize(
    ("content", "lines", "typed", "chosen"),
    [
        (QUICK, "Was that helpful?\n1. Yes\n2. No", "2", "No"),
        (QUICK, "Was that helpful?\n1. Yes\n2. No", " yes ", "Yes"),
        (MENU, "Menu\nFruit\n1. Apple\n2. Lemon\nBread\n3. Rye", "3", "Rye"),
        (
            TIMES,
            "When?\n1. Sat 22 Mar 2031, 12:00 UTC\n2. Sat 22 Mar 2031, 14:00 UTC",
            "2",
            "Sat 22 Mar 2031, 14:00 UTC",
        ),
    ],
)
def test_choices_become_numbered_lines_and_a_number_is_the_tap(
    apple, start_msp, content, lines, typed, chosen
):
    phone = apple.phone("old", device="iphone-2018")

    with start_msp(make_agent(content)):
        phone.text("show")
        phone.wait_for_bodies(1)
        phone.text(typed)

        assert phone.wait_for_bodies(2) == [lines, f"Chosen: {chosen}"]


def test_only_the_very_next_text_is_a_choice(apple, start_msp):
    phone = apple.phone("old", device="iphone-2018")

    with start_msp(make_agent(QUICK)):
        phone.text("show")
        phone.wait_for_bodies(1)
        phone.text("maybe")
        phone.text("2")

        assert phone.wait_for_bodies(3)[1:] == ["Said: maybe", "Said: 2"]


def test_form_without_fallback_is_not_sent_and_buried_with_the_reason(apple, start_msp, wait_for):
    phone = apple.phone("old", device="iphone-no-form")

    with start_msp(make_agent(Form("A form", [InputPage("E-mail", "Where to?")]))) as msp:
        phone.text("show")
        kept = wait_for(
            lambda: [each for each in msp.store.history.newest(9) if each.state == "BURIED"]
        )

        assert "CapabilityMissing" in kept[0].reason
        assert "FORM" in kept[0].reason
        assert phone.entries() == []


def test_form_with_a_fallback_becomes_that(apple, start_msp):
    phone = apple.phone("old", device="mac")
    form = Form("A form", [InputPage("E-mail", "Where to?")], fallback=Text("Please write to us."))

    with start_msp(make_agent(form)):
        phone.text("show")

        assert phone.wait_for_bodies(1) == ["Please write to us."]
