"""The cipher of everything that rests in MMCS: AES-256 in counter mode, chunk by chunk."""

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from Crypto.Cipher import AES

#: How much is read, encrypted and written at a time.
CHUNK_BYTES: Final = 64 * 1024
KEY_BYTES: Final = 32
#: The first counter block: zero bytes, not the character 0. Source: Business Chat API, "Encrypting
#: an Attachment".
_FIRST_BLOCK: Final = bytes(16)
#: Source: MSP API Tutorial, exercise 04; that either case is read: exercises 05 and 12.
_WIRE_KEY = re.compile(r"00([0-9A-Fa-f]{64})")


class KeyUnfit(Exception):
    """A text is no key; says what it has to be."""

    def __init__(self) -> None:
        super().__init__("it has to be 00 and 64 hex digits, 66 characters in all")


class Keystream(Protocol):
    """A cipher part of the way through its bytes; counter mode does the same in both directions."""

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt or decrypt the bytes that come next."""
        ...


def new_key() -> bytes:
    """Make a key for one file."""
    return secrets.token_bytes(KEY_BYTES)


def parse_key(text: object) -> bytes:
    """Read a key as it stands in a message.

    Raises:
        KeyUnfit: it is something else.
    """
    found = _WIRE_KEY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise KeyUnfit
    return bytes.fromhex(found[1])


def key_to_wire(key: bytes) -> str:
    """Write a key as it stands in a message, in lower case."""
    return f"00{key.hex()}"


def start(key: bytes) -> Keystream:
    """Begin at the first byte of a file."""
    return AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=_FIRST_BLOCK)


def encrypt(chunks: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """Encrypt a file; the result is as long as what comes in."""
    stream = start(key)
    for chunk in chunks:
        yield stream.encrypt(chunk)


def decrypt(chunks: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """Decrypt a file; with a wrong key other bytes come out, and nothing tells."""
    return encrypt(chunks, key)
