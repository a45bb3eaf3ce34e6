"""The desk in a real Chromium: a person takes over, answers, and gives back."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from msp_server.agents.agent import Agent
from msp_server.messages.text import Text
from tests.browser.conftest import LIMIT_MS, SCREENSHOTS, Screen
from tests.browser.manners import assert_nobody_kept_out

TOKEN = "t" * 32
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def msp(start_msp):
    bot = Agent("bot")

    @bot.on(Text)
    def hand_over(text, conversation):
        if "person" not in text.body:
            return Text("I am a machine.")
        conversation.hand_over("billing", note="wants a person")
        return Text("A person will answer.")

    with start_msp(bot, agent_token=TOKEN) as msp:
        yield msp


@pytest.fixture
def open_desk(chromium, msp):
    """Give a context manager that opens the desk, after its door."""

    @contextmanager
    def opened(token=TOKEN, **how):
        options = {"viewport": {"width": 1100, "height": 760}, "locale": "en-US", **how}
        with chromium.new_context(**options) as context:
            context.set_default_timeout(LIMIT_MS)
            screen = Screen(context.new_page(), msp.url)
            screen.watch()
            screen.page.goto(f"{msp.url}/desk")
            screen.page.get_by_label("Your name").fill("Ada")
            screen.page.get_by_label("MSP_AGENT_TOKEN").fill(token)
            screen.page.keyboard.press("Enter")
            yield screen.page
            assert screen.faults == []

    return opened


def waiting(page):
    return page.get_by_role("navigation").get_by_role("button")


def transcript(page):
    return page.get_by_role("list", name="What was said")


def test_a_person_answers_who_waits_and_gives_back(apple, open_desk):
    apple.phone().text("a person, please")
    apple.phone().wait_for_bodies(1)

    with open_desk() as page:
        waiting(page).click()
        expect(transcript(page)).to_contain_text("a person, please")
        apple.phone().text("still there?")
        expect(transcript(page)).to_contain_text("still there?")
        page.get_by_role("textbox", name="Text").fill("Here I am.")
        page.keyboard.press("Enter")
        expect(transcript(page)).to_contain_text("Here I am.")
        assert apple.phone().wait_for_bodies(2)[-1] == "Here I am."
        if SCREENSHOTS:
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=Path(SCREENSHOTS) / f"desk, {scheme}.png")
        page.get_by_role("button", name="Give back").click()
        expect(page.get_by_text("Nobody waits.")).to_be_visible()

    apple.phone().text("hello")
    assert apple.phone().wait_for_bodies(3)[-1] == "I am a machine."


def test_a_person_takes_a_conversation_over(apple, open_desk):
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    with open_desk() as page:
        page.get_by_label("only who waits").uncheck()
        waiting(page).click()
        page.get_by_role("button", name="Take over").click()
        expect(page.locator("#about")).to_contain_text("with Ada")
        apple.phone().text("anybody?")
        expect(transcript(page)).to_contain_text("waits for you")

    assert apple.phone().bodies() == ["I am a machine."]


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        ("quick replies", {"Question": "Tea?", "Answers": "Yes\nNo"}, "quick-reply"),
        (
            "a list",
            {"Question": "What?", "Title of the list": "Drinks", "Items": "Tea\nCoffee"},
            "listPicker",
        ),
        ("times", {"Question": "When?", "Times": "2030-12-01 14:30"}, "event"),
    ],
)
def test_a_person_offers_a_choice(apple, open_desk, kind, fields, shown):
    apple.phone().text("a person, please")
    apple.phone().wait_for_entries(1)

    with open_desk() as page:
        waiting(page).click()
        page.get_by_label("Send", exact=True).select_option(label=kind)
        for label, words in fields.items():
            page.get_by_label(label).fill(words)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#fields")).not_to_contain_text("never")
        entry = apple.phone().wait_for_entries(2)[-1]

    assert shown in str(entry)


def test_a_person_sends_a_file(apple, open_desk):
    apple.phone().text("a person, please")
    apple.phone().wait_for_entries(1)

    with open_desk() as page:
        waiting(page).click()
        page.get_by_label("Send", exact=True).select_option(label="a file")
        file = {"name": "photo.png", "mimeType": "image/png", "buffer": PHOTO}
        page.get_by_label("File, at most").set_input_files([file])
        page.get_by_role("button", name="Send").click()
        entry = apple.phone().wait_for_entries(2)[-1]

    assert apple.phone().attachment(entry["id"]) == PHOTO


def test_what_the_device_cannot_show_is_not_offered(apple, open_desk):
    apple.phone("old", capabilities=["QUICK"]).text("a person, please")
    apple.phone("old").wait_for_entries(1)

    with open_desk() as page:
        waiting(page).click()
        kinds = page.get_by_label("Send", exact=True)
        expect(kinds.get_by_role("option", name="a list")).to_be_disabled()
        expect(kinds.get_by_role("option", name="quick replies")).to_be_enabled()


def test_markup_of_a_customer_is_words(apple, open_desk):
    apple.phone().text("a person <img src=x onerror=alert(1)>")
    apple.phone().wait_for_entries(1)

    with open_desk() as page:
        waiting(page).click()
        expect(transcript(page)).to_contain_text("<img src=x onerror=alert(1)>")


def test_another_token_opens_nothing(open_desk):
    with open_desk(token="x" * 32) as page:
        expect(page.get_by_role("alert")).to_contain_text("not MSP_AGENT_TOKEN")
        assert re.search("/desk/session$", page.url)


@pytest.mark.parametrize("width", [390, 1100])
def test_nobody_is_kept_out(apple, open_desk, width):
    apple.phone().text("a person, please")
    apple.phone().wait_for_entries(1)

    with open_desk(viewport={"width": width, "height": 844}) as page:
        waiting(page).click()
        expect(transcript(page)).to_contain_text("a person, please")
        assert_nobody_kept_out(page, width)
