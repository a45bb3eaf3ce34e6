"""The page keeps nobody out: by machine's judgement, by keyboard alone, and on a narrow screen."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.manners import FIND_CUT_OFF, assert_nobody_kept_out, press_until_focused

NARROW = {"width": 360, "height": 640}
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 4


def show_nothing(screen, _business):
    expect(screen.page.get_by_text("No messages yet")).to_be_visible()


def show_gallery(screen, business):
    """Show a bubble of nearly every kind."""
    for words in ("hello", "quick", "list", "time", "form", "pay", "sign in", "link", "photo"):
        count = screen.entries("business").count()
        screen.write(words)
        expect(screen.entries("business")).to_have_count(count + 1)
    screen.write("app")
    screen.sees("Parcel 77")


def show_invitation(screen, business):
    customers = business.apple.web.get(f"{business.apple.url}/customers").json()["customers"]
    business.invite(customers[0]["phone_number"])
    screen.sees("order-10442")


def show_long_words(screen, business):
    """Show words that nobody could break."""
    business.send(body=LONG)
    items = [{"identifier": each, "title": LONG} for each in ("1", "2")]
    received = {"title": LONG, "subtitle": LONG, "secondarySubtitle": LONG, "style": "large"}
    sections = [
        {"title": LONG, "order": 0, "items": [{**each, "subtitle": LONG} for each in items]}
    ]
    business.send_interactive({"quick-reply": {"summaryText": LONG, "items": items}})
    business.send_interactive({"listPicker": {"sections": sections}}, received)
    screen.write(LONG)
    screen.sees("You wrote: ")


def show_long_sheet(screen, business):
    show_long_words(screen, business)
    screen.messages.locator("button.card").click()


def show_sheet(words, card, *steps):
    """Give a function that opens the sheet of a bubble and goes some steps on."""

    def show(screen, _business):
        screen.open_sheet(words, card)
        for step in steps:
            screen.sheet.get_by_text(step, exact=True).first.click()
            screen.confirm("Start" if step == "Report a fault" else "Next")

    return show


def show_input(screen, business):
    show_sheet("form", "Report a fault", "Report a fault", "Toaster")(screen, business)
    screen.confirm("Next")
    screen.confirm("Next")  # nothing was filled in


def show_summary(screen, business):
    show_input(screen, business)
    screen.sheet.get_by_role("textbox").fill("ava@example.com")
    screen.confirm("Next")
    expect(screen.sheet.get_by_text("Check your answers")).to_be_visible()


def show_payment(screen, business):
    screen.open_sheet("pay", "Your new friend")
    expect(screen.sheet.get_by_role("button", name="Pay with Visa 1234")).to_be_enabled()


def show_payment_choices(screen, business):
    show_payment(screen, business)
    for line in screen.sheet.locator("summary").all():
        line.click()


def show_paid(screen, business):
    show_payment(screen, business)
    screen.confirm("Pay with Visa 1234")
    expect(screen.sheet.get_by_text("Example Shop got $4.00")).to_be_visible()


def show_sign_in_refused(screen, business):
    screen.open_sheet("sign in", "Sign in to Example Shop")
    screen.confirm("Deny")
    expect(screen.sheet.get_by_text("Not signed in")).to_be_visible()


def show_menu(screen, _business):
    screen.write("count")
    screen.tap("React or reply")


def show_tapback(screen, business):
    show_menu(screen, business)
    screen.sheet.get_by_role("button", name="Love").click()
    screen.sees("You reacted with")


def show_reply(screen, business):
    show_menu(screen, business)
    screen.sheet.get_by_role("button", name="Reply", exact=True).click()
    expect(screen.page.get_by_text("Replying to")).to_be_visible()


def show_chosen_files(screen, _business):
    name = f"{LONG}.txt"
    file = {"name": name, "mimeType": "text/plain", "buffer": b"drip"}
    screen.page.locator("#files").set_input_files([file])
    expect(screen.page.get_by_role("list", name="Files to send")).to_be_visible()


def show_sent_files(screen, business):
    show_chosen_files(screen, business)
    screen.page.get_by_role("button", name="Send", exact=True).click()
    screen.sees("You sent:")


def show_deleted(screen, _business):
    screen.write("count")
    screen.sees("You asked me to count 1 time.")
    screen.page.get_by_role("button", name="Delete conversation").click()
    expect(screen.page.get_by_text("Read-only: conversation deleted")).to_be_visible()


def show_loss(screen, business):
    business.apple.emulator.msp_url = "http://127.0.0.1:9"
    screen.write("Anybody there?")
    expect(screen.messages.get_by_text("Not Delivered")).to_be_visible()


SIGHTS = {
    "nothing": show_nothing,
    "gallery": show_gallery,
    "invitation": show_invitation,
    "long words": show_long_words,
    "list picker": show_sheet("list", "What would you like?"),
    "list picker of long words": show_long_sheet,
    "time picker": show_sheet("time", "Pick a time"),
    "form, splash": show_sheet("form", "Report a fault"),
    "form, select": show_sheet("form", "Report a fault", "Report a fault"),
    "form, date": show_sheet("form", "Report a fault", "Report a fault", "Kettle"),
    "form, picker": show_sheet("form", "Report a fault", "Report a fault", "Toaster"),
    "form, input": show_input,
    "form, summary": show_summary,
    "custom app": show_sheet("app", "Parcel 77"),
    "Apple Pay": show_payment,
    "Apple Pay, choices": show_payment_choices,
    "Apple Pay, paid": show_paid,
    "sign-in": show_sheet("sign in", "Sign in to Example Shop"),
    "sign-in, refused": show_sign_in_refused,
    "menu": show_menu,
    "tapback": show_tapback,
    "inline reply": show_reply,
    "files chosen": show_chosen_files,
    "files sent": show_sent_files,
    "deleted": show_deleted,
    "not delivered": show_loss,
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_sight_keeps_nobody_out(open_page, start_shop, business, sight):
    with open_page(viewport=NARROW, reduced_motion="reduce") as screen, start_shop():
        SIGHTS[sight](screen, business)
        screen.picture(f"narrow, {sight}")

        assert_nobody_kept_out(screen.page, NARROW["width"])


@pytest.fixture
def keyboard(guided):
    return guided.page.keyboard


def test_first_key_writes(guided, keyboard):
    keyboard.type("count")
    keyboard.press("Enter")

    guided.sees("You asked me to count 1 time.")
    expect(guided.page.get_by_label("Message", exact=True)).to_be_focused()


def test_quick_reply_is_tapped_by_keyboard(guided, keyboard):
    keyboard.type("quick\n")
    guided.sees("Was that quick?")

    press_until_focused(guided.page, "Shift+Tab", guided.page.get_by_role("button", name="No"))
    keyboard.press("Enter")

    guided.sees("You tapped No.")


def test_list_picker_is_used_by_keyboard(guided, keyboard):
    page, sheet = guided.page, guided.sheet
    keyboard.type("list\n")
    guided.sees("What would you like?")
    card = page.get_by_role("button", name="What would you like?")

    press_until_focused(page, "Shift+Tab", card)
    keyboard.press("Enter")
    press_until_focused(page, "Tab", sheet.get_by_role("checkbox", name="Lemon"))
    keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(card).to_be_focused()  # one is where one was

    keyboard.press("Space")
    press_until_focused(page, "Tab", sheet.get_by_role("checkbox", name="Lemon"))
    keyboard.press("Space")
    press_until_focused(page, "Tab", sheet.get_by_role("checkbox", name="Cucumber"))
    keyboard.press("Space")
    press_until_focused(page, "Tab", sheet.get_by_role("button", name="Send 2"))
    keyboard.press("Enter")

    guided.sees("You chose Lemon, Cucumber.")


def test_focus_stays_in_the_sheet(guided, keyboard):
    guided.open_sheet("list", "What would you like?")

    for _ in range(12):
        keyboard.press("Tab")
        inside = guided.page.evaluate(
            "document.activeElement === document.body || "
            "Boolean(document.activeElement.closest('dialog'))"
        )
        assert inside


def test_time_is_picked_by_keyboard(guided, keyboard):
    keyboard.type("time\n")
    guided.sees("Pick a time")

    card = guided.page.get_by_role("button", name="Pick a time")
    press_until_focused(guided.page, "Shift+Tab", card)
    keyboard.press("Enter")
    first = guided.sheet.get_by_role("checkbox").first
    press_until_focused(guided.page, "Tab", first)
    keyboard.press("Space")
    keyboard.press("Enter")

    guided.sees("You picked ")


def test_form_is_filled_in_by_keyboard(guided, keyboard):
    page, sheet = guided.page, guided.sheet
    keyboard.type("form\n")
    guided.sees("Report a fault")
    card = page.get_by_role("button", name="Report a fault")
    press_until_focused(page, "Shift+Tab", card)
    keyboard.press("Enter")
    press_until_focused(page, "Tab", sheet.get_by_role("button", name="Start"))
    keyboard.press("Enter")

    press_until_focused(page, "Tab", sheet.get_by_role("checkbox", name="Toaster"))
    keyboard.press("Space")
    press_until_focused(page, "Tab", sheet.get_by_role("button", name="Next"))
    keyboard.press("Enter")
    press_until_focused(page, "Tab", sheet.get_by_label("I want"))
    keyboard.press("ArrowDown")
    press_until_focused(page, "Tab", sheet.get_by_role("button", name="Next"))
    keyboard.press("Enter")
    expect(sheet.get_by_role("textbox")).to_be_focused()
    keyboard.type("ava@example.com\n")
    press_until_focused(page, "Tab", sheet.get_by_role("button", name="Submit"))
    keyboard.press("Enter")

    guided.sees("Wish: Exchange")


def test_payment_is_made_by_keyboard(guided, keyboard):
    page, sheet = guided.page, guided.sheet
    keyboard.type("pay\n")
    guided.sees("Your new friend")
    card = page.get_by_role("button", name="Your new friend")
    press_until_focused(page, "Shift+Tab", card)
    keyboard.press("Enter")
    press_until_focused(page, "Tab", sheet.locator("summary").first)
    keyboard.press("Enter")
    press_until_focused(page, "Tab", sheet.get_by_role("radio").first)
    keyboard.press("ArrowDown")

    pay = sheet.get_by_role("button", name="Pay with MasterCard 5678")
    expect(pay).to_be_enabled()
    press_until_focused(page, "Tab", pay)
    keyboard.press("Enter")

    guided.sees("You paid 3.50 USD. Thank you!")


def test_tapback_is_given_by_keyboard(guided, keyboard):
    keyboard.type("count\n")
    guided.sees("You asked me to count 1 time.")

    more = guided.page.get_by_role("button", name="React or reply")
    press_until_focused(guided.page, "Shift+Tab", more)
    keyboard.press("Enter")
    press_until_focused(guided.page, "Tab", guided.sheet.get_by_role("button", name="Laugh"))
    keyboard.press("Enter")

    guided.sees("You reacted with 😂")


def test_letters_at_twice_the_size_cut_nothing_off(open_page, start_shop, business):
    """A window half as wide is what somebody sees who has the browser show everything larger."""
    with open_page(viewport={"width": 320, "height": 512}) as screen, start_shop():
        show_gallery(screen, business)

        assert screen.page.evaluate("document.documentElement.scrollWidth") == 320
        assert screen.page.evaluate(FIND_CUT_OFF) == []


def test_search_for_what_is_cut_off_finds_it(screen, business):
    business.send(body=LONG)
    screen.sees(LONG)
    assert screen.page.evaluate(FIND_CUT_OFF) == []

    screen.page.locator(".bubble").evaluate("(bubble) => { bubble.style.whiteSpace = 'nowrap'; }")
    screen.page.locator(".bubble").evaluate("(bubble) => { bubble.style.overflowWrap = 'normal'; }")

    assert [re.sub(r"(?<=^.{5}).*", "", each) for each in screen.page.evaluate(FIND_CUT_OFF)] == [
        "Donau"
    ]
