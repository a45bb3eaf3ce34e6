"""The iPhone's JSON API: what the page and the tests do in a customer's place."""

from collections.abc import Callable

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake, read_fields, read_number
from msp_server.emulator.msp import Overrides
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.phones import Customer, NameTaken, Phones, Reading, TooManyCustomers
from msp_server.emulator.profile import Profile, ProfileUnfit, parse_name, parse_profile
from msp_server.emulator.sending import Receipt, Sending
from msp_server.emulator.transcript import Entry

WAIT_LIMIT_S = 30.0
SEQ_LIMIT = 10**15
PROFILE_KEYS = ("device", "capabilities", "locale", "time_zone", "intent", "group")
#: These frame the request itself, so that replacing them would break it off.
FIXED_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})


def blueprint(phones: Phones, sending: Sending, business_ids: tuple[str, ...]) -> Blueprint:
    """Make the routes under `/customers`."""
    bp = Blueprint("customer", __name__, url_prefix="/customers")
    _add_profile_routes(bp, phones, business_ids)
    _add_message_routes(bp, phones, sending)
    return bp


def find_customer(phones: Phones, name: str) -> Customer:
    """Find the customer of that name.

    Raises:
        ApiMistake: 404 there is none, 409 nothing can be done there.
    """
    customer = phones.find(name)
    if customer is None:
        raise ApiMistake(404, f"There is no customer {name[:32]!r}: GET /customers lists them")
    if customer.read_only and request.method != "GET":
        raise ApiMistake(409, "This conversation was opened from a file: it can only be read")
    return customer


def read_body(fields: JsonObject) -> str:
    """Read the words to send.

    Raises:
        ApiMistake: 400, there are none.
    """
    body = fields.get("body")
    if not isinstance(body, str) or not body:
        raise ApiMistake(400, "body has to be the words to send, a string that is not empty")
    return body


def show_receipt(receipt: Receipt) -> ResponseReturnValue:
    """Give the receipt; 502 says that the MSP gave no answer at all."""
    return receipt.to_json(), 200 if receipt.outcome.status is not None else 502


def _add_profile_routes(bp: Blueprint, phones: Phones, business_ids: tuple[str, ...]) -> None:
    @bp.get("")
    def list_customers() -> ResponseReturnValue:
        return {"customers": [customer.to_json() for customer in phones.customers()]}

    @bp.post("")
    def add_customer() -> ResponseReturnValue:
        fields = read_fields("name", "business_id", *PROFILE_KEYS)
        return _add_customer(phones, fields, business_ids).to_json(), 201

    @bp.get("/<name>")
    def show_customer(name: str) -> ResponseReturnValue:
        return find_customer(phones, name).to_json()

    @bp.patch("/<name>")
    def change_customer(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        phones.change(customer, _parse(read_fields(*PROFILE_KEYS), customer.profile))
        return customer.to_json()

    @bp.get("/<name>/transcript")
    def read_transcript(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        wait_s = read_number("wait_s", 0.0, WAIT_LIMIT_S)
        reading = phones.read(customer, _read_wanted(customer), wait_s)
        return _reading_to_json(reading)


def _add_message_routes(bp: Blueprint, phones: Phones, sending: Sending) -> None:
    @bp.post("/<name>/text")
    def send_text(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        return show_receipt(sending.text(customer, read_body(read_fields("body"))))

    @bp.post("/<name>/typing")
    def send_typing(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        state = read_fields("state").get("state")
        if state not in ("start", "end"):
            raise ApiMistake(400, "state has to be start or end")
        return show_receipt(sending.event(customer, f"typing_{state}"))

    @bp.post("/<name>/close")
    def send_close(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        return show_receipt(sending.event(customer, "close"))

    @bp.post("/<name>/raw")
    def send_raw(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        fields = read_fields("fields", "headers")
        changes = fields.get("fields", {})
        if not isinstance(changes, dict):
            raise ApiMistake(400, "fields has to be an object: the JSON to lay over the envelope")
        return show_receipt(sending.raw(customer, changes, parse_overrides(fields.get("headers"))))


def _parse(fields: JsonObject, known: Profile) -> Profile:
    try:
        return parse_profile(fields, known)
    except ProfileUnfit as unfit:
        raise ApiMistake(400, str(unfit)) from unfit


def _add_customer(phones: Phones, fields: JsonObject, business_ids: tuple[str, ...]) -> Customer:
    business_id = fields.get("business_id") or business_ids[0]
    if not isinstance(business_id, str) or business_id not in business_ids:
        raise ApiMistake(400, f"business_id has to be one of {', '.join(business_ids)}")
    profile = _parse(fields, Profile())
    try:
        name = None if fields.get("name") is None else parse_name(fields["name"])
        return phones.add(name, business_id, profile)
    except ProfileUnfit as unfit:
        raise ApiMistake(400, str(unfit)) from unfit
    except NameTaken as taken:
        raise ApiMistake(409, f"There is a customer {fields['name']!r} already") from taken
    except TooManyCustomers as many:
        raise ApiMistake(409, "There are too many customers: POST /emulator/reset first") from many


def parse_overrides(value: object) -> Overrides:
    """Read which headers are to be others, or with null are to be left out.

    Raises:
        ApiMistake: 400, a name or text cannot be a header's.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ApiMistake(
            400, "headers has to be an object of names and texts, null to leave one out"
        )
    for name, text in value.items():
        if not _is_line(name) or " " in name or ":" in name or name.lower() in FIXED_HEADERS:
            raise ApiMistake(400, f"{name[:64]!r} is no header to replace")
        if text is not None and not _is_line(text):
            raise ApiMistake(400, f"The header {name[:64]} has to be one line of ASCII, or null")
    return value


def _is_line(value: object) -> bool:
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isprintable()
        and value == value.strip()
    ) and value != ""


def _read_wanted(customer: Customer) -> Callable[[Entry], bool]:
    """Tell which entries a reader wants: new ones, or with `changes_after` changed ones too."""
    after = read_number("after", 0, SEQ_LIMIT)
    if "changes_after" not in request.args:
        return lambda entry: entry.seq > after
    changes_after = read_number("changes_after", 0, SEQ_LIMIT)
    if request.args.get("of") != customer.transcript.key:
        changes_after = 0  # another transcript's count says nothing about this one
    return lambda entry: entry.changed > changes_after


def _reading_to_json(reading: Reading) -> JsonObject:
    return {
        "entries": reading.entries,
        "typing": reading.typing,
        "open": reading.open,
        "changes": reading.changes,
        "transcript": reading.transcript,
    }
