import base64
import hashlib
import json
import string
import traceback
from pathlib import Path

import pytest
from Crypto.Cipher import AES
from Crypto.PublicKey import ECC
from hypothesis import given, settings
from hypothesis import strategies as st

from msp_server.errors import MspError, SignInTokenUnreadable
from msp_server.wire.auth_keys import (
    TOKEN_LIMIT_CHARS,
    KeyPair,
    decrypt_token,
    new_key_pair,
    new_nonce,
    private_from_text,
    seal,
    unseal,
)

DATA = json.loads(
    (Path(__file__).parents[1] / "data" / "vectors" / "ecies-auth-token.json").read_text("utf-8")
)
VECTORS = DATA["vectors"]
PUBLISHED = DATA["published_vector"]
TOKEN = VECTORS[0]["token_base64"]
PLAIN = VECTORS[0]["plaintext_utf8"]
PRIVATE = bytes.fromhex(VECTORS[0]["private_scalar_hex"])
KEY = bytes(range(32))
#: The number of points of P-384: no scalar reaches it.
ORDER = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    16,
)
POINT_BYTES = 97
TAG_BYTES = 16


def named(cases):
    return [pytest.param(case, id=case["name"]) for case in cases]


def encrypted(plain, public):
    """Encrypt for a public key as a device does, by another library."""
    point = base64.b64decode(public)
    x, y = int.from_bytes(point[1:49]), int.from_bytes(point[49:])
    theirs = ECC.construct(curve="p384", point_x=x, point_y=y)
    own = ECC.generate(curve="p384")
    own_point = b"\x04" + b"".join(
        int(number).to_bytes(48) for number in (own.pointQ.x, own.pointQ.y)
    )
    shared = int((theirs.pointQ * own.d).x).to_bytes(48)
    derived = b"".join(
        hashlib.sha256(shared + counter.to_bytes(4) + own_point).digest() for counter in (1, 2)
    )
    cipher = AES.new(derived[:32], AES.MODE_GCM, nonce=derived[32:48], mac_len=TAG_BYTES)
    return base64.b64encode(own_point + b"".join(cipher.encrypt_and_digest(plain))).decode()


def changed(token, change):
    """Give a token whose bytes were changed."""
    return base64.b64encode(change(base64.b64decode(token))).decode()


# Keys


def test_new_keys_are_a_point_of_97_bytes_and_a_scalar_of_48():
    pair = new_key_pair()

    point = base64.b64decode(pair.public, validate=True)
    assert (len(pair.public), len(point), point[0], len(pair.private)) == (132, 97, 4, 48)


def test_public_key_belongs_to_the_private_one():
    pair = new_key_pair()

    own = ECC.construct(curve="p384", d=int.from_bytes(pair.private))

    point = base64.b64decode(pair.public)
    assert (int(own.pointQ.x), int(own.pointQ.y)) == (
        int.from_bytes(point[1:49]),
        int.from_bytes(point[49:]),
    )


def test_no_two_requests_have_the_same_keys():
    assert len({new_key_pair().private for _ in range(10)}) == 10


def test_private_key_is_not_shown():
    pair = KeyPair("public", b"\x01secret")

    assert "secret" not in repr(pair)


def test_nonces_are_32_characters_fit_for_addresses_and_all_different():
    nonces = {new_nonce() for _ in range(100)}

    assert (len(nonces), {len(nonce) for nonce in nonces}) == (100, {32})
    assert set("".join(nonces)) <= set(string.ascii_letters + string.digits + "-_")


@pytest.mark.parametrize("vector", named(VECTORS))
def test_private_key_is_read_as_the_samples_keep_it(vector):
    assert private_from_text(vector["private_scalar_base64"]).hex() == vector["private_scalar_hex"]


def test_private_key_without_its_zeros_gets_them_back():
    text = base64.b64encode(b"\x07\x08").decode()

    assert private_from_text(text) == bytes(46) + b"\x07\x08"


@pytest.mark.parametrize(
    "text", ["a", "oqBo*===", "oqBo\n", "ключ", base64.b64encode(bytes(49)).decode()]
)
def test_text_that_is_no_private_key_is_refused(text):
    with pytest.raises(SignInTokenUnreadable, match="the private key"):
        private_from_text(text)


# Vectors


@pytest.mark.parametrize("vector", named(VECTORS))
def test_decrypt_gives_the_text_of_the_vector(vector):
    private = bytes.fromhex(vector["private_scalar_hex"])

    assert decrypt_token(vector["token_base64"], private) == vector["plaintext_utf8"]


def test_decrypt_gives_the_text_of_what_apple_printed():
    private = private_from_text(PUBLISHED["private_key_base64"])

    assert decrypt_token(PUBLISHED["token_base64"], private) == PUBLISHED["plaintext_utf8"]


@pytest.mark.parametrize("case", named(DATA["negative"]))
def test_decrypt_refuses_what_the_vectors_refuse(case):
    with pytest.raises(SignInTokenUnreadable, match="changed"):
        decrypt_token(case["token_base64"], bytes.fromhex(case["private_scalar_hex"]))


# Tokens


@given(text=st.text(min_size=1, max_size=200))
@settings(max_examples=20, deadline=None)
def test_decrypt_reads_what_another_library_encrypted(text):
    pair = new_key_pair()

    assert decrypt_token(encrypted(text.encode(), pair.public), pair.private) == text


def test_private_key_may_come_without_its_zeros():
    own = ECC.construct(curve="p384", d=0x0708)
    point = b"\x04" + b"".join(int(number).to_bytes(48) for number in (own.pointQ.x, own.pointQ.y))
    token = encrypted(b"signed in", base64.b64encode(point).decode())

    assert decrypt_token(token, b"\x07\x08") == "signed in"


def test_token_for_another_key_is_refused():
    with pytest.raises(SignInTokenUnreadable, match="another key"):
        decrypt_token(TOKEN, new_key_pair().private)


@pytest.mark.parametrize(
    "private",
    [b"", bytes(48), ORDER.to_bytes(48), b"\xff" * 48, b"\xff" * 5000],
    ids=["none", "zero", "the order", "beyond", "far beyond"],
)
def test_private_key_that_is_none_is_refused(private):
    with pytest.raises(SignInTokenUnreadable, match="the private key is none"):
        decrypt_token(TOKEN, private)


def test_the_largest_private_key_is_one():
    with pytest.raises(SignInTokenUnreadable, match="another key"):
        decrypt_token(TOKEN, (ORDER - 1).to_bytes(48))


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "too short"),
        ("*", "no Base64"),
        (TOKEN[:-1], "no Base64"),
        (f"{TOKEN}\n", "no Base64"),
        (f" {TOKEN}", "no Base64"),
        (TOKEN.replace("+", "-").replace("/", "_"), "no Base64"),
        (f"{TOKEN[:-4]}ключ", "no Base64"),
        (f"{TOKEN[:-1]}\ud800", "no Base64"),
        ("A" * TOKEN_LIMIT_CHARS, "uncompressed point"),
        ("A" * (TOKEN_LIMIT_CHARS + 4), "longer than 65536 characters"),
        (changed(TOKEN, lambda packed: packed[:POINT_BYTES]), "too short"),
        (changed(TOKEN, lambda packed: packed[: POINT_BYTES + TAG_BYTES]), "too short"),
        (changed(TOKEN, lambda packed: packed[: POINT_BYTES + TAG_BYTES + 1]), "changed"),
        (changed(TOKEN, lambda packed: packed + b"\0"), "changed"),
        (changed(TOKEN, lambda packed: b"\x05" + packed[1:]), "uncompressed point"),
        (changed(TOKEN, lambda packed: b"\x06" + packed[1:]), "uncompressed point"),
        (changed(TOKEN, lambda packed: b"\x04" + bytes(96) + packed[97:]), "not on the curve"),
        (changed(TOKEN, lambda packed: b"\x04" + b"\xff" * 96 + packed[97:]), "not on the curve"),
        (
            changed(TOKEN, lambda packed: packed[:96] + bytes([packed[96] ^ 1]) + packed[97:]),
            "not on the curve",
        ),
    ],
)
def test_token_that_does_not_hold_is_refused(token, why):
    with pytest.raises(SignInTokenUnreadable, match=why):
        decrypt_token(token, PRIVATE)


@given(packed=st.binary(max_size=200), begins_well=st.booleans())
@settings(max_examples=200, deadline=None)
def test_junk_is_refused_and_nothing_else_is_raised(packed, begins_well):
    packed = base64.b64decode(TOKEN)[:POINT_BYTES] + packed if begins_well else packed

    with pytest.raises(SignInTokenUnreadable):
        decrypt_token(base64.b64encode(packed).decode(), PRIVATE)


def test_token_that_holds_no_text_is_refused_without_quoting_it():
    pair = new_key_pair()
    token = encrypted(b"secret\xff", pair.public)

    with pytest.raises(SignInTokenUnreadable, match="UTF-8") as refused:
        decrypt_token(token, pair.private)

    assert "secret" not in "".join(traceback.format_exception(refused.value))


def test_refused_token_is_not_told_and_will_not_hold_later():
    with pytest.raises(MspError) as refused:
        decrypt_token(TOKEN[:-4], PRIVATE)

    told = "".join(traceback.format_exception(refused.value))
    assert (TOKEN[:20] in told, PLAIN in told, refused.value.retryable) == (False, False, False)


# Keeping


@given(plain=st.binary(max_size=100))
def test_what_was_sealed_is_read_back(plain):
    assert unseal(seal(plain, KEY), KEY) == plain


def test_sealed_bytes_are_read_by_another_library():
    sealed = seal(PRIVATE, KEY)

    cipher = AES.new(KEY, AES.MODE_GCM, nonce=sealed[:12])
    assert cipher.decrypt_and_verify(sealed[12:-16], sealed[-16:]) == PRIVATE


def test_sealed_twice_looks_different_and_shows_nothing():
    sealed = {seal(PRIVATE, KEY) for _ in range(10)}

    assert len(sealed) == 10
    assert not any(PRIVATE in one for one in sealed)


@given(place=st.integers(0, 75), bit=st.integers(0, 7))
def test_sealed_bytes_that_were_changed_are_refused(place, bit):
    sealed = bytearray(seal(PRIVATE, KEY))
    sealed[place] ^= 1 << bit

    with pytest.raises(SignInTokenUnreadable):
        unseal(bytes(sealed), KEY)


@pytest.mark.parametrize("length", [0, 12, 27, 28, 75])
def test_sealed_bytes_that_were_cut_short_are_refused(length):
    with pytest.raises(SignInTokenUnreadable):
        unseal(seal(PRIVATE, KEY)[:length], KEY)


def test_sealed_bytes_are_refused_to_another_key():
    with pytest.raises(SignInTokenUnreadable, match="another key"):
        unseal(seal(PRIVATE, KEY), bytes(32))


@pytest.mark.parametrize("length", [0, 16, 24, 33])
def test_seal_takes_no_key_of_another_length(length):
    with pytest.raises(ValueError, match="key size"):
        seal(b"abc", bytes(length))
