"""The phone's routes for files: a customer sends some, and opens those of a message."""

from urllib.parse import quote

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake, read_fields
from msp_server.emulator.attachments import Opened, open_attachment
from msp_server.emulator.cipher import decrypt
from msp_server.emulator.customer import find_customer, show_receipt
from msp_server.emulator.mmcs import Mmcs, read_chunks
from msp_server.emulator.packets import Packet, Packets
from msp_server.emulator.phones import Customer, Phones
from msp_server.emulator.sending import Sending

FORM = "multipart/form-data"
#: What an attachment may do that is opened in a window of its own: nothing.
FILE_POLICY = "default-src 'none'; sandbox"


def blueprint(phones: Phones, sending: Sending, mmcs: Mmcs) -> Blueprint:
    """Make the routes of files under `/customers`."""
    bp = Blueprint("files", __name__, url_prefix="/customers")

    @bp.post("/<name>/files")
    def send_files(name: str) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        words, packets = _read_packets(Packets(mmcs, customer.business_id))
        return show_receipt(sending.files(customer, words, packets))

    @bp.get("/<name>/attachments/<path:message_id>/<int:index>")
    def show_attachment(name: str, message_id: str, index: int) -> ResponseReturnValue:
        customer = find_customer(phones, name)
        return _show(_open(phones, customer, message_id, index, mmcs), mmcs)

    return bp


def _read_packets(packets: Packets) -> tuple[str, list[Packet]]:
    """Read files that come in a form, or make those that JSON asks for."""
    if request.mimetype == FORM:
        return packets.read_form(request.stream, request.mimetype_params)
    fields = read_fields("body", "make")
    words = fields.get("body", "")
    if not isinstance(words, str):
        raise ApiMistake(400, "body has to be the words beside the files, a string, or absent")
    return words, packets.make(fields.get("make"))


def _open(phones: Phones, customer: Customer, message_id: str, index: int, mmcs: Mmcs) -> Opened:
    entry = phones.find_entry(customer, lambda entry: entry.message_id == message_id)
    if entry is None:
        raise ApiMistake(404, f"There is no message {message_id[:64]!r} on the phone")
    return open_attachment(entry, index, mmcs)


def _show(opened: Opened, mmcs: Mmcs) -> Response:
    """Give an attachment's bytes in the clear, so that a browser can do no harm with them."""
    file = mmcs.open(opened.stored)
    chunks = read_chunks(file, opened.stored.size_bytes)
    response = Response(decrypt(chunks, opened.key), content_type=opened.content_type)
    response.call_on_close(file.close)
    response.content_length = opened.stored.size_bytes
    response.headers["Content-Security-Policy"] = FILE_POLICY
    disposition = "inline" if opened.showable else "attachment"
    name = quote(opened.name, safe="")
    response.headers["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{name}"
    return response
