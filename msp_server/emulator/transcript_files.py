"""The phone's routes for conversations as files: save one, and open one to read it again."""

from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake
from msp_server.emulator.conversation_file import (
    FILE_LIMIT_BYTES,
    FileUnfit,
    SavedConversation,
    parse_conversation,
)
from msp_server.emulator.customer import find_customer
from msp_server.emulator.phones import Customer, NameTaken, Phones, TooManyCustomers
from msp_server.emulator.profile import Profile, ProfileUnfit, parse_name, parse_profile
from msp_server.emulator.saving import restore, save

_TOO_LARGE: Final = f"A conversation's file measures at most {FILE_LIMIT_BYTES:,} bytes"


def blueprint(phones: Phones, business_ids: tuple[str, ...]) -> Blueprint:
    """Make the routes of `/customers/<name>/transcript/file`."""
    bp = Blueprint("transcript_files", __name__, url_prefix="/customers")

    @bp.get("/<name>/transcript/file")
    def save_file(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        packed = phones.view(customer, save).to_text().encode()
        if len(packed) > FILE_LIMIT_BYTES:
            raise ApiMistake(413, f"{_TOO_LARGE}, and this one {len(packed):,}")
        response = Response(packed, mimetype="application/json")
        response.headers["Content-Disposition"] = f"attachment; filename={name}.json"
        return response

    @bp.post("/<name>/transcript/file")
    def open_file(name: str) -> ResponseReturnValue:
        packed: bytes = request.stream.read(FILE_LIMIT_BYTES + 1)
        if len(packed) > FILE_LIMIT_BYTES:
            raise ApiMistake(413, _TOO_LARGE)
        reader = _parse(lambda: _add_reader(phones, name, parse_conversation(packed), business_ids))
        return reader.to_json(), 201

    return bp


def _add_reader(
    phones: Phones, name: str, conversation: SavedConversation, business_ids: tuple[str, ...]
) -> Customer:
    told = conversation.customer
    fields = {key: value for key, value in told.items() if key not in ("name", "business_id")}
    named = told.get("business_id")
    business_id = next((each for each in business_ids if each == named), business_ids[0])
    profile = parse_profile(fields, Profile())
    return phones.add_reader(parse_name(name), business_id, profile, restore(conversation))


def _parse(add: Callable[[], Customer]) -> Customer:
    """Answer everything that can be wrong with a file."""
    try:
        return add()
    except (FileUnfit, ProfileUnfit) as unfit:
        raise ApiMistake(400, f"The file cannot be opened: {unfit}") from unfit
    except NameTaken as taken:
        raise ApiMistake(
            409, "There is such a customer already: open it by another name"
        ) from taken
    except TooManyCustomers as many:
        raise ApiMistake(409, "Too many are open already: POST /emulator/reset first") from many
