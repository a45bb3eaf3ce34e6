import json
from decimal import Decimal

import pytest
from hypothesis import given, settings

from msp_server.errors import ContentInvalid
from msp_server.messages.apple_pay import (
    ApplePay,
    ApplePayResponse,
    ContactField,
    LineItem,
    MerchantCapability,
    Network,
    PaymentEndpoints,
    ShippingMethod,
    bill,
    line_item_from_wire,
    parse_apple_pay,
    session_asked_for,
    sums_to_wire,
    total_of,
    with_session,
)
from msp_server.messages.content import Unknown, parse_content, parse_outbound
from msp_server.messages.interactive import AUTHENTICATE, MESSAGE, Bubble, Style
from msp_server.messages.raw_interactive import RawInteractive
from tests.messages.samples import answer, interactive, outbound, sample
from tests.messages.strategies import apple_pays

TOKEN = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJ"
BASE = "https://pay.example.com"
ENDPOINTS = PaymentEndpoints.below(BASE, TOKEN)
KETTLE = LineItem("Kettle", Decimal("39.00"))
DISCOUNT = LineItem("Discount", Decimal(-4))
STANDARD = ShippingMethod("Standard", Decimal("2.90"), "3 days", identifier="std")
EXPRESS = ShippingMethod("Express", Decimal("9.90"), "Tomorrow", identifier="exp")
FREE = ShippingMethod("Pick up", Decimal(0))


def asked(**changes):
    """Ask for a kettle, in every way that is left out."""
    given = {
        "received": "Your order",
        "line_items": [KETTLE],
        "merchant_name": "Example Shop",
        "country": "DE",
        "currency": "EUR",
        "merchant_id": "merchant.com.example.shop",
        "endpoints": ENDPOINTS,
    }
    return ApplePay(**(given | changes))


def payment_of(content):
    return interactive(content)["data"]["payment"]


def request_of(content):
    return payment_of(content)["paymentRequest"]


def amounts_of(content):
    request = request_of(content)
    return [line["amount"] for line in request["lineItems"]], request["total"]["amount"]


def fault(make, *args, **kwargs):
    with pytest.raises(ContentInvalid) as raised:
        make(*args, **kwargs)
    return raised.value


# What is sent


def test_to_wire_gives_what_apple_shows():
    expected = sample("apple_pay")["interactiveData"]
    session = expected["data"]["payment"].pop("merchantSession")

    rich = ApplePay(
        Bubble("Your order", "A kettle, shipped", style=Style.LARGE),
        [KETTLE, DISCOUNT],
        replied="Thank you",
        merchant_name="Example Shop",
        country="DE",
        currency="EUR",
        shipping_methods=[STANDARD, EXPRESS],
        billing_fields=[ContactField.POST, ContactField.NAME],
        shipping_fields=["post", "phone", "email"],
        supported_countries=["DE", "AT"],
        merchant_id="merchant.com.example.shop",
        endpoints=ENDPOINTS,
        request_id=expected["data"]["requestIdentifier"],
    )

    assert session["initiative"] == "messaging"
    assert rich.to_wire() == {"interactiveData": expected}


def test_to_wire_leaves_out_what_was_left_out():
    assert payment_of(asked(endpoints=PaymentEndpoints(BASE))) == {
        "paymentRequest": {
            "applePay": {
                "merchantIdentifier": "merchant.com.example.shop",
                "supportedNetworks": ["visa", "masterCard", "amex"],
                "merchantCapabilities": ["supports3DS", "supportsCredit", "supportsDebit"],
            },
            "merchantName": "Example Shop",
            "countryCode": "DE",
            "currencyCode": "EUR",
            "lineItems": [{"label": "Kettle", "amount": "39.00", "type": "final"}],
            "total": {"label": "Example Shop", "amount": "39.00", "type": "final"},
            "requiredBillingContactFields": [],
            "requiredShippingContactFields": [],
        },
        "endpoints": {"paymentGatewayUrl": BASE},
    }


def test_every_device_is_asked_at_the_endpoint_of_messages():
    assert asked().needs is None
    assert asked().endpoint == MESSAGE != AUTHENTICATE


def test_what_is_sent_by_hand_goes_to_the_same_endpoint():
    assert RawInteractive(sample("apple_pay")["interactiveData"]).endpoint == MESSAGE


def test_every_code_is_written_as_apple_writes_it():
    request = request_of(
        asked(
            networks=list(Network),
            merchant_capabilities=list(MerchantCapability),
            billing_fields=list(ContactField),
        )
    )

    assert request["applePay"]["supportedNetworks"] == [
        "amex",
        "visa",
        "discover",
        "masterCard",
        "chinaUnionPay",
        "interac",
        "privateLabel",
    ]
    assert request["applePay"]["merchantCapabilities"] == [
        "supports3DS",
        "supportsCredit",
        "supportsDebit",
        "supportsEMV",
    ]
    assert request["requiredBillingContactFields"] == [
        "post",
        "name",
        "phone",
        "email",
        "postalAddress",
        "phoneticName",
    ]


def test_shipping_methods_without_identifier_are_named_by_their_place():
    methods = [FREE, STANDARD, ShippingMethod("Courier", 20)]

    request = request_of(asked(shipping_methods=methods))

    assert [each["identifier"] for each in request["shippingMethods"]] == ["1", "std", "3"]
    assert [each["detail"] for each in request["shippingMethods"]] == ["", "3 days", ""]


# Sums


@pytest.mark.parametrize(
    ("changes", "lines", "total"),
    [
        ({}, ["39.00"], "39.00"),
        ({"line_items": [KETTLE, DISCOUNT]}, ["39.00", "-4.00"], "35.00"),
        ({"shipping_methods": [STANDARD, EXPRESS]}, ["39.00", "2.90"], "41.90"),
        ({"shipping_methods": [EXPRESS, STANDARD]}, ["39.00", "9.90"], "48.90"),
        ({"shipping_methods": [FREE, EXPRESS]}, ["39.00"], "39.00"),
        ({"line_items": [LineItem("Cent", "0.01")]}, ["0.01"], "0.01"),
        ({"line_items": [LineItem("x", "0.10"), LineItem("y", "0.20")]}, ["0.10", "0.20"], "0.30"),
        ({"line_items": [LineItem("Kettle", 3900)], "currency": "JPY"}, ["3900"], "3900"),
        (
            {"line_items": [LineItem("Kettle", "3.9"), LineItem("x", "0.005")], "currency": "KWD"},
            ["3.900", "0.005"],
            "3.905",
        ),
        (
            {"line_items": [LineItem("Sample", 0)], "shipping_methods": [STANDARD]},
            ["0.00", "2.90"],
            "2.90",
        ),
    ],
)
def test_the_total_is_the_items_and_the_first_shipping_method(changes, lines, total):
    content = asked(**changes)

    assert amounts_of(content) == (lines, total)
    assert content.total == Decimal(total)


@pytest.mark.parametrize(
    ("items", "shipping"),
    [
        ([LineItem("Nothing", 0)], []),
        ([KETTLE, LineItem("Discount", -39)], []),
        ([KETTLE, LineItem("Discount", -40)], []),
        ([DISCOUNT], [STANDARD]),
        ([LineItem("Nothing", 0)], [FREE]),
        ([DISCOUNT], [EXPRESS, STANDARD]),
        ([LineItem("Nothing", 0)], [STANDARD, FREE]),
    ],
)
def test_a_total_that_is_not_above_zero_is_refused_whatever_shipping_is_chosen(items, shipping):
    error = fault(asked, line_items=items, shipping_methods=shipping)

    assert error.field == "ApplePay.line_items"
    assert "a total above zero" in error.limit


def test_a_total_that_is_too_large_is_refused():
    error = fault(asked, line_items=[LineItem("Palace", 10**12), LineItem("Garden", 1)])

    assert error.field == "ApplePay.line_items"
    assert "at most 1000000000000" in error.limit


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"line_items": [KETTLE, LineItem("x", "0.005")]}, "line_items[1]"),
        ({"currency": "JPY", "shipping_methods": [FREE, EXPRESS]}, "shipping_methods[1]"),
        ({"line_items": [LineItem("x", "0.5")], "currency": "JPY"}, "line_items[0]"),
        (
            {"shipping_methods": [STANDARD, ShippingMethod("x", "1.005")]},
            "shipping_methods[1]",
        ),
        ({"line_items": [LineItem("x", "0.0001")], "currency": "KWD"}, "line_items[0]"),
        ({"line_items": [LineItem("x", Decimal("1e-999999"))]}, "line_items[0]"),
    ],
)
def test_an_amount_that_its_currency_cannot_write_is_refused(changes, place):
    error = fault(asked, **changes)

    assert error.problem == "has too many decimals"
    assert error.field == f"ApplePay.{place}.amount"


def test_a_line_that_may_change_makes_the_total_one_that_may_change():
    request = request_of(asked(line_items=[KETTLE, LineItem("Tip", 1, pending=True)]))

    assert [line["type"] for line in request["lineItems"]] == ["final", "pending"]
    assert request["total"]["type"] == "pending"


@settings(max_examples=100, deadline=None)
@given(apple_pays())
def test_lines_always_come_to_the_total(content):
    lines, total = amounts_of(content)

    assert sum(map(Decimal, lines)) == Decimal(total) == content.total > 0


def test_a_bill_is_the_items_shipping_and_what_came_to_it():
    further = [LineItem("Duty", Decimal(3))]

    lines = bill([KETTLE], EXPRESS, further)

    assert lines == (KETTLE, LineItem("Express", Decimal("9.90")), *further)
    assert total_of(lines) == Decimal("51.90")
    assert bill([KETTLE], None) == bill([KETTLE], FREE) == (KETTLE,)


def test_a_bill_of_nothing_comes_to_nothing():
    assert total_of([]) == 0


def test_sums_are_refused_that_cannot_be_written():
    with pytest.raises(ContentInvalid, match="has too many decimals"):
        sums_to_wire([LineItem("x", "0.5")], "Example Shop", "JPY")


@pytest.mark.parametrize("pending", [True, False])
def test_a_line_comes_back_as_it_was_written(pending):
    line = LineItem("Kettle", Decimal("39.00"), pending=pending)

    assert line_item_from_wire(line.to_wire("EUR")) == line


# What cannot be made


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": ""}, "received"),
        ({"line_items": []}, "line_items"),
        ({"line_items": None}, "line_items"),
        ({"line_items": "Kettle"}, "line_items"),
        ({"line_items": ["Kettle"]}, "line_items[0]"),
        ({"merchant_name": ""}, "merchant_name"),
        ({"country": "de"}, "country"),
        ({"country": "XX"}, "country"),
        ({"country": "Germany"}, "country"),
        ({"country": 49}, "country"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "€"}, "currency"),
        ({"currency": None}, "currency"),
        ({"networks": []}, "networks"),
        ({"networks": "visa"}, "networks"),
        ({"networks": ["Visa"]}, "networks[0]"),
        ({"networks": ["visa", "giroCard"]}, "networks[1]"),
        ({"merchant_capabilities": []}, "merchant_capabilities"),
        ({"merchant_capabilities": ["3DS"]}, "merchant_capabilities[0]"),
        ({"billing_fields": ["fax"]}, "billing_fields[0]"),
        ({"shipping_fields": ["name", 5]}, "shipping_fields[1]"),
        ({"supported_countries": "DE"}, "supported_countries"),
        ({"supported_countries": ["DE", "XX"]}, "supported_countries"),
        ({"shipping_methods": [STANDARD, STANDARD]}, "shipping_methods.identifier"),
        ({"merchant_id": 5}, "merchant_id"),
        ({"endpoints": BASE}, "endpoints"),
    ],
)
def test_what_does_not_hold_cannot_be_asked_for(changes, field):
    assert fault(asked, **changes).field == f"ApplePay.{field}"


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: LineItem("", 1), "LineItem.label"),
        (lambda: LineItem("Kettle", 39.0), "LineItem.amount"),
        (lambda: LineItem("Kettle", "free"), "LineItem.amount"),
        (lambda: LineItem("Kettle", Decimal("1e999999")), "LineItem.amount"),
        (lambda: LineItem("Kettle", 1, pending="perhaps"), "LineItem.pending"),
        (lambda: ShippingMethod("", 1), "ShippingMethod.label"),
        (lambda: ShippingMethod("Bike", -1), "ShippingMethod.amount"),
        (lambda: ShippingMethod("Bike", Decimal("-0.01")), "ShippingMethod.amount"),
        (lambda: ShippingMethod("Bike", 1.5), "ShippingMethod.amount"),
        (lambda: ShippingMethod("Bike", 1, identifier=5), "ShippingMethod.identifier"),
    ],
)
def test_what_does_not_hold_is_no_line_and_no_shipping(make, field):
    assert fault(make).field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": "x" * 201}, "received"),
        ({"merchant_name": "x" * 201}, "merchant_name"),
        ({"line_items": [LineItem("x" * 201, 1)]}, "line_items[0].label"),
        ({"line_items": [LineItem("a\nb", 1)]}, "line_items[0].label"),
        ({"shipping_methods": [ShippingMethod("x", 1, "y" * 201)]}, "shipping_methods[0].detail"),
        (
            {"shipping_methods": [ShippingMethod("x", 1, identifier="")]},
            "shipping_methods[0].identifier",
        ),
        ({"endpoints": PaymentEndpoints(f"{BASE}/{'x' * 8192}")}, "endpoints.gateway_url"),
    ],
)
def test_what_is_beyond_what_vendors_report_is_refused_when_it_is_said(
    changes, field, require_reported
):
    assert fault(require_reported, asked(**changes)).field == f"ApplePay.{field}"


def test_what_vendors_report_holds(require_reported):
    rich = asked(shipping_methods=[STANDARD, EXPRESS], merchant_name="x" * 200)

    require_reported(rich)


@pytest.mark.parametrize(
    ("changes", "field", "setting"),
    [
        ({"merchant_id": None}, "merchant_id", "MSP_APPLE_PAY_MERCHANT_ID"),
        ({"merchant_id": ""}, "merchant_id", "MSP_APPLE_PAY_MERCHANT_ID"),
        ({"endpoints": None}, "endpoints", "MSP_PAYMENT_PROCESSOR and MSP_ENDPOINT"),
    ],
)
def test_what_nobody_set_is_named_with_its_setting(changes, field, setting, require_reported):
    content = asked(**changes)

    assert fault(outbound(content).to_wire).field == field
    error = fault(require_reported, content)
    assert error.field == f"ApplePay.{field}"
    assert setting in error.limit


def test_neither_addresses_nor_merchant_are_shown():
    assert TOKEN not in repr(asked())
    assert "merchant.com" not in repr(asked())


# Endpoints


def test_endpoints_below_an_address_end_with_the_token():
    assert (
        ENDPOINTS.to_wire()
        == sample("apple_pay")["interactiveData"]["data"]["payment"]["endpoints"]
    )


def test_endpoints_below_an_address_are_the_tutorials_where_no_token_is():
    assert PaymentEndpoints.below(BASE).gateway_url == f"{BASE}/paymentGateway"


def test_endpoints_that_are_left_out_are_not_sent():
    given = PaymentEndpoints(f"{BASE}/a", card_url=f"{BASE}/b", fallback_url=f"{BASE}/c")

    assert given.to_wire() == {
        "paymentGatewayUrl": f"{BASE}/a",
        "paymentMethodUpdateUrl": f"{BASE}/b",
        "fallbackUrl": f"{BASE}/c",
    }


@pytest.mark.parametrize("url", ["http://localhost:80/a", "http://127.0.0.1:1/a", "http://[::1]:1"])
def test_endpoints_may_be_on_this_machine(url):
    assert PaymentEndpoints(url).gateway_url == url


@pytest.mark.parametrize("name", ["gateway_url", "card_url", "tracking_url", "fallback_url"])
@pytest.mark.parametrize(
    "url", ["", "http://pay.example.com", "pay.example.com", "ftp://a", "http://localhost.evil/"]
)
def test_endpoints_that_others_can_read_are_refused(name, url):
    error = fault(PaymentEndpoints, **({"gateway_url": BASE} | {name: url}))

    assert error.field == f"PaymentEndpoints.{name}"
    assert "example.com" not in str(error)  # the address opens the payment


# From JSON


def test_parse_outbound_reads_a_payment():
    fields = {
        "kind": "ApplePay",
        "received": {"title": "Your order", "style": "large"},
        "line_items": [
            {"label": "Kettle", "amount": "39.00"},
            {"label": "Discount", "amount": -4},
        ],
        "merchant_name": "Example Shop",
        "country": "DE",
        "currency": "EUR",
        "shipping_methods": [
            {"label": "Standard", "amount": "2.90", "detail": "3 days", "identifier": "std"}
        ],
        "networks": ["visa", "amex"],
        "shipping_fields": ["post"],
        "endpoints": {"gateway_url": f"{BASE}/own"},
        "fallback": {"kind": "Text", "body": "Please pay on our web site."},
    }

    content = parse_outbound(json.loads(json.dumps(fields)))

    assert content.total == Decimal("37.90")
    assert content.networks == (Network.VISA, Network.AMEX)
    assert content.shipping_methods == (STANDARD,)
    assert content.endpoints == PaymentEndpoints(f"{BASE}/own")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"line_items": [{"label": "Kettle", "amount": 39.00}]}, "line_items[0].amount"),
        ({"line_items": [{"label": "Kettle", "amount": "1e999999"}]}, "line_items[0].amount"),
        ({"line_items": [{"label": "Kettle"}]}, "line_items[0].amount"),
        ({"line_items": [{"label": "K", "amount": "1", "price": 1}]}, "line_items[0].price"),
        ({"networks": ["visa", "cash"]}, "networks[1]"),
        ({"currency": "BTC"}, "currency"),
        ({"endpoints": {"gateway_url": "http://x"}}, "endpoints.gateway_url"),
        ({"total": "1.00"}, "total"),
    ],
)
def test_parse_outbound_names_what_is_wrong_with_a_payment(changes, field):
    fields = {
        "kind": "ApplePay",
        "received": "Your order",
        "line_items": [{"label": "Kettle", "amount": "39.00"}],
        "merchant_name": "Example Shop",
        "country": "DE",
        "currency": "EUR",
    }

    assert fault(parse_outbound, fields | changes).field == f"ApplePay.{field}"


# Filled in when it is sent


def test_a_session_is_asked_for_the_name_and_the_address_in_the_message():
    _, packed = outbound(asked(merchant_name="Größe")).to_wire()

    assert session_asked_for(packed) == ("Größe", f"{BASE}/paymentGateway/{TOKEN}")


def test_with_session_puts_it_in_as_it_came_and_changes_nothing_else():
    session = sample("apple_pay")["interactiveData"]["data"]["payment"]["merchantSession"]
    _, packed = outbound(asked(merchant_name="Größe")).to_wire()

    completed = json.loads(with_session(packed, session))

    assert completed["interactiveData"]["data"]["payment"].pop("merchantSession") == session
    assert completed == json.loads(packed)
    assert "Größe".encode() in with_session(packed, session)


# How it ended


def test_a_closing_message_is_read():
    raw = sample("apple_pay_response")

    content = parse_content("interactive", raw)

    assert content == ApplePayResponse(
        status="STATUS_SUCCESS",
        request_id="c0ffee00-0000-4000-8000-000000000014",
        session_id="2d1c0b0a-1111-4222-8333-444455556666",
        title="Thank you",
    )
    assert content.raw is raw
    assert content.selection == "STATUS_SUCCESS"


def test_a_closing_message_alone_says_nothing_of_money():
    content = parse_content("interactive", sample("apple_pay_response"))

    assert (content.paid, content.total, content.currency) == (False, None, None)


def test_a_closing_message_is_joined_to_the_course_of_its_payment():
    content = parse_content("interactive", sample("apple_pay_response"))

    joined = content.after(True, Decimal("37.90"), "EUR")

    assert (joined.paid, joined.total, joined.currency) == (True, Decimal("37.90"), "EUR")
    assert (joined.request_id, joined.status) == (content.request_id, content.status)
    assert joined.raw is content.raw


@pytest.mark.parametrize(
    ("payment", "status"),
    [
        ({}, ""),
        ({"status": None}, ""),
        ({"status": 5}, ""),
        ({"status": ["STATUS_SUCCESS"]}, ""),
        ({"state": "paid"}, ""),
        ({"status": "x" * 1000}, "x" * 64),
    ],
)
def test_a_closing_message_may_say_anything(payment, status):
    assert parse_apple_pay(answer({"payment": payment})).status == status


@pytest.mark.parametrize("payment", [None, 5, "STATUS_SUCCESS", [], [{}]])
def test_a_closing_message_in_another_shape_is_unknown(payment):
    raw = answer({"payment": payment})

    assert parse_content("interactive", raw) == Unknown("interactive")


@pytest.mark.parametrize("raw", [{}, {"interactiveData": 5}, {"interactiveData": {"data": []}}])
def test_what_holds_no_payment_is_no_closing_message(raw):
    assert parse_apple_pay(raw) is None


def test_junk_in_any_field_harms_nothing(spoil_each):
    for raw in spoil_each(sample("apple_pay_response")):
        assert isinstance(parse_content("interactive", raw), ApplePayResponse | Unknown)
