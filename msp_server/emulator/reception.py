"""What every endpoint of Apple's does around its own work: journal, token, faults, refusals."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final, TypeVar

from flask import Response, jsonify, request

from msp_server.emulator import checks
from msp_server.emulator.answers import note_response
from msp_server.emulator.api import REQUEST_LIMIT_BYTES, RequestTooLarge, read_request
from msp_server.emulator.checks import Refused
from msp_server.emulator.connections import hang_up, keep_waiting
from msp_server.emulator.fault_kinds import Deed, Endpoint
from msp_server.emulator.faults import Fault, Faults, Misfortune
from msp_server.emulator.journal import Exchange, Journal, fingerprint, shown_headers, shown_token
from msp_server.emulator.packing import JsonObject, Unreadable, unpack
from msp_server.emulator.settings import EmulatorSettings

#: Says why a request was refused, where Apple's answer is empty.
REASON_HEADER: Final = "X-Emulator-Reason"
REASON_LIMIT: Final = 1_000
#: How long a request that gets no answer is kept waiting at most.
SILENCE_LIMIT_S: Final = 600.0
#: Keys by which a message carries a reference.
_REFERENCES: Final = ("interactiveDataRef", "richLinkDataRef")
#: What the journal says of a fault that lets the request come to its end.
_TOLD: Final[dict[Deed, str]] = {
    "drop_after": "A fault closed the connection after it was accepted",
    "truncate": "A fault ended the body in the middle",
    "short": "A fault gave fewer bytes than there are",
    "long": "A fault gave more bytes than there are",
    "garble": "A fault gave other bytes than there are",
    "drip": "A fault gave the bytes slowly",
}
#: What it says of one that leaves the request without an answer.
_LOST: Final[dict[Deed, str]] = {
    "drop": "A fault closed the connection before it was accepted",
    "time_out": "A fault gave no answer, and nothing was accepted",
}

T = TypeVar("T")


@dataclass(frozen=True)
class Reception:
    """Takes the MSP's requests to any endpoint."""

    settings: EmulatorSettings
    journal: Journal
    faults: Faults
    #: Set when the emulator is to stop.
    stopping: Event

    def receive(
        self,
        endpoint: Endpoint,
        check: Callable[[Exchange], T],
        finish: Callable[[T, Fault | None], Response],
    ) -> Response:
        """Answer a request.

        Args:
            endpoint: which one it is, for faults.
            check: passes or raises `Refused`; what it gives goes to `finish`.
            finish: does what was asked for and makes the answer; gets the fault that it has to
                make happen itself, if there is one.
        """
        exchange = _begin_exchange()
        exchange.kind = endpoint
        started = time.perf_counter()
        try:
            checked = check(exchange)
        except Refused as refused:
            exchange.seconds = _since(started)
            return self._refuse(exchange, refused)
        misfortune = self._meet_fault(endpoint, exchange)
        exchange.seconds = _since(started)
        fault = misfortune.fault
        if fault and fault.do not in _TOLD:
            return self._fail(exchange, fault)
        if fault:
            exchange.rule, exchange.reason = "fault", _TOLD[fault.do]
        dropped = fault is not None and fault.do == "drop_after"
        exchange.status = None if dropped else 200
        # Noted first: whoever sees a message on the phone finds its exchange in the journal.
        self.journal.add(exchange)
        response = finish(checked, fault)
        if dropped:
            return _break_off()
        self.journal.note_answer(exchange, note_response(response))
        return response

    def refuse(self, refused: Refused) -> Response:
        """Answer what no endpoint takes."""
        return self._refuse(_begin_exchange(), refused)

    def read_body(self, exchange: Exchange) -> bytes:
        """Read a body of JSON size, and note it.

        Raises:
            Refused: 413.
        """
        try:
            packed = read_request()
        except RequestTooLarge:
            exchange.packed_bytes = exchange.unpacked_bytes = REQUEST_LIMIT_BYTES + 1
            raise Refused(
                413, "request-too-large", "The body measures more than 6 MiB", checks.ASSUMED
            ) from None
        exchange.body_sha256 = fingerprint(packed)
        exchange.packed_bytes = exchange.unpacked_bytes = len(packed)
        try:
            exchange.fields = unpack(packed)
        except Unreadable:
            exchange.fields = None
        return packed

    def check_token(self, exchange: Exchange) -> None:
        """Refuse a request whose sender is not proved to be the MSP.

        Raises:
            Refused: 401 or 403.
        """
        checks.check_token(request.headers.get("Authorization"), self.settings, time.time())
        if exchange.jwt:
            exchange.jwt["verdict"] = "good"

    def check_business(self) -> str:
        """Give the business that the header Source-Id names.

        Raises:
            Refused: 400 it is missing, 403 it is not one of the MSP's.
        """
        business_id = checks.need_header(
            request.headers, "put the business id into it", "Source-Id"
        )
        checks.check_business(business_id, self.settings.business_ids)
        return business_id

    def _meet_fault(self, endpoint: Endpoint, exchange: Exchange) -> Misfortune:
        """Take the fault that befalls a request, and wait if it has to."""
        places: tuple[Endpoint, ...] = (endpoint,)
        if any((exchange.fields or {}).get(key) for key in _REFERENCES):
            places = (endpoint, "dataRef")
        misfortune = self.faults.take(*places, kind=_kind_of(exchange), customer=exchange.customer)
        if misfortune.delay_s:
            self.stopping.wait(misfortune.delay_s)
            exchange.rule, exchange.reason = "fault", f"A fault delayed it {misfortune.delay_s} s"
        return misfortune

    def _fail(self, exchange: Exchange, fault: Fault) -> Response:
        """Let the fault happen instead of what was asked for."""
        exchange.rule = "fault"
        if fault.do in ("drop", "time_out"):
            exchange.reason = _LOST[fault.do]
            self.journal.add(exchange)
            if fault.do == "time_out":
                keep_waiting(self.stopping, SILENCE_LIMIT_S)
            return _break_off()
        exchange.status, exchange.reason = fault.status, _tell_status(fault)
        response = empty(fault.status, exchange.reason)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = fault.retry_after
        exchange.answer = note_response(response)
        self.journal.add(exchange)
        return response

    def _refuse(self, exchange: Exchange, refused: Refused) -> Response:
        if exchange.jwt and refused.rule.startswith("token-"):
            exchange.jwt["verdict"] = refused.reason
        exchange.status = refused.status
        exchange.reason = f"{refused.reason} (source: {refused.origin})"
        exchange.rule = refused.rule
        exchange.source, exchange.since = refused.source, refused.since
        response = empty(refused.status, refused.reason)
        exchange.answer = note_response(response)
        self.journal.add(exchange)
        return response


def header_text(reason: str) -> str:
    """Give a reason as it may stand in a header: one line of ASCII, not endless."""
    text = reason.encode("ascii", "backslashreplace").decode()
    return " ".join(text.split())[:REASON_LIMIT]


def empty(status: int, reason: str | None = None) -> Response:
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


def told(fields: JsonObject) -> Response:
    """Make an answer that says something, in JSON."""
    response = jsonify(fields)
    response.headers["Cache-Control"] = "no-cache, no-store"
    return response


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


def _kind_of(exchange: Exchange) -> str | None:
    kind = (exchange.fields or {}).get("type")
    return kind if isinstance(kind, str) else None


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 6)


def _tell_status(fault: Fault) -> str:
    if fault.do == "expired":
        return f"A fault answered {fault.status}: it holds no more"
    return f"A fault answered {fault.status}"


def _break_off() -> Response:
    """Close the connection: the answer goes nowhere."""
    hang_up()
    return empty(200)
