import gzip

import pytest

from msp_server.emulator.packing import Unreadable
from msp_server.emulator.payloads import pack_payload, tell_payload, unpack_payload

INTERACTIVE = {"bid": "a:b:c", "data": {"listPicker": {}}}


def test_payload_is_read_with_its_gzip_layer_and_without():
    packed = pack_payload(INTERACTIVE)

    assert packed.startswith(b"\x1f\x8b")
    assert unpack_payload(packed) == unpack_payload(gzip.decompress(packed)) == INTERACTIVE


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (b"", "not JSON"),
        (b"\x00\xff encrypted", "not UTF-8"),
        (b"\x1f\x8b\x00", "ends early"),
        (b"\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "broken"),
        (pack_payload(INTERACTIVE)[:-1], "ends early"),
        (gzip.compress(bytes(8 * 1024 * 1024 + 1)), "more than 8 MiB"),
        (b"[]", "not an object"),
        (b'{"data": {}}', "no interactive data"),
        (b'{"bid": 7}', "no interactive data"),
    ],
)
def test_other_bytes_are_unreadable(packed, words):
    with pytest.raises(Unreadable, match=words):
        unpack_payload(packed)


def test_answer_has_either_shape():
    assert tell_payload(INTERACTIVE, "data") == INTERACTIVE
    assert tell_payload(INTERACTIVE, "interactiveData") == {"interactiveData": INTERACTIVE}
