"""Every kind of message, from the tap to the agent's answer, on the page."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from msp_server import Agent, Location, Text, TimePicker, TimePickerResponse, Timeslot
from msp_server.agents.guide import agent as guide

NOON = datetime(2031, 3, 22, 12, 0, tzinfo=UTC)


def test_text_is_answered(guided):
    expect(guided.page.get_by_text("No messages yet")).to_be_visible()
    guided.picture("empty")

    guided.write("The kettle leaks")

    guided.said("The kettle leaks")
    guided.sees("You wrote: The kettle leaks")
    expect(guided.page.get_by_text("No messages yet")).to_be_hidden()


def test_typing_is_seen_before_the_answer(screen, apple, business):
    business.send(type="typing_start")

    expect(screen.page.locator("#typing")).to_be_visible()
    screen.picture("typing")

    business.send(body="Here I am")
    screen.sees("Here I am")
    expect(screen.page.locator("#typing")).to_be_hidden()


def test_quick_reply_is_tapped(guided):
    guided.write("quick")
    expect(guided.page.get_by_role("group", name="Quick replies")).to_be_visible()
    guided.picture("quick reply")

    guided.tap("What was?")

    guided.said("What was?")
    guided.sees("You tapped What was?")
    expect(guided.page.get_by_role("group", name="Quick replies")).to_have_count(0)


def test_list_picker_takes_several_of_one_section_and_one_of_another(guided):
    sheet = guided.open_sheet("list", "What would you like?")
    expect(sheet.get_by_role("button", name="Send")).to_be_disabled()

    for item in ("Apple", "Lemon", "Carrot", "Cucumber"):
        sheet.get_by_label(item).check(force=True)
    expect(sheet.get_by_label("Carrot")).not_to_be_checked()
    guided.picture("list picker")
    guided.confirm("Send 3")

    guided.sees("You chose Apple, Lemon, Cucumber.")
    guided.said("Cucumber")
    expect(guided.messages.get_by_role("button", name="3 items")).to_be_visible()
    guided.picture("list picker answered")


def test_list_picker_takes_one(guided):
    sheet = guided.open_sheet("list", "What would you like?")

    sheet.get_by_text("Carrot").click()
    guided.confirm("Send")

    guided.sees("You chose Carrot.")
    expect(guided.messages.get_by_role("button", name="Carrot")).to_be_visible()


def test_list_picker_that_is_left_answers_nothing(guided):
    sheet = guided.open_sheet("list", "What would you like?")

    sheet.get_by_text("Carrot").click()
    guided.confirm("Cancel")

    expect(guided.sheet).to_have_count(0)
    expect(guided.entries("customer")).to_have_count(1)


@pytest.mark.parametrize(
    ("offset_min", "shown", "zone"),
    [
        (None, "9:00 PM", "Times in your time zone, Asia/Tokyo"),
        (-150, "9:30 AM", "Times in the business\u2019s time zone, GMT\u22122:30"),
    ],
)
def test_time_picker_shows_the_time_of_its_zone(screen, start_shop, apple, offset_min, shown, zone):
    desk = Agent("desk")
    slots = [Timeslot(NOON, 1800), Timeslot(NOON.replace(day=23), 5400)]
    visit = TimePicker(
        "Pick a time",
        slots,
        event="Visit",
        location=Location("Shop", 52.52, 13.405),
        timezone_offset_min=offset_min,
    )
    desk.on(Text)(lambda _text, _conversation: visit)
    desk.on(TimePickerResponse)(lambda picked, _conversation: Text(f"At {picked.start:%d, %H:%M}"))
    apple.web.patch(f"{apple.url}/customers/ava", json={"time_zone": "Asia/Tokyo"})
    screen.open()

    with start_shop(desk):
        sheet = screen.open_sheet("A visit, please", "Pick a time")
        expect(sheet.get_by_text(zone)).to_be_visible()
        expect(sheet.get_by_text("Shop")).to_be_visible()
        second = sheet.get_by_role("group", name="Sunday, March 23, 2031")
        sheet.get_by_role("group", name="Saturday, March 22, 2031").get_by_text(shown).click()
        second.get_by_label(shown).check(force=True)
        expect(sheet.locator("input:checked")).to_have_count(1)
        screen.picture(f"time picker, {'fixed' if offset_min else 'own'} zone")
        screen.confirm("Send")

        screen.sees("At 23, 12:00")


def test_form_branches_checks_and_sums_up(guided):
    sheet = guided.open_sheet("form", "Report a fault")
    guided.picture("form splash")
    guided.confirm("Start")

    guided.confirm("Next")
    expect(sheet.get_by_role("alert")).to_have_text("Choose one to go on")
    sheet.get_by_text("Kettle").click()
    expect(sheet.get_by_role("alert")).to_have_count(0)
    guided.picture("form select")
    guided.confirm("Next")

    sheet.get_by_label("Day").fill("2999-01-01")
    guided.confirm("Next")
    expect(sheet.get_by_role("alert")).to_contain_text("Choose a date: not after")
    sheet.get_by_label("Day").fill("2020-02-29")
    guided.confirm("Next")

    sheet.get_by_label("I want").select_option("Repair")
    guided.confirm("Next")

    guided.confirm("Next")
    expect(sheet.get_by_role("alert")).to_have_text("Please fill this in")
    sheet.get_by_role("textbox").fill("ava@example.com")
    guided.picture("form input")
    guided.confirm("Next")

    expect(sheet.get_by_text("Check your answers")).to_be_visible()
    expect(sheet.get_by_role("definition")).to_have_text(
        ["Kettle", "Feb 29, 2020", "Repair", "ava@example.com"]
    )
    guided.picture("form summary")
    guided.confirm("Submit")

    guided.sees("Bought on: 02/29/2020")
    guided.said("Product: Kettle")
    expect(guided.messages.get_by_text("Thank you")).to_be_visible()
    guided.picture("form answered")


def test_form_leaves_out_what_another_branch_asks(guided):
    sheet = guided.open_sheet("form", "Report a fault")
    guided.confirm("Start")
    sheet.get_by_text("Toaster").click()
    guided.confirm("Next")

    expect(sheet.get_by_role("heading", name="Wish")).to_be_visible()
    guided.confirm("Back")
    expect(sheet.get_by_label("Toaster")).to_be_checked()
    guided.confirm("Next")
    guided.confirm("Next")
    sheet.get_by_role("textbox").fill("ava@example.com")
    guided.confirm("Next")
    guided.confirm("Submit")

    guided.sees("Product: ")
    expect(guided.entries("business").last).not_to_contain_text("Bought on")


def test_rich_link_leads_where_it_says(guided):
    guided.write("link")

    link = guided.messages.get_by_role("link", name="A kettle that sings")
    expect(link).to_have_attribute("href", "https://shop.example.com/kettle")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(link.get_by_text("shop.example.com")).to_be_visible()
    assert link.locator("img").evaluate("(picture) => picture.naturalWidth") > 0
    guided.picture("rich link")


def test_file_of_the_business_is_shown(guided):
    guided.write("photo")

    photo = guided.entries("business").get_by_role("img", name=re.compile("kettle.png"))
    expect(photo).to_be_visible()
    assert photo.evaluate("(picture) => picture.decode().then(() => picture.naturalWidth)") > 0
    guided.sees("Here is a kettle:")
    guided.picture("file from the business")


def test_files_of_the_customer_arrive(guided):
    chosen = guided.page.get_by_role("list", name="Files to send").get_by_role("listitem")
    guided.page.locator("#files").set_input_files(
        [
            {"name": "leak.txt", "mimeType": "text/plain", "buffer": b"drip, drip"},
            {"name": "wrong.txt", "mimeType": "text/plain", "buffer": b"x"},
            {"name": "bill.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"},
        ]
    )
    guided.page.get_by_role("button", name="Leave out wrong.txt").click()
    expect(chosen).to_contain_text(["leak.txt, 10 bytes", "bill.pdf, 8 bytes"])
    guided.picture("files chosen")

    guided.write("It leaks")

    guided.sees("leak.txt, text/plain, 10 bytes")
    guided.sees("bill.pdf, application/pdf, 8 bytes")
    mine = guided.entries("customer").last
    expect(mine.get_by_role("link")).to_have_count(2)
    expect(chosen).to_have_count(0)
    guided.picture("files of the customer")


def test_file_is_dropped_on_the_phone(guided):
    dropped = guided.page.evaluate_handle(
        """() => {
          const dropped = new DataTransfer();
          dropped.items.add(new File(["drip"], "leak.txt", { type: "text/plain" }));
          return dropped;
        }"""
    )
    guided.page.dispatch_event("#scroll", "drop", {"dataTransfer": dropped})
    guided.page.get_by_role("button", name="Send", exact=True).click()

    guided.sees("leak.txt, text/plain, 4 bytes")


def test_custom_app_is_answered_by_hand(guided):
    sheet = guided.open_sheet("app", "Parcel 77")
    expect(sheet.get_by_label("URL")).to_have_value(re.compile("parcel=77"))
    guided.picture("custom app")

    sheet.get_by_label("URL").fill("?parcel=77&door=blue")
    sheet.get_by_label("Title", exact=True).fill("At the blue door")
    guided.confirm("Send")

    guided.sees("parcel = 77, door = blue")
    guided.said("At the blue door")


@pytest.mark.parametrize("answer", ["Accept", "Decline"])
def test_invitation_is_answered(guided, apple, business, answer):
    number = apple.web.get(f"{apple.url}/customers/ava").json()["phone_number"]
    business.invite(number)
    guided.sees("Example Shop would like to send you messages about order-10442.")
    guided.picture("invitation")

    guided.tap(answer)

    if answer == "Accept":
        guided.sees("You accepted the invitation order-10442. Welcome!")
    else:
        expect(guided.page.get_by_text("You declined the invitation")).to_be_visible()
    expect(guided.messages.get_by_role("button", name=answer)).to_have_count(0)


def test_tapback_comes_and_goes(guided):
    guided.write("count")
    guided.sees("You asked me to count 1 time.")

    guided.tap("React or reply")
    guided.picture("menu of a bubble")
    guided.sheet.get_by_role("button", name="Love").click()
    guided.sees("You reacted with ❤️ to “You asked me to count 1 time.”.")
    badge = guided.entries("business").first.locator(".badge")
    expect(badge).to_contain_text("❤️")
    guided.picture("tapback")

    guided.messages.get_by_role("button", name="React or reply").first.click()
    guided.sheet.get_by_role("button", name="Remove ❤️").click()
    guided.sees("You took ❤️ back from “You asked me to count 1 time.”.")
    expect(badge).to_have_count(0)


def test_inline_reply_quotes_what_it_answers(guided):
    guided.write("count")
    guided.sees("You asked me to count 1 time.")

    guided.tap("React or reply")
    guided.sheet.get_by_role("button", name="Reply", exact=True).click()
    expect(guided.page.get_by_text("Replying to")).to_be_visible()
    guided.picture("writing an inline reply")
    guided.write("That is not much")

    guided.sees("You replied to one message of mine: That is not much")
    expect(guided.entries("customer").last).to_contain_text("You asked me to count 1 time.")
    expect(guided.page.get_by_text("Replying to")).to_be_hidden()
    guided.picture("inline reply")


def test_deleted_conversation_opens_again(guided):
    guided.write("count")
    guided.sees("You asked me to count 1 time.")

    guided.page.get_by_role("button", name="Delete conversation").click()
    expect(guided.page.get_by_text("You deleted this conversation")).to_be_visible()
    expect(guided.page.get_by_text("Read-only: conversation deleted")).to_be_visible()
    guided.picture("deleted conversation")

    guided.write("count")
    guided.sees("You asked me to count 2 times.")
    expect(guided.page.get_by_text("Read-only: conversation deleted")).to_be_hidden()


def test_device_that_cannot_show_a_kind_gets_words_instead(guided):
    guided.hold("Mac")

    guided.write("form")

    guided.sees("Here I would show a form, but this device cannot")


def test_device_that_cannot_show_what_came_says_so(guided, apple, business):
    apple.switch(check_capabilities=False)
    guided.hold("iPhone of 2018")

    guided.write("quick")
    business.send_interactive(
        {
            "quick-reply": {
                "summaryText": "Yes?",
                "items": [{"identifier": "1", "title": "Yes"}, {"identifier": "2", "title": "No"}],
            }
        }
    )

    guided.sees("This device cannot show it: Quick reply")
    expect(guided.page.get_by_role("group", name="Quick replies")).to_have_count(0)
    guided.picture("device that cannot show it")


def test_every_customer_has_a_conversation_and_a_device(guided, apple):
    apple.phone("ben", device="mac", time_zone="Europe/Berlin")
    guided.open()
    guided.write("Ava is here")
    guided.sees("You wrote: Ava is here")

    guided.page.get_by_label("Customer", exact=True).select_option("ben")
    expect(guided.page.get_by_text("No messages yet")).to_be_visible()
    expect(guided.page.get_by_label("Device", exact=True)).to_have_value("mac")
    guided.write("who")

    guided.sees("Your phone speaks en_US and can show: AUTH, AUTH2, LIST, QUICK, TIME.")


def test_what_the_server_does_not_take_is_marked(screen, apple):
    apple.emulator.msp_url = "http://127.0.0.1:9"

    screen.write("Anybody there?")

    expect(screen.messages.get_by_text("Not Delivered")).to_be_visible()
    screen.picture("not delivered")


def test_emulator_that_goes_away_is_told(screen, business):
    offline = screen.page.get_by_text("The emulator does not answer. Trying again")
    screen.page.route("**/customers/**", lambda route: route.abort())
    business.send(body="Here I am")  # the page hears that something is new, and cannot get more

    expect(offline).to_be_visible()
    screen.picture("emulator is away")

    screen.page.unroute("**/customers/**")
    expect(offline).to_be_hidden()
    screen.sees("Here I am")


def test_guide_answers_a_greeting_with_the_tour(guided):
    guided.write("hello")

    guided.sees("list: a list picker, with pictures")
    guided.picture("hello")
    assert guide.name == "guide"
