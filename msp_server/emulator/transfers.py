"""Apple's endpoints for files: announce one and upload it, look one up and download it."""

import hashlib
import re
from typing import Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ClientDisconnected

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import ASSUMED, STATUS_CODES, Refused, need_header, quoted
from msp_server.emulator.cipher import CHUNK_BYTES
from msp_server.emulator.faults import Fault
from msp_server.emulator.journal import Exchange
from msp_server.emulator.mmcs import (
    FILE_LIMIT_BYTES,
    Incoming,
    Mmcs,
    NotKept,
    Stored,
    url_of,
)
from msp_server.emulator.reception import Reception, told
from msp_server.emulator.signatures import SignatureUnfit, parse_signature, signature_to_wire
from msp_server.emulator.spoiling import make_body
from msp_server.emulator.switches import Switches
from msp_server.emulator.tickets import Tickets, Upload

#: Titles for `Refused.source`.
UPLOADING: Final = "MSP API Tutorial, exercise 04"
DOWNLOADING: Final = "MSP API Tutorial, exercise 05"
_SIZE = re.compile(r"[0-9]{1,12}")


class Transfers:
    """Takes files from the MSP and gives them to it."""

    def __init__(
        self, reception: Reception, mmcs: Mmcs, tickets: Tickets, switches: Switches
    ) -> None:
        self._reception = reception
        self._mmcs = mmcs
        self._tickets = tickets
        self._switches = switches

    def announce(self) -> Response:
        """Answer `GET /v1/preUpload`."""
        return self._reception.receive("preUpload", self._check_announcement, self._give_upload_url)

    def upload(self, token: str) -> Response:
        """Answer `POST <upload-url>`."""
        with self._mmcs.receive() as incoming:
            return self._reception.receive(
                "upload",
                lambda exchange: self._take(exchange, token, incoming),
                lambda upload, _: _tell_stored(incoming.keep(upload.business_id, upload.owner)),
            )

    def look_up(self) -> Response:
        """Answer `GET /v1/preDownload`."""
        return self._reception.receive("preDownload", self._check_look_up, self._give_download_url)

    def download(self, token: str) -> Response:
        """Answer `GET <download-url>`."""
        return self._reception.receive(
            "download", lambda _: self._find_download(token), self._give_bytes
        )

    def _check_announcement(self, exchange: Exchange) -> tuple[str, int]:
        self._reception.check_token(exchange)
        business_id = self._reception.check_business()
        cure = "put the length of the encrypted bytes into it"
        text = need_header(request.headers, cure, "MMCS-Size", "size")
        size_bytes = int(text) if _SIZE.fullmatch(text) else 0
        if not 1 <= size_bytes <= FILE_LIMIT_BYTES:
            raise Refused(
                400,
                "mmcs-size",
                f"MMCS-Size is {quoted(text)}: write the length of the encrypted bytes in decimal "
                f"digits, from 1 to {FILE_LIMIT_BYTES:,}",
                'MSP REST API, "Type Text" (100 MB); where that begins and ends, assumed',
            )
        return business_id, size_bytes

    def _give_upload_url(self, announced: tuple[str, int], _: Fault | None) -> Response:
        token, upload = self._tickets.announce(*announced)
        return told(
            {
                "upload-url": f"{request.host_url}mmcs/upload/{token}",
                "mmcs-url": url_of(upload.owner),
                "mmcs-owner": upload.owner,
            }
        )

    def _take(self, exchange: Exchange, token: str, incoming: Incoming) -> Upload:
        """Take in the bytes of an upload; the journal notes their size and fingerprint alone."""
        upload = self._tickets.use_upload(token)
        _refuse_token("upload")
        if request.content_length != upload.size_bytes:
            raise Refused(
                400,
                "upload-size",
                f"Content-Length is {quoted(request.headers.get('Content-Length'))}, and "
                f"MMCS-Size was {upload.size_bytes}: announce and send the length of the encrypted "
                "bytes, not chunked",
                UPLOADING,
            )
        fingerprint = hashlib.sha256()
        try:
            while chunk := request.stream.read(CHUNK_BYTES):
                fingerprint.update(chunk)
                incoming.write(chunk)
        except ClientDisconnected as error:
            raise Refused(
                400,
                "upload-broken-off",
                f"The connection ended after {incoming.size_bytes} of {upload.size_bytes} bytes: "
                "start again with GET /v1/preUpload",
                ASSUMED,
            ) from error
        except NotKept as error:
            raise Refused(503, "store-full", str(error), "the emulator's own") from error
        exchange.packed_bytes = incoming.size_bytes
        exchange.body_sha256 = fingerprint.hexdigest()
        return upload

    def _check_look_up(self, exchange: Exchange) -> Stored:
        self._reception.check_token(exchange)
        business_id = self._reception.check_business()
        url, owner, text = (
            need_header(
                request.headers,
                f"copy {name} of the attachment or reference into it",
                f"MMCS-{name.title()}",
                name,
            )
            for name in ("url", "owner", "signature")
        )
        signature = _read_signature(text)
        stored = self._mmcs.find(url)
        if stored is None:
            raise Refused(
                404,
                limits.FILE_UNKNOWN.name,
                f"MMCS-Url is {quoted(url)}, where nothing lies: copy the message's url unchanged; "
                "old files make room for new ones, and a reset removes all",
                ASSUMED,
            )
        if stored.owner != owner:
            raise _differs("MMCS-Owner", owner, "owner", limits.OWNER.name)
        if stored.signature != signature:
            raise _differs("MMCS-Signature", text, "signature", limits.SIGNATURE.name)
        if stored.business_id != business_id:
            raise Refused(
                403,
                limits.FILE_BUSINESS.name,
                "The file belongs to another business: Source-Id has to be the destinationId of "
                "the message that brought it",
                ASSUMED,
            )
        return stored

    def _give_download_url(self, stored: Stored, _: Fault | None) -> Response:
        token = self._tickets.offer(stored, self._switches.positions.download_expiry_s)
        return told({"download-url": f"{request.host_url}mmcs/download/{token}"})

    def _find_download(self, token: str) -> Stored:
        _refuse_token("download")
        stored = self._tickets.find_download(token)
        if self._mmcs.find(stored.url) is not stored:
            raise Refused(
                404, "file-gone", "The file made room for newer ones", "the emulator's own"
            )
        return stored

    def _give_bytes(self, stored: Stored, fault: Fault | None) -> Response:
        file = self._mmcs.open(stored)
        body = make_body(file, stored.size_bytes, fault, self._reception.stopping.wait)
        response = Response(body.chunks, mimetype="application/octet-stream")
        response.call_on_close(file.close)
        response.content_length = body.announced_bytes
        return response


def blueprint(transfers: Transfers) -> Blueprint:
    """Make the routes by which files travel."""
    bp = Blueprint("transfers", __name__)

    @bp.get("/v1/preUpload", provide_automatic_options=False)
    def announce() -> ResponseReturnValue:
        return transfers.announce()

    @bp.post("/mmcs/upload/<token>", provide_automatic_options=False)
    def upload(token: str) -> ResponseReturnValue:
        return transfers.upload(token)

    @bp.get("/v1/preDownload", provide_automatic_options=False)
    def look_up() -> ResponseReturnValue:
        return transfers.look_up()

    @bp.get("/mmcs/download/<token>", provide_automatic_options=False)
    def download(token: str) -> ResponseReturnValue:
        return transfers.download(token)

    return bp


def _refuse_token(way: str) -> None:
    """Refuse a credential that is sent where none is wanted: it would go to a host of others."""
    if "Authorization" in request.headers:
        raise Refused(
            400,
            "authorization-sent",
            f"There is an Authorization header: leave it out, the {way}-url says it all and is on "
            "a host that your token is not for",
            f"{UPLOADING if way == 'upload' else DOWNLOADING} (none is sent); the status assumed",
        )


def _read_signature(text: str) -> bytes:
    try:
        return parse_signature(text)
    except SignatureUnfit as unfit:
        raise Refused(400, unfit.rule, f"MMCS-Signature {unfit.problem}", DOWNLOADING) from unfit


def _differs(header: str, value: str, key: str, rule: str) -> Refused:
    return Refused(
        400,
        rule,
        f"{header} is {quoted(value)}, which is not that of the file at MMCS-Url: copy {key} of "
        "the same attachment or reference",
        STATUS_CODES,
    )


def _tell_stored(stored: Stored) -> Response:
    """Tell the checksum that messages have to carry. Source: size and receipt observed."""
    return told(
        {
            "singleFile": {
                "fileChecksum": signature_to_wire(stored.signature),
                "size": stored.size_bytes,
                "receipt": f"A0{stored.signature.hex()}",
            }
        }
    )
