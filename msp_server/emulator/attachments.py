"""Attachments on the phone: what it shows of them, and their bytes in the clear."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from msp_server.emulator.api import ApiMistake
from msp_server.emulator.cipher import KeyUnfit, parse_key
from msp_server.emulator.descriptors import name_in
from msp_server.emulator.mmcs import Mmcs, Stored
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.shapes import number_in, objects_in, text_in
from msp_server.emulator.transcript import Entry

#: Stands in a body for one attachment. Source: Business Chat API, "Adding Attachment Metadata to a
#: Message".
PLACE: Final = "\ufffc"
#: What a browser may show by itself: nothing that could be a page or a program.
_SHOWABLE = re.compile(
    r"image/(png|jpeg|gif|webp|heic|heif)|application/pdf|text/plain|(audio|video)/[a-z0-9.+-]{1,64}"
)
#: Another spelling. Source: observed.
_JPG: Final = "image/jpg"
_OTHER_TYPE: Final = "application/octet-stream"
_NAME_LIMIT: Final = 200


@dataclass(frozen=True)
class Opened:
    """An attachment whose bytes can be read."""

    name: str
    #: A type that is safe to show, or the one for bytes of any kind.
    content_type: str
    #: Whether a browser may show it.
    showable: bool
    stored: Stored
    key: bytes


def shown_attachments(entry: Entry) -> list[JsonObject]:
    """Give the descriptors that the phone shows.

    Of a message of the business as many as its body has places for. Source: Business Chat API,
    "Adding Attachment Metadata to a Message" (what is too many is ignored).
    """
    found = objects_in(entry.fields, "attachments")
    if entry.sender == "customer":
        return found
    return found[: (text_in(entry.fields, "body") or "").count(PLACE)]


def attachments_to_json(entry: Entry, customer_name: str) -> JsonObject:
    """Give the attachments of an entry as the JSON API shows them; nothing if there are none."""
    found = shown_attachments(entry)
    if not found:
        return {}
    address = f"/customers/{customer_name}/attachments/{quote(entry.message_id, errors='replace')}"
    shown: list[JsonObject] = [
        {
            "name": text_in(each, "name"),
            "type": text_in(each, name_in(each, "mimeType")),
            "size": _size_of(each),
            "url": f"{address}/{index}",
        }
        for index, each in enumerate(found)
    ]
    return {"attachments": shown}


def open_attachment(entry: Entry, index: int, mmcs: Mmcs) -> Opened:
    """Find an attachment's bytes and the key to them.

    Raises:
        ApiMistake: 404 it is not there or no longer, 400 its key is none.
    """
    shown = shown_attachments(entry)
    if index >= len(shown):
        raise ApiMistake(404, f"The message has {len(shown)} attachments, numbered from 0")
    descriptor = shown[index]
    stored = mmcs.find(descriptor.get(name_in(descriptor, "url")))
    if stored is None:
        raise ApiMistake(
            404,
            "The attachment's bytes are gone: old files make room for new ones, and a reset "
            "removes all",
        )
    try:
        key = stored.own_key or parse_key(descriptor.get(name_in(descriptor, "key")))
    except KeyUnfit as unfit:
        raise ApiMistake(400, f"The attachment's key cannot be read: {unfit}") from unfit
    content_type, showable = _safe_type(text_in(descriptor, name_in(descriptor, "mimeType")))
    return Opened(_safe_name(text_in(descriptor, "name")), content_type, showable, stored, key)


def _size_of(descriptor: JsonObject) -> int | None:
    size = number_in(descriptor, name_in(descriptor, "size"))
    return int(size) if size is not None and size.is_integer() else None


def _safe_type(named: str | None) -> tuple[str, bool]:
    name = (named or "").partition(";")[0].strip().lower()
    name = "image/jpeg" if name == _JPG else name
    if not _SHOWABLE.fullmatch(name):
        return _OTHER_TYPE, False
    return ("text/plain; charset=utf-8" if name == "text/plain" else name), True


def _safe_name(named: str | None) -> str:
    """Give a name under which a browser may save a file."""
    printable = "".join(c if c.isprintable() and c not in '/\\"' else "_" for c in named or "")
    return printable[:_NAME_LIMIT] or "file"
