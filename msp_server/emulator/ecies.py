"""Encrypting the older sign-in's access token, so that the MSP's private key alone opens it.

Source: Business Chat API, "Authenticating a User"
(eciesEncryptionCofactorVariableIVX963SHA256AESGCM); MSP API Tutorial, `auth_util.py`.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Final

from Crypto.Cipher import AES
from Crypto.PublicKey import ECC
from Crypto.PublicKey.ECC import EccKey

_CURVE: Final = "p384"
_SIZE_BYTES: Final = 48
#: 4, then both coordinates.
POINT_BYTES: Final = 1 + 2 * _SIZE_BYTES
_UNCOMPRESSED: Final = b"\x04"
_KEY_BYTES: Final = 32
#: Sixteen and not twelve: the initialisation vector comes out of the key derivation too.
_NONCE_BYTES: Final = 16
_TAG_BYTES: Final = 16


class KeyUnfit(Exception):
    """A responseEncryptionKey with which nothing can be encrypted, as the device tells it."""

    #: Source: observed.
    domain: Final = "com.apple.icloud.messages.business.cryptor"

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def make_key() -> EccKey:
    """Make the key pair that is used for one token."""
    return ECC.generate(curve=_CURVE)


def encrypt_token(token: str, key_text: str, make_own: Callable[[], EccKey] = make_key) -> str:
    """Encrypt a token to a responseEncryptionKey, and give what goes into the message.

    Args:
        token: what the provider gave.
        key_text: Base64 of the 97 bytes of a point on P-384.
        make_own: makes the key pair whose public part goes before the encrypted token.

    Raises:
        KeyUnfit: the text is no such key.
    """
    theirs = _read_key(key_text)
    own = make_own()
    point = _point_of(own)
    shared = int((theirs.pointQ * own.d).x).to_bytes(_SIZE_BYTES)
    derived = _derive(shared, point)
    cipher = AES.new(
        derived[:_KEY_BYTES], AES.MODE_GCM, nonce=derived[_KEY_BYTES:], mac_len=_TAG_BYTES
    )
    encrypted, tag = cipher.encrypt_and_digest(token.encode())
    return base64.b64encode(point + encrypted + tag).decode()


def _read_key(text: str) -> EccKey:
    """Read a responseEncryptionKey.

    Source: observed (codes and messages).
    """
    try:
        point = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyUnfit(1, "Key is not UTF8") from None
    if len(point) != POINT_BYTES or not point.startswith(_UNCOMPRESSED) or not any(point[1:]):
        raise KeyUnfit(2, "Failed creating key")  # (0, 0) stands for the point at infinity
    x, y = point[1 : 1 + _SIZE_BYTES], point[1 + _SIZE_BYTES :]
    try:
        return ECC.construct(curve=_CURVE, point_x=int.from_bytes(x), point_y=int.from_bytes(y))
    except ValueError:
        raise KeyUnfit(2, "Failed creating key") from None


def _point_of(key: EccKey) -> bytes:
    x, y = (int(number).to_bytes(_SIZE_BYTES) for number in (key.pointQ.x, key.pointQ.y))
    return _UNCOMPRESSED + x + y


def _derive(shared: bytes, point: bytes) -> bytes:
    """Derive key and nonce: X9.63 with SHA-256, the point being the shared information."""
    blocks = (hashlib.sha256(shared + counter.to_bytes(4) + point).digest() for counter in (1, 2))
    return b"".join(blocks)[: _KEY_BYTES + _NONCE_BYTES]
