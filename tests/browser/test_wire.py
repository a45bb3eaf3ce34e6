"""The wire beside the phone: every exchange, what can be done with it, and faults by click."""

import json
import re
import subprocess

import pytest
from playwright.sync_api import expect

from msp_server.remote import http
from tests.browser.manners import assert_nobody_kept_out, press_until_focused

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 360, "height": 640}
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"


class Wire:
    """The right half of the page."""

    def __init__(self, screen):
        self.screen = screen
        self.page = screen.page
        self.rows = self.page.get_by_role("listbox", name="Exchanges").get_by_role("option")
        self.details = self.page.get_by_role("article", name="The chosen exchange")
        self.tool = self.page.get_by_role("dialog")

    def said(self, kind):
        """Give the customer's messages of a kind."""
        return self.rows.and_(self.page.get_by_role("option", name=f"{kind} to your MSP"))

    def answered(self, kind):
        """Give what the server sent."""
        return self.rows.and_(self.page.get_by_role("option", name=f"{kind} from your MSP"))

    def choose(self, row):
        row.first.click()
        expect(self.details).to_be_visible()

    def write(self, words):
        """Write, and choose what went over the wire."""
        self.screen.write(words)
        expect(self.rows).to_have_count(3)  # that one writes, the text, and its answer
        self.choose(self.said("Text"))

    def show(self, panel):
        self.page.get_by_role("tab", name=panel).click()
        return self.page.get_by_role("tabpanel", name=panel)

    def press(self, button):
        self.page.get_by_role("button", name=button, exact=True).click()


@pytest.fixture
def wire(open_page, start_shop):
    with open_page(viewport=WIDE) as screen, start_shop():
        expect(screen.page.get_by_text("Live", exact=True)).to_be_visible()
        yield Wire(screen)


def test_phone_and_wire_stand_side_by_side(wire):
    wire.screen.write("quick")
    wire.screen.tap("Yes")
    wire.screen.sees("You tapped Yes.")
    sheet = wire.screen.open_sheet("list", "What would you like?")
    sheet.get_by_text("Lemon").click()
    wire.screen.confirm("Send")
    wire.screen.sees("You chose Lemon.")

    wire.choose(wire.answered("List picker"))

    expect(wire.screen.messages).to_be_in_viewport()
    expect(wire.rows.first).to_be_in_viewport()
    wire.screen.picture("phone and wire")
    wire.show("Faults").get_by_text("Be late").click()
    wire.page.get_by_role("button", name="Order it").click()
    expect(wire.page.get_by_role("heading", name="On order (1)")).to_be_visible()
    wire.screen.picture("phone and faults")


def test_narrow_window_shows_one_of_both(open_page):
    with open_page(viewport=NARROW) as screen:
        wire = Wire(screen)
        field = screen.page.get_by_label("Message", exact=True)
        search = screen.page.get_by_label("Search everything")
        expect(field).to_be_visible()
        expect(search).to_be_hidden()

        wire.press("Wire")

        expect(field).to_be_hidden()
        expect(search).to_be_visible()


def test_every_exchange_is_listed_as_it_happens(wire):
    wire.screen.write("list")

    expect(wire.answered("List picker")).to_have_count(1)
    expect(wire.said("Text")).to_have_count(1)
    expect(wire.rows.first).to_contain_text("List picker")
    wire.screen.picture("wire")


def test_exchange_is_shown_whole(wire):
    wire.screen.write("list")

    wire.choose(wire.answered("List picker"))

    expect(wire.details).to_contain_text("receivedMessage")
    expect(wire.details.get_by_role("img").first).to_be_visible()
    wire.screen.picture("wire, list picker")
    wire.page.get_by_role("tab", name="Token").click()
    expect(wire.details).to_contain_text("The token holds")
    wire.screen.picture("wire, token")
    wire.page.get_by_role("tab", name="Headers").click()
    expect(wire.details).to_contain_text("destination-id")


def test_json_is_searched(wire):
    wire.screen.write("list")
    wire.choose(wire.answered("List picker"))
    search = wire.details.get_by_label("Find in the JSON")

    search.fill("cucumber")

    expect(wire.details.locator(".hit")).to_contain_text("Cucumber")
    search.fill("nowhere in it")
    expect(wire.details.get_by_text("nothing", exact=True)).to_be_visible()


def test_refusal_names_its_rule(wire, apple):
    answer = apple.web.post(f"{apple.url}/v1/message", json={"v": 1})
    assert answer.status_code == 401

    wire.choose(wire.answered("Message"))

    expect(wire.details).to_contain_text("There is no Authorization header")
    expect(wire.details.get_by_role("definition").first).to_have_text("authorization-missing")
    wire.screen.picture("wire, refusal")


def test_exchanges_are_filtered(wire):
    wire.screen.write("quick")
    wire.screen.sees("Was that quick?")
    wire.screen.write("list")
    expect(wire.answered("List picker")).to_have_count(1)
    expect(wire.said("Text")).to_have_count(2)
    everything = wire.rows.count()

    wire.page.get_by_label("Kind").select_option(label="List picker")
    expect(wire.rows).to_have_count(1)
    wire.press("Show all")
    expect(wire.rows).to_have_count(everything)
    wire.page.get_by_label("Direction").select_option(label="From your MSP")
    expect(wire.rows).to_have_count(2)
    wire.press("Show all")
    wire.page.get_by_label("Status").select_option(label="All that went wrong")
    expect(wire.page.get_by_text("Nothing fits the filter.")).to_be_visible()
    wire.press("Show all")
    wire.page.get_by_label("Search everything").fill("Cucumber")
    expect(wire.rows).to_have_count(1)


def test_exchanges_are_forgotten(wire):
    wire.write("count")

    wire.press("Clear")

    expect(wire.page.get_by_text("Nothing went over the wire yet.")).to_be_visible()
    expect(wire.details).to_be_hidden()


def test_message_that_comes_again_is_answered_once(wire):
    wire.write("count")

    wire.press("Send again")
    expect(wire.said("Text")).to_have_count(2)
    wire.press("Under a new id")
    expect(wire.said("Text")).to_have_count(3)

    wire.screen.sees("You asked me to count 2 times.")
    expect(wire.answered("Text")).to_have_count(2)


def test_tap_comes_again_under_a_new_id(wire):
    wire.screen.write("quick")
    wire.screen.tap("Yes")
    wire.screen.sees("You tapped Yes.")
    wire.choose(wire.said("Quick reply"))

    wire.press("Same tap, new id")

    expect(wire.said("Quick reply")).to_have_count(2)
    expect(wire.answered("Text")).to_have_count(1)  # the bubble was answered already


def test_message_is_edited_and_sent(wire):
    wire.write("count")

    wire.press("Edit and send")
    field = wire.tool.get_by_label("JSON of the message")
    edited = json.dumps(json.loads(field.input_value()) | {"body": "An edited word"})
    field.fill(edited[:-1])
    wire.press("Send the edited message")
    expect(wire.tool.get_by_role("alert")).to_contain_text("This is no JSON")
    wire.screen.picture("wire, editor")
    field.fill(edited)
    wire.press("Send the edited message")

    wire.screen.sees("You wrote: An edited word")


def test_messages_are_sent_out_of_order(wire):
    wire.write("one")
    wire.screen.write("two")
    wire.screen.sees("You wrote: two")
    wire.choose(wire.said("Text"))

    wire.press("Out of order")
    wire.press("Send both")

    expect(wire.said("Text")).to_have_count(4)
    answers = wire.screen.entries("business")
    expect(answers).to_have_count(4)
    expect(answers.nth(2)).to_contain_text("You wrote: two")
    expect(answers.nth(3)).to_contain_text("You wrote: one")


def test_exchange_is_copied_as_a_command_that_runs(wire):
    wire.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    wire.write("count")

    wire.press("Copy as curl")
    expect(wire.page.get_by_text("Copied as curl")).to_be_visible()
    command = wire.page.evaluate("navigator.clipboard.readText()")
    command = command.replace("curl ", "curl -s -o /dev/null -w '%{http_code}' ")
    ran = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True, text=True)

    assert ran.stdout.strip().endswith("200")


def test_fault_by_click_happens_once(wire):
    faults = wire.show("Faults")
    wire.screen.picture("wire, faults")
    line = faults.get_by_role("listitem").filter(has_text="429")
    line.get_by_role("button", name="Once").click()
    expect(faults.get_by_role("heading", name="On order (1)")).to_be_visible()
    wire.screen.picture("wire, fault on order")

    wire.screen.write("count")

    wire.screen.sees("You asked me to count 1 time.")  # the server tried again
    expect(faults.get_by_role("heading", name="On order", exact=True)).to_be_visible()
    wire.show("Exchanges")
    expect(wire.rows.filter(has_text="429")).to_have_count(1)


def order(wire, fault):
    """Order a fault for once, by a click; gives the panel."""
    faults = wire.show("Faults")
    faults.get_by_role("button", name=f"Once: {fault}", exact=True).click()
    expect(faults.get_by_role("heading", name="On order (1)")).to_be_visible()
    return faults


def send_file(wire, content):
    file = {"name": "leak.txt", "mimeType": "text/plain", "buffer": content}
    wire.page.locator("#files").set_input_files([file])
    wire.page.get_by_role("button", name="Send", exact=True).click()


#: What becomes of a message that is spoilt on its way to the server.
SPOILT = {
    "Send no token": "401",
    "Send a token that says alg none and has no signature": "403",
    "Sign the token with another secret": "403",
    "Make the token for another MSP": "403",
    "Send a token of yesterday": "403",
    "Send what says it is gzip and is not": "400",
    "Send the first half of the gzip as if it were all": "400",
    "Send a small body that unpacks to 1 GiB and the message": "413",
}


@pytest.mark.parametrize("fault", SPOILT)
def test_message_that_is_spoilt_on_its_way_is_refused(wire, fault):
    order(wire, fault)
    wire.show("Exchanges")

    wire.screen.write("count")

    expect(wire.screen.messages.get_by_text("Not Delivered")).to_be_visible()
    expect(wire.said("Text")).to_contain_text([SPOILT[fault]])
    wire.screen.write("count")
    wire.screen.sees("You asked me to count 1 time.")


#: Faults of Apple's side that the server gets over by itself, soon.
GOT_OVER = [
    "Send it twice under the same id",
    "Leave out a header",
    "Give no answer until the caller gives up, accept nothing",
    "Answer with a status, accept nothing",
    "Be late",
    "Close the connection before anything is accepted",
    "Accept it, then close the connection",
]


@pytest.mark.parametrize("fault", GOT_OVER)
def test_answer_is_shown_once_in_spite_of_a_fault(wire, fault, monkeypatch):
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 1)
    faults = order(wire, fault)

    wire.screen.write("count")

    wire.screen.sees("You asked me to count 1 time.")
    expect(faults.get_by_role("heading", name="On order", exact=True)).to_be_visible()
    wire.screen.write("count")
    wire.screen.sees("You asked me to count 2 times.")
    expect(wire.screen.entries("business")).to_have_count(2)


#: What can go wrong with a customer's file on its way.
WITH_FILES = [
    "The address or reference holds no more",
    "Announce the whole, send half of it, close the connection",
    "Give half of the bytes, announced so",
    "Give 1,000 bytes too many, announced so",
    "Give other bytes than there are",
    "Give 1,000 bytes at a time",
]


@pytest.mark.parametrize("fault", WITH_FILES)
def test_file_arrives_in_spite_of_a_fault(wire, fault):
    faults = order(wire, fault)

    send_file(wire, b"drip " * 500)

    wire.screen.sees("leak.txt, text/plain, 2500 bytes")
    expect(faults.get_by_role("heading", name="On order", exact=True)).to_be_visible()


#: What is known of a file of four bytes that its message describes wrongly.
DESCRIBED_WRONGLY = {
    "Name another key for the customer's file": "leak.txt, text/plain, 4 bytes",
    "Name a size of one byte more": "leak.txt, which I could not fetch",
}


@pytest.mark.parametrize("fault", DESCRIBED_WRONGLY)
def test_file_that_is_described_wrongly_is_told(wire, fault):
    order(wire, fault)

    send_file(wire, b"drip")

    wire.screen.sees(DESCRIBED_WRONGLY[fault])


def test_every_fault_is_ordered_by_click_and_taken_back(wire, apple):
    faults = wire.show("Faults")
    buttons = faults.get_by_role("button", name="Once: ")
    expect(buttons.first).to_be_visible()
    count = buttons.count()

    for place in range(count):
        buttons.nth(place).click()
        expect(faults.get_by_role("heading", name=f"On order ({place + 1})")).to_be_visible()

    kinds = apple.web.get(f"{apple.url}/emulator/faults/kinds").json()["kinds"]
    ordered = apple.web.get(f"{apple.url}/emulator/faults").json()["faults"]
    assert {each["do"] for each in ordered} == {each["do"] for each in kinds}
    wire.press("Take all back")
    expect(faults.get_by_text("Nothing: all goes well.")).to_be_visible()


def test_fault_is_ordered_with_a_chance(wire):
    faults = wire.show("Faults")
    fold = faults.locator("details").first
    fold.locator("summary").click()
    fold.get_by_role("combobox", name="How often").select_option(label="with a chance of")
    fold.get_by_role("button", name="Order it").click()

    expect(faults.get_by_text("with a chance of 30 %")).to_be_visible()
    wire.screen.picture("wire, fault with a chance")


def test_switch_is_set(wire, apple):
    panel = wire.show("Switches")
    wire.screen.picture("wire, switches")

    panel.get_by_label(re.compile("Taps arrive twice")).check(force=True)

    expect(wire.page.get_by_role("tab", name="Switches 1")).to_be_visible()
    assert apple.web.get(f"{apple.url}/emulator/switches").json()["duplicate_tap"] is True


def test_customer_is_added_and_shown_on_the_phone(wire):
    wire.show("Customers")
    wire.press("Add a customer")
    wire.tool.get_by_label("Name").fill("zoe")
    wire.tool.get_by_label("Intent").fill("billing")
    wire.screen.picture("wire, new customer")
    wire.tool.locator("button.strong").click()
    wire.press("Show on the phone: zoe")
    wire.screen.picture("wire, customers")

    expect(wire.page.get_by_label("Customer", exact=True)).to_have_value("zoe")
    wire.screen.write("who")

    wire.screen.sees("You came with intent billing")


def test_conversation_is_saved_and_opened_again(wire, tmp_path):
    wire.screen.write("count")
    wire.screen.sees("You asked me to count 1 time.")
    wire.show("Customers")

    with wire.page.expect_download() as saved:
        wire.page.get_by_role("link", name="Save the conversation: ava").click()
    saved.value.save_as(tmp_path / "ava.json")
    wire.page.locator("#wire-people input[type=file]").set_input_files(tmp_path / "ava.json")

    expect(wire.page.get_by_text("Read-only: opened from a file.")).to_be_visible()
    expect(wire.page.get_by_label("Customer", exact=True)).not_to_have_value("ava")
    wire.screen.sees("You asked me to count 1 time.")
    wire.screen.picture("conversation from a file")


def test_list_is_walked_by_keyboard(wire):
    wire.screen.write("count")
    expect(wire.rows).to_have_count(3)
    exchanges = wire.page.get_by_role("listbox", name="Exchanges")

    press_until_focused(wire.page, "Tab", exchanges)
    wire.page.keyboard.press("End")
    expect(wire.rows.last).to_have_attribute("aria-selected", "true")
    wire.page.keyboard.press("ArrowUp")
    expect(wire.rows.nth(1)).to_have_attribute("aria-selected", "true")
    press_until_focused(wire.page, "Tab", wire.details.get_by_role("tab", name="Request"))
    wire.page.keyboard.press("ArrowRight")
    expect(wire.details.get_by_role("tab", name="Answer")).to_be_focused()
    wire.page.keyboard.press("Escape")

    expect(wire.details).to_be_hidden()
    expect(exchanges).to_be_focused()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("panel", ["Exchanges", "Faults", "Switches", "Customers"])
def test_panel_keeps_nobody_out(open_page, start_shop, viewport, panel):
    with open_page(viewport=viewport, reduced_motion="reduce") as screen, start_shop():
        wire = Wire(screen)
        screen.write("list")
        screen.sees("What would you like?")
        if viewport == NARROW:
            wire.press("Wire")
        wire.show(panel)
        if panel == "Exchanges":
            wire.choose(wire.answered("List picker"))
        screen.picture(f"wire, {panel}, {viewport['width']}")

        assert_nobody_kept_out(screen.page, viewport["width"])


def test_script_does_not_run_on_the_wire(wire, business):
    business.send(body=MARKUP)
    wire.choose(wire.answered("Text"))

    expect(wire.details).to_contain_text(json.dumps(MARKUP))
    assert wire.details.locator("img, script").count() == 0
