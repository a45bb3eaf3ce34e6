import base64
import gzip
import hashlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msp_server.errors import RequestTooLarge, RequestUnreadable
from msp_server.wire.packing import NESTING_LIMIT, read_bounded, unpack

ANYTHING = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "vectors" / "gzip-body.json").read_text("utf-8")
)
REFUSED = [case for case in VECTORS["negative"] if case["expected"] == "400"]
FIELDS = {"type": "text", "body": "Grüße 👋"}
PLAIN = json.dumps(FIELDS).encode()
PACKED = gzip.compress(PLAIN, mtime=0)
LIMIT = 64 * 1024

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


class Pieces:
    """A stream that gives small pieces and remembers how much was taken of it."""

    def __init__(self, content, piece_bytes=7):
        self._content = io.BytesIO(content)
        self._piece_bytes = piece_bytes
        self.taken_bytes = 0

    def read(self, size, /):
        piece = self._content.read(min(size, self._piece_bytes))
        self.taken_bytes += len(piece)
        return piece


class Endless:
    """A stream that always gives as much as it is asked for."""

    def __init__(self):
        self.taken_bytes = 0

    def read(self, size, /):
        self.taken_bytes += size
        return b"x" * size


def nested(depth, innermost=""):
    """Write an object with lists in each other, `depth` levels in all."""
    return b'{"a":' + b"[" * (depth - 1) + innermost.encode() + b"]" * (depth - 1) + b"}"


# What is read of a stream


@pytest.mark.parametrize("length", [0, 1, 99, 100])
def test_read_bounded_gives_all_of_a_stream_up_to_the_limit(length):
    content = b"x" * length

    assert read_bounded(Pieces(content), 100) == content


def test_read_bounded_refuses_one_byte_more_than_the_limit():
    with pytest.raises(RequestTooLarge, match="100"):
        read_bounded(Pieces(b"x" * 101), 100)


def test_read_bounded_takes_one_byte_beyond_the_limit_at_most():
    stream = Pieces(b"x" * 1000)

    with pytest.raises(RequestTooLarge):
        read_bounded(stream, 100)

    assert stream.taken_bytes == 101


def test_read_bounded_asks_for_one_byte_beyond_the_limit_at_most():
    stream = Endless()

    with pytest.raises(RequestTooLarge):
        read_bounded(stream, 100)

    assert stream.taken_bytes == 101


# Vectors


def test_unpack_gives_the_object_of_the_gzip_vector():
    assert unpack(base64.b64decode(VECTORS["gzip_base64"]), LIMIT) == VECTORS["json"]


def test_unpack_gives_the_object_of_the_vector_with_two_members():
    packed = base64.b64decode(VECTORS["gzip_two_members_base64"])

    assert unpack(packed, LIMIT) == VECTORS["json"]


def test_unpack_gives_the_object_of_the_plain_vector():
    plain = {case["name"]: case for case in VECTORS["negative"]}["plain-json-no-gzip"]

    assert unpack(base64.b64decode(plain["base64"]), LIMIT) == VECTORS["json"]


def test_vectors_say_what_they_unpack_to():
    plain = base64.b64decode(VECTORS["utf8_base64"])

    assert hashlib.sha256(plain).hexdigest() == VECTORS["utf8_sha256"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_unpack_refuses_vector(case):
    with pytest.raises(RequestUnreadable):
        unpack(base64.b64decode(case["base64"]), LIMIT)


# Packing


def test_unpack_gives_the_object_of_a_gzip_body():
    assert unpack(PACKED, LIMIT) == FIELDS


def test_unpack_gives_the_object_of_a_body_that_a_proxy_unpacked():
    assert unpack(PLAIN, LIMIT) == FIELDS


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_unpack_passes_over_a_byte_order_mark(pack):
    assert unpack(pack(b"\xef\xbb\xbf" + PLAIN), LIMIT) == FIELDS


@pytest.mark.parametrize("cut", [0, 1, len(PLAIN) // 2, len(PLAIN)])
def test_unpack_joins_the_members_of_a_gzip_body(cut):
    packed = gzip.compress(PLAIN[:cut]) + gzip.compress(PLAIN[cut:])

    assert unpack(packed, LIMIT) == FIELDS


def test_unpack_reads_sixteen_members():
    packed = b"".join(gzip.compress(PLAIN[i : i + 1]) for i in range(15))
    packed += gzip.compress(PLAIN[15:])

    assert unpack(packed, LIMIT) == FIELDS


def test_unpack_refuses_more_than_sixteen_members():
    packed = PACKED + gzip.compress(b"") * 16

    with pytest.raises(RequestUnreadable, match="16 members"):
        unpack(packed, LIMIT)


def test_unpack_passes_over_nul_bytes_after_the_gzip():
    assert unpack(PACKED + b"\0" * 100, LIMIT) == FIELDS


@pytest.mark.parametrize("garbage", [b"x", b"\0x", b"\x1f\x8b", PLAIN])
def test_unpack_refuses_anything_else_after_the_gzip(garbage):
    with pytest.raises(RequestUnreadable, match="gzip"):
        unpack(PACKED + garbage, LIMIT)


@pytest.mark.parametrize("length", range(2, len(PACKED)))
def test_unpack_refuses_a_gzip_body_cut_short(length):
    with pytest.raises(RequestUnreadable, match="gzip"):
        unpack(PACKED[:length], LIMIT)


@pytest.mark.parametrize("at", [2, 10, len(PACKED) - 8, len(PACKED) - 4])
def test_unpack_refuses_a_damaged_gzip_body(at):
    damaged = PACKED[:at] + bytes([PACKED[at] ^ 0xFF]) + PACKED[at + 1 :]

    with pytest.raises(RequestUnreadable, match="damaged gzip"):
        unpack(damaged, LIMIT)


# Size


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_unpack_accepts_a_body_exactly_at_the_limit(pack):
    assert unpack(pack(PLAIN), len(PLAIN)) == FIELDS


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_unpack_refuses_a_body_one_byte_past_the_limit(pack):
    with pytest.raises(RequestTooLarge, match=str(len(PLAIN) - 1)):
        unpack(pack(PLAIN), len(PLAIN) - 1)


def test_unpack_accepts_members_that_are_at_the_limit_together():
    packed = gzip.compress(PLAIN[:5]) + gzip.compress(PLAIN[5:]) + gzip.compress(b"")

    assert unpack(packed, len(PLAIN)) == FIELDS


def test_unpack_refuses_members_that_pass_the_limit_together():
    packed = gzip.compress(PLAIN[:5]) + gzip.compress(PLAIN[5:])

    with pytest.raises(RequestTooLarge):
        unpack(packed, len(PLAIN) - 1)


def test_unpack_refuses_a_small_body_that_unpacks_to_a_large_one():
    bomb = gzip.compress(b" " * 50_000_000)

    with pytest.raises(RequestTooLarge, match=str(LIMIT)):
        unpack(bomb, LIMIT)


def test_unpack_stops_at_the_limit_before_it_meets_the_damage_behind():
    damaged = gzip.compress(b" " * 5_000_000)[:-8] + b"damaged!"

    with pytest.raises(RequestTooLarge):
        unpack(damaged, LIMIT)


# JSON


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b"true", b'[{"type":"text"}]'])
def test_unpack_refuses_json_that_is_no_object(body):
    with pytest.raises(RequestUnreadable, match="not an object"):
        unpack(body, LIMIT)


@pytest.mark.parametrize("body", [b"", b" ", b"hello", b"{", b"{'a':1}", b'{"a":1}x', b"\0"])
def test_unpack_refuses_what_is_no_json(body):
    with pytest.raises(RequestUnreadable, match="no JSON"):
        unpack(body, LIMIT)


@pytest.mark.parametrize("body", [b'{"a":"\xff"}', '{"a":1}'.encode("utf-16"), b"\x1f{}"])
def test_unpack_refuses_json_that_is_not_in_utf_8(body):
    with pytest.raises(RequestUnreadable):
        unpack(body, LIMIT)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400 + ".0", "NaN", "Infinity"])
def test_unpack_refuses_a_number_that_is_not_finite(number):
    with pytest.raises(RequestUnreadable, match="no JSON"):
        unpack(f'{{"a":{number}}}'.encode(), LIMIT)


def test_unpack_refuses_a_number_of_5000_digits():
    with pytest.raises(RequestUnreadable, match="no JSON"):
        unpack(f'{{"a":{"9" * 5000}}}'.encode(), LIMIT)


@pytest.mark.parametrize("innermost", ["", "1", '"["'])
def test_unpack_accepts_nesting_at_the_limit(innermost):
    assert "a" in unpack(nested(NESTING_LIMIT, innermost), LIMIT)


@pytest.mark.parametrize("depth", [NESTING_LIMIT + 1, 500, 100_000])
def test_unpack_refuses_nesting_past_the_limit(depth):
    with pytest.raises(RequestUnreadable, match="nests deeper than 64"):
        unpack(nested(depth), 1_000_000)


def test_unpack_counts_levels_and_not_brackets():
    body = b'{"a":[],"b":' + b"[" * (NESTING_LIMIT - 1) + b"1" + b"]" * (NESTING_LIMIT - 1) + b"}"

    assert "b" in unpack(body, LIMIT)


def test_unpack_refuses_objects_that_nest_past_the_limit():
    body = b'{"a":' * (NESTING_LIMIT + 1) + b"1" + b"}" * (NESTING_LIMIT + 1)

    with pytest.raises(RequestUnreadable, match="nests deeper"):
        unpack(body, LIMIT)


def test_unpack_accepts_many_lists_beside_each_other():
    body = json.dumps({"a": [[] for _ in range(1000)]}).encode()

    assert len(unpack(body, LIMIT)["a"]) == 1000


def test_unpack_accepts_brackets_in_a_text():
    assert unpack(json.dumps({"a": "[{" * 1000}).encode(), LIMIT) == {"a": "[{" * 1000}


# Characters


@pytest.mark.parametrize("half", [r"\ud800", r"\uDBFF", r"\udc00", r"\uDFFF", r"\ud800\ud800"])
def test_unpack_puts_a_question_mark_for_half_of_a_surrogate_pair(half):
    fields = unpack(f'{{"a":"x{half}y"}}'.encode(), LIMIT)

    assert fields == {"a": f"x{'?' * half.count(chr(92))}y"}


def test_unpack_puts_a_question_mark_for_half_of_a_surrogate_pair_in_a_name():
    assert unpack(rb'{"\udfff":[{"\ud800":1}]}', LIMIT) == {"?": [{"?": 1}]}


@pytest.mark.parametrize("body", [r'{"a":"\ud83d\udc4b"}', r'{"a":"\uD83D\uDC4B"}', '{"a":"👋"}'])
def test_unpack_keeps_a_whole_surrogate_pair(body):
    assert unpack(body.encode(), LIMIT) == {"a": "👋"}


def test_unpack_keeps_the_text_of_an_escape_that_is_none():
    assert unpack(rb'{"a":"\\ud800"}', LIMIT) == {"a": r"\ud800"}


def test_unpack_keeps_nul():
    assert unpack(rb'{"a":"x\u0000y"}', LIMIT) == {"a": "x\0y"}


# Anything


@ANYTHING
@given(st.binary())
@pytest.mark.parametrize("start", [b"", b"\x1f\x8b", PACKED[:10], PACKED], ids=len)
def test_unpack_raises_nothing_but_its_two_refusals(start, tail):
    try:
        fields = unpack(start + tail, LIMIT)
    except (RequestUnreadable, RequestTooLarge):
        return

    assert isinstance(fields, dict)


@ANYTHING
@given(st.binary(), st.integers(0, 50))
def test_unpack_never_gives_more_than_the_limit(content, limit_bytes):
    packed = gzip.compress(content)

    try:
        unpack(packed, limit_bytes)
    except RequestTooLarge:
        assert len(content) > limit_bytes
    except RequestUnreadable:
        assert len(content) <= limit_bytes


@ANYTHING
@given(st.dictionaries(st.text(), JSON_VALUES), st.booleans())
def test_unpack_gives_any_object_back(fields, ensure_ascii):
    packed = gzip.compress(json.dumps(fields, ensure_ascii=ensure_ascii).encode())

    assert unpack(packed, 10 * LIMIT) == fields


def test_unpack_refuses_a_string_of_brackets_because_it_is_no_object():
    with pytest.raises(RequestUnreadable, match="not an object"):
        unpack(json.dumps("[" * (NESTING_LIMIT + 1)).encode(), LIMIT)
