"""Apple's side: the endpoints an MSP calls, under `/v1/`."""

import socket
import time
from threading import Event

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from msp_server.emulator import checks, contents
from msp_server.emulator.api import REQUEST_LIMIT_BYTES, RequestTooLarge, read_request
from msp_server.emulator.checks import Refused
from msp_server.emulator.faults import Fault, Faults
from msp_server.emulator.invitation_checks import check_destination
from msp_server.emulator.journal import Exchange, Journal, fingerprint, shown_headers, shown_token
from msp_server.emulator.packing import JsonObject, Unreadable, unpack
from msp_server.emulator.phones import Customer, Phones
from msp_server.emulator.settings import EmulatorSettings
from msp_server.emulator.switches import Switches

#: Says why a request was refused, where Apple's answer is empty.
REASON_HEADER = "X-Emulator-Reason"
REASON_LIMIT = 1_000
ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Gateway:
    """Takes the MSP's messages: checks, faults, journal, then the customer's phone."""

    def __init__(
        self,
        settings: EmulatorSettings,
        phones: Phones,
        journal: Journal,
        faults: Faults,
        stopping: Event,
        switches: Switches,
    ) -> None:
        self._settings = settings
        self._phones = phones
        self._journal = journal
        self._faults = faults
        self._stopping = stopping
        self._switches = switches

    def receive_message(self) -> Response:
        """Answer `POST /v1/message`."""
        exchange = _begin_exchange()
        started = time.perf_counter()
        try:
            fields = self._check(exchange)
            customer = self._find_customer(fields)
            self._check_device(customer, fields)
        except Refused as refused:
            exchange.seconds = _since(started)
            return self._refuse(exchange, refused)
        exchange.customer = customer.name
        misfortune = self._faults.take(str(fields["type"]), customer.name)
        if misfortune.delay_s:
            self._stopping.wait(misfortune.delay_s)
            exchange.rule, exchange.reason = "fault", f"A fault delayed it {misfortune.delay_s} s"
        exchange.seconds = _since(started)
        return self._finish(exchange, customer, misfortune.fault)

    def refuse_endpoint(self) -> Response:
        """Answer what is not an endpoint of this gateway, or not with this method."""
        if request.path == "/v1/message":
            refused = Refused(
                405, "method", f"{request.method} is not for /v1/message: use POST", "assumed"
            )
        else:
            refused = Refused(
                404,
                "endpoint-unknown",
                f"{request.path} is no endpoint of this emulator: it has POST /v1/message",
                "assumed",
            )
        return self._refuse(_begin_exchange(), refused)

    def _check(self, exchange: Exchange) -> JsonObject:
        try:
            packed = read_request()
        except RequestTooLarge:
            exchange.packed_bytes = exchange.unpacked_bytes = REQUEST_LIMIT_BYTES + 1
            raise Refused(
                413, "request-too-large", "The body measures more than 6 MiB", "assumed"
            ) from None
        _note_body(exchange, packed)
        checks.check_token(request.headers.get("Authorization"), self._settings, time.time())
        if exchange.jwt:
            exchange.jwt["verdict"] = "good"
        fields = checks.check_fields(packed, request.headers.get("Content-Encoding"))
        checks.check_envelope(request.headers, fields)
        checks.check_kind(fields)
        contents.check_content(fields, self._switches.positions.check_vendor_limits)
        check_destination(
            str(fields["destinationId"]),
            request.headers.get("message-type"),
            contents.is_invitation(fields),
        )
        checks.check_auto_reply(request.headers.get("auto-reply"))
        checks.check_business(fields, self._settings.business_ids)
        return fields

    def _find_customer(self, fields: JsonObject) -> Customer:
        invitation = contents.is_invitation(fields)
        find = self._phones.find_by_number if invitation else self._phones.find_by_id
        customer = find(str(fields["destinationId"]))
        if customer is None or customer.business_id != fields["sourceId"]:
            whose = "another business" if customer else "nobody"
            cure = (
                "GET /customers shows whose phone_number may be invited"
                if invitation
                else "answer to the source-id of a message this business received, and after a "
                "reset to a new one"
            )
            raise Refused(
                404,
                "customer-unknown",
                f"Destination-Id is a customer of {whose}: {cure}",
                checks.STATUS_CODES,
            )
        if not customer.transcript.open and not invitation:
            raise Refused(
                404,
                "conversation-deleted",
                "The customer deleted the conversation: send nothing until the customer writes",
                "assumed",
            )
        return customer

    def _check_device(self, customer: Customer, fields: JsonObject) -> None:
        if self._switches.positions.check_capabilities:
            contents.check_capability(fields, customer.profile.capabilities)

    def _finish(self, exchange: Exchange, customer: Customer, fault: Fault | None) -> Response:
        """Let the fault happen if there is one, else put the message on the phone."""
        if fault and fault.do != "drop_after":
            return self._fail(exchange, fault)
        if fault:
            exchange.rule = "fault"
            exchange.reason = "A fault closed the connection after the message was accepted"
        else:
            exchange.status = 200
        # Noted first: whoever sees a message on the phone finds its exchange in the journal.
        self._journal.add(exchange)
        self._phones.receive(
            customer, str(exchange.message_id), exchange.fields or {}, _auto_reply()
        )
        return _hang_up() if fault else _empty(200)

    def _fail(self, exchange: Exchange, fault: Fault) -> Response:
        exchange.rule = "fault"
        if fault.do == "drop":
            exchange.reason = "A fault closed the connection before the message was accepted"
            self._journal.add(exchange)
            return _hang_up()
        exchange.status, exchange.reason = fault.status, f"A fault answered {fault.status}"
        self._journal.add(exchange)
        response = _empty(fault.status, exchange.reason)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = fault.retry_after
        return response

    def _refuse(self, exchange: Exchange, refused: Refused) -> Response:
        if exchange.jwt and refused.rule.startswith("token-"):
            exchange.jwt["verdict"] = refused.reason
        exchange.status = refused.status
        exchange.reason = f"{refused.reason} (source: {refused.source})"
        exchange.rule = refused.rule
        self._journal.add(exchange)
        response = _empty(refused.status, refused.reason)
        if refused.status == 405:
            response.headers["Allow"] = "POST"
        return response


def blueprint(gateway: Gateway) -> Blueprint:
    """Make the routes that stand for Apple's gateway."""
    bp = Blueprint("gateway", __name__, url_prefix="/v1")

    @bp.post("/message", provide_automatic_options=False)
    def receive_message() -> ResponseReturnValue:
        return gateway.receive_message()

    @bp.route("", methods=ALL_METHODS, defaults={"rest": ""})
    @bp.route("/<path:rest>", methods=ALL_METHODS)
    @bp.route("/", methods=ALL_METHODS, defaults={"rest": ""})
    def refuse_endpoint(rest: str) -> ResponseReturnValue:
        return gateway.refuse_endpoint()

    return bp


def header_text(reason: str) -> str:
    """Give a reason as it may stand in a header: one line of ASCII, not endless."""
    text = reason.encode("ascii", "backslashreplace").decode()
    return " ".join(text.split())[:REASON_LIMIT]


def _begin_exchange() -> Exchange:
    return Exchange(
        direction="to_gateway",
        method=request.method,
        url=request.url,
        headers=shown_headers(request.headers.items()),
        jwt=shown_token(request.headers.get("Authorization"), "not checked"),
        body_sha256=fingerprint(b""),
        packed_bytes=0,
        unpacked_bytes=0,
        fields=None,
        message_id=request.headers.get("id"),
    )


def _note_body(exchange: Exchange, packed: bytes) -> None:
    exchange.body_sha256 = fingerprint(packed)
    exchange.packed_bytes = exchange.unpacked_bytes = len(packed)
    try:
        exchange.fields = unpack(packed)
    except Unreadable:
        exchange.fields = None


def _auto_reply() -> bool | None:
    return {"true": True, "false": False}.get(request.headers.get("auto-reply", ""))


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 6)


def _empty(status: int, reason: str | None = None) -> Response:
    """Make an answer like Apple's: no body.

    Source: MSP REST API, "Sending Messages", example of an answer.
    """
    response = Response(status=status)
    del response.headers["Content-Type"]
    response.headers["Content-Length"] = "0"
    response.headers["Cache-Control"] = "no-cache, no-store"
    if reason is not None:
        response.headers[REASON_HEADER] = header_text(reason)
    return response


def _hang_up() -> Response:
    """Close the connection under the request: the answer that follows goes nowhere."""
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return _empty(200)
