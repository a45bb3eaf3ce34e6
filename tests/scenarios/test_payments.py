"""A payment, from the agent's message to the customer's receipt, and all that can come between."""

import json
import threading
import time
from decimal import Decimal

import pytest
import requests
from click.testing import CliRunner

from msp_server import (
    Agent,
    ApplePay,
    ApplePayResponse,
    ContactField,
    LineItem,
    PaymentStatus,
    ShippingMethod,
    Text,
)
from msp_server.__main__ import main
from msp_server.store.schema import PaymentState
from msp_server.web.slots import SLOW_REQUESTS

ORDER = ApplePay(
    "Your new friend",
    [
        LineItem("Adoption", Decimal("1.50")),
        LineItem("Shots", Decimal("1.00")),
        LineItem("Outtake fee", Decimal("2.00")),
        LineItem("Discount", Decimal("-1.00")),
    ],
    merchant_name="Example Shop",
    country="US",
    currency="USD",
    shipping_methods=[
        ShippingMethod("Pick up", Decimal(0), identifier="pickup"),
        ShippingMethod("Standard", Decimal("0.28"), identifier="standard"),
        ShippingMethod("Express", Decimal("2.19"), identifier="express"),
    ],
    billing_fields=[ContactField.POST],
    shipping_fields=[ContactField.POST, ContactField.NAME, ContactField.EMAIL, ContactField.PHONE],
    name="order",
)
DEBIT = {"network": "MasterCard", "type": "Debit", "display_name": "MasterCard 4321"}
CREDIT = {"network": "Visa", "type": "Credit", "display_name": "Visa 1234"}

agent = Agent("shop")


@agent.on(Text)
def ask(_text, _conversation):
    return ORDER


@agent.on(ApplePayResponse, to="order")
def thank(closed, _conversation):
    return Text(f"paid {closed.paid} {closed.total} {closed.currency}")


class Shop:
    """A customer who was asked for money."""

    def __init__(self, apple, msp, wait_for, planted):
        self.phone = apple.phone()
        self.apple, self.msp, self.wait_for, self.planted = apple, msp, wait_for, planted
        self.phone.text("a dog, please")
        self.bubble = self.phone.wait_for_entries(1)[0]
        payment = self.bubble["fields"]["interactiveData"]["data"]["payment"]
        self.urls = payment["endpoints"]
        self.request = payment["paymentRequest"]
        self.planted.append(payment["merchantSession"]["signature"])

    def pay(self, **fields):
        return self.phone._post("pay", **fields)

    def do(self, verb, **fields):
        return self.phone._post(f"pay/{verb}", **fields)

    def call(self, name, **fields):
        """Call an address of the payment as somebody else might."""
        request_id = self.bubble["fields"]["interactiveData"]["data"]["requestIdentifier"]
        body = {"requestIdentifier": request_id, "version": "1.0", **fields}
        return requests.Session().post(self.urls[name], json=body)

    def receipt(self):
        return self.phone.wait_for_bodies(1)[-1]

    def record(self):
        return self.msp.store.payments.newest(1)[0]


@pytest.fixture
def shop(start_selling, apple, wait_for, planted):
    with start_selling(agent) as msp:
        yield Shop(apple, msp, wait_for, planted)


TOKEN = {"paymentToken": {"paymentMethod": {"type": "Credit"}, "paymentData": {"data": "planted"}}}


def test_payment_goes_from_message_to_receipt(shop, processor):
    done = shop.pay(card=CREDIT, postal_code="90210", shipping="standard")

    assert done["sheet"]["status"] == "STATUS_SUCCESS"
    assert done["sheet"]["total"]["amount"] == "8.27"
    assert processor.charged == [("8.27", "USD", "Visa")]
    assert shop.receipt() == "paid True 8.27 USD"
    record = shop.record()
    assert record.state is PaymentState.TRACKED
    assert processor.tracked == [f"payment-{record.message_id}"]
    assert [what for _, what, _ in record.course] == [
        "asked",
        "changed",
        "changed",
        "changed",
        "authorised",
        "tracked",
    ]


@pytest.mark.parametrize(
    ("choices", "total"),
    [
        ({"card": DEBIT, "postal_code": "10115", "shipping": "pickup"}, "3.50"),
        ({"card": CREDIT, "postal_code": "10115", "shipping": "pickup"}, "4.00"),
        ({"card": DEBIT, "postal_code": "90210", "shipping": "pickup"}, "7.49"),
        ({"card": DEBIT, "postal_code": "10115", "shipping": "express"}, "5.69"),
        ({"card": CREDIT, "postal_code": "90210", "shipping": "express"}, "10.18"),
    ],
)
def test_each_change_costs_what_it_costs(shop, processor, choices, total):
    done = shop.pay(**choices)

    assert done["sheet"]["total"]["amount"] == total
    assert [charged[0] for charged in processor.charged] == [total]
    assert not [step for step in done["steps"] if step.get("finding")]


def test_change_that_is_taken_back_costs_nothing(shop, processor):
    shop.do("open")
    for card in (CREDIT, DEBIT):
        shop.do("card", card=card)
    for code in ("90210", "10115"):
        shop.do("address", postal_code=code)

    done = shop.do("authorise")

    assert done["sheet"]["total"]["amount"] == "3.50"
    assert processor.charged == [("3.50", "USD", "MasterCard")]


def test_refused_card_may_be_followed_by_another(shop, processor):
    processor.answers = [PaymentStatus.FAILURE]
    shop.do("open", card=CREDIT)

    first = shop.do("authorise", stop_after="paymentGateway")
    shop.do("card", card=DEBIT)
    second = shop.do("authorise")

    assert first["sheet"]["status"] == "STATUS_FAILURE"
    assert second["sheet"]["status"] == "STATUS_SUCCESS"
    assert shop.receipt() == "paid True 3.50 USD"
    words = [what for _, what, _ in shop.record().course]
    assert words == ["asked", "refused", "changed", "authorised", "tracked"]


def test_customer_who_cancels_pays_nothing(shop, processor):
    shop.do("open")
    shop.do("cancel")

    assert shop.receipt() == "paid False None None"
    assert processor.charged == []


def test_customer_who_closes_the_sheet_leaves_the_payment_open(shop, processor):
    shop.pay(stop_after="shippingMethodUpdate")

    assert shop.record().state is PaymentState.ASKED
    assert processor.charged == []


def test_same_authorisation_at_the_same_moment_is_charged_once(shop, processor):
    processor.meanwhile = lambda: threading.Event().wait(0.2)

    done = shop.pay(card=DEBIT, times=8)

    answers = [step["answer"] for step in done["steps"] if step["step"] == "paymentGateway"]
    assert answers == [{"status": "STATUS_SUCCESS"}] * 8
    assert len(processor.charged) == 1


def test_processor_that_is_slow_keeps_no_message_waiting(shop, processor, apple, wait_for):
    may_end, statuses = threading.Event(), []
    processor.meanwhile = lambda: may_end.wait(20)

    def authorise():
        statuses.append(shop.call("paymentGatewayUrl", payment=TOKEN).status_code)

    callers = [threading.Thread(target=authorise) for _ in range(SLOW_REQUESTS + 6)]
    for caller in callers:
        caller.start()
    wait_for(lambda: statuses.count(503) == 6, "those who find no place")

    taken = apple.phone("ben").text("hello")
    may_end.set()
    for caller in callers:
        caller.join(20)

    assert taken["status"] == 200
    assert statuses.count(200) == SLOW_REQUESTS
    assert len(processor.charged) == 1


def test_same_authorisation_again_gets_the_first_result(shop, processor):
    first = shop.call("paymentGatewayUrl", payment=TOKEN)
    processor.answers = [PaymentStatus.FAILURE]

    again = shop.call("paymentGatewayUrl", payment=TOKEN)

    assert (first.json(), again.json()) == ({"status": "STATUS_SUCCESS"},) * 2
    assert len(processor.charged) == 1


def test_other_authorisation_of_what_is_paid_is_refused(shop, processor):
    shop.call("paymentGatewayUrl", payment=TOKEN)
    other = {"paymentToken": {"paymentData": {"data": "another"}}}

    answer = shop.call("paymentGatewayUrl", payment=other)

    assert answer.status_code == 410
    assert len(processor.charged) == 1


def test_changes_of_what_is_paid_are_refused(shop):
    shop.pay()

    answers = [
        shop.call("paymentMethodUpdateUrl", payment={"paymentMethod": {"type": "Credit"}}),
        shop.call("shippingContactUpdateUrl", payment={"shippingContact": {"postalCode": "9"}}),
        shop.call("shippingMethodUpdateUrl", payment={"shippingMethod": {"identifier": "pickup"}}),
    ]

    assert [answer.status_code for answer in answers] == [410, 410, 410]


def test_nothing_is_tracked_that_is_not_paid(shop, processor):
    answer = shop.call("orderTrackingUrl")

    assert answer.status_code == 410
    assert processor.tracked == []


@pytest.mark.parametrize("name", ["paymentGatewayUrl", "orderTrackingUrl", "fallbackUrl"])
def test_address_that_was_guessed_is_refused(shop, processor, name):
    known = shop.urls[name]
    shop.urls[name] = known[:-1] + ("A" if known[-1] != "A" else "B")

    answer = shop.call(name, payment=TOKEN)

    assert answer.status_code == 404
    assert processor.charged == []


def test_call_that_names_another_payment_is_refused(shop, processor):
    answer = shop.call("paymentGatewayUrl", requestIdentifier="another", payment=TOKEN)

    assert answer.status_code == 400
    assert processor.charged == []


def test_amount_that_a_device_names_is_not_believed(shop):
    method = {"identifier": "express", "label": "Express", "amount": "0.00", "type": "Final"}

    answer = shop.call("shippingMethodUpdateUrl", payment={"shippingMethod": method})

    assert answer.json()["newTotal"]["amount"] == "5.69"


def test_shipping_that_was_not_offered_is_refused(shop):
    answer = shop.call("shippingMethodUpdateUrl", payment={"shippingMethod": {"identifier": "fly"}})

    assert answer.status_code == 400


def test_addresses_close_when_the_session_ends(shop, processor):
    shop.msp.store.payments.open(shop.record().message_id, time.time() - 1)

    answer = shop.call("paymentGatewayUrl", payment=TOKEN)

    assert answer.status_code == 410
    assert processor.charged == []


def test_payment_at_which_the_processor_fails_is_not_charged_any_more(shop, processor):
    processor.answers = [RuntimeError("the provider is away")]
    first = shop.call("paymentGatewayUrl", payment=TOKEN)
    again = shop.call("paymentGatewayUrl", payment=TOKEN)

    other = shop.call("paymentGatewayUrl", payment={"paymentToken": {"paymentData": {"data": "2"}}})

    assert first.json() == again.json() == {"status": "STATUS_FAILURE"}
    assert other.status_code == 410
    assert shop.record().state is PaymentState.UNCLEAR
    assert processor.charged == []


def test_fallback_says_what_is_asked_for(shop):
    page = requests.Session().get(shop.urls["fallbackUrl"])

    assert page.status_code == 200
    assert "Example Shop asks you for 3.50 USD." in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_session_that_fails_for_a_moment_is_asked_for_again(
    start_selling, apple, wait_for, planted
):
    apple.fault("status", endpoint="session", status=503, count=2)

    with start_selling(agent) as msp:
        shop = Shop(apple, msp, wait_for, planted)
        assert shop.pay()["sheet"]["status"] == "STATUS_SUCCESS"


def test_session_that_is_refused_buries_the_message(start_selling, apple, wait_for):
    apple.fault("status", endpoint="session", status=400)

    with start_selling(agent) as msp:
        apple.phone().text("a dog, please")
        [entry] = wait_for(
            lambda: [each for each in msp.store.history.newest(9) if each.state == "BURIED"]
        )

    assert entry.kind == "ApplePay"
    assert "paymentSession" in entry.reason


def test_nothing_is_sent_where_nobody_takes_the_money(start_msp, apple, wait_for):
    with start_msp(agent) as msp:
        apple.phone().text("a dog, please")
        [entry] = wait_for(
            lambda: [each for each in msp.store.history.newest(9) if each.state == "BURIED"]
        )

    assert "MSP_APPLE_PAY_MERCHANT_ID" in entry.reason


def test_payments_are_shown_on_the_command_line(shop, monkeypatch):
    shop.pay(card=DEBIT)
    monkeypatch.setenv("MSP_DATABASE_URL", shop.msp.settings.database_url)

    lines = CliRunner().invoke(main, ["messages", "payments"]).output.splitlines()
    [record] = map(
        json.loads, CliRunner().invoke(main, ["messages", "payments", "--json"]).output.splitlines()
    )

    assert "TRACKED" in lines[0]
    assert "3.50 USD" in lines[0]
    assert [line.split()[1] for line in lines[1:3]] == ["asked", "changed"]
    assert (record["state"], record["paid"], record["status"]) == (
        "TRACKED",
        "3.50",
        "STATUS_SUCCESS",
    )
