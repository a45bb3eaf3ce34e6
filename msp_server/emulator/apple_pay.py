"""Apple Pay's side: `POST /paymentservices/paymentSession`, where merchants ask for sessions."""

import re
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from msp_server.emulator import checks
from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import quoted
from msp_server.emulator.faults import Fault
from msp_server.emulator.journal import Exchange
from msp_server.emulator.merchant_sessions import MerchantRequest, MerchantSessions
from msp_server.emulator.pieces import Piece
from msp_server.emulator.reception import Reception, told

_HOST_NAME: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


@dataclass(frozen=True)
class ApplePay:
    """Gives out merchant sessions: checks, faults, journal."""

    reception: Reception
    sessions: MerchantSessions

    def open_session(self) -> Response:
        """Answer `POST /paymentservices/paymentSession`."""
        return self.reception.receive("session", self._check, self._issue)

    def _check(self, exchange: Exchange) -> MerchantRequest:
        packed = self.reception.read_body(exchange)
        fields = checks.check_fields(packed, request.headers.get("Content-Encoding"))
        return check_merchant(Piece(fields, "body", limits.MERCHANT_SESSION, vendor_limits=True))

    def _issue(self, asked: MerchantRequest, _: Fault | None) -> Response:
        return told(self.sessions.issue(asked))


def check_merchant(body: Piece) -> MerchantRequest:
    """Read a request for a session.

    Raises:
        Refused: 400, a key is missing or cannot be used.

    Source: MSP API Tutorial, exercise 14 (the keys); the status assumed.
    """
    merchant_id = body.identifier("merchantIdentifier")
    domain = body.text("domainName")
    if not _HOST_NAME.fullmatch(domain):
        raise body.refused(
            limits.MERCHANT_DOMAIN,
            "domainName",
            f"is {quoted(domain)}: write the verified host name alone, such as shop.example.com",
        )
    display_name = body.words("displayName")
    body.choice("initiative", ("messaging",))
    return MerchantRequest(merchant_id, display_name, body.address("initiativeContext"))


def blueprint(apple_pay: ApplePay) -> Blueprint:
    """Make the route of merchant sessions."""
    bp = Blueprint("apple_pay", __name__)

    @bp.post("/paymentservices/paymentSession", provide_automatic_options=False)
    def open_session() -> ResponseReturnValue:
        return apple_pay.open_session()

    return bp
