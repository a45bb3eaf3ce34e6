"""What a device is answered at the addresses of a payment."""

import time

import pytest

from msp_server import LineItem

TOKEN = {"paymentToken": {"paymentMethod": {"type": "Credit"}, "paymentData": {"data": "opaque"}}}


def test_authorisation_is_answered_with_its_status(shop):
    assert shop.post("paymentGateway", TOKEN).json == {"status": "STATUS_SUCCESS"}


def test_processor_is_told_contact_and_card(shop):
    contact = {"givenName": "Kim", "addressLines": ["1 Example Road"], "countryCode": "de"}
    shop.post("paymentGateway", {**TOKEN, "shippingContact": contact})

    [(payment, authorisation)] = shop.till.charged
    assert str(payment.total) == "10.00"
    assert payment.shipping_method.label == "Slow"
    assert authorisation.card.type == "credit"
    assert authorisation.shipping.given_name == "Kim"
    assert authorisation.shipping.address_lines == ("1 Example Road",)
    assert authorisation.shipping.country_code == "DE"


def test_change_that_costs_nothing_is_answered_with_nothing(shop):
    assert shop.post("paymentMethodUpdate", {"paymentMethod": {"type": "Credit"}}).json == {}
    assert shop.post("shippingContactUpdate", {"shippingContact": {"postalCode": "1"}}).json == {}
    assert shop.post("shippingMethodUpdate", {"shippingMethod": {"identifier": "slow"}}).json == {}


def test_change_that_costs_is_answered_with_the_sums(shop):
    shop.till.lines = (LineItem("Credit card", "0.50"),)
    shop.post("paymentMethodUpdate", {"paymentMethod": {"type": "Credit"}})

    answer = shop.post("shippingMethodUpdate", {"shippingMethod": {"identifier": "fast"}})

    assert answer.json == {
        "newTotal": {"label": "Example Shop", "amount": "13.00", "type": "final"},
        "newLineItems": [
            {"label": "Kettle", "amount": "10.00", "type": "final"},
            {"label": "Fast", "amount": "2.50", "type": "final"},
            {"label": "Credit card", "amount": "0.50", "type": "final"},
        ],
    }


def test_order_is_tracked_once_it_is_paid(shop):
    before = shop.post("orderTracking")
    shop.post("paymentGateway", TOKEN)

    assert (before.status_code, shop.post("orderTracking").status_code) == (410, 200)


def test_order_is_tracked_whatever_is_posted(shop):
    shop.post("paymentGateway", TOKEN)

    assert shop.web.post(f"/orderTracking/{shop.token}", data=b"\xff").status_code == 200


def test_fallback_is_a_page_that_says_what_is_asked_for(shop):
    page = shop.web.get(f"/fallback/{shop.token}")

    assert "Example Shop asks you for 10.00 USD." in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert shop.post("fallback").json == {}


def test_fallback_leads_to_the_page_that_the_processor_names(shop):
    shop.till.page = "https://shop.example.com/pay/1"

    answer = shop.web.get(f"/fallback/{shop.token}")

    assert (answer.status_code, answer.headers["Location"]) == (302, shop.till.page)


@pytest.mark.parametrize(
    ("path", "payment", "status"),
    [
        ("paymentGateway", {}, 400),
        ("paymentGateway", {"paymentToken": "text"}, 400),
        ("paymentMethodUpdate", {}, 400),
        ("paymentMethodUpdate", {"paymentMethod": []}, 400),
        ("shippingContactUpdate", None, 400),
        ("shippingMethodUpdate", {"shippingMethod": {"identifier": None}}, 400),
        ("shippingMethodUpdate", {"shippingMethod": {"identifier": "by air"}}, 400),
    ],
)
def test_what_does_not_hold_is_refused(shop, path, payment, status):
    before = shop.record

    answer = shop.post(path, payment)

    assert answer.status_code == status
    assert answer.json["error"]
    assert shop.record == before


@pytest.mark.parametrize(
    "path",
    ["paymentGateway", "paymentMethodUpdate", "shippingContactUpdate", "shippingMethodUpdate"],
)
def test_request_for_another_message_is_refused(shop, path):
    assert shop.post(path, TOKEN, requestIdentifier="other").status_code == 400


def test_body_that_is_too_large_is_refused(shop):
    answer = shop.post("paymentGateway", {"paymentToken": {"data": "x" * 70_000}})

    assert answer.status_code == 413


def test_address_of_no_payment_is_unknown(shop):
    for token in ("u" * 43, "t", "%00", "%F0%9F%98%80"):
        shop.token = token
        assert shop.post("paymentGateway", TOKEN).status_code == 404


def test_payment_that_was_not_sent_yet_is_unknown(shop):
    shop.store.payments.open(shop.record.message_id, None)

    assert shop.post("paymentGateway", TOKEN).status_code == 404


def test_payment_is_over_when_its_session_is(shop):
    shop.store.payments.open(shop.record.message_id, time.time() - 1)

    assert shop.post("paymentGateway", TOKEN).status_code == 410
    assert shop.till.charged == []
