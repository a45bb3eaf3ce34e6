"""Paying and signing in, on the page."""

import pytest
from playwright.sync_api import expect

PRICE = "$3.50"


def choose(screen, title, words):
    """Open one of the folded choices, and tap what has these words."""
    fold = screen.sheet.locator("details").filter(has_text=title)
    fold.locator("summary").click()
    fold.locator(".row").filter(has_text=words).click()


def total(screen):
    return screen.sheet.locator(".total-amount")


@pytest.fixture
def checkout(guided):
    """The page with the payment sheet open, and the first bill on it."""
    sheet = guided.open_sheet("pay", "Your new friend")
    expect(sheet.get_by_role("button", name="Pay with Visa 1234")).to_be_enabled()
    return guided


def test_bill_follows_card_address_and_shipping(checkout):
    expect(total(checkout)).to_have_text("$4.00")  # a credit card costs 50 cents here
    checkout.picture("Apple Pay")

    choose(checkout, "Pay with", "MasterCard 5678")
    expect(total(checkout)).to_have_text(PRICE)
    choose(checkout, "Ship to", "Beverly Hills")
    expect(total(checkout)).to_have_text("$7.49")
    expect(checkout.sheet.get_by_text("Delivery to Beverly Hills")).to_be_visible()
    choose(checkout, "Shipping", "Express")
    expect(total(checkout)).to_have_text("$9.68")
    checkout.picture("Apple Pay with changes")

    checkout.confirm("Pay with MasterCard 5678")

    expect(checkout.sheet.get_by_text("Example Shop got $9.68")).to_be_visible()
    checkout.picture("Apple Pay done")
    expect(checkout.sheet).to_have_count(0)  # it goes by itself
    checkout.said("Paid")
    checkout.sees("You paid 9.68 USD. Thank you!")
    checkout.sees("Thank you")
    checkout.picture("Apple Pay answered")


def test_payment_that_is_cancelled_is_told(checkout):
    with checkout.page.expect_response(lambda answer: answer.url.endswith("/pay/cancel")):
        checkout.confirm("Cancel")

    expect(checkout.sheet).to_have_count(0)
    checkout.said("Not paid")
    checkout.sees("Nothing was paid.")


def test_payment_that_fails_once_is_tried_again(guided):
    guided.page.route("**/pay/card", lambda route: route.abort(), times=1)
    sheet = guided.open_sheet("pay", "Your new friend")

    expect(sheet.get_by_role("alert")).to_have_text("The emulator does not answer")
    guided.picture("Apple Pay without an answer")
    guided.confirm("Try again")

    guided.confirm("Pay with Visa 1234")
    guided.sees("You paid 4.00 USD. Thank you!")


def test_customer_who_allows_is_signed_in(guided):
    sheet = guided.open_sheet("sign in", "Sign in to Example Shop")
    expect(sheet.get_by_text("emulator")).to_be_visible()
    guided.picture("sign in")

    guided.confirm("Allow")

    expect(sheet.get_by_text("Signed in")).to_be_visible()
    guided.picture("signed in")
    expect(guided.sheet).to_have_count(0)  # it goes by itself
    guided.sees("You are signed in as Ava Example.")
    guided.said("Signed in")


def test_customer_who_denies_is_not_signed_in(guided):
    sheet = guided.open_sheet("sign in", "Sign in to Example Shop")

    guided.confirm("Deny")

    expect(sheet.get_by_text("Not signed in")).to_be_visible()
    guided.picture("not signed in")
    guided.confirm("Close")
    guided.sees("You are not signed in: ")


@pytest.mark.parametrize("leave", ["Cancel", "Escape"])
def test_customer_who_cancels_is_not_signed_in(guided, leave):
    guided.open_sheet("sign in", "Sign in to Example Shop")

    if leave == "Cancel":
        guided.confirm("Cancel")
    else:
        guided.page.keyboard.press("Escape")

    expect(guided.sheet).to_have_count(0)
    guided.sees("You are not signed in: ")


def test_older_device_signs_in_by_the_older_flow(guided):
    guided.hold("iPhone without forms")
    sheet = guided.open_sheet("sign in", "Sign in to Example Shop")

    guided.confirm("Allow")

    expect(sheet.get_by_text("Signed in")).to_be_visible()
    guided.sees("You are signed in as Ava Example.")
