"""The address at which a program elsewhere has a customer's file from, for an hour."""

from pathlib import Path
from typing import Final

from flask import Blueprint, send_file
from flask.typing import ResponseReturnValue

from msp_server.errors import FileAddressUnknown
from msp_server.wire.file_addresses import FILES_PATH, FileAddresses

#: A customer chose what is in it: no browser is to take it for a page of ours.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Cache-Control": "private, no-store",
}


def blueprint(addresses: FileAddresses, attachments_dir: Path) -> Blueprint:
    """Make the route.

    Args:
        addresses: reads what stands in an address.
        attachments_dir: where what customers sent is kept.
    """
    bp = Blueprint("files", __name__)

    @bp.get(f"{FILES_PATH}/<token>")
    def give(token: str) -> ResponseReturnValue:
        name, mime_type = addresses.read(token)
        path = attachments_dir.resolve() / name
        try:
            answer = send_file(path, mime_type, as_attachment=True, download_name="file")
        except OSError as error:
            raise FileAddressUnknown("this file was removed") from error
        answer.headers.update(_HEADERS)
        return answer

    return bp
