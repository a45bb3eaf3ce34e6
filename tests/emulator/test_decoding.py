import gzip

import pytest

from msp_server.emulator.payloads import pack_payload

APPLE_BID = (
    "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"
    "com.apple.icloud.apps.messages.business.extension"
)
INTERACTIVE = {"bid": APPLE_BID, "sessionIdentifier": "s", "data": {"listPicker": {}}}


def test_payload_is_decoded_to_interactive_data(mover):
    answer = mover.decode(pack_payload(INTERACTIVE))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "content-encoding" not in answer.headers
    assert answer.json() == INTERACTIVE


def test_gzip_layer_may_be_taken_off(mover):
    payload = gzip.decompress(pack_payload(INTERACTIVE))

    assert mover.decode(payload).json() == INTERACTIVE


def test_answer_may_have_interactive_data_on_top(mover, set_switches):
    set_switches(decode_answer="interactiveData")

    assert mover.decode(pack_payload(INTERACTIVE)).json() == {"interactiveData": INTERACTIVE}


def test_answer_may_be_compressed_for_who_accepts_that(mover, set_switches):
    set_switches(decode_gzip=True)

    compressed = mover.decode(pack_payload(INTERACTIVE), accept_encoding="gzip, deflate")
    plain = mover.decode(pack_payload(INTERACTIVE), accept_encoding="identity")

    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.json() == plain.json() == INTERACTIVE
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("payload", [b"", b"\x91 still encrypted", b"{}", b"\x1f\x8b"])
def test_other_bytes_are_refused(mover, refused_by, payload):
    rule, reason = refused_by(mover.decode(payload), 400)

    assert rule == "payload-unreadable"
    assert "decrypted with the key of the reference" in reason


def test_missing_bid_is_refused(mover, refused_by):
    answer = mover.decode(pack_payload(INTERACTIVE), bid=None)

    assert refused_by(answer, 400)[0] == "header-missing"


def test_bid_of_something_else_is_refused(mover, refused_by):
    rule, reason = refused_by(mover.decode(pack_payload(INTERACTIVE), bid="x:y:z"), 400)

    assert rule == "bid-differs"
    assert "copy bid of the same reference" in reason


def test_bid_in_the_place_of_the_business_is_refused(mover, refused_by):
    answer = mover.decode(pack_payload(INTERACTIVE), Source_Id=APPLE_BID)

    assert refused_by(answer, 403)[0] == "business-unknown"


def test_body_over_the_reading_limit_is_413(mover, refused_by):
    assert refused_by(mover.decode(bytes(6 * 1024 * 1024 + 1)), 413)[0] == "request-too-large"


def test_payload_is_not_in_the_journal(mover, journal):
    payload = gzip.decompress(pack_payload(INTERACTIVE))

    mover.decode(payload)

    exchange = journal()[-1]
    assert (exchange["fields"], exchange["packed_bytes"]) == (None, len(payload))
    assert exchange["headers"]["bid"] == APPLE_BID


@pytest.mark.parametrize("do", ["status", "drop", "delay"])
def test_fault_befalls_decoding(mover, order_fault, journal, do):
    order_fault(do, endpoint="decodePayload", delay_s=0.02)
    try:
        status = mover.decode(pack_payload(INTERACTIVE)).status_code
    except OSError:
        status = None

    assert status == {"status": 503, "drop": None, "delay": 200}[do]
    assert journal()[-1]["rule"] == "fault"
