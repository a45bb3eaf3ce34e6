"""What a device tells the MSP while a payment's sheet is open."""

import base64
import secrets
from dataclasses import dataclass
from typing import Final

from msp_server.emulator.packing import JsonObject
from msp_server.emulator.shapes import object_in, picked
from msp_server.emulator.transcript import Entry

_VERSION: Final = "1.0"
#: Stands for what only the customer's device may see before the payment is authorised.
_NOT_TOLD: Final = (
    "givenName",
    "familyName",
    "phoneticGivenName",
    "phoneticFamilyName",
)
_ADDRESS: Final = (
    "addressLines",
    "locality",
    "subLocality",
    "administrativeArea",
    "postalCode",
    "country",
    "countryCode",
)
#: Which keys of a contact each word asks for. Source: MSP API Tutorial, exercise 16 (the words);
#: which keys they bring is assumed.
_ASKED: Final[dict[str, tuple[str, ...]]] = {
    "post": _ADDRESS,
    "postalAddress": _ADDRESS,
    "name": _NOT_TOLD,
    "phoneticName": _NOT_TOLD,
    "phone": ("phoneNumber",),
    "email": ("emailAddress",),
}
#: Every key of a contact. Source: Business Chat API, "ApplePayPaymentContact".
CONTACT_KEYS: Final = (*_NOT_TOLD, *_ADDRESS, "phoneNumber", "emailAddress")


@dataclass(frozen=True)
class Card:
    """A card in the customer's wallet."""

    network: str
    #: Credit, Debit, Prepaid or Store.
    type: str
    display_name: str

    def to_json(self) -> JsonObject:
        """Give the card as the JSON API shows it."""
        return {"network": self.network, "type": self.type, "display_name": self.display_name}


def make_token(card: Card) -> JsonObject:
    """Make the token of an authorisation; what is encrypted in it is noise here.

    Source: Business Chat API, "ApplePayPaymentToken"; the inner keys observed.
    """
    transaction_id = secrets.token_hex(32)
    return {
        "paymentMethod": {
            "displayName": card.display_name,
            "network": card.network,
            "type": card.type,
        },
        "transactionIdentifier": transaction_id.upper(),
        "paymentData": {
            "version": "EC_v1",
            "data": _noise(240),
            "signature": _noise(600),
            "header": {
                "ephemeralPublicKey": _noise(91),
                "publicKeyHash": _noise(32),
                "transactionId": transaction_id,
            },
        },
    }


def tell_card(bubble: Entry, card: Card) -> JsonObject:
    """Tell which kind of card was chosen.

    Source: MSP API Tutorial, exercise 15.
    """
    return _body(bubble, {"paymentMethod": {"type": card.type}})


def tell_address(bubble: Entry, contact: JsonObject) -> JsonObject:
    """Tell roughly where it is to be shipped to: names and lines stay on the device.

    Source: MSP API Tutorial, exercise 15.
    """
    hidden: JsonObject = dict.fromkeys(_NOT_TOLD, "") | {"addressLines": [""]}
    return _body(bubble, {"shippingContact": picked(contact, *_ADDRESS) | hidden})


def tell_shipping(bubble: Entry, method: JsonObject) -> JsonObject:
    """Tell which shipping method was chosen.

    Source: MSP API Tutorial, exercise 15: with a type, in capitals unlike the message's.
    """
    chosen = picked(method, "identifier", "label", "detail", "amount") | {"type": "Final"}
    return _body(bubble, {"shippingMethod": chosen})


def tell_authorisation(bubble: Entry, token: JsonObject, contact: JsonObject) -> JsonObject:
    """Tell that the customer authorised the payment, with the contact fields that were asked for.

    Source: Business Chat API, "ApplePayPayment"; that a contact of which nothing was asked for is
    left out is assumed.
    """
    payment: JsonObject = {"paymentToken": token}
    request = payment_request(bubble)
    for key, asked in (
        ("billingContact", "requiredBillingContactFields"),
        ("shippingContact", "requiredShippingContactFields"),
    ):
        told = picked(contact, *_keys_asked(request.get(asked)))
        if told:
            payment[key] = told
    return _body(bubble, payment)


def tell_completion(bubble: Entry) -> JsonObject:
    """Tell that the payment is done, for the order to be followed.

    Source: MSP API Tutorial, exercise 15 (that it is told); what it holds is assumed.
    """
    return _body(bubble, {})


def payment_request(bubble: Entry) -> JsonObject:
    """Give the payment request of a message."""
    return object_in(payment_of(bubble), "paymentRequest")


def payment_of(bubble: Entry) -> JsonObject:
    """Give the payment of a message."""
    return object_in(object_in(bubble.interactive, "data"), "payment")


def _keys_asked(words: object) -> list[str]:
    asked = words if isinstance(words, list) else []
    return [key for word, keys in _ASKED.items() if word in asked for key in keys]


def _body(bubble: Entry, payment: JsonObject) -> JsonObject:
    request_id = object_in(bubble.interactive, "data").get("requestIdentifier")
    return {"requestIdentifier": request_id, "version": _VERSION, "payment": payment}


def _noise(size_bytes: int) -> str:
    return base64.b64encode(secrets.token_bytes(size_bytes)).decode()
