import pytest

from msp_server.emulator.payment_sheets import SHEET_LIMIT, Sheets, open_sheet, read_card
from msp_server.emulator.phones import Phones
from msp_server.emulator.transcript import DeedUnfit, Entry
from tests.emulator.conftest import BUSINESS_ID, make_payment, spoil

R = "paymentRequest"


@pytest.fixture
def customer():
    return Phones((BUSINESS_ID,)).find("ava")


def bubble(changes=None, message_id="m-1"):
    payment = spoil(make_payment("https://pay.example.com", {}), changes or {})
    fields = {"type": "interactive", "interactiveData": {"data": {"payment": payment}}}
    entry = Entry(1, "business", message_id, "interactive", fields, None, "accepted")
    entry.answerable = True
    return entry


def test_sheet_opens_with_the_first_of_everything(customer):
    sheet = open_sheet(customer, bubble(), {})

    shown = sheet.to_json()
    assert shown["card"] == {"network": "Visa", "type": "Credit", "display_name": "Visa 1234"}
    assert shown["shipping"] == "std"
    assert shown["total"]["amount"] == "37.90"
    assert [item["label"] for item in shown["line_items"]] == ["Kettle", "Discount"]
    assert (shown["open"], shown["status"], shown["to"]) == (True, None, "m-1")
    assert f"tel:{sheet.contact['phoneNumber']}" == customer.phone_number


def test_sheet_opens_with_what_is_chosen(customer):
    fields = {
        "card": {"network": "MASTERCARD", "type": "Debit"},
        "postal_code": "90210",
        "contact": {"givenName": "Lee", "addressLines": ["2 Hill", ""], "postalCode": "1"},
        "shipping": "exp",
    }

    sheet = open_sheet(customer, bubble(), fields)

    assert sheet.card.display_name == "MASTERCARD 1234"
    assert sheet.contact["postalCode"] == "90210"
    assert sheet.contact["givenName"] == "Lee"
    assert sheet.contact["familyName"] == "Example"
    assert sheet.shipping["identifier"] == "exp"


@pytest.mark.parametrize(
    ("networks", "first"),
    [(["amex", "visa"], "AmEx"), (["masterCard"], "MasterCard"), (["other"], "other")],
)
def test_first_card_is_one_the_business_takes(networks, first):
    message = bubble({f"{R}.applePay.supportedNetworks": networks})

    assert read_card(message, None).network == first


@pytest.mark.parametrize(
    "fields",
    [
        {"card": "Visa"},
        {"card": {"number": "4111"}},
        {"card": {"network": "Discover"}},
        {"card": {"network": 7}},
        {"card": {"type": "credit"}},
        {"card": {"display_name": "x" * 201}},
        {"postal_code": 90210},
        {"contact": "Kim"},
        {"contact": {"name": "Kim"}},
        {"contact": {"givenName": None}},
        {"contact": {"addressLines": "1 Road"}},
        {"contact": {"addressLines": [7]}},
        {"contact": {"addressLines": [""] * 11}},
        {"shipping": "slow"},
        {"shipping": ["std"]},
    ],
)
def test_choice_that_is_none_is_unfit(customer, fields):
    with pytest.raises(DeedUnfit):
        open_sheet(customer, bubble(), fields)


@pytest.mark.parametrize(
    "changes",
    [
        {R: ...},
        {R: []},
        {f"{R}.total": {}},
        {f"{R}.total.amount": 37},
        {f"{R}.applePay.supportedNetworks": []},
        {f"{R}.applePay.supportedNetworks": 7},
    ],
)
def test_message_past_every_check_opens_no_sheet(customer, changes):
    with pytest.raises(DeedUnfit):
        open_sheet(customer, bubble(changes), {})


def test_bubble_that_cannot_be_answered_opens_no_sheet(customer):
    message = bubble()
    message.answerable = False

    with pytest.raises(DeedUnfit):
        open_sheet(customer, message, {})


@pytest.mark.parametrize(
    ("changes", "ships"),
    [
        ({}, True),
        ({f"{R}.shippingMethods": ...}, True),
        ({f"{R}.requiredShippingContactFields": []}, True),
        ({f"{R}.requiredShippingContactFields": [], f"{R}.shippingMethods": ...}, False),
    ],
)
def test_sheet_knows_whether_anything_is_shipped(customer, changes, ships):
    assert open_sheet(customer, bubble(changes), {}).ships is ships


def test_other_card_means_another_token(customer):
    sheet = open_sheet(customer, bubble(), {})
    before = sheet.token

    sheet.choose_card({"network": "AmEx"})

    assert sheet.card.network == "AmEx"
    assert sheet.token != before


def test_sheet_is_found_until_it_is_closed_or_replaced(customer):
    sheets, message = Sheets(), bubble()
    first, second = open_sheet(customer, message, {}), open_sheet(customer, message, {})

    sheets.open(customer, first)
    assert sheets.find(customer, message) is first
    sheets.open(customer, second)
    sheets.close(customer, first)
    assert sheets.find(customer, message) is second
    sheets.close(customer, second)
    assert sheets.find(customer, message) is None
    assert (first.open, second.open) == (False, False)


def test_sheet_of_another_message_of_that_id_is_not_found(customer):
    sheets = Sheets()
    sheets.open(customer, open_sheet(customer, bubble(), {}))

    assert sheets.find(customer, bubble()) is None


def test_oldest_sheets_make_room_and_all_can_be_forgotten(customer):
    sheets = Sheets()
    messages = [bubble(message_id=str(number)) for number in range(SHEET_LIMIT + 1)]
    for message in messages:
        sheets.open(customer, open_sheet(customer, message, {}))

    assert sheets.find(customer, messages[0]) is None
    assert sheets.find(customer, messages[1]) is not None
    sheets.clear()
    assert sheets.find(customer, messages[1]) is None
