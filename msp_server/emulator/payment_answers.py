"""Reads what the MSP answers while a payment's sheet is open."""

from dataclasses import dataclass
from typing import Final

from msp_server.emulator.amounts import AMOUNT_FORM, add_up, parse_amount
from msp_server.emulator.checks import quoted
from msp_server.emulator.packing import JsonObject

SUCCESS: Final = "STATUS_SUCCESS"
FAILURE: Final = "STATUS_FAILURE"
#: How a payment can end. Source: MSP API Tutorial, exercise 13 (the first); the others are known of
#: Apple Pay on the web, and assumed here.
STATUSES: Final = (
    SUCCESS,
    FAILURE,
    "STATUS_INVALID_BILLING_POSTAL_ADDRESS",
    "STATUS_INVALID_SHIPPING_POSTAL_ADDRESS",
    "STATUS_INVALID_SHIPPING_CONTACT",
    "STATUS_PIN_REQUIRED",
    "STATUS_PIN_INCORRECT",
    "STATUS_PIN_LOCKOUT",
)


class AnswerUnfit(Exception):
    """An answer that a device does not understand; the text is a sentence that says why."""


@dataclass(frozen=True)
class Bill:
    """What the sheet shows: line items, and the total below them."""

    line_items: tuple[JsonObject, ...]
    total: JsonObject


def read_update(answer: object, known: Bill) -> Bill:
    """Read the answer to a change of card, address or shipping.

    Raises:
        AnswerUnfit: it is neither empty nor a new bill.

    Source: MSP API Tutorial, exercise 15; that line items may be missing, and stay, is assumed.
    """
    if not isinstance(answer, dict):
        raise AnswerUnfit("The answer is no JSON object: answer {}, or newTotal and newLineItems")
    if not answer:
        return known
    if "newTotal" not in answer:
        raise AnswerUnfit(
            "The answer has no newTotal: answer {} for no change, or newTotal and newLineItems"
        )
    total = _read_line(answer["newTotal"], "newTotal")
    if "newLineItems" not in answer:
        return Bill(known.line_items, total)
    items = answer["newLineItems"]
    if not isinstance(items, list):
        raise AnswerUnfit(f"newLineItems is {quoted(items)}: it has to be a list")
    lines = [_read_line(item, f"newLineItems[{place}]") for place, item in enumerate(items)]
    return Bill(tuple(lines), total)


def find_flaw(bill: Bill) -> str | None:
    """Give the sentence that says what is wrong with a bill, or None.

    Source: Business Chat API, "ApplePayPaymentRequest" (above zero); that a total is the sum of
    its line items is assumed.
    """
    total = parse_amount(bill.total.get("amount"))
    if total is None:
        return None
    if total <= 0:
        return f"newTotal is {total}: it has to be above zero"
    amounts = [parse_amount(item.get("amount")) for item in bill.line_items]
    items = add_up(amount for amount in amounts if amount is not None)
    if not bill.line_items or items == total:
        return None
    return f"It does not add up: newTotal is {total}, and the line items come to {items}"


def read_status(answer: object) -> str:
    """Read the answer to an authorisation.

    Raises:
        AnswerUnfit: it names no status that there is.

    Source: MSP API Tutorial, exercise 13.
    """
    if not isinstance(answer, dict):
        raise AnswerUnfit(f'The answer is no JSON object: answer {{"status": "{SUCCESS}"}}')
    status = answer.get("status")
    for known in STATUSES:
        if status == known:
            return known
    raise AnswerUnfit(f"status is {quoted(status)}: there are {', '.join(STATUSES)}")


def _read_line(value: object, place: str) -> JsonObject:
    if not isinstance(value, dict):
        raise AnswerUnfit(f"{place} is {quoted(value)}: it has to be an object")
    label, amount = value.get("label"), value.get("amount")
    if not isinstance(label, str) or not label:
        raise AnswerUnfit(f"{place}.label is {quoted(label)}: it has to be a text")
    if parse_amount(amount) is None:
        raise AnswerUnfit(f"{place}.amount is {quoted(amount)}: write {AMOUNT_FORM}")
    return value
