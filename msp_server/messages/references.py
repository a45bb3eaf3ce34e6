"""References: where the bytes of an attachment, or of a large answer, can be fetched."""

import base64
import binascii
import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from msp_server.messages.attachment import clean_name, clean_type
from msp_server.messages.raw import JsonObject, number_in, object_in, objects_in, text_in

#: The place of the reference to a large answer; attachments have 0 and more.
ANSWER_PLACE: Final = -1
#: The most references of one message that are looked at.
COUNT_LIMIT: Final = 50

_VALUE_LIMIT_CHARS: Final = 8192
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_LARGEST: Final = 2**53


@dataclass(frozen=True)
class Reference:
    """Where bytes rest at Apple, and what opens them.

    Source: MSP API Tutorial, exercises 05 and 12; the older names of the fields: observed.
    """

    #: Its place among the attachments, or `ANSWER_PLACE`.
    place: int
    #: A label that is safe to show.
    name: str
    mime_type: str
    #: Of the encrypted bytes; None when it was not said.
    size_bytes: int | None
    #: As it came: `00` and 64 hex digits.
    key: str
    url: str
    owner: str
    #: Base64, as it goes into a header.
    signature: str
    #: Of a large answer: which extension can decode it.
    bid: str | None = None
    #: Why it cannot be used; None when it can.
    problem: str | None = None

    def to_json(self) -> str:
        """Write it as the store keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def parse_references(raw: JsonObject) -> tuple[Reference, ...]:
    """Read every reference of a message: attachments, and a large answer's.

    An answer that came directly counts before a reference to it.

    Args:
        raw: the message as it came.
    """
    attachments = objects_in(raw, "attachments")[:COUNT_LIMIT]
    found = [_parse(fields, place) for place, fields in enumerate(attachments)]
    answer = object_in(raw, "interactiveDataRef")
    if answer and not object_in(raw, "interactiveData"):
        found.append(_parse(answer, ANSWER_PLACE))
    return tuple(found)


def _parse(fields: JsonObject, place: int) -> Reference:
    values = {
        "key": _first(fields, "key", "decryption-key"),
        "url": _first(fields, "url", "mmcs-url"),
        "owner": _first(fields, "owner", "mmcs-owner"),
        "signature": _signature(fields),
    }
    bid = text_in(fields, "bid")
    if place == ANSWER_PLACE:
        values["bid"] = bid or ""
    return Reference(
        place=place,
        name=clean_name(text_in(fields, "name") or ""),
        mime_type=clean_type(_first(fields, "mimeType", "mime-type")),
        size_bytes=_size(fields),
        problem=_problem(values),
        **_bounded(values),
    )


def _first(fields: JsonObject, *names: str) -> str:
    return next((value for name in names if (value := text_in(fields, name))), "")


def _signature(fields: JsonObject) -> str:
    """Give the checksum in Base64: it came in hex, in Base64, or both."""
    given = _first(fields, "signature", "mmcs-signature-hex")
    if _HEX.fullmatch(given):
        return base64.b64encode(bytes.fromhex(given)).decode()
    text = _first(fields, "signature-base64", "mmcs-signature") or given
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return text


def _size(fields: JsonObject) -> int | None:
    for name in ("size", "file-size"):
        size = number_in(fields, name)
        if size is not None and 0 <= size < _LARGEST and size == int(size):
            return int(size)
    return None


def _problem(values: dict[str, str]) -> str | None:
    for name, value in values.items():
        if not value:
            return f"its descriptor has no usable {name}"
        if len(value) > _VALUE_LIMIT_CHARS or not value.isascii() or not value.isprintable():
            return f"the {name} of its descriptor cannot stand in a header"
    return None


def _bounded(values: dict[str, str]) -> dict[str, Any]:
    return {name: value[:_VALUE_LIMIT_CHARS] for name, value in values.items()}
