"""What a customer does with a payment: the sheet of Apple Pay, at once or step by step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Blueprint
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake, read_fields
from msp_server.emulator.customer import find_customer
from msp_server.emulator.deeds import find_bubble
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.payment_calls import PaymentCalls
from msp_server.emulator.payment_course import AUTHORISE, STEPS, TRACK, Course
from msp_server.emulator.payment_sheets import Sheet, Sheets, open_sheet
from msp_server.emulator.phones import Customer, Phones
from msp_server.emulator.sending import Sending

#: How often one authorisation can be told at the same moment.
TIMES_LIMIT: Final = 20
_CHOICES: Final = ("card", "postal_code", "contact", "shipping")


@dataclass(frozen=True)
class Verb:
    """One thing to do on an open sheet."""

    #: What the request may name, besides `to`.
    keys: tuple[str, ...]
    act: Callable[[Course, JsonObject], object]


def _choose_card(course: Course, fields: JsonObject) -> None:
    course.sheet.choose_card(fields.get("card"))
    course.tell_card()


def _choose_address(course: Course, fields: JsonObject) -> None:
    course.sheet.choose_address(fields)
    course.tell_address()


def _choose_shipping(course: Course, fields: JsonObject) -> None:
    course.sheet.choose_shipping(fields.get("shipping"))
    course.tell_shipping()


def _authorise(course: Course, fields: JsonObject) -> None:
    course.authorise(_read_times(fields), _read_stop(fields, (AUTHORISE, TRACK)))


VERBS: Final = {
    "card": Verb(("card",), _choose_card),
    "address": Verb(("postal_code", "contact"), _choose_address),
    "shipping": Verb(("shipping",), _choose_shipping),
    "authorise": Verb(("times", "stop_after"), _authorise),
    "cancel": Verb((), lambda course, _: course.cancel()),
}


@dataclass(frozen=True)
class Wallet:
    """What the routes of payments work on."""

    phones: Phones
    sending: Sending
    sheets: Sheets
    calls: PaymentCalls

    def course(self, customer: Customer, sheet: Sheet) -> Course:
        """Begin to do something with a sheet."""
        return Course(customer, sheet, self.sheets, self.calls, self.sending)


def blueprint(wallet: Wallet) -> Blueprint:
    """Make the routes under `/customers/<name>/pay`."""
    bp = Blueprint("payment_deeds", __name__, url_prefix="/customers")

    @bp.post("/<name>/pay")
    def pay(name: str) -> ResponseReturnValue:
        fields = read_fields("to", *_CHOICES, "stop_after", "cancel", "times")
        stop_after, times = _read_stop(fields, STEPS), _read_times(fields)
        cancel = fields.get("cancel", False)
        if not isinstance(cancel, bool):
            raise ApiMistake(400, "cancel has to be true or false")
        course = _open(wallet, name, fields)
        with course.sheet.lock:
            course.run(stop_after, times, cancel=cancel)
            return _show(course)

    @bp.post("/<name>/pay/open")
    def open_one(name: str) -> ResponseReturnValue:
        return _show(_open(wallet, name, read_fields("to", *_CHOICES)))

    @bp.post(f"/<name>/pay/<any({','.join(VERBS)}):verb>")
    def go_on(name: str, verb: str) -> ResponseReturnValue:
        customer = find_customer(wallet.phones, name)
        fields = read_fields("to", *VERBS[verb].keys)
        bubble = find_bubble(wallet.phones, customer, "payment", fields)
        sheet = wallet.sheets.find(customer, bubble)
        if sheet is None:
            raise _closed()
        with sheet.lock:
            if not sheet.open:
                raise _closed()
            course = wallet.course(customer, sheet)
            VERBS[verb].act(course, fields)
            return _show(course)

    return bp


def _open(wallet: Wallet, name: str, fields: JsonObject) -> Course:
    customer = find_customer(wallet.phones, name)
    bubble = find_bubble(wallet.phones, customer, "payment", fields)
    sheet = open_sheet(customer, bubble, fields)
    wallet.sheets.open(customer, sheet)
    return wallet.course(customer, sheet)


def _show(course: Course) -> ResponseReturnValue:
    """Give sheet and steps; 502 says that the MSP gave no answer at all to one of them."""
    shown = {
        "sheet": course.sheet.to_json(),
        "steps": [step.to_json() for step in course.steps],
    }
    return shown, 502 if any(step.unanswered for step in course.steps) else 200


def _read_times(fields: JsonObject) -> int:
    times = fields.get("times", 1)
    if isinstance(times, int) and not isinstance(times, bool) and 1 <= times <= TIMES_LIMIT:
        return times
    raise ApiMistake(400, f"times has to be a whole number from 1 to {TIMES_LIMIT}")


def _read_stop(fields: JsonObject, steps: tuple[str, ...]) -> str | None:
    stop_after = fields.get("stop_after")
    for step in steps:
        if stop_after == step:
            return step
    if stop_after is None:
        return None
    raise ApiMistake(400, f"stop_after has to be one of {', '.join(steps)}")


def _closed() -> ApiMistake:
    return ApiMistake(409, "No sheet is open for this payment: POST to pay/open first")
