"""Apple Pay: what a message that asks for a payment has to hold."""

import re
from decimal import Decimal
from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.amounts import AMOUNT_FORM, add_up, parse_amount
from msp_server.emulator.checks import quoted
from msp_server.emulator.content_limits import Rule
from msp_server.emulator.pieces import Piece, check_unique

#: Source: MSP API Tutorial, exercise 14.
NETWORKS: Final = (
    "amex",
    "visa",
    "discover",
    "masterCard",
    "chinaUnionPay",
    "interac",
    "privateLabel",
)
#: Source: MSP API Tutorial, exercise 14.
MERCHANT_CAPABILITIES: Final = ("supports3DS", "supportsCredit", "supportsDebit", "supportsEMV")
#: Source: MSP API Tutorial, exercise 16; the last two observed.
CONTACT_FIELDS: Final = ("post", "name", "phone", "email", "postalAddress", "phoneticName")
#: Every address that a message may name, the one it has to name first. Source: MSP API Tutorial,
#: exercises 14 and 16.
ENDPOINTS: Final = (
    "paymentGatewayUrl",
    "paymentMethodUpdateUrl",
    "shippingContactUpdateUrl",
    "shippingMethodUpdateUrl",
    "orderTrackingUrl",
    "fallbackUrl",
)
#: All samples say `final`; the other is known of Apple Pay elsewhere, and assumed here.
_AMOUNT_TYPES: Final = ("final", "pending")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def check_payment(payment: Piece) -> None:
    """Refuse a payment that lacks one of its parts, does not add up, or says not where to pay.

    Whether its session was given out here is for `MerchantSessions.check`.

    Raises:
        Refused: 400.

    Source: MSP API Tutorial, exercises 14 and 16.
    """
    _check_request(payment.piece("paymentRequest", limits.PAYMENT_REQUEST))
    payment.piece("merchantSession")
    endpoints = payment.piece("endpoints")
    for key in ENDPOINTS:
        if key == ENDPOINTS[0] or endpoints.has(key):
            endpoints.address(key)


def _check_request(request: Piece) -> None:
    merchant = request.piece("applePay", limits.PAYMENT)
    merchant.identifier("merchantIdentifier")
    _check_words(merchant, "supportedNetworks", NETWORKS, limits.PAYMENT_NETWORK)
    _check_words(
        merchant, "merchantCapabilities", MERCHANT_CAPABILITIES, limits.MERCHANT_CAPABILITY
    )
    request.words_if_any("merchantName")
    _check_codes(request)
    for key in ("requiredBillingContactFields", "requiredShippingContactFields"):
        if request.has(key):
            _check_words(request, key, CONTACT_FIELDS, limits.CONTACT_FIELD, may_be_empty=True)
    _check_sums(request)


def _check_codes(request: Piece) -> None:
    country = request.text("countryCode")
    if not _COUNTRY.fullmatch(country):
        raise request.refused(
            limits.COUNTRY,
            "countryCode",
            f"is {quoted(country)}: write two capital letters, such as DE",
        )
    currency = request.text("currencyCode")
    if not _CURRENCY.fullmatch(currency):
        raise request.refused(
            limits.CURRENCY,
            "currencyCode",
            f"is {quoted(currency)}: write three capital letters, such as EUR",
        )
    countries = request.fields.get("supportedCountries", [])
    if not isinstance(countries, list) or not all(
        isinstance(each, str) and _COUNTRY.fullmatch(each) for each in countries
    ):
        raise request.refused(
            limits.COUNTRY,
            "supportedCountries",
            f"is {quoted(countries)}: write a list of countries, each two capital letters",
        )


def _check_words(
    outer: Piece, key: str, known: tuple[str, ...], rule: Rule, *, may_be_empty: bool = False
) -> None:
    """Refuse a list that holds anything but words that are known."""
    if not outer.has(key):
        raise outer.unfit(limits.KEY_MISSING, key, "is missing: add it")
    words = outer.fields[key]
    if not isinstance(words, list):
        raise outer.unfit(limits.KEY_TYPE, key, f"is {quoted(words)}: it has to be a list")
    if not words and not may_be_empty:
        raise outer.unfit(limits.KEY_EMPTY, key, "is an empty list: put something in")
    for word in words:
        if word not in known:
            raise outer.refused(rule, key, f"holds {quoted(word)}: there are {', '.join(known)}")


def _check_sums(request: Piece) -> None:
    """Refuse line items and shipping methods that do not come to the total."""
    total = _read_line(request.piece("total"))
    if total <= 0:
        raise request.refused(
            limits.TOTAL_POSITIVE, "total.amount", f"is {total}: it has to be above zero"
        )
    methods = request.pieces("shippingMethods") if request.has("shippingMethods") else []
    shipping = [_read_method(method) for method in methods]
    check_unique(methods, "identifier", limits.SHIPPING_REPEATED)
    if not request.has("lineItems"):
        return
    if request.fields["lineItems"] == []:
        raise request.refused(
            limits.LINE_ITEMS, "lineItems", "is an empty list: put something in, or leave it out"
        )
    items = add_up(_read_line(item) for item in request.pieces("lineItems"))
    if total in {items, items + add_up(shipping[:1])}:
        return
    shipped = f", {items + shipping[0]} with the first shipping method" if shipping else ""
    raise request.refused(
        limits.TOTAL_SUM,
        "total.amount",
        f"is {total}, and the line items come to {items}{shipped}: make it the sum",
    )


def _read_line(line: Piece) -> Decimal:
    line.words("label")
    line.choice("type", _AMOUNT_TYPES, default=_AMOUNT_TYPES[0])
    return _read_amount(line)


def _read_method(method: Piece) -> Decimal:
    method.identifier("identifier")
    method.words("label")
    method.words_if_any("detail")
    amount = _read_amount(method)
    if amount < 0:
        raise method.refused(limits.AMOUNT, "amount", f"is {amount}: shipping costs 0 or more")
    return amount


def _read_amount(outer: Piece) -> Decimal:
    if not outer.has("amount"):
        raise outer.unfit(limits.KEY_MISSING, "amount", "is missing: add it")
    value = outer.fields["amount"]
    amount = parse_amount(value)
    if amount is None:
        raise outer.refused(limits.AMOUNT, "amount", f"is {quoted(value)}: write {AMOUNT_FORM}")
    return amount
