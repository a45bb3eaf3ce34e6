"""The sheets on which customers pay: what is chosen on each, and what it comes to."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from msp_server.emulator.amounts import parse_amount
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.payment_answers import Bill
from msp_server.emulator.payment_bodies import CONTACT_KEYS, Card, make_token, payment_request
from msp_server.emulator.people import make_person
from msp_server.emulator.phones import Customer
from msp_server.emulator.replies import pick
from msp_server.emulator.shapes import object_in, objects_in
from msp_server.emulator.transcript import DeedUnfit, Entry

#: Sheets that may be open; the oldest are closed first.
SHEET_LIMIT: Final = 1_000
#: How networks are called on cards, by their name in messages. Source: MSP API Tutorial, exercise
#: 14, and observed.
_NETWORKS: Final = {
    "visa": "Visa",
    "masterCard": "MasterCard",
    "amex": "AmEx",
    "discover": "Discover",
    "chinaUnionPay": "ChinaUnionPay",
    "interac": "Interac",
    "privateLabel": "PrivateLabel",
}
#: Source: Business Chat API, "ApplePayPaymentMethod"; the last three assumed.
CARD_TYPES: Final = ("Credit", "Debit", "Prepaid", "Store")
_CONTACT: Final[JsonObject] = {
    "phoneticGivenName": "",
    "phoneticFamilyName": "",
    "addressLines": ["1 Example Road"],
    "locality": "Berlin",
    "subLocality": "",
    "administrativeArea": "BE",
    "postalCode": "10115",
    "country": "Germany",
    "countryCode": "DE",
}
_TEXT_LIMIT: Final = 200
_LINES_LIMIT: Final = 10


@dataclass
class Sheet:
    """One customer's sheet for one message; used under its lock."""

    bubble: Entry
    card: Card
    contact: JsonObject
    #: The shipping method as the message has it; None where there is none to choose.
    shipping: JsonObject | None
    bill: Bill
    #: Proof of the authorisation: the same while it is repeated.
    token: JsonObject
    #: How the payment ended, as the MSP answered.
    status: str | None = None
    open: bool = True
    lock: Lock = field(default_factory=Lock)

    @property
    def ships(self) -> bool:
        """Whether anything is to be shipped."""
        request = payment_request(self.bubble)
        return bool(request.get("requiredShippingContactFields") or request.get("shippingMethods"))

    def choose_card(self, value: object) -> None:
        """Take another card.

        Raises:
            DeedUnfit: there is no such card, or the business does not take it.
        """
        self.card = read_card(self.bubble, value)
        self.token = make_token(self.card)

    def choose_address(self, fields: JsonObject) -> None:
        """Take another address, as far as it is named.

        Raises:
            DeedUnfit: it is none.
        """
        self.contact = self.contact | read_contact(fields)

    def choose_shipping(self, identifier: object) -> None:
        """Take another shipping method.

        Raises:
            DeedUnfit: the message has none of that identifier.
        """
        self.shipping = _find_method(self.bubble, identifier)

    def choices(self) -> JsonObject:
        """Give what is chosen, so that another sheet can be opened with the same."""
        contact = {
            key: value
            for key, value in self.contact.items()
            if key != "phoneNumber" and value != _CONTACT.get(key)
        }
        return {"card": self.card.to_json()} | {
            key: value
            for key, value in (
                ("contact", contact),
                ("shipping", self.shipping and self.shipping.get("identifier")),
            )
            if value
        }

    def to_json(self) -> JsonObject:
        """Give the sheet as the JSON API shows it."""
        return {
            "to": self.bubble.message_id,
            "open": self.open,
            "card": self.card.to_json(),
            "postal_code": self.contact.get("postalCode"),
            "shipping": self.shipping.get("identifier") if self.shipping else None,
            "line_items": list(self.bill.line_items),
            "total": self.bill.total,
            "status": self.status,
        }


class Sheets:
    """The sheets that are open; safe for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sheets: OrderedDict[tuple[str, str], Sheet] = OrderedDict()

    def open(self, customer: Customer, sheet: Sheet) -> None:
        """Keep a sheet that a customer opened, instead of one of the same message."""
        with self._lock:
            self._sheets[customer.name, sheet.bubble.message_id] = sheet
            while len(self._sheets) > SHEET_LIMIT:
                self._sheets.popitem(last=False)

    def find(self, customer: Customer, bubble: Entry) -> Sheet | None:
        """Give the open sheet of a message."""
        with self._lock:
            sheet = self._sheets.get((customer.name, bubble.message_id))
        return sheet if sheet and sheet.bubble is bubble else None

    def close(self, customer: Customer, sheet: Sheet) -> None:
        """Forget a sheet."""
        sheet.open = False
        with self._lock:
            key = (customer.name, sheet.bubble.message_id)
            if self._sheets.get(key) is sheet:
                del self._sheets[key]

    def clear(self) -> None:
        """Forget every sheet."""
        with self._lock:
            self._sheets.clear()


def open_sheet(customer: Customer, bubble: Entry, fields: JsonObject) -> Sheet:
    """Open the sheet of a payment: the first card the business takes, the first shipping method.

    Args:
        customer: whose phone it is.
        bubble: the message.
        fields: what is chosen otherwise: `card`, `postal_code`, `contact`, `shipping`.

    Raises:
        DeedUnfit: the message shows nothing to pay, or a choice is none.
    """
    request = payment_request(bubble)
    total = object_in(request, "total")
    if not bubble.answerable or parse_amount(total.get("amount")) is None:
        raise DeedUnfit("There is nothing to pay: the message says not how much")
    card = read_card(bubble, fields.get("card"))
    person = make_person(customer.name)
    own = {
        "givenName": person["given_name"],
        "familyName": person["family_name"],
        "emailAddress": person["email"],
        "phoneNumber": customer.phone_number.removeprefix("tel:"),
    }
    methods = objects_in(request, "shippingMethods")
    shipping = methods[0] if methods else None
    if fields.get("shipping") is not None:
        shipping = _find_method(bubble, fields["shipping"])
    return Sheet(
        bubble,
        card,
        _CONTACT | own | read_contact(fields),
        shipping,
        Bill(tuple(objects_in(request, "lineItems")), total),
        make_token(card),
    )


def read_card(bubble: Entry, value: object) -> Card:
    """Read a card that the customer has; without one, give one that the business takes.

    Raises:
        DeedUnfit: it is none, or one that the business does not take.
    """
    taken = _networks_of(bubble)
    card = {} if value is None else value
    if not isinstance(card, dict) or set(card) - {"network", "type", "display_name"}:
        raise DeedUnfit("card has to be an object of network, type and display_name")
    network = _text(card, "network", _NETWORKS.get(taken[0], taken[0]))
    if network.lower() not in {each.lower() for each in taken}:
        raise DeedUnfit(
            f"The business takes no card of {network[:64]!r}: it takes {', '.join(taken)}"[:1_000]
        )
    kind = _text(card, "type", CARD_TYPES[0])
    if kind not in CARD_TYPES:
        raise DeedUnfit(f"card.type has to be one of {', '.join(CARD_TYPES)}")
    return Card(network, kind, _text(card, "display_name", f"{network} 1234"))


def read_contact(fields: JsonObject) -> JsonObject:
    """Read what is named of the customer's contact: `contact`, and `postal_code` before it.

    Raises:
        DeedUnfit: a key is no key of a contact, or no text.
    """
    contact = fields.get("contact")
    if contact is None:
        contact = {}
    if not isinstance(contact, dict) or set(contact) - set(CONTACT_KEYS):
        raise DeedUnfit(f"contact has to be an object of {', '.join(CONTACT_KEYS)}")
    read: JsonObject = {key: _contact_value(contact, key) for key in contact}
    if fields.get("postal_code") is not None:
        read["postalCode"] = _text(fields, "postal_code", "")
    return read


def _contact_value(contact: JsonObject, key: str) -> object:
    if key != "addressLines":
        return _text(contact, key, "")
    lines = contact[key]
    if not isinstance(lines, list) or len(lines) > _LINES_LIMIT:
        raise DeedUnfit(f"addressLines has to be a list of at most {_LINES_LIMIT} texts")
    return [_text({key: line}, key, "") for line in lines]


def _text(fields: JsonObject, key: str, default: str) -> str:
    value = fields.get(key, default)
    if isinstance(value, str) and len(value) <= _TEXT_LIMIT:
        return value
    raise DeedUnfit(f"{key} has to be a text of at most {_TEXT_LIMIT} characters")


def _find_method(bubble: Entry, identifier: object) -> JsonObject:
    if not isinstance(identifier, str):
        raise DeedUnfit("shipping has to be the identifier of a shipping method, a text")
    methods = objects_in(payment_request(bubble), "shippingMethods")
    return pick(methods, ("identifier", identifier), "shipping method")


def _networks_of(bubble: Entry) -> list[str]:
    merchant = object_in(payment_request(bubble), "applePay")
    networks = merchant.get("supportedNetworks")
    listed = networks if isinstance(networks, list) else []
    taken = [each for each in listed if isinstance(each, str)]
    if not taken:
        raise DeedUnfit("The business takes no card: the message names no network")
    return taken
