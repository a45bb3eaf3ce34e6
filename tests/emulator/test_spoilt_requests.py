import gzip
import time
import zlib

import jwt
import pytest

from msp_server.emulator.fault_kinds import KINDS
from msp_server.emulator.fault_orders import parse_fault
from msp_server.emulator.gzip_bomb import BOMB_BYTES
from msp_server.emulator.packing import pack
from msp_server.emulator.spoilt_requests import TOLD, Draft, Signer, spoil, tell_spoilt

MSP_ID = "an MSP"
SECRET = b"a secret of thirty-two bytes ..."
FIELDS = {"v": 1, "body": "Hello"}
NOW_S = int(time.time())
SIGNER = Signer(MSP_ID, SECRET, NOW_S)
PLAIN = b'{"v":1,"body":"Hello"}'


def spoilt(do, **fields):
    draft = Draft(
        {"authorization": f"Bearer {SIGNER.make_token()}", "id": "7"}, pack(FIELDS), PLAIN
    )
    return draft, spoil(draft, parse_fault({"do": do, "endpoint": "msp"} | fields), SIGNER)


def read(draft, **options):
    token = draft.headers["authorization"].removeprefix("Bearer ")
    return jwt.decode(token, SECRET, algorithms=["HS256"], audience=MSP_ID, **options)


@pytest.mark.parametrize(
    ("do", "error"),
    [
        ("alg_none", jwt.InvalidAlgorithmError),
        ("wrong_secret", jwt.InvalidSignatureError),
        ("wrong_audience", jwt.InvalidAudienceError),
    ],
)
def test_token_does_not_hold(do, error):
    right, wrong = spoilt(do)

    assert read(right)["aud"] == MSP_ID
    with pytest.raises(error):
        read(wrong)
    assert (wrong.packed, wrong.headers["id"]) == (right.packed, "7")


def test_token_without_a_signature_says_so_and_has_the_right_claims():
    _, wrong = spoilt("alg_none")
    token = wrong.headers["authorization"].removeprefix("Bearer ")

    assert jwt.get_unverified_header(token)["alg"] == "none"
    assert token.endswith(".")
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == MSP_ID


def test_stale_token_is_a_day_old():
    _, wrong = spoilt("stale_token")

    assert read(wrong)["iat"] == NOW_S - 24 * 60 * 60


def test_headers_are_left_out():
    assert set(spoilt("no_token")[1].headers) == {"id"}
    assert set(spoilt("no_header", header="id")[1].headers) == {"authorization"}


def test_bad_gzip_begins_as_gzip_does():
    _, wrong = spoilt("bad_gzip")

    assert wrong.packed.startswith(b"\x1f\x8b")
    with pytest.raises((gzip.BadGzipFile, zlib.error)):
        gzip.decompress(wrong.packed)


def test_cut_gzip_ends_too_early():
    right, wrong = spoilt("cut_gzip")

    assert right.packed.startswith(wrong.packed)
    with pytest.raises(EOFError):
        gzip.decompress(wrong.packed)


def test_bomb_tells_what_it_unpacks_to():
    right, wrong = spoilt("gzip_bomb")

    assert right.unpacked_bytes == len(PLAIN)
    assert wrong.unpacked_bytes == BOMB_BYTES + len(PLAIN)


def test_body_that_is_to_break_off_is_marked():
    right, wrong = spoilt("truncate")

    assert (right.broken, wrong.broken) == (False, True)


def test_every_fault_on_the_way_to_the_msp_is_told():
    there = {do for do, kind in KINDS.items() if "msp" in kind.endpoints}

    assert set(TOLD) == there - {"delay"}
    assert tell_spoilt(parse_fault({"do": "no_header"})) == "A fault left the header id out"
