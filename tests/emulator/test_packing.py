import gzip

import pytest

from msp_server.emulator.packing import Unreadable, pack, unpack


def test_packed_fields_are_gzip_of_compact_utf8():
    assert gzip.decompress(pack({"body": "é", "v": 1})) == '{"body":"é","v":1}'.encode()


def test_unpack_reads_what_was_packed():
    fields = {"a": [1, {"b": None}], "ü": "👋"}

    assert unpack(gzip.decompress(pack(fields))) == fields


@pytest.mark.parametrize(
    "packed", [b"", b"[]", b"null", b"\xff", b'{"a":Infinity}', b'{"a":1e999}', b"{}{}"]
)
def test_unpack_refuses_what_is_no_json_object(packed):
    with pytest.raises(Unreadable):
        unpack(packed)


@pytest.mark.parametrize(("levels", "fits"), [(99, True), (100, False)])
def test_unpack_bounds_the_depth(levels, fits):
    packed = b'{"a":' + b"[" * levels + b"]" * levels + b"}"
    if fits:
        assert unpack(packed)
    else:
        with pytest.raises(Unreadable, match="deep"):
            unpack(packed)


@pytest.mark.parametrize(("levels", "fits"), [(4, True), (5, False)])
def test_depth_that_is_let_pass_can_be_another(levels, fits):
    packed = b'{"a":' + b"[" * levels + b"]" * levels + b"}"
    if fits:
        assert unpack(packed, depth_limit=5)
    else:
        with pytest.raises(Unreadable, match="more than 5 levels deep"):
            unpack(packed, depth_limit=5)
