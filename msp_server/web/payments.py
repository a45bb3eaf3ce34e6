"""The addresses that a customer's device calls while a payment's sheet is open.

Apple's token is on none of these requests: who knows the end of the address may speak, and is
believed in nothing that costs money.

Source: MSP API Tutorial, exercises 13 and 15.
"""

from typing import Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from markupsafe import escape

from msp_server.agents.processor import PaymentProcessor
from msp_server.errors import RequestUnreadable
from msp_server.messages.apple_pay import sums_to_wire
from msp_server.messages.payment import (
    PaymentChange,
    parse_address,
    parse_authorisation,
    parse_card,
    parse_shipping,
    require_request_id,
)
from msp_server.messages.raw import JsonObject
from msp_server.store.payments import PaymentRecord, Payments
from msp_server.web.pages import guarded, page
from msp_server.web.payment_desk import PaymentDesk, payment_of
from msp_server.web.slots import Slots
from msp_server.wire.packing import read_bounded, unpack

#: The most that a device posts here: tokens measure some kilobytes. Assumed.
BODY_LIMIT_BYTES: Final = 64 * 1024


def blueprint(payments: Payments, processor: PaymentProcessor | None, slots: Slots) -> Blueprint:
    """Make the payment routes.

    Args:
        payments: where their course is kept.
        processor: takes the money; None: no address is open.
        slots: places for requests that wait for the processor.
    """
    bp = Blueprint("payments", __name__)
    desk = PaymentDesk(payments, processor, slots)
    _add_changes(bp, desk)
    _add_fallback(bp, desk)

    @bp.post("/paymentGateway/<token>")
    def authorise(token: str) -> ResponseReturnValue:
        record, fields = _read(desk, token)
        return {"status": str(desk.authorise(record, parse_authorisation(fields)))}

    @bp.post("/orderTracking/<token>")
    def track_order(token: str) -> ResponseReturnValue:
        desk.track(desk.find(token))
        return {}

    return bp


def _add_changes(bp: Blueprint, desk: PaymentDesk) -> None:
    """Add the routes that answer what a change of the customer's costs."""

    @bp.post("/paymentMethodUpdate/<token>")
    def change_card(token: str) -> ResponseReturnValue:
        record, fields = _read(desk, token)
        card = parse_card(fields)
        changed = desk.change(
            record, PaymentChange.CARD, lambda asked, payment: asked.change_card(payment, card)
        )
        return _sums(record, changed)

    @bp.post("/shippingContactUpdate/<token>")
    def change_address(token: str) -> ResponseReturnValue:
        record, fields = _read(desk, token)
        address = parse_address(fields)
        changed = desk.change(
            record,
            PaymentChange.ADDRESS,
            lambda asked, payment: asked.change_address(payment, address),
        )
        return _sums(record, changed)

    @bp.post("/shippingMethodUpdate/<token>")
    def change_shipping(token: str) -> ResponseReturnValue:
        record, fields = _read(desk, token)
        identifier = parse_shipping(fields)
        method = record.shipping_methods.get(identifier)
        if method is None:
            raise RequestUnreadable("payment.shippingMethod.identifier is none that was offered")
        changed = desk.change(
            record,
            PaymentChange.SHIPPING,
            lambda asked, payment: asked.change_shipping(payment, method),
            identifier,
        )
        return _sums(record, changed)


def _add_fallback(bp: Blueprint, desk: PaymentDesk) -> None:
    """Add the routes for devices that cannot pay in Messages.

    Source: MSP API Tutorial, exercise 15 (a POST, answered with 200); that a page is shown there:
    assumed.
    """

    @bp.post("/fallback/<token>")
    def take_note(token: str) -> ResponseReturnValue:
        desk.find(token)
        return {}

    @bp.get("/fallback/<token>")
    def show_fallback(token: str) -> ResponseReturnValue:
        record = desk.find(token)
        address = desk.ask(lambda asked: asked.find_web_page(payment_of(record)))
        if address is not None and address.isprintable() and address.startswith("https://"):
            return guarded(Response(status=302, headers={"Location": address}))
        return page(
            f"<p>{escape(record.merchant_name)} asks you for "
            f"{escape(record.total)} {escape(record.currency)}.</p>"
            "<p>Open the conversation in Messages on a device with Apple Pay to pay.</p>"
        )


def _read(desk: PaymentDesk, token: str) -> tuple[PaymentRecord, JsonObject]:
    """Find the payment of an address, and read what was posted to it.

    Raises:
        PaymentUnknown: there is none.
        RequestUnreadable, RequestTooLarge: what was posted does not hold.
    """
    record = desk.find(token)
    fields = unpack(read_bounded(request.stream, BODY_LIMIT_BYTES), BODY_LIMIT_BYTES)
    require_request_id(fields, record.request_id)
    return record, fields


def _sums(before: PaymentRecord, after: PaymentRecord) -> ResponseReturnValue:
    """Give the sums that the sheet shows after a change; nothing when they are as before."""
    if after.lines == before.lines:
        return {}
    total, lines = sums_to_wire(after.lines, after.merchant_name, after.currency)
    return {"newTotal": total, "newLineItems": lines}
