"""Apple's side: `POST /v1/message` and `/v1/authenticate`, and what is no endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from msp_server.emulator import checks, contents
from msp_server.emulator.attachment_checks import check_attachments
from msp_server.emulator.checks import Refused
from msp_server.emulator.faults import Fault
from msp_server.emulator.invitation_checks import check_destination
from msp_server.emulator.journal import Exchange
from msp_server.emulator.merchant_sessions import MerchantSessions
from msp_server.emulator.mmcs import Mmcs
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.phones import Customer, Phones
from msp_server.emulator.reception import Reception, empty, told
from msp_server.emulator.references import References
from msp_server.emulator.switches import Switches

ALL_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
#: Every endpoint with its method; one that ends in a slash is followed by a token.
ENDPOINTS: Final = {
    "/v1/message": "POST",
    "/v1/authenticate": "POST",
    "/v1/preUpload": "GET",
    "/v1/preDownload": "GET",
    "/v1/decodePayload": "POST",
    "/paymentservices/paymentSession": "POST",
    "/mmcs/upload/": "POST",
    "/mmcs/download/": "GET",
}


@dataclass(frozen=True)
class _Message:
    """A message that passed every check."""

    customer: Customer
    #: As the phone shows it: what came by reference is there itself.
    fields: JsonObject


class Gateway:
    """Takes the MSP's messages: checks, faults, journal, then the customer's phone."""

    def __init__(
        self,
        reception: Reception,
        phones: Phones,
        mmcs: Mmcs,
        references: References,
        switches: Switches,
        sessions: MerchantSessions,
    ) -> None:
        self._reception = reception
        self._phones = phones
        self._mmcs = mmcs
        self._references = references
        self._switches = switches
        self._sessions = sessions

    def receive_message(self) -> Response:
        """Answer `POST /v1/message`."""
        return self._reception.receive("message", self._check_message, self._deliver)

    def receive_sign_in(self) -> Response:
        """Answer `POST /v1/authenticate`.

        Source: MSP API Tutorial, exercise 18.
        """
        return self._reception.receive("authenticate", self._check_sign_in, self._deliver)

    def refuse_endpoint(self) -> Response:
        """Answer what is not an endpoint of Apple's, or not with this method."""
        method = _method_for(request.path)
        if method is None:
            there_are = ", ".join(f"{method} {path}" for path, method in ENDPOINTS.items())
            reason = f"{request.path} is no endpoint of this emulator: there are {there_are}"
            return self._reception.refuse(Refused(404, "endpoint-unknown", reason, checks.ASSUMED))
        reason = f"{request.method} is not for {request.path}: use {method}"
        response = self._reception.refuse(Refused(405, "method", reason, checks.ASSUMED))
        response.headers["Allow"] = method
        return response

    def _check_message(self, exchange: Exchange) -> _Message:
        return self._check(exchange, _refuse_sign_in)

    def _check_sign_in(self, exchange: Exchange) -> _Message:
        return self._check(exchange, _refuse_all_but_sign_in)

    def _check(self, exchange: Exchange, check_endpoint: Callable[[JsonObject], None]) -> _Message:
        packed = self._reception.read_body(exchange)
        self._reception.check_token(exchange)
        fields = checks.check_fields(packed, request.headers.get("Content-Encoding"))
        checks.check_envelope(request.headers, fields)
        checks.check_kind(fields)
        contents.check_content(fields, self._switches.positions.check_vendor_limits)
        checks.check_flags(request.headers)
        checks.check_business(fields["sourceId"], self._reception.settings.business_ids)
        check_attachments(fields, self._mmcs.find)
        shown = self._resolve(fields)
        check_endpoint(shown)
        check_destination(
            str(fields["destinationId"]),
            request.headers.get("message-type"),
            contents.is_invitation(shown),
        )
        customer = self._find_customer(shown)
        if self._switches.positions.check_capabilities:
            contents.check_capability(shown, customer.profile.capabilities)
        if self._switches.positions.check_merchant_session:
            contents.check_merchant_session(shown, self._sessions)
        exchange.customer = customer.name
        return _Message(customer, shown)

    def _resolve(self, fields: JsonObject) -> JsonObject:
        """Put the interactive data into a message that carries a reference to it."""
        data_ref = fields.get("interactiveDataRef")
        if fields["type"] != "interactive" or not isinstance(data_ref, dict):
            return fields
        interactive = self._references.resolve(str(fields["sourceId"]), data_ref)
        return fields if interactive is None else fields | {"interactiveData": interactive}

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

    def _deliver(self, message: _Message, _: Fault | None) -> Response:
        """Put a message on the phone."""
        answer = self._answer(message.fields)
        self._phones.receive(
            message.customer, str(message.fields["id"]), message.fields, _auto_reply()
        )
        return answer

    def _answer(self, fields: JsonObject) -> Response:
        """Make the answer: empty unless a reference to interactive data was asked for.

        Source: MSP REST API, "Sending Messages" (empty); MSP API Tutorial, exercise 08.
        """
        interactive = fields.get("interactiveData")
        asked = request.headers.get("include-data-ref") == "true"
        if not asked or fields["type"] != "interactive" or not isinstance(interactive, dict):
            return empty(200)
        business_id = str(fields["sourceId"])
        return told({"dataRef": self._references.make_data_ref(business_id, interactive)})


def blueprint(gateway: Gateway) -> Blueprint:
    """Make the route of messages, and those of whatever else is asked of Apple's hosts."""
    bp = Blueprint("gateway", __name__)

    @bp.post("/v1/message", provide_automatic_options=False)
    def receive_message() -> ResponseReturnValue:
        return gateway.receive_message()

    @bp.post("/v1/authenticate", provide_automatic_options=False)
    def receive_sign_in() -> ResponseReturnValue:
        return gateway.receive_sign_in()

    def refuse_endpoint(rest: str) -> ResponseReturnValue:
        return gateway.refuse_endpoint()

    for host in ("/v1", "/mmcs", "/paymentservices"):
        for rule in (host, f"{host}/"):
            bp.add_url_rule(
                rule, view_func=refuse_endpoint, methods=ALL_METHODS, defaults={"rest": ""}
            )
        bp.add_url_rule(f"{host}/<path:rest>", view_func=refuse_endpoint, methods=ALL_METHODS)
    return bp


def _method_for(path: str) -> str | None:
    """Give the method of the endpoint at a path, None where there is none."""
    for known, method in ENDPOINTS.items():
        if path == known or (known.endswith("/") and path.startswith(known)):
            return method
    return None


def _refuse_sign_in(fields: JsonObject) -> None:
    if contents.is_sign_in(fields):
        raise _elsewhere("This asks the customer to sign in: send it to /v1/authenticate")


def _refuse_all_but_sign_in(fields: JsonObject) -> None:
    if not contents.is_sign_in(fields):
        raise _elsewhere(
            "Only interactive messages whose data has `authenticate` go to /v1/authenticate: send "
            "anything else to /v1/message"
        )


def _elsewhere(reason: str) -> Refused:
    """Make the refusal of what is sent to the wrong endpoint."""
    return Refused(400, "endpoint-other", reason, checks.ASSUMED)


def _auto_reply() -> bool | None:
    return {"true": True, "false": False}.get(request.headers.get("auto-reply", ""))
