"""The keys of the older sign-in, and the token that is encrypted for one of them.

Apple calls it `eciesEncryptionCofactorVariableIVX963SHA256AESGCM`: a point of a curve, the
ciphertext, and a tag. The newer sign-in has no such token.
"""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from msp_server.errors import SignInTokenUnreadable

#: The longest token that is read, characters. Assumed.
TOKEN_LIMIT_CHARS: Final = 64 * 1024

#: Source: MSP API Tutorial, exercise 17.
_CURVE: Final = ec.SECP384R1()
_SCALAR_BYTES: Final = 48
#: 04, then both coordinates. Source: MSP API Tutorial, exercise 17.
_POINT_BYTES: Final = 1 + 2 * _SCALAR_BYTES
_UNCOMPRESSED: Final = b"\x04"
_KEY_BYTES: Final = 32
#: Sixteen, and not the usual twelve. Source: MSP API Tutorial, exercise 20.
_TOKEN_NONCE_BYTES: Final = 16
_TAG_BYTES: Final = 16
_SEAL_NONCE_BYTES: Final = 12
_NONCE_BYTES: Final = 24


@dataclass(frozen=True)
class KeyPair:
    """The keys of one request to sign in."""

    #: Base64 of an uncompressed point, as it stands in `responseEncryptionKey`.
    public: str
    #: The scalar, 48 bytes, the most significant first.
    private: bytes = field(repr=False)


def new_key_pair() -> KeyPair:
    """Make the keys of one request: no two requests have the same.

    Source: MSP API Tutorial, exercise 17.
    """
    key = ec.generate_private_key(_CURVE)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    scalar = key.private_numbers().private_value.to_bytes(_SCALAR_BYTES)
    return KeyPair(base64.b64encode(point).decode(), scalar)


def new_nonce() -> str:
    """Make a text that nobody guesses, as the `state` of a request is: 32 characters fit for URLs.

    Source: MSP API Tutorial, exercise 17; the alphabet of URLs is our choice.
    """
    return secrets.token_urlsafe(_NONCE_BYTES)


def private_from_text(text: str) -> bytes:
    """Read a private key from Base64, in which zeros at its beginning may be left out.

    Raises:
        SignInTokenUnreadable: the text is no Base64, or no key of this length.

    Source: MSP API Tutorial, exercise 17.
    """
    scalar = _decode(text, "the private key")
    if len(scalar) > _SCALAR_BYTES:
        raise SignInTokenUnreadable(f"the private key is longer than {_SCALAR_BYTES} bytes")
    return scalar.rjust(_SCALAR_BYTES, b"\0")


def decrypt_token(token: str, private: bytes) -> str:
    """Decrypt the token of a sign-in, once the private key of its request is at hand.

    Args:
        token: Base64, as it stands in the customer's answer.
        private: scalar; zeros at its beginning may be left out.

    Raises:
        SignInTokenUnreadable: the token does not hold, or is for another key.

    Source: MSP API Tutorial, exercise 20.
    """
    key = _load_private(private)
    if len(token) > TOKEN_LIMIT_CHARS:
        raise SignInTokenUnreadable(f"the token is longer than {TOKEN_LIMIT_CHARS} characters")
    packed = _decode(token, "the token")
    point, sealed = packed[:_POINT_BYTES], packed[_POINT_BYTES:]
    if len(sealed) <= _TAG_BYTES:
        raise SignInTokenUnreadable("the token is too short")
    shared = key.exchange(ec.ECDH(), _load_point(point))
    derived = X963KDF(SHA256(), _KEY_BYTES + _TOKEN_NONCE_BYTES, sharedinfo=point).derive(shared)
    opened = _open(sealed, derived[:_KEY_BYTES], derived[_KEY_BYTES:])
    try:
        return opened.decode()
    except UnicodeDecodeError:  # whose own words would quote what was decrypted
        raise SignInTokenUnreadable("the token holds no text in UTF-8") from None


def seal(plain: bytes, key: bytes) -> bytes:
    """Encrypt what is kept where others might read it, such as a private key in the store.

    Args:
        plain: any bytes.
        key: 32 bytes.
    """
    nonce = secrets.token_bytes(_SEAL_NONCE_BYTES)
    encryptor = Cipher(AES256(key), GCM(nonce)).encryptor()
    return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def unseal(sealed: bytes, key: bytes) -> bytes:
    """Decrypt what `seal` gave.

    Raises:
        SignInTokenUnreadable: it was changed, cut short, or sealed with another key.
    """
    if len(sealed) < _SEAL_NONCE_BYTES + _TAG_BYTES:
        raise SignInTokenUnreadable("what was sealed is too short")
    return _open(sealed[_SEAL_NONCE_BYTES:], key, sealed[:_SEAL_NONCE_BYTES])


def _decode(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SignInTokenUnreadable(f"{what} is no Base64") from error


def _load_private(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        return ec.derive_private_key(int.from_bytes(scalar), _CURVE)
    except ValueError as error:
        raise SignInTokenUnreadable("the private key is none of this curve") from error


def _load_point(point: bytes) -> ec.EllipticCurvePublicKey:
    if not point.startswith(_UNCOMPRESSED):
        raise SignInTokenUnreadable("the token does not begin with an uncompressed point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except ValueError as error:
        raise SignInTokenUnreadable("the token's point is not on the curve") from error


def _open(sealed: bytes, key: bytes, nonce: bytes) -> bytes:
    """Decrypt and verify AES-GCM, the tag being at the end."""
    decryptor = Cipher(AES256(key), GCM(nonce, sealed[-_TAG_BYTES:])).decryptor()
    try:
        return decryptor.update(sealed[:-_TAG_BYTES]) + decryptor.finalize()
    except InvalidTag as error:
        raise SignInTokenUnreadable("it was encrypted for another key, or changed") from error
