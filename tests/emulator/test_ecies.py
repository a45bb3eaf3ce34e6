import base64
import json
from pathlib import Path

import pytest
from Crypto.PublicKey import ECC

from msp_server.emulator.ecies import KeyUnfit, encrypt_token

FILE = Path(__file__).parents[1] / "data" / "vectors" / "ecies-auth-token.json"
VECTORS = json.loads(FILE.read_text("utf-8"))["vectors"]
KEY = VECTORS[0]["response_encryption_key_base64"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_token_is_encrypted_as_in_the_vector(vector):
    scalar = int(vector["ephemeral_private_scalar_hex"], 16)

    encrypted = encrypt_token(
        vector["plaintext_utf8"],
        vector["response_encryption_key_base64"],
        lambda: ECC.construct(curve="p384", d=scalar),
    )

    assert encrypted == vector["token_base64"]


def test_same_token_is_never_encrypted_the_same_way():
    assert encrypt_token("a", KEY) != encrypt_token("a", KEY)


def point(changed=None, length=97):
    raw = bytearray(base64.b64decode(KEY))
    if changed is not None:
        raw[changed] ^= 1
    return base64.b64encode(bytes(raw[:length])).decode()


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("-----BEGIN PUBLIC KEY-----", 1, "Key is not UTF8"),
        ("é", 1, "Key is not UTF8"),
        (KEY[:-1], 1, "Key is not UTF8"),
        ("BAEC", 2, "Failed creating key"),
        (point(length=96), 2, "Failed creating key"),
        (point(changed=0), 2, "Failed creating key"),
        (point(changed=50), 2, "Failed creating key"),
        (base64.b64encode(b"\x04" + b"\xff" * 96).decode(), 2, "Failed creating key"),
        (base64.b64encode(b"\x04" + bytes(96)).decode(), 2, "Failed creating key"),
    ],
)
def test_what_is_no_key_is_told_as_the_device_tells_it(text, code, message):
    with pytest.raises(KeyUnfit) as caught:
        encrypt_token("a", text)

    assert (caught.value.code, caught.value.message) == (code, message)
