"""Derive keys for purposes of our own from the secret shared with Apple."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_key(api_secret: bytes, purpose: str, length_bytes: int = 32) -> bytes:
    """Make the key of one purpose; it tells nothing of the secret, nor of other purposes' keys.

    Source: RFC 5869, with SHA-256, no salt, and the purpose as `info`.
    """
    kdf = HKDF(algorithm=SHA256(), length=length_bytes, salt=None, info=purpose.encode())
    return kdf.derive(api_secret)
