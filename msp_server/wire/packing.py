"""Unpack what one webhook request carries, never beyond a limit."""

import json
import math
import zlib
from collections.abc import Iterator
from typing import Any, Final, NoReturn, Protocol

from msp_server.errors import RequestTooLarge, RequestUnreadable

#: What a JSON object becomes.
JsonObject = dict[str, Any]

#: The most a request may carry. Assumed: Apple's largest inline payload measures 10 KB.
PACKED_LIMIT_BYTES: Final = 1024 * 1024
#: The most it may measure once unpacked. Assumed.
UNPACKED_LIMIT_BYTES: Final = 2 * 1024 * 1024
#: How deep lists and objects may lie in each other. Assumed: Apple's lie eight deep.
NESTING_LIMIT: Final = 64

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 16 + zlib.MAX_WBITS
_MEMBERS_LIMIT: Final = 16


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes; none at the end."""


def read_bounded(stream: Readable, limit_bytes: int) -> bytes:
    """Read a stream to its end.

    A server may hand on a body without a length, or cut it at a limit without a word; so we
    read one byte more than we accept, and count ourselves.

    Raises:
        RequestTooLarge: there is more than `limit_bytes`; no more than one byte beyond was read.
    """
    chunks = bytearray()
    while len(chunks) <= limit_bytes:
        chunk = stream.read(limit_bytes + 1 - len(chunks))
        if not chunk:
            return bytes(chunks)
        chunks += chunk
    raise RequestTooLarge(f"body of more than {limit_bytes} bytes")


def unpack(packed: bytes, limit_bytes: int) -> JsonObject:
    """Gunzip and decode what one webhook request carries.

    The first bytes tell whether it is gzip, whatever the headers say: a proxy may have unpacked
    it. Half of a surrogate pair, which no encoding can carry on, becomes a question mark.

    Args:
        packed: as received; gzip, or plain JSON.
        limit_bytes: the most it may measure once unpacked.

    Raises:
        RequestTooLarge: unpacking passed `limit_bytes`; nothing beyond it was unpacked.
        RequestUnreadable: neither gzip nor a JSON object in UTF-8.

    Source: MSP REST API, "Messages Received".
    """
    unpacked = _gunzip(packed, limit_bytes) if packed.startswith(_GZIP_MAGIC) else packed
    if len(unpacked) > limit_bytes:
        raise _too_large(limit_bytes)
    text = _decode(unpacked)
    fields = _load(text)
    if not isinstance(fields, dict):
        raise RequestUnreadable("body is JSON, but not an object")
    return _without_lone_surrogates(fields) if "\\ud" in text.lower() else fields


def _gunzip(packed: bytes, limit_bytes: int) -> bytes:
    unpacked = b""
    for _ in range(_MEMBERS_LIMIT):
        member = zlib.decompressobj(_GZIP)
        try:
            unpacked += member.decompress(packed, limit_bytes + 1 - len(unpacked))
        except zlib.error as error:
            raise RequestUnreadable(f"body is damaged gzip: {error}") from error
        if len(unpacked) > limit_bytes:
            raise _too_large(limit_bytes)
        if not member.eof:
            raise RequestUnreadable("body is gzip cut short")
        packed = member.unused_data.lstrip(b"\0")
        if not packed:
            return unpacked
    raise RequestUnreadable(f"body is gzip of more than {_MEMBERS_LIMIT} members")


def _too_large(limit_bytes: int) -> RequestTooLarge:
    return RequestTooLarge(f"body unpacks to more than {limit_bytes} bytes")


def _decode(unpacked: bytes) -> str:
    try:
        return unpacked.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestUnreadable("body is neither gzip nor JSON in UTF-8") from error


def _load(text: str) -> object:
    try:
        value: object = json.loads(text, parse_float=_finite, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise RequestUnreadable(f"body is no JSON: {reason}") from error
    if text.count("[") + text.count("{") > NESTING_LIMIT:
        _require_shallow(value)
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _require_shallow(value: object) -> None:
    level = [value]
    for _ in range(NESTING_LIMIT):
        level = [inner for outer in level for inner in _inside(outer) if _nests(inner)]
        if not level:
            return
    raise _too_deep()


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _nests(value: object) -> bool:
    return isinstance(value, dict | list)


def _too_deep() -> RequestUnreadable:
    return RequestUnreadable(f"body nests deeper than {NESTING_LIMIT} levels")


def _without_lone_surrogates(fields: JsonObject) -> JsonObject:
    text = json.dumps(fields, ensure_ascii=False)
    clean: JsonObject = json.loads(text.encode("utf-8", "replace"))
    return clean
