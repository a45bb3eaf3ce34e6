import json

import pytest

from msp_server.emulator.payment_bodies import (
    Card,
    make_token,
    tell_address,
    tell_authorisation,
    tell_card,
    tell_completion,
    tell_shipping,
)
from msp_server.emulator.transcript import Entry

CARD = Card("Visa", "Debit", "Visa 1234")
CONTACT = {
    "givenName": "Kim",
    "familyName": "Example",
    "phoneticGivenName": "",
    "phoneticFamilyName": "",
    "addressLines": ["1 Example Road"],
    "locality": "Berlin",
    "subLocality": "",
    "administrativeArea": "BE",
    "postalCode": "10115",
    "country": "Germany",
    "countryCode": "DE",
    "phoneNumber": "+15550100",
    "emailAddress": "kim@example.com",
}
NAME = {"givenName", "familyName", "phoneticGivenName", "phoneticFamilyName"}
POST = CONTACT.keys() - NAME - {"phoneNumber", "emailAddress"}


def bubble(**request):
    data = {"requestIdentifier": "r-1", "payment": {"paymentRequest": request}}
    fields = {"type": "interactive", "interactiveData": {"data": data}}
    return Entry(1, "business", "m-1", "interactive", fields, None, "accepted")


def test_card_is_told_by_its_type_alone():
    assert tell_card(bubble(), CARD) == {
        "requestIdentifier": "r-1",
        "version": "1.0",
        "payment": {"paymentMethod": {"type": "Debit"}},
    }


def test_address_is_told_without_names_and_lines():
    assert tell_address(bubble(), CONTACT)["payment"] == {
        "shippingContact": {
            "postalCode": "10115",
            "locality": "Berlin",
            "subLocality": "",
            "administrativeArea": "BE",
            "country": "Germany",
            "countryCode": "DE",
            "givenName": "",
            "familyName": "",
            "phoneticGivenName": "",
            "phoneticFamilyName": "",
            "addressLines": [""],
        }
    }


def test_shipping_is_told_with_a_type_in_capitals():
    method = {"identifier": "std", "label": "Standard", "amount": "2.90", "detail": "3 days"}

    told = tell_shipping(bubble(), method | {"other": 1})

    assert told["payment"] == {"shippingMethod": method | {"type": "Final"}}


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["post"], POST),
        (["postalAddress"], POST),
        (["post", "postalAddress"], POST),
        (["name"], NAME),
        (["phoneticName"], NAME),
        (["phone", "email"], {"phoneNumber", "emailAddress"}),
        (["post", "name", "phone", "email"], CONTACT.keys()),
    ],
)
@pytest.mark.parametrize(
    ("asked", "contact"),
    [
        ("requiredBillingContactFields", "billingContact"),
        ("requiredShippingContactFields", "shippingContact"),
    ],
)
def test_contact_has_what_was_asked_for_and_nothing_else(asked, contact, words, keys):
    token = make_token(CARD)

    payment = tell_authorisation(bubble(**{asked: words}), token, CONTACT)["payment"]

    assert payment == {"paymentToken": token, contact: {key: CONTACT[key] for key in keys}}


@pytest.mark.parametrize("words", [None, [], "name", ["fax"], [[]], {}])
def test_contact_of_which_nothing_is_asked_for_is_left_out(words):
    told = tell_authorisation(bubble(requiredBillingContactFields=words), {}, CONTACT)

    assert told["payment"] == {"paymentToken": {}}


def test_token_tells_the_card_and_is_never_the_same():
    first, second = make_token(CARD), make_token(CARD)

    method = {"displayName": "Visa 1234", "network": "Visa", "type": "Debit"}
    assert first["paymentMethod"] == second["paymentMethod"] == method
    assert first["transactionIdentifier"] != second["transactionIdentifier"]
    assert first["paymentData"]["data"] != second["paymentData"]["data"]
    assert first["paymentData"]["version"] == "EC_v1"
    assert set(first["paymentData"]["header"]) == {
        "ephemeralPublicKey",
        "publicKeyHash",
        "transactionId",
    }
    assert json.dumps(first)


def test_completion_says_of_what():
    told = tell_completion(bubble())

    assert told == {"requestIdentifier": "r-1", "version": "1.0", "payment": {}}
