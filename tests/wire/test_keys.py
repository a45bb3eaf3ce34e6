"""Keys for purposes of our own."""

import hashlib
import hmac

import pytest

from msp_server.wire.keys import derive_key

SECRET = bytes(range(32))


def test_derive_key_is_hkdf_as_rfc_5869_has_it():
    # Test case 3 of its appendix A: SHA-256, neither salt nor info.
    expected = (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )

    assert derive_key(b"\x0b" * 22, "", 42).hex() == expected


def test_derive_key_takes_the_purpose_as_info():
    extracted = hmac.digest(bytes(32), SECRET, hashlib.sha256)
    expanded = hmac.digest(extracted, "tea for two ☕".encode() + b"\x01", hashlib.sha256)

    assert derive_key(SECRET, "tea for two ☕") == expanded


@pytest.mark.parametrize("length_bytes", [1, 16, 32, 33, 255 * 32])
def test_derive_key_is_as_long_as_asked_for(length_bytes):
    assert len(derive_key(SECRET, "tea", length_bytes)) == length_bytes


def test_derive_key_gives_every_purpose_and_every_secret_its_own():
    keys = {derive_key(secret, purpose) for secret in (SECRET, bytes(32)) for purpose in "ab"}

    assert len(keys) == 4
    assert SECRET not in keys
