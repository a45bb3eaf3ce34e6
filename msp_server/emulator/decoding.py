"""Apple's endpoint that reads what a data reference led to."""

import gzip

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from msp_server.emulator.checks import ASSUMED, Refused, need_header, quoted
from msp_server.emulator.faults import Fault
from msp_server.emulator.journal import Exchange
from msp_server.emulator.packing import JsonObject, Unreadable
from msp_server.emulator.payloads import tell_payload, unpack_payload
from msp_server.emulator.reception import Reception, told
from msp_server.emulator.switches import Switches

SOURCE = "MSP API Tutorial, exercise 12"


class Decoding:
    """Turns payloads into interactive data."""

    def __init__(self, reception: Reception, switches: Switches) -> None:
        self._reception = reception
        self._switches = switches

    def decode(self) -> Response:
        """Answer `POST /v1/decodePayload`."""
        return self._reception.receive("decodePayload", self._check, self._tell)

    def _check(self, exchange: Exchange) -> JsonObject:
        packed = self._reception.read_body(exchange)
        exchange.fields = None  # what is sent is no message, even where it can be read
        self._reception.check_token(exchange)
        self._reception.check_business()
        bid = need_header(request.headers, "copy bid of the reference into it", "bid")
        try:
            interactive = unpack_payload(packed)
        except Unreadable as error:
            raise Refused(
                400,
                "payload-unreadable",
                f"The body is no payload ({error}): send exactly what comes out when the "
                "download is decrypted with the key of the reference",
                SOURCE,
            ) from error
        if interactive["bid"] != bid:
            raise Refused(
                400,
                "bid-differs",
                f"The header bid is {quoted(bid)}, and the payload's is "
                f"{quoted(interactive['bid'])}: copy bid of the same reference",
                ASSUMED,
            )
        return interactive

    def _tell(self, interactive: JsonObject, _: Fault | None) -> Response:
        positions = self._switches.positions
        response = told(tell_payload(interactive, positions.decode_answer))
        if positions.decode_gzip and request.accept_encodings["gzip"]:
            response.set_data(gzip.compress(response.get_data(), compresslevel=1))
            response.headers["Content-Encoding"] = "gzip"
        return response


def blueprint(decoding: Decoding) -> Blueprint:
    """Make the route that decodes."""
    bp = Blueprint("decoding", __name__)

    @bp.post("/v1/decodePayload", provide_automatic_options=False)
    def decode() -> ResponseReturnValue:
        return decoding.decode()

    return bp
