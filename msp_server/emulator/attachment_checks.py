"""Attachments of a text: each has to describe a file that was uploaded, and hold the key to it."""

from collections.abc import Callable
from typing import Final, TypeAlias

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import quoted
from msp_server.emulator.cipher import KeyUnfit, parse_key
from msp_server.emulator.content_limits import Rule
from msp_server.emulator.descriptors import name_in
from msp_server.emulator.mmcs import Stored
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.pieces import Piece
from msp_server.emulator.signatures import SignatureUnfit, parse_signature

#: Gives the file that a url means.
Find: TypeAlias = Callable[[object], Stored | None]
_SIGNATURE: Final = "signature-base64"


def check_attachments(fields: JsonObject, find: Find) -> None:
    """Refuse a text with an attachment that the customer's device could not fetch and read.

    That there is a character for each in `body` is not checked: Apple ignores what is too many.

    Raises:
        Refused: 400, with the key at fault.

    Source: MSP API Tutorial, exercise 04; older names: Business Chat API, "Adding Attachment
    Metadata to a Message".
    """
    if fields["type"] != "text" or fields.get("attachments") is None:
        return
    message = Piece(fields, "message", limits.ATTACHMENT, vendor_limits=True)
    for attachment in message.pieces("attachments", may_be_empty=True):
        _check_attachment(attachment, str(fields["sourceId"]), find)


def _check_attachment(attachment: Piece, business_id: str, find: Find) -> None:
    attachment.text("name")
    attachment.text(name_in(attachment.fields, "mimeType"))
    _check_key(attachment)
    stored = _find_stored(attachment, business_id, find)
    _check_size(attachment, stored)
    _check_signature(attachment, stored)


def _check_key(attachment: Piece) -> None:
    name = name_in(attachment.fields, "key")
    try:
        parse_key(attachment.text(name))
    except KeyUnfit as unfit:
        raise attachment.refused(limits.ATTACHMENT_KEY, name, f"is no key: {unfit}") from unfit


def _find_stored(attachment: Piece, business_id: str, find: Find) -> Stored:
    url, owner = (name_in(attachment.fields, key) for key in ("url", "owner"))
    stored = find(attachment.text(url))
    if stored is None:
        raise attachment.refused(
            limits.FILE_UNKNOWN,
            url,
            f"is {quoted(attachment.fields[url])}, where nothing lies: upload the file, and give "
            "the mmcs-url of GET /v1/preUpload",
        )
    attachment.check(
        attachment.text(owner) == stored.owner,
        limits.OWNER,
        owner,
        f"is {quoted(attachment.fields[owner])}: give the mmcs-owner that came with the mmcs-url",
    )
    attachment.check(
        stored.business_id == business_id,
        limits.FILE_BUSINESS,
        url,
        "leads to a file of another business: upload it with this message's Source-Id",
    )
    return stored


def _check_size(attachment: Piece, stored: Stored) -> None:
    name = name_in(attachment.fields, "size")
    size = attachment.fields.get(name)
    if isinstance(size, int) and not isinstance(size, bool):
        raise attachment.refused(
            limits.ATTACHMENT_SIZE, name, f'is the number {size}: write it as a text, "{size}"'
        )
    attachment.check(
        attachment.text(name) == str(stored.size_bytes),
        limits.ATTACHMENT_SIZE,
        name,
        f"is {quoted(size)}: {stored.size_bytes} encrypted bytes were uploaded, so write "
        f'"{stored.size_bytes}"',
    )


def _check_signature(attachment: Piece, stored: Stored) -> None:
    try:
        signature = parse_signature(attachment.text(_SIGNATURE))
    except SignatureUnfit as unfit:
        rule = Rule(unfit.rule, limits.ATTACHMENT)
        raise attachment.refused(rule, _SIGNATURE, unfit.problem) from unfit
    attachment.check(
        signature == stored.signature,
        limits.SIGNATURE,
        _SIGNATURE,
        "is not the checksum of the file at url: give the fileChecksum of the upload's answer",
    )
