"""Encrypt and decrypt files as they pass by: AES-256 in counter mode."""

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from msp_server.errors import KeyUnreadable

#: How much of a file is read at a time.
CHUNK_BYTES: Final = 256 * 1024
#: Source: Business Chat API, "Encrypting an Attachment".
KEY_BYTES: Final = 32

#: Sixteen zero bytes, and not sixteen times the digit 0. Source: as above.
_FIRST_BLOCK: Final = bytes(16)
_KEY: Final = re.compile(r"00([0-9A-Fa-f]{64})")


def new_key() -> bytes:
    """Make the key of one file: no two files have the same."""
    return secrets.token_bytes(KEY_BYTES)


def parse_key(text: str) -> bytes:
    """Read a key as it stands in a message.

    Raises:
        KeyUnreadable: not `00` and 64 hex digits of either case.

    Source: Business Chat API, "Encrypting an Attachment".
    """
    found = _KEY.fullmatch(text)
    if found is None:
        raise KeyUnreadable
    return bytes.fromhex(found[1])


def key_to_wire(key: bytes) -> str:
    """Write a key as it stands in a message: `00` and 64 hex digits in lower case."""
    return f"00{key.hex()}"


def encrypt(chunks: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """Encrypt a file in chunks; it measures the same afterwards.

    Source: Business Chat API, "Encrypting an Attachment".
    """
    encryptor = Cipher(AES256(key), CTR(_FIRST_BLOCK)).encryptor()
    for chunk in chunks:
        yield encryptor.update(chunk)


def decrypt(chunks: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """Decrypt a file in chunks; nothing tells whether the key was right."""
    decryptor = Cipher(AES256(key), CTR(_FIRST_BLOCK)).decryptor()
    for chunk in chunks:
        yield decryptor.update(chunk)
