"""What a customer does with the messages on the phone: taps, chooses, fills in, reacts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Final, TypeAlias

from flask import Blueprint
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake, read_fields
from msp_server.emulator.bubbles import Shows
from msp_server.emulator.customer import find_customer, read_body, show_receipt
from msp_server.emulator.form_replies import build_form_reply
from msp_server.emulator.invitations import build_acceptance
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.phones import Customer, Phones
from msp_server.emulator.profile import find_zone
from msp_server.emulator.replies import Reply, build_app_reply, build_list_reply, build_quick_reply
from msp_server.emulator.sending import Sending
from msp_server.emulator.switches import Positions, Switches
from msp_server.emulator.tapbacks import tell_tapback
from msp_server.emulator.time_replies import build_time_reply
from msp_server.emulator.transcript import TYPING, Deed, Entry

#: Makes the reply to a bubble from the request's fields.
Build: TypeAlias = Callable[[Entry, JsonObject, Customer, Positions], Reply]


@dataclass(frozen=True)
class Choice:
    """One way to answer a bubble."""

    shows: Shows
    #: What the request may name, besides `to`.
    keys: tuple[str, ...]
    build: Build


CHOICES: Final = {
    "tap": Choice(
        "quick_reply",
        ("title", "identifier"),
        lambda bubble, fields, _, __: build_quick_reply(bubble, fields),
    ),
    "choose": Choice(
        "list_picker",
        ("titles", "identifiers"),
        lambda bubble, fields, _, positions: build_list_reply(bubble, fields, positions.list_reply),
    ),
    "pick_time": Choice(
        "time_picker",
        ("identifier", "index", "start"),
        lambda bubble, fields, customer, _: build_time_reply(bubble, fields, _zone_of(customer)),
    ),
    "answer_form": Choice(
        "form",
        ("answers",),
        lambda bubble, fields, customer, _: build_form_reply(bubble, fields, _today_of(customer)),
    ),
    "open_app": Choice(
        "custom_app",
        ("url", "title", "subtitle"),
        lambda bubble, fields, _, __: build_app_reply(bubble, fields),
    ),
}


def blueprint(phones: Phones, sending: Sending, switches: Switches) -> Blueprint:
    """Make the routes of everything done with a message on the phone."""
    bp = Blueprint("deeds", __name__, url_prefix="/customers")
    _add_choices(bp, phones, sending, switches)
    _add_invitation(bp, phones, sending, switches)
    _add_words(bp, phones, sending)
    return bp


def _add_choices(bp: Blueprint, phones: Phones, sending: Sending, switches: Switches) -> None:
    @bp.post(f"/<name>/<any({','.join(CHOICES)}):deed>")
    def answer_bubble(name: str, deed: str) -> ResponseReturnValue:
        choice = CHOICES[deed]
        customer = find_customer(phones, name)
        fields = read_fields("to", *choice.keys)
        bubble = find_bubble(phones, customer, choice.shows, fields)
        reply = choice.build(bubble, fields, customer, switches.positions)
        done = Deed(deed, without_target(fields), bubble.message_id)
        return show_receipt(sending.answer(customer, bubble, reply, done))


def _add_invitation(bp: Blueprint, phones: Phones, sending: Sending, switches: Switches) -> None:
    @bp.post("/<name>/answer_invitation")
    def answer_invitation(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        fields = read_fields("to", "accept")
        invitation = find_bubble(phones, customer, "invitation", fields)
        match fields.get("accept"):
            case True:
                request_id = switches.positions.invitation_request_id
                reply = build_acceptance(invitation, customer, request_id)
                deed = Deed("answer_invitation", {"accept": True}, invitation.message_id)
                return show_receipt(sending.answer(customer, invitation, reply, deed))
            case False:
                return show_receipt(sending.refuse(customer, invitation))
            case _:
                raise ApiMistake(400, "accept has to be true or false")


def _add_words(bp: Blueprint, phones: Phones, sending: Sending) -> None:
    @bp.post("/<name>/react")
    def react(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        fields = read_fields("to", "with", "remove")
        remove = fields.get("remove", False)
        if not isinstance(remove, bool):
            raise ApiMistake(400, "remove has to be true or false")
        target = _find_message(phones, customer, fields.get("to"))
        sentence = tell_tapback(target, fields.get("with"), remove=remove)
        deed = Deed("react", without_target(fields), target.message_id)
        return show_receipt(sending.tapback(customer, sentence, deed))

    @bp.post("/<name>/reply")
    def reply(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        fields = read_fields("to", "body")
        body = read_body(fields)
        if fields.get("to") is None:
            raise ApiMistake(400, "to has to be the id of the message that is replied to")
        target = _find_message(phones, customer, fields["to"])
        return show_receipt(sending.reply(customer, body, target.message_id))


def find_bubble(phones: Phones, customer: Customer, shows: Shows, fields: JsonObject) -> Entry:
    """Find the message that `to` names, or the newest that shows what is asked for.

    Raises:
        ApiMistake: 404 there is none, 400 it shows something else.
    """
    if fields.get("to") is None:
        newest = phones.find_received(customer, lambda entry: entry.shows == shows)
        if newest is None:
            raise _nothing_there(shows)
        return newest
    entry = _find_message(phones, customer, fields["to"])
    if entry.shows != shows:
        raise ApiMistake(
            400, f"The message {entry.message_id} is a {entry.shows or entry.kind}, not a {shows}"
        )
    return entry


def without_target(fields: JsonObject) -> JsonObject:
    """Give what a deed was told, but for the message that it is done to."""
    return {key: value for key, value in fields.items() if key != "to" and value is not None}


def _find_message(phones: Phones, customer: Customer, message_id: object) -> Entry:
    """Find the message of that id, or the newest that says something."""
    if message_id is not None and not isinstance(message_id, str):
        raise ApiMistake(400, "to has to be the id of a message, as the transcript shows it")
    entry = phones.find_received(
        customer,
        lambda entry: entry.kind not in TYPING and message_id in {None, entry.message_id},
    )
    if entry is None:
        raise _nothing_there("message" if message_id is None else f"message {message_id[:64]!r}")
    return entry


def _nothing_there(what: str) -> ApiMistake:
    return ApiMistake(
        404,
        f"There is no {what} on the phone: the business sent none, or it went with the deleted "
        "conversation",
    )


def _zone_of(customer: Customer) -> tzinfo:
    return find_zone(customer.profile.time_zone) or UTC


def _today_of(customer: Customer) -> date:
    return datetime.now(_zone_of(customer)).date()
