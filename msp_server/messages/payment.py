"""The course of a payment: what a customer's device says to our addresses while the sheet is open.

Nothing here proves who speaks: these requests carry no token of Apple's. So the address itself is
a secret, and what costs money is computed by us.

Source: MSP API Tutorial, exercises 13 and 15.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from msp_server.errors import RequestUnreadable
from msp_server.messages.apple_pay import LineItem, ShippingMethod
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.raw import JsonObject, label_in, object_in, text_in

_TEXT_LIMIT_CHARS: Final = 500
_LINES_LIMIT: Final = 20


class PaymentStatus(StrEnum):
    """How an authorisation ended, as the device is told.

    Source: MSP API Tutorial, exercise 13 (success); the others are Apple Pay's on the web, and
    assumed here.
    """

    SUCCESS = "STATUS_SUCCESS"
    FAILURE = "STATUS_FAILURE"
    INVALID_BILLING_ADDRESS = "STATUS_INVALID_BILLING_POSTAL_ADDRESS"
    INVALID_SHIPPING_ADDRESS = "STATUS_INVALID_SHIPPING_POSTAL_ADDRESS"
    INVALID_SHIPPING_CONTACT = "STATUS_INVALID_SHIPPING_CONTACT"
    PIN_REQUIRED = "STATUS_PIN_REQUIRED"
    PIN_INCORRECT = "STATUS_PIN_INCORRECT"
    PIN_LOCKOUT = "STATUS_PIN_LOCKOUT"


class PaymentChange(StrEnum):
    """What the customer changed on the sheet."""

    CARD = "card"
    ADDRESS = "address"
    SHIPPING = "shipping"


@dataclass(frozen=True)
class Card:
    """The card that was chosen, as far as it is told."""

    #: In lower case, such as `credit`; before the authorisation all that is told.
    type: str = ""
    #: Such as `Visa`.
    network: str = ""
    #: Such as `Visa 1234`.
    display_name: str = ""


@dataclass(frozen=True)
class Contact:
    """An address, as far as it is told: before the authorisation without names and street.

    Source: Business Chat API, "ApplePayPaymentContact".
    """

    given_name: str = ""
    family_name: str = ""
    phonetic_given_name: str = ""
    phonetic_family_name: str = ""
    address_lines: tuple[str, ...] = ()
    locality: str = ""
    sub_locality: str = ""
    administrative_area: str = ""
    postal_code: str = ""
    country: str = ""
    #: ISO 3166-1, in capitals.
    country_code: str = ""
    phone_number: str = ""
    email_address: str = ""


@dataclass(frozen=True)
class Payment:
    """What is to be paid, as the customer's sheet shows it."""

    #: Names this payment for good: give it to your payment provider as the key that makes two
    #: charges one.
    key: str
    #: The bubble's request identifier, and its author's name for it.
    request_id: str
    name: str | None
    business_id: BusinessId
    customer_id: OpaqueId
    message_id: MessageId
    #: Of the merchant, ISO 3166-1.
    country: str
    #: ISO 4217.
    currency: str
    #: Every line of the bill as it stands.
    lines: tuple[LineItem, ...]
    #: What the lines come to: what is charged.
    total: Decimal
    #: The one that is chosen.
    shipping_method: ShippingMethod | None


@dataclass(frozen=True)
class Authorisation:
    """What the customer confirmed with a look or a touch."""

    #: Apple Pay's token, encrypted for your payment provider: hand it on, and keep it nowhere.
    payment_token: JsonObject = field(repr=False)
    card: Card
    billing: Contact = field(default=Contact(), repr=False)
    shipping: Contact = field(default=Contact(), repr=False)
    #: The same for the same token, and nothing of it.
    fingerprint: str = ""


def require_request_id(fields: JsonObject, request_id: str) -> None:
    """Refuse what names another message than the address belongs to.

    Raises:
        RequestUnreadable: it does, or names none.
    """
    if fields.get("requestIdentifier") != request_id:
        raise RequestUnreadable("requestIdentifier is not that of the payment at this address")


def parse_authorisation(fields: JsonObject) -> Authorisation:
    """Read what is posted to the payment gateway.

    Raises:
        RequestUnreadable: it holds no payment token.
    """
    payment = object_in(fields, "payment")
    token = object_in(payment, "paymentToken")
    if not token:
        raise RequestUnreadable("payment.paymentToken is no object: nothing was authorised")
    return Authorisation(
        token,
        _card(object_in(token, "paymentMethod")),
        _contact(object_in(payment, "billingContact")),
        _contact(object_in(payment, "shippingContact")),
        _fingerprint(token),
    )


def parse_card(fields: JsonObject) -> Card:
    """Read which card the customer chose.

    Raises:
        RequestUnreadable: it names none.
    """
    return _card(_changed(fields, "paymentMethod"))


def parse_address(fields: JsonObject) -> Contact:
    """Read where it is to be sent to.

    Raises:
        RequestUnreadable: it does not say.
    """
    return _contact(_changed(fields, "shippingContact"))


def parse_shipping(fields: JsonObject) -> str:
    """Read the identifier of the shipping method that the customer chose.

    What else the request says of it, its amount above all, is not believed.

    Raises:
        RequestUnreadable: it names none.
    """
    identifier = label_in(_changed(fields, "shippingMethod"), "identifier")
    if identifier is None:
        raise RequestUnreadable("payment.shippingMethod.identifier is no text")
    return identifier


def _fingerprint(token: JsonObject) -> str:
    try:
        written = json.dumps(token, sort_keys=True, separators=(",", ":"))
    except RecursionError as error:
        raise RequestUnreadable("payment.paymentToken is nested too deep") from error
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def _changed(fields: JsonObject, name: str) -> JsonObject:
    changed = object_in(object_in(fields, "payment"), name)
    if not changed:
        raise RequestUnreadable(f"payment.{name} is no object: nothing was changed")
    return changed


def _card(fields: JsonObject) -> Card:
    return Card(
        type=_text(fields, "type").lower(),  # "Credit" when it comes, as exercise 15 saw it
        network=_text(fields, "network"),
        display_name=_text(fields, "displayName"),
    )


def _contact(fields: JsonObject) -> Contact:
    lines = fields.get("addressLines")
    return Contact(
        given_name=_text(fields, "givenName"),
        family_name=_text(fields, "familyName"),
        phonetic_given_name=_text(fields, "phoneticGivenName"),
        phonetic_family_name=_text(fields, "phoneticFamilyName"),
        address_lines=_lines(lines),
        locality=_text(fields, "locality"),
        sub_locality=_text(fields, "subLocality"),
        administrative_area=_text(fields, "administrativeArea"),
        postal_code=_text(fields, "postalCode"),
        country=_text(fields, "country"),
        country_code=_text(fields, "countryCode").upper(),
        phone_number=_text(fields, "phoneNumber"),
        email_address=_text(fields, "emailAddress"),
    )


def _lines(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever came
    lines: Sequence[object] = value if isinstance(value, list) else ()
    return tuple(
        line[:_TEXT_LIMIT_CHARS] for line in lines[:_LINES_LIMIT] if isinstance(line, str) and line
    )


def _text(fields: JsonObject, name: str) -> str:
    return (text_in(fields, name) or "")[:_TEXT_LIMIT_CHARS]
