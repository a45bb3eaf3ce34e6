"""What a data reference leads to: interactive data in an encoding that only its maker reads.

Apple's own encoding is not documented. Only `decodePayload` reads this one, so it is simple: gzip
of JSON.
"""

import zlib
from typing import Final

from msp_server.emulator.packing import GZIP_MAGIC, JsonObject, Unreadable, pack, unpack
from msp_server.emulator.shapes import text_in
from msp_server.emulator.switches import DecodeAnswer

#: The most a payload may measure once unpacked. Source: assumed.
PAYLOAD_LIMIT_BYTES: Final = 8 * 1024 * 1024
_GZIP_WINDOW: Final = 31


def pack_payload(interactive: JsonObject) -> bytes:
    """Encode interactive data."""
    return pack(interactive)


def unpack_payload(packed: bytes) -> JsonObject:
    """Read what `pack_payload` made, with its gzip layer or without.

    Raises:
        Unreadable: it is something else; the text says what.

    Source: observed: some take off the gzip layer, Apple's sample does not.
    """
    interactive = unpack(_gunzip(packed) if packed.startswith(GZIP_MAGIC) else packed)
    if text_in(interactive, "bid") is None:
        raise Unreadable("it is JSON, but no interactive data")
    return interactive


def tell_payload(interactive: JsonObject, shape: DecodeAnswer) -> JsonObject:
    """Give what `decodePayload` answers.

    Source: Business Chat API, "Interactive Messages" (`data` on top); `interactiveData` on top
    observed.
    """
    return interactive if shape == "data" else {"interactiveData": interactive}


def _gunzip(packed: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        unpacked = stream.decompress(packed, PAYLOAD_LIMIT_BYTES + 1)
    except zlib.error as error:
        raise Unreadable(f"its gzip layer is broken: {error}") from error
    if len(unpacked) > PAYLOAD_LIMIT_BYTES:
        raise Unreadable("it measures more than 8 MiB once unpacked")
    if not stream.eof:
        raise Unreadable("its gzip layer ends early")
    return unpacked
