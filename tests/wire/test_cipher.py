import base64
import itertools
import json
import random
from pathlib import Path

import pytest
from Crypto.Cipher import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from msp_server.errors import AttachmentError, KeyUnreadable
from msp_server.wire.cipher import (
    CHUNK_BYTES,
    KEY_BYTES,
    decrypt,
    encrypt,
    key_to_wire,
    new_key,
    parse_key,
)

DATA = json.loads(
    (Path(__file__).parents[1] / "data" / "vectors" / "aes-256-ctr.json").read_text("utf-8")
)
VECTORS = DATA["vectors"]
NOT_KEYS = [case for case in DATA["negative"] if "key_field" in case]
[ASCII_ZEROS] = [case for case in DATA["negative"] if "iv_hex" in case]
KEY_TEXT = VECTORS[0]["key_field_lower"]
KEY = bytes.fromhex(VECTORS[0]["key_hex"])
SIZES = [0, 1, 15, 16, 17, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5_000_000]


def named(cases):
    return [pytest.param(case, id=case["name"]) for case in cases]


def cut(whole, places):
    """Cut bytes into chunks at these places, some of which may be empty."""
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[start:end] for start, end in itertools.pairwise(edges)]


def other_cipher(key, iv=bytes(16)):
    """Make the other library's cipher, from which ours must not differ."""
    return AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=iv)


# Vectors


@pytest.mark.parametrize("vector", named(VECTORS))
def test_encrypt_gives_the_bytes_of_the_vector(vector):
    plain = base64.b64decode(vector["plaintext_base64"])

    encrypted = b"".join(encrypt([plain], bytes.fromhex(vector["key_hex"])))

    assert base64.b64encode(encrypted).decode() == vector["ciphertext_base64"]


@pytest.mark.parametrize("vector", named(VECTORS))
def test_decrypt_gives_the_bytes_of_the_vector(vector):
    encrypted = base64.b64decode(vector["ciphertext_base64"])

    plain = b"".join(decrypt([encrypted], parse_key(vector["key_field_upper"])))

    assert base64.b64encode(plain).decode() == vector["plaintext_base64"]


@pytest.mark.parametrize("vector", named(VECTORS))
def test_stream_begins_with_the_first_block_of_the_vector(vector):
    (block,) = encrypt([bytes(16)], bytes.fromhex(vector["key_hex"]))

    assert block.hex() == vector["first_keystream_block_hex"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["plaintext_length"]])
def test_the_first_block_is_not_sixteen_times_the_digit_0(vector):
    key, iv = bytes.fromhex(vector["key_hex"]), bytes.fromhex(ASCII_ZEROS["iv_hex"])
    plain = base64.b64decode(vector["plaintext_base64"])
    trapped = other_cipher(key, iv).encrypt(plain)

    assert iv == b"0" * 16
    assert b"".join(decrypt([trapped], key)) != plain


# Keys


@pytest.mark.parametrize("spelling", ["key_field_lower", "key_field_upper"])
@pytest.mark.parametrize("vector", named(VECTORS))
def test_parse_key_takes_either_case(vector, spelling):
    assert parse_key(vector[spelling]).hex() == vector["key_hex"]


@pytest.mark.parametrize("vector", named(VECTORS))
def test_key_is_written_in_lower_case(vector):
    assert key_to_wire(parse_key(vector["key_field_upper"])) == vector["key_field_lower"]


@pytest.mark.parametrize("case", named(NOT_KEYS))
def test_parse_key_refuses_what_the_vectors_refuse(case):
    with pytest.raises(KeyUnreadable):
        parse_key(case["key_field"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        KEY_TEXT[:-1],
        KEY_TEXT[:-2],
        f"{KEY_TEXT}0",
        f"{KEY_TEXT}\n",
        f" {KEY_TEXT}",
        f"01{KEY_TEXT[2:]}",
        f"0x{KEY_TEXT[2:]}",
        f"{KEY_TEXT[:-1]}g",
        f"{KEY_TEXT[:-1]}\u0663",
        f"{KEY_TEXT[:-2]} 0",
        f"{KEY_TEXT}{KEY_TEXT}",
    ],
)
def test_parse_key_refuses_what_is_not_00_and_64_hex_digits(text):
    with pytest.raises(KeyUnreadable):
        parse_key(text)


def test_refused_key_is_the_attachments_fault_and_is_not_told():
    with pytest.raises(AttachmentError) as refused:
        parse_key(f"{KEY_TEXT}0")

    assert KEY_TEXT[4:] not in f"{refused.value!r} {refused.value}"


@pytest.mark.parametrize("key", [bytes(31), bytes(16), bytes(33), b""])
def test_encrypt_takes_no_key_of_another_length(key):
    with pytest.raises(ValueError, match="key size"):
        list(encrypt([b"abc"], key))


def test_new_keys_have_32_bytes_and_are_all_different():
    keys = {new_key() for _ in range(100)}

    assert (len(keys), {len(key) for key in keys}) == (100, {KEY_BYTES})


@given(key=st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_every_key_is_read_as_it_was_written(key):
    assert parse_key(key_to_wire(key)) == key


# Streams


@pytest.mark.parametrize("size", SIZES)
@settings(max_examples=8, deadline=None)
@given(key=st.binary(min_size=32, max_size=32), seed=st.integers(0, 2**32), data=st.data())
def test_bytes_cut_anywhere_are_read_by_the_other_library_and_back(size, key, seed, data):
    plain = random.Random(seed).randbytes(size)  # noqa: S311 - a sample, not a secret
    places = data.draw(st.lists(st.integers(0, size), max_size=12))

    encrypted = b"".join(encrypt(cut(plain, places), key))

    assert encrypted == other_cipher(key).encrypt(plain)
    assert b"".join(decrypt(cut(encrypted, places[::-2]), key)) == plain


@given(chunks=st.lists(st.binary(max_size=40), max_size=8))
def test_each_chunk_comes_out_as_long_as_it_went_in(chunks):
    assert [len(chunk) for chunk in encrypt(chunks, KEY)] == [len(chunk) for chunk in chunks]


def test_a_chunk_is_taken_when_its_turn_comes_and_not_before():
    taken = []

    def chunks():
        for number in range(3):
            taken.append(number)
            yield b"x"

    encrypted = encrypt(chunks(), KEY)
    next(encrypted)

    assert taken == [0]


def test_two_streams_of_one_key_begin_alike():
    assert list(encrypt([b"abc", b"def"], KEY)) == list(encrypt([b"abc", b"def"], KEY))


def test_a_wrong_key_gives_other_bytes_of_the_same_length():
    encrypted = list(encrypt([b"hello, world"], KEY))

    plain = b"".join(decrypt(encrypted, bytes(32)))

    assert (plain != b"hello, world", len(plain)) == (True, 12)
