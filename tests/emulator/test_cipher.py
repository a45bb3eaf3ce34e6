import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msp_server.emulator.cipher import (
    KeyUnfit,
    decrypt,
    encrypt,
    key_to_wire,
    new_key,
    parse_key,
    start,
)


def cut(text, sizes):
    """Cut bytes into chunks of these sizes, and the rest."""
    for size in sizes:
        yield text[:size]
        text = text[size:]
    yield text


def test_vectors_are_encrypted_and_decrypted_as_they_say(vectors):
    for vector in vectors("aes-256-ctr")["vectors"]:
        plain, encrypted = (
            base64.b64decode(vector[f"{name}_base64"]) for name in ("plaintext", "ciphertext")
        )
        key = parse_key(vector["key_field_upper"])

        assert b"".join(encrypt(cut(plain, [1, 15, 17]), key)) == encrypted
        assert b"".join(decrypt(cut(encrypted, [16]), key)) == plain
        assert start(key).encrypt(bytes(16)).hex() == vector["first_keystream_block_hex"]


def test_key_is_read_in_either_case_and_written_in_lower(vectors):
    for vector in vectors("aes-256-ctr")["vectors"]:
        key = bytes.fromhex(vector["key_hex"])

        assert parse_key(vector["key_field_lower"]) == parse_key(vector["key_field_upper"]) == key
        assert key_to_wire(key) == vector["key_field_lower"]


def test_text_that_is_no_key_is_refused(vectors):
    unfit = [
        each["key_field"] for each in vectors("aes-256-ctr")["negative"] if "key_field" in each
    ]

    for text in [*unfit, "01" + "a" * 64, "00" + "g" * 64, "00" + "a" * 64 + "\n", "", None, 7]:
        with pytest.raises(KeyUnfit, match="00 and 64 hex digits"):
            parse_key(text)


def test_every_file_has_its_own_key():
    assert len({new_key() for _ in range(10)}) == 10
    assert len(new_key()) == 32


@given(text=st.binary(max_size=100), sizes=st.lists(st.integers(0, 20), max_size=5))
def test_any_chunks_give_the_same_bytes(text, sizes):
    key = bytes(range(32))

    encrypted = b"".join(encrypt(cut(text, sizes), key))

    assert encrypted == b"".join(encrypt([text], key))
    assert b"".join(decrypt(cut(encrypted, reversed(sizes)), key)) == text
