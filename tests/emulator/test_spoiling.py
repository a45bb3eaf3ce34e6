from io import BytesIO

import pytest

from msp_server.emulator.fault_orders import parse_fault
from msp_server.emulator.spoiling import DROP_BYTES, SURPLUS_BYTES, make_body

WHOLE = bytes(range(251)) * 400
SIZE = len(WHOLE)


def spoil(**fault):
    waits = []
    fault = parse_fault(fault) if fault else None
    body = make_body(BytesIO(WHOLE), SIZE, fault, waits.append)
    return body.announced_bytes, list(body.chunks), waits


def test_file_is_given_whole_in_chunks():
    announced, chunks, waits = spoil()

    assert (announced, b"".join(chunks), waits) == (SIZE, WHOLE, [])
    assert len(chunks) > 1


@pytest.mark.parametrize(
    ("do", "announced", "given"),
    [
        ("truncate", SIZE, WHOLE[: SIZE // 2]),
        ("short", SIZE // 2, WHOLE[: SIZE // 2]),
        ("long", SIZE + SURPLUS_BYTES, WHOLE + bytes(SURPLUS_BYTES)),
        ("garble", SIZE, bytes(255 - byte for byte in WHOLE)),
    ],
)
def test_fault_gives_other_bytes(do, announced, given):
    said, chunks, _ = spoil(do=do)

    assert (said, b"".join(chunks)) == (announced, given)


def test_drip_pauses_after_every_drop():
    announced, chunks, waits = spoil(do="drip", delay_s=2)

    assert (announced, b"".join(chunks)) == (SIZE, WHOLE)
    assert {len(chunk) for chunk in chunks[:-1]} == {DROP_BYTES}
    assert waits == [2] * len(chunks)
