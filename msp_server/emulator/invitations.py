"""Invitations: what a customer's yes or no sends back."""

from msp_server.emulator.msp import make_envelope
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.phones import Customer
from msp_server.emulator.replies import Reply
from msp_server.emulator.shapes import object_in, picked
from msp_server.emulator.switches import InvitationRequestId
from msp_server.emulator.transcript import Entry

ACCEPTED: JsonObject = {"title": "Yes", "subtitle": "You are now connected."}
REFUSED: JsonObject = {"title": "No"}


def build_acceptance(
    invitation: Entry, customer: Customer, request_id: InvitationRequestId
) -> Reply:
    """Accept an invitation; the message comes from the opaque id, as all that follow.

    Source: observed, in one reply; whether every request is named by its number is not known.
    """
    sent = invitation.interactive
    data = object_in(sent, "data")
    identifier = (
        {"requestIdentifier": customer.phone_number}
        if request_id == "number"
        else picked(data, "requestIdentifier")
    )
    response = ACCEPTED | {"type": {"yes": {}}}
    accepted: JsonObject = {
        "version": "1",
        **identifier,
        **picked(object_in(data, "notification"), "referenceId"),
        "notification": {"id": "yes", "displayContent": {"determinateResponse": response}},
    }
    frame = picked(sent, "bid") | {"sessionIdentifier": invitation.session_id, "data": accepted}
    return Reply(frame, ACCEPTED)


def build_refusal(invitation: Entry, customer: Customer) -> JsonObject:
    """Refuse an invitation: a close from the telephone number, which names what was sent.

    Source: observed.
    """
    notification = object_in(object_in(invitation.interactive, "data"), "notification")
    return picked(make_envelope(customer), "id", "v", "destinationId") | {
        "type": "close",
        "sourceId": customer.phone_number,
        "referenceIds": list(picked(notification, "referenceId").values()),
    }
