"""Apple Pay: ask for a payment, and read how it ended.

The customer's device talks to the addresses that the message names, while the sheet is open; what
it says there stands in `payment.py`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.checked import checked, set_field
from msp_server.messages.image import Gallery
from msp_server.messages.interactive import (
    Bubbled,
    Identifier,
    Response,
    Shown,
    Title,
    frame,
    identifiers,
)
from msp_server.messages.money import (
    AMOUNT_LIMIT,
    COUNTRIES,
    CURRENCIES,
    Amount,
    amount_from_wire,
    amount_to_wire,
)
from msp_server.messages.raw import JsonObject, object_in, text_in

_SOURCE: Final = "MSP API Tutorial, exercises 14 and 16"
_LOCAL: Final = ("http://localhost:", "http://127.0.0.1:", "http://[::1]:")


class Network(StrEnum):
    """Whose card it may be.

    Source: MSP API Tutorial, exercise 14.
    """

    AMEX = "amex"
    VISA = "visa"
    DISCOVER = "discover"
    MASTER_CARD = "masterCard"
    CHINA_UNION_PAY = "chinaUnionPay"
    INTERAC = "interac"
    PRIVATE_LABEL = "privateLabel"


class MerchantCapability(StrEnum):
    """What kinds of payment the merchant can process.

    Source: MSP API Tutorial, exercise 14.
    """

    THREE_D_SECURE = "supports3DS"
    CREDIT = "supportsCredit"
    DEBIT = "supportsDebit"
    EMV = "supportsEMV"


class ContactField(StrEnum):
    """What the customer has to tell with the payment.

    Source: MSP API Tutorial, exercise 16; the last two: observed.
    """

    POST = "post"
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    POSTAL_ADDRESS = "postalAddress"
    PHONETIC_NAME = "phoneticName"


@checked
class LineItem:
    """One line of the bill; a discount has a negative amount.

    Source: Business Chat API, "ApplePayLineItem".
    """

    label: Title
    amount: Amount
    _: KW_ONLY
    #: Whether the amount may still change after the payment. Assumed: known of Apple Pay alone.
    pending: bool = False

    def to_wire(self, currency: str) -> JsonObject:
        """Give a line item."""
        return {
            "label": self.label,
            "amount": amount_to_wire(self.amount, currency),
            "type": "pending" if self.pending else "final",
        }


@checked
class ShippingMethod:
    """One way to get what is paid for; the first is chosen at first.

    Source: MSP API Tutorial, exercise 16.
    """

    label: Title
    amount: Amount
    detail: Shown = ""
    _: KW_ONLY
    #: How the device names it; its place, counted from 1, when left out.
    identifier: Identifier | None = None

    def __post_init__(self) -> None:
        """Check that nobody is paid for taking it."""
        if self.amount < 0:
            raise _invalid("amount", "is below zero", "0 or more")

    def to_wire(self, identifier: str, currency: str) -> JsonObject:
        """Give a shipping method."""
        return {
            "label": self.label,
            "detail": self.detail,
            "amount": amount_to_wire(self.amount, currency),
            "identifier": identifier,
        }


@checked
class PaymentEndpoints:
    """Where the customer's device asks while the sheet is open.

    Source: MSP API Tutorial, exercises 14 to 16.
    """

    gateway_url: Annotated[str, limits.URL]
    _: KW_ONLY
    card_url: Annotated[str, limits.URL] | None = None
    address_url: Annotated[str, limits.URL] | None = None
    shipping_url: Annotated[str, limits.URL] | None = None
    tracking_url: Annotated[str, limits.URL] | None = None
    fallback_url: Annotated[str, limits.URL] | None = None

    def __post_init__(self) -> None:
        """Check that nobody can read along."""
        for name in _ENDPOINTS:
            address = getattr(self, name)
            if address is not None and not address.startswith(("https://", *_LOCAL)):
                raise _invalid(name, "is not https", "https, or a loopback address")

    @classmethod
    def below(cls, base_url: str, token: str = "") -> Self:
        """Give the tutorial's paths below an address, with a token at their end that opens them."""
        end = f"/{token}" if token else ""
        return cls(**{name: f"{base_url}/{path}{end}" for name, path in _PATHS.items()})

    def to_wire(self) -> JsonObject:
        """Give `endpoints`."""
        there = {name: getattr(self, name) for name in _ENDPOINTS}
        return {_ENDPOINTS[name]: address for name, address in there.items() if address}


#: Source: MSP API Tutorial, exercise 16.
_ENDPOINTS: Final = {
    "gateway_url": "paymentGatewayUrl",
    "card_url": "paymentMethodUpdateUrl",
    "address_url": "shippingContactUpdateUrl",
    "shipping_url": "shippingMethodUpdateUrl",
    "tracking_url": "orderTrackingUrl",
    "fallback_url": "fallbackUrl",
}
_PATHS: Final = {name: key.removesuffix("Url") for name, key in _ENDPOINTS.items()}


@checked
class ApplePay(Bubbled):
    """A bubble that opens a sheet to pay with Apple Pay.

    `ApplePay("Your order", [LineItem("Kettle", Decimal("39.00"))], merchant_name="Example Shop",
    country="DE", currency="EUR")`

    Source: MSP API Tutorial, exercises 14 and 16.
    """

    line_items: Annotated[Sequence[LineItem], limits.NOT_EMPTY]
    _: KW_ONLY
    #: Your trading name: stands on the sheet beside the total.
    merchant_name: Title
    #: Of the merchant, ISO 3166-1, such as `DE`.
    country: str
    #: ISO 4217, such as `EUR`.
    currency: str
    shipping_methods: Sequence[ShippingMethod] = ()
    billing_fields: Sequence[ContactField] = ()
    shipping_fields: Sequence[ContactField] = ()
    networks: Annotated[Sequence[Network], limits.NOT_EMPTY] = (
        Network.VISA,
        Network.MASTER_CARD,
        Network.AMEX,
    )
    merchant_capabilities: Annotated[Sequence[MerchantCapability], limits.NOT_EMPTY] = (
        MerchantCapability.THREE_D_SECURE,
        MerchantCapability.CREDIT,
        MerchantCapability.DEBIT,
    )
    #: Countries that the customer's card may be from; every one when left out.
    supported_countries: Sequence[str] = ()
    #: `MSP_APPLE_PAY_MERCHANT_ID` when left out.
    merchant_id: str | None = field(default=None, repr=False)
    #: Where the device asks: this server, when left out, which then asks the `PaymentProcessor`.
    endpoints: PaymentEndpoints | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check codes and sums."""
        super().__post_init__()
        for name in _SEQUENCES:
            set_field(self, name, tuple(getattr(self, name)))
        self._check_codes()
        self.numbered()
        self._check_sums()

    @property
    def lines(self) -> tuple[LineItem, ...]:
        """Every line of the bill: the items, and the first shipping method unless it is free."""
        first = self.shipping_methods[0] if self.shipping_methods else None
        return bill(self.line_items, first)

    @property
    def total(self) -> Decimal:
        """What the customer is asked for at first: items and first shipping method."""
        return total_of(self.lines)

    def numbered(self) -> list[tuple[str, ShippingMethod]]:
        """Give every shipping method with its identifier, in order."""
        names = identifiers(
            (each.identifier for each in self.shipping_methods), "shipping_methods.identifier"
        )
        return list(zip(names, self.shipping_methods, strict=True))

    def lines_to_wire(self, lines: Sequence[LineItem]) -> tuple[JsonObject, list[JsonObject]]:
        """Give the total, and the lines that come to it."""
        return sums_to_wire(lines, self.merchant_name, self.currency)

    def feature(self, _gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone; the merchant session is not in it.

        Raises:
            ContentInvalid: nobody says who asks, or where the device pays.
        """
        if not self.merchant_id:
            raise ContentInvalid(
                "is not known", field="merchant_id", limit="set MSP_APPLE_PAY_MERCHANT_ID"
            )
        if self.endpoints is None:
            limit = "set MSP_PAYMENT_PROCESSOR and MSP_ENDPOINT"
            raise ContentInvalid("are not known", field="endpoints", limit=limit)
        total, line_items = self.lines_to_wire(self.lines)
        request: JsonObject = {
            "applePay": {
                "merchantIdentifier": self.merchant_id,
                "supportedNetworks": [str(each) for each in self.networks],
                "merchantCapabilities": [str(each) for each in self.merchant_capabilities],
            },
            "merchantName": self.merchant_name,
            "countryCode": self.country,
            "currencyCode": self.currency,
            "lineItems": line_items,
            "total": total,
            "requiredBillingContactFields": [str(each) for each in self.billing_fields],
            "requiredShippingContactFields": [str(each) for each in self.shipping_fields],
        }
        if self.shipping_methods:
            request["shippingMethods"] = [
                method.to_wire(identifier, self.currency) for identifier, method in self.numbered()
            ]
        if self.supported_countries:
            request["supportedCountries"] = list(self.supported_countries)
        return {"payment": {"paymentRequest": request, "endpoints": self.endpoints.to_wire()}}

    def _check_codes(self) -> None:
        countries = [("country", self.country)]
        countries += [("supported_countries", each) for each in self.supported_countries]
        for name, country in countries:
            if country not in COUNTRIES:
                raise _invalid(name, "is no country", "ISO 3166-1, such as DE", country)
        if self.currency not in CURRENCIES:
            raise _invalid("currency", "is no currency", "ISO 4217, such as EUR", self.currency)

    def _check_sums(self) -> None:
        """Check every amount, and the total whichever shipping method is chosen."""
        for name in ("line_items", "shipping_methods"):
            for place, priced in enumerate(getattr(self, name)):
                try:
                    amount_to_wire(priced.amount, self.currency)
                except ContentInvalid as error:
                    raise error.inside(f"{name}[{place}].amount") from None
        for shipping in self.shipping_methods or (None,):
            total = total_of(bill(self.line_items, shipping))
            if not 0 < total <= AMOUNT_LIMIT:
                limit = f"a total above zero, of at most {AMOUNT_LIMIT}"
                raise _invalid("line_items", f"come to {total}", limit)


_SEQUENCES: Final = (
    "line_items",
    "shipping_methods",
    "billing_fields",
    "shipping_fields",
    "networks",
    "merchant_capabilities",
    "supported_countries",
)


@dataclass(frozen=True, kw_only=True)
class ApplePayResponse(Response):
    """The customer's sheet is closed: paid, or not.

    What was paid stands in the course of the payment, not in this message: anybody who forged it
    would else be believed.
    """

    #: What the device says; empty if it says nothing. Assumed: the fields of it were not found.
    status: str = ""
    #: Whether the payment processor has taken the money.
    paid: bool = False
    #: What was taken; None if nothing was.
    total: Decimal | None = None
    #: Of the total, ISO 4217.
    currency: str | None = None

    @property
    def selection(self) -> object:
        """What was chosen, as a value that JSON can hold."""
        return self.status

    def after(self, paid: bool, total: Decimal | None, currency: str | None) -> Self:
        """Give the same, joined to the course of its payment."""
        return replace(self, paid=paid, total=total, currency=currency)


def parse_apple_pay(raw: JsonObject) -> ApplePayResponse | None:
    """Read the closing message of a payment; None where that is no object.

    Source: Business Chat API, "ApplePayPaymentRequest" (that there is one); its fields: assumed.
    """
    payment = object_in(object_in(raw, "interactiveData"), "data").get("payment")
    if not isinstance(payment, dict):
        return None
    return ApplePayResponse(status=(text_in(payment, "status") or "")[:64], **frame(raw))


def bill(
    items: Iterable[LineItem], shipping: ShippingMethod | None, further: Iterable[LineItem] = ()
) -> tuple[LineItem, ...]:
    """Give every line of a bill: items, shipping unless it is free, and what came to it."""
    shipped = (LineItem(shipping.label, shipping.amount),) if shipping and shipping.amount else ()
    return (*items, *shipped, *further)


def total_of(lines: Iterable[LineItem]) -> Decimal:
    """Add up the lines of a bill."""
    return sum((line.amount for line in lines), Decimal(0))


def sums_to_wire(
    lines: Sequence[LineItem], merchant_name: str, currency: str
) -> tuple[JsonObject, list[JsonObject]]:
    """Give a total with the lines that come to it.

    Raises:
        ContentInvalid: an amount cannot be written in this currency.

    Source: Business Chat API, "ApplePayLineItem": the total's label is the trading name.
    """
    pending = any(line.pending for line in lines)
    total = LineItem(merchant_name, total_of(lines), pending=pending)
    return total.to_wire(currency), [line.to_wire(currency) for line in lines]


def session_asked_for(packed: bytes) -> tuple[str, str]:
    """Say for what a payment message needs a merchant session: display name and gateway address."""
    payment = _payment_in(json.loads(packed))
    name = object_in(payment, "paymentRequest")["merchantName"]
    return name, object_in(payment, "endpoints")["paymentGatewayUrl"]


def with_session(packed: bytes, session: JsonObject) -> bytes:
    """Put a merchant session into a payment message.

    Source: MSP API Tutorial, exercise 14: as Apple gave it.
    """
    fields = json.loads(packed)
    _payment_in(fields)["merchantSession"] = session
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def line_item_from_wire(fields: dict[str, Any]) -> LineItem:
    """Read a line item that `LineItem.to_wire` wrote."""
    pending = fields["type"] == "pending"
    return LineItem(fields["label"], amount_from_wire(fields["amount"]), pending=pending)


def _payment_in(fields: JsonObject) -> JsonObject:
    return object_in(object_in(object_in(fields, "interactiveData"), "data"), "payment")


def _invalid(field: str, problem: str, limit: str, value: object = None) -> ContentInvalid:
    return ContentInvalid(problem, field=field, value=value, limit=limit, source=_SOURCE)
