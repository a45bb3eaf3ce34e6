from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from msp_server.delivery.joining import Joining
from msp_server.messages.apple_pay import (
    ApplePay,
    ApplePayResponse,
    LineItem,
    PaymentEndpoints,
)
from msp_server.messages.content import ResponseLost, Unknown, identified, parse_content
from msp_server.messages.custom_app import CustomApp
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.form import Form
from msp_server.messages.form_pages import Option, SelectPage
from msp_server.messages.interactive import Bubble
from msp_server.messages.invitation import Invitation, InvitationResponse
from msp_server.messages.list_picker import Item, ListPicker, ListPickerResponse, Section
from msp_server.messages.offer import make_offer
from msp_server.messages.opening import PaymentOpening
from msp_server.messages.payment import PaymentStatus
from msp_server.messages.presence import Close
from msp_server.messages.quick_reply import Choice, QuickReply, QuickReplyResponse
from msp_server.messages.reaction import InlineReply, Tapback
from msp_server.messages.text import Text
from msp_server.messages.time_picker import TimePicker, TimePickerResponse, Timeslot
from msp_server.store.opening import open_store

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
OTHER_CUSTOMER = "urn:mbid:bob"
TELEPHONE = "tel:+15550100"
APP = "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM123456:com.example.extension"
NOW = 1_700_000_000.25

QUICK = QuickReply("Was that quick?", [Choice("Yes", "y"), Choice("No", "n")], name="quick")
LIST = ListPicker(
    "What would you like?",
    [
        Section("Fruit", [Item("Apple", "Red", identifier="a"), Item("Lemon", identifier="l")]),
        Section("Nuts", [Item("Walnut", identifier="w")]),
    ],
    name="menu",
)
TIME = TimePicker(
    "Pick a time",
    [
        Timeslot(datetime(2026, 3, 2, 9, 0, tzinfo=UTC), duration_s=1800),
        Timeslot(datetime(2026, 3, 2, 10, 0, tzinfo=UTC), duration_s=1800),
    ],
    timezone_offset_min=0,
    name="visit",
)


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def joining(store):
    return Joining(store)


@pytest.fixture
def record(store):
    """What is known of the customer, who has written."""
    store.inbox.put(InboundMessage("1", BUSINESS, CUSTOMER, Text("Hi")), {}, b"{}", NOW)
    return store.conversations.find(CUSTOMER)


def put(store, message_id, content, customer_id=CUSTOMER):
    store.outbox.put([OutboundMessage(message_id, BUSINESS, customer_id, content, True)], NOW)


def offering(record, content, at=NOW):
    """Let the choices of a content have been written out."""
    _, offer = make_offer(identified(content, "out"), at)
    return replace(record, offer=offer.to_json())


def interactive(session="s", **data):
    return {"interactiveData": {"sessionIdentifier": session, "data": data}}


def tapped(identifier="y", request_id="out", session="s", title="raw"):
    reply = {
        "selectedIdentifier": identifier,
        "items": [{"identifier": identifier, "title": title}],
    }
    fields = interactive(session, requestIdentifier=request_id, **{"quick-reply": reply})
    return parse_content("interactive", fields)


# What names the message it answers


def test_a_response_gets_the_name_of_the_message_it_answers(joining, store, record):
    put(store, "out", QUICK)

    assert joining.join(tapped(), record, NOW).content.to == "quick"


def test_a_response_gets_the_titles_of_the_message_it_answers(joining, store, record):
    put(store, "out", QUICK)

    assert joining.join(tapped(title="Oui"), record, NOW).content.title == "Yes"


def test_a_list_response_gets_titles_and_sections_of_the_message_it_answers(joining, store, record):
    put(store, "out", LIST)
    sections = [{"title": "You selected", "items": [{"identifier": "w"}]}]
    fields = interactive(requestIdentifier="out", listPicker={"sections": sections})

    picked = joining.join(parse_content("interactive", fields), record, NOW).content

    assert [(item.title, item.section) for item in picked.items] == [("Walnut", "Nuts")]


def test_a_response_is_joined_by_its_session_when_it_names_no_request(joining, store, record):
    put(store, "out", QUICK)

    assert joining.join(tapped(request_id=None, session="out"), record, NOW).content.to == "quick"


def test_a_custom_app_is_joined_by_its_session(joining, store, record):
    put(store, "out", CustomApp(Bubble("Parcel"), APP, 1, "Parcels", {"a": "b"}, name="app"))
    fields = interactive("out")
    fields["interactiveData"] |= {"bid": APP, "URL": "?a=c"}

    assert joining.join(parse_content("interactive", fields), record, NOW).content.to == "app"


@pytest.mark.parametrize("answered", ["nothing of ours", None])
def test_a_response_to_what_is_not_ours_stays_as_it_is(joining, store, record, answered):
    put(store, "out", QUICK)
    response = tapped(request_id=answered)

    assert joining.join(response, record, NOW).content == response


def test_a_response_is_not_joined_to_what_another_customer_was_sent(joining, store, record):
    put(store, "out", QUICK, OTHER_CUSTOMER)

    assert joining.join(tapped(), record, NOW).content.to is None


def test_an_accepted_invitation_is_joined_from_the_conversation_it_led_to(joining, store, record):
    invitation = Invitation("Shop", "order-1", name="invited")
    put(store, "out", invitation, TELEPHONE)
    accepted = InvitationResponse(accepted=True, references=("order-1",))

    assert joining.join(accepted, record, NOW).content.to == "invited"


def test_an_inline_reply_gets_the_name_of_the_message_it_answers(joining, store, record):
    put(store, "out", QUICK)

    joined = joining.join(InlineReply("Which one?", reply_to="out"), record, NOW)

    assert joined.content == InlineReply("Which one?", reply_to="out", to="quick")


@pytest.mark.parametrize(
    "content",
    [
        InlineReply("Which one?", reply_to="not ours"),
        Text("out"),
        Close(),
        Unknown("later"),
        ResponseLost("gone"),
        Tapback("Loved “out”", emoji="❤️", quoted="out"),
    ],
    ids=lambda content: type(content).__name__,
)
def test_what_answers_nothing_of_ours_stays_as_it_is(joining, store, record, content):
    put(store, "out", QUICK)

    assert joining.join(content, record, NOW).content == content


def test_a_form_response_is_joined_to_its_form(joining, store, record):
    page = SelectPage("Product", "Which one?", [Option("Kettle", identifier="k")], identifier="p")
    put(store, "out", Form("Fault", [page], name="fault"))
    item = {"title": "Kettle", "identifier": "k"}
    dynamic = {"selections": [{"pageIdentifier": "p", "title": "Product", "items": [item]}]}
    fields = interactive(requestIdentifier="out", dynamic=dynamic)

    assert joining.join(parse_content("interactive", fields), record, NOW).content.to == "fault"


# What became of a payment


@pytest.fixture
def pay(store):
    """Give a function that lets a payment have come so far."""
    order = ApplePay(
        "Your order",
        [LineItem("Kettle", Decimal("39.00"))],
        merchant_name="Example Shop",
        country="DE",
        currency="EUR",
        merchant_id="merchant.com.example.shop",
        endpoints=PaymentEndpoints.below("https://msp.example.com", "token"),
        name="kettle",
        request_id="order",
    )
    asked = OutboundMessage("1", BUSINESS, CUSTOMER, order, True, opening=PaymentOpening("token"))
    payments = store.payments

    def come_to(state):
        store.outbox.put([asked], NOW)
        payments.open("1", NOW + 60)
        if state != "asked":
            payments.begin("token", "f", NOW)
        if state == "unclear":
            payments.give_up("token", "f", "it raised", NOW)
        if state == "refused":
            payments.settle("token", "f", PaymentStatus.FAILURE, NOW)
        if state in ("paid", "tracked"):
            payments.settle("token", "f", PaymentStatus.SUCCESS, NOW)
        if state == "tracked":
            payments.track("token", NOW)

    return come_to


CLOSED_SHEET = ApplePayResponse(status="STATUS_SUCCESS", request_id="order")


@pytest.mark.parametrize("state", ["paid", "tracked"])
def test_the_closing_message_of_what_was_paid_tells_how_much(joining, record, pay, state):
    pay(state)

    closed = joining.join(CLOSED_SHEET, record, NOW).content

    assert (closed.paid, closed.total, closed.currency) == (True, Decimal("39.00"), "EUR")
    assert (closed.to, closed.status) == ("kettle", "STATUS_SUCCESS")


@pytest.mark.parametrize("state", ["asked", "begun", "refused", "unclear"])
def test_the_closing_message_of_what_was_not_paid_is_not_believed(joining, record, pay, state):
    pay(state)

    closed = joining.join(CLOSED_SHEET, record, NOW).content

    assert (closed.paid, closed.total, closed.currency) == (False, None, None)
    assert closed.to == "kettle"


@pytest.mark.parametrize("request_id", [None, "", "another", "a\0b"])
def test_the_closing_message_of_no_payment_of_ours_is_not_believed(
    joining, record, pay, request_id
):
    pay("paid")

    closed = joining.join(replace(CLOSED_SHEET, request_id=request_id), record, NOW).content

    assert closed.paid is False


def test_the_closing_message_of_another_customers_payment_is_not_believed(
    joining, store, pay, record
):
    pay("paid")
    store.inbox.put(InboundMessage("2", BUSINESS, OTHER_CUSTOMER, Text("Hi")), {}, b"{}", NOW)
    other = store.conversations.find(OTHER_CUSTOMER)

    assert joining.join(CLOSED_SHEET, other, NOW).content == CLOSED_SHEET


# Choices that were written out


@pytest.mark.parametrize("body", ["2", " 2 ", "No", "no", " NO\n"])
def test_a_number_or_a_title_is_the_tap(joining, record, body):
    content = joining.join(Text(body), offering(record, QUICK), NOW).content

    assert isinstance(content, QuickReplyResponse)
    assert (content.to, content.identifier, content.title) == ("quick", "n", "No")


@pytest.mark.parametrize("body", ["0", "3", "-1", "1.", "No, thanks", "99999", "", "²", "٣"])
def test_any_other_text_stays_a_text(joining, record, body):
    assert joining.join(Text(body), offering(record, QUICK), NOW).content == Text(body)


def test_the_tap_names_the_request_that_was_written_out(joining, record):
    content = joining.join(Text("1"), offering(record, QUICK), NOW).content

    assert (content.request_id, content.session_id) == ("out", "out")


def test_the_tap_keeps_what_the_customer_wrote(joining, record):
    text = Text("1", raw={"body": "1"})

    assert joining.join(text, offering(record, QUICK), NOW).content.raw == {"body": "1"}


def test_a_number_counts_over_all_sections_of_a_list(joining, record):
    content = joining.join(Text("3"), offering(record, LIST), NOW).content

    assert isinstance(content, ListPickerResponse)
    assert content.to == "menu"
    assert [(item.title, item.section) for item in content.items] == [("Walnut", "Nuts")]


def test_a_number_picks_a_time(joining, record):
    content = joining.join(Text("2"), offering(record, TIME), NOW).content

    assert isinstance(content, TimePickerResponse)
    assert (content.to, content.start) == ("visit", datetime(2026, 3, 2, 10, 0, tzinfo=UTC))


@pytest.mark.parametrize("body", ["1", "something else"])
def test_the_very_next_text_ends_the_offer(joining, record, body):
    record = offering(record, QUICK)

    assert joining.join(Text(body), record, NOW).ended_offer == record.offer


@pytest.mark.parametrize(
    "content", [tapped(), Close(), Unknown("later")], ids=["tap", "close", "unknown"]
)
def test_whatever_else_the_customer_says_ends_the_offer(joining, record, content):
    record = offering(record, QUICK)

    assert joining.join(content, record, NOW).ended_offer == record.offer


def test_a_tapback_leaves_the_offer_open(joining, record):
    tapback = Tapback("Loved “Was that quick?”", emoji="❤️", quoted="Was that quick?")

    joined = joining.join(tapback, offering(record, QUICK), NOW)

    assert (joined.content, joined.ended_offer) == (tapback, None)


def test_what_was_said_before_the_choices_were_written_out_is_no_tap(joining, record):
    joined = joining.join(Text("1"), offering(record, QUICK, at=NOW), NOW - 0.1)

    assert (joined.content, joined.ended_offer) == (Text("1"), None)


def test_without_an_offer_a_number_is_a_text(joining, record):
    joined = joining.join(Text("1"), record, NOW)

    assert (joined.content, joined.ended_offer) == (Text("1"), None)
