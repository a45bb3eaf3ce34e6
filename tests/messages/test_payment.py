import json
from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msp_server.errors import RequestUnreadable
from msp_server.messages.apple_pay import LineItem
from msp_server.messages.payment import (
    Authorisation,
    Card,
    Contact,
    Payment,
    PaymentChange,
    PaymentStatus,
    parse_address,
    parse_authorisation,
    parse_card,
    parse_shipping,
    require_request_id,
)
from tests.messages.samples import sample

REQUEST = "c0ffee00-0000-4000-8000-000000000014"
#: For each function that reads: the sample of what it reads.
READ = {
    parse_authorisation: "payment_gateway",
    parse_card: "payment_method_update",
    parse_address: "shipping_contact_update",
    parse_shipping: "shipping_method_update",
}
PARTS = {
    parse_authorisation: "paymentToken",
    parse_card: "paymentMethod",
    parse_address: "shippingContact",
    parse_shipping: "shippingMethod",
}
KEYS = sorted(
    {"payment", *PARTS.values(), "billingContact", "identifier", "addressLines", "type", "country"}
)

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["Credit", "x" * 5000, 10**400, "\ud800", "\0"])
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner)
    ),
    max_leaves=20,
)
bodies = st.dictionaries(st.sampled_from(KEYS), values) | st.fixed_dictionaries(
    {"payment": st.dictionaries(st.sampled_from(KEYS), values)}
)


def nested(depth):
    """Give an object so many levels deep."""
    inner = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


def texts_of(contact):
    """Give every text in a contact or a card."""
    for each in fields(contact):
        value = getattr(contact, each.name)
        yield from value if isinstance(value, tuple) else [value]


# What is true


def test_an_authorisation_is_read():
    body = sample("payment_gateway")

    authorisation = parse_authorisation(body)

    assert authorisation.payment_token is body["payment"]["paymentToken"]
    assert authorisation.card == Card("credit", "Visa", "Visa 1234")
    assert authorisation.billing == Contact(
        given_name="Kim",
        family_name="Example",
        address_lines=("1 Example Road",),
        locality="Berlin",
        administrative_area="BE",
        postal_code="10115",
        country="Germany",
        country_code="DE",
    )
    assert authorisation.shipping == Contact(
        phone_number="+493012345", email_address="kim@example.com"
    )


def test_a_card_is_read_with_its_type_in_lower_case():
    assert parse_card(sample("payment_method_update")) == Card("credit")


def test_an_address_is_read_as_far_as_it_is_told():
    assert parse_address(sample("shipping_contact_update")) == Contact(
        locality="Berlin",
        administrative_area="BE",
        postal_code="10115",
        country="Germany",
        country_code="DE",
    )


def test_every_part_of_an_address_is_read():
    told = {
        "givenName": "a",
        "familyName": "b",
        "phoneticGivenName": "c",
        "phoneticFamilyName": "d",
        "addressLines": ["e", "f"],
        "locality": "g",
        "subLocality": "h",
        "administrativeArea": "i",
        "postalCode": "j",
        "country": "k",
        "countryCode": "l",
        "phoneNumber": "m",
        "emailAddress": "n",
    }

    contact = parse_address({"payment": {"shippingContact": told}})

    assert contact == Contact(
        "a", "b", "c", "d", ("e", "f"), "g", "h", "i", "j", "k", "L", "m", "n"
    )


def test_a_shipping_method_is_read_by_its_identifier_alone():
    assert parse_shipping(sample("shipping_method_update")) == "exp"


def test_a_whole_number_serves_as_an_identifier():
    assert parse_shipping({"payment": {"shippingMethod": {"identifier": 1}}}) == "1"


# Whose it is


@pytest.mark.parametrize("kind", READ.values())
def test_a_request_for_the_payment_at_this_address_is_let_in(kind):
    require_request_id(sample(kind), REQUEST)


@pytest.mark.parametrize("named", [None, "", 14, [REQUEST], {}, REQUEST.upper(), f"{REQUEST} "])
def test_a_request_for_another_payment_is_refused(named):
    with pytest.raises(RequestUnreadable, match="requestIdentifier"):
        require_request_id({"requestIdentifier": named}, REQUEST)


def test_a_request_for_no_payment_is_refused():
    with pytest.raises(RequestUnreadable, match="requestIdentifier"):
        require_request_id({}, REQUEST)


# The same authorisation


def test_the_same_token_has_the_same_fingerprint_however_it_is_written():
    body = sample("payment_gateway")
    token = body["payment"]["paymentToken"]
    turned = {"payment": {"paymentToken": dict(reversed(token.items()))}}

    assert parse_authorisation(turned).fingerprint == parse_authorisation(body).fingerprint


def test_another_token_has_another_fingerprint():
    body, other = sample("payment_gateway"), sample("payment_gateway")
    other["payment"]["paymentToken"]["paymentData"]["data"] = "b3BhcXVm"

    assert parse_authorisation(other).fingerprint != parse_authorisation(body).fingerprint


def test_a_fingerprint_is_short_and_holds_nothing_of_the_token():
    body = sample("payment_gateway")

    found = parse_authorisation(body).fingerprint

    assert len(found) == 64
    assert int(found, 16)


def test_a_token_of_half_a_character_has_a_fingerprint():
    body = {"payment": {"paymentToken": {"paymentData": "\ud800"}}}

    assert len(parse_authorisation(body).fingerprint) == 64


def test_what_is_secret_of_an_authorisation_is_not_shown():
    shown = repr(parse_authorisation(sample("payment_gateway")))

    assert not [secret for secret in ("b3BhcXVl", "Kim", "+4930", "Berlin") if secret in shown]


# What is not true


@pytest.mark.parametrize(("parse", "part"), PARTS.items(), ids=PARTS.values())
@pytest.mark.parametrize("junk", [None, {}, [], [{}], "x", 5, True])
def test_a_body_without_its_part_is_refused_and_the_part_named(parse, part, junk):
    with pytest.raises(RequestUnreadable, match=f"payment.{part}"):
        parse({"payment": {part: junk}})


@pytest.mark.parametrize("parse", PARTS, ids=PARTS.values())
@pytest.mark.parametrize("body", [{}, {"payment": None}, {"payment": []}, {"payment": "x"}])
def test_a_body_without_a_payment_is_refused(parse, body):
    with pytest.raises(RequestUnreadable, match="payment"):
        parse(body)


@pytest.mark.parametrize("identifier", [None, "", [], {}, True, 1.5, 10**400])
def test_a_shipping_method_without_identifier_is_refused(identifier):
    with pytest.raises(RequestUnreadable, match="identifier"):
        parse_shipping({"payment": {"shippingMethod": {"identifier": identifier, "label": "x"}}})


def test_a_token_that_is_nested_too_deep_is_refused():
    deep = {"payment": {"paymentToken": nested(100_000)}}

    with pytest.raises(RequestUnreadable, match="nested too deep"):
        parse_authorisation(deep)


@pytest.mark.parametrize("parse", [parse_card, parse_address])
def test_other_depths_harm_nothing(parse):
    part = {"type": nested(3000), "locality": nested(3000), "addressLines": [nested(3000)]}

    made = parse({"payment": {PARTS[parse]: part}})

    assert made == type(made)()


def test_texts_and_lines_are_cut():
    contact = parse_address(
        {"payment": {"shippingContact": {"locality": "x" * 9999, "addressLines": ["y" * 999] * 99}}}
    )

    assert contact.locality == "x" * 500
    assert contact.address_lines == ("y" * 500,) * 20


def test_lines_that_are_no_texts_are_left_out():
    contact = parse_address(
        {"payment": {"shippingContact": {"addressLines": [None, "", 5, "a", ["b"]]}}}
    )

    assert contact.address_lines == ("a",)


@pytest.mark.parametrize("parse", READ, ids=READ.values())
def test_junk_in_any_field_is_read_or_refused(parse, spoil_each):
    for body in spoil_each(sample(READ[parse])):
        try:
            parse(body)
        except RequestUnreadable:
            continue


@settings(deadline=None)
@given(bodies)
def test_any_body_is_read_or_refused_and_what_is_read_is_bounded(body):
    for parse in READ:
        try:
            made = parse(body)
        except RequestUnreadable:
            continue
        parts = [made]
        if isinstance(made, Authorisation):
            parts = [made.card, made.billing, made.shipping]
        for part in parts:
            if isinstance(part, Card | Contact):
                assert all(len(text) <= 500 for text in texts_of(part))


# What is told


def test_statuses_are_those_of_apple_pay():
    assert [*PaymentStatus] == [
        "STATUS_SUCCESS",
        "STATUS_FAILURE",
        "STATUS_INVALID_BILLING_POSTAL_ADDRESS",
        "STATUS_INVALID_SHIPPING_POSTAL_ADDRESS",
        "STATUS_INVALID_SHIPPING_CONTACT",
        "STATUS_PIN_REQUIRED",
        "STATUS_PIN_INCORRECT",
        "STATUS_PIN_LOCKOUT",
    ]


def test_changes_have_names_that_are_stored():
    assert json.dumps([*PaymentChange]) == '["card", "address", "shipping"]'


def test_a_payment_cannot_be_changed_by_who_reads_it():
    payment = Payment(
        key="payment-1",
        request_id=REQUEST,
        name=None,
        business_id="shop",
        customer_id="urn:mbid:a",
        message_id="1",
        country="DE",
        currency="EUR",
        lines=(LineItem("Kettle", Decimal(39)),),
        total=Decimal(39),
        shipping_method=None,
    )

    with pytest.raises(AttributeError):
        payment.total = Decimal(1)
