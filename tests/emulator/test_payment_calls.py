import json
from contextlib import contextmanager
from socket import create_server
from threading import Thread

import pytest

from msp_server.emulator.journal import Journal
from msp_server.emulator.msp import Msp
from msp_server.emulator.payment_calls import PaymentCalls, masked, shown_address
from msp_server.emulator.posting import ANSWER_LIMIT_BYTES

SECRET = {"paymentToken": {"a": 1}, "billingContact": {"b": 1}, "shippingContact": {"c": 1}}
FIELDS = {"requestIdentifier": "r-1", "version": "1.0", "payment": SECRET | {"other": 1}}


@pytest.fixture
def notes():
    return Journal()


@pytest.fixture
def calls(notes, msp):
    return PaymentCalls(Msp(msp.url, "an MSP", b"secret" * 6, notes), notes)


def test_call_is_json_without_token_and_cookie(calls, msp):
    msp.answer = b'{"status": "STATUS_SUCCESS"}'

    call = calls.post("ava", f"{msp.url}/paymentGateway/s3cret-token?x=y", FIELDS)

    received = msp.next()
    assert received.packed == json.dumps(FIELDS, separators=(",", ":")).encode()
    assert received.headers[":path"] == "/paymentGateway/s3cret-token"
    assert received.headers["content-type"] == "application/json"
    assert not {"authorization", "cookie"} & received.headers.keys()
    assert (call.status, call.answer, call.error) == (200, {"status": "STATUS_SUCCESS"}, None)
    assert call.path == "/paymentGateway/s3cr…"


def test_journal_has_the_call_without_secrets(calls, msp, notes):
    calls.post("ava", f"{msp.url}/paymentGateway/s3cret-token?x=y", FIELDS)

    (exchange,) = notes.select(lambda _: True)
    assert exchange.url == f"{msp.url}/paymentGateway/s3cr…"
    assert (exchange.direction, exchange.customer, exchange.status) == ("to_msp", "ava", 200)
    assert exchange.jwt is None
    told = {"paymentToken": "…", "billingContact": "…", "shippingContact": "…", "other": 1}
    assert exchange.fields == FIELDS | {"payment": told}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a.example/pay/0123456789", "https://a.example/pay/0123…"),
        ("https://a.example/pay/0123456789?q=1#f", "https://a.example/pay/0123…"),
        ("https://kim:pw@a.example/pay/x", "https://a.example/pay/x…"),
        ("https://a.example/pay/", "https://a.example/pay/…"),
    ],
)
def test_address_is_shown_with_its_last_part_cut(address, shown):
    assert shown_address(address) == shown


def test_mask_leaves_what_was_sent_as_it_is():
    assert masked(FIELDS)["payment"]["paymentToken"] == "…"
    assert FIELDS["payment"]["paymentToken"] == {"a": 1}


@pytest.mark.parametrize(
    "address",
    [
        "https://pay.example.com/x",
        "http://192.0.2.1/x",
        "http://127.0.0.1@pay.example.com/x",
        "http://[::1/x",
        "ftp://127.0.0.1/x",
        "",
    ],
)
def test_address_elsewhere_is_not_called(calls, notes, address):
    call = calls.post("ava", address, FIELDS)

    assert (call.status, call.tried) == (None, False)
    assert call.error.startswith("The address is not called: ")
    assert notes.select(lambda _: True) == []


def test_address_of_the_msps_own_origin_is_called(calls, notes):
    calls.msp.url = "http://pay.invalid:8443/base"

    call = calls.post("ava", "http://pay.invalid:8443/paymentGateway/x", FIELDS)

    assert (call.status, call.tried) == (None, True)
    assert call.error.startswith("The MSP did not answer at /paymentGateway/x…")
    assert len(notes.select(lambda _: True)) == 1


def test_redirect_is_an_answer_and_not_followed(calls, msp):
    msp.status, msp.extra = "307 Temporary Redirect", [("Location", f"{msp.url}/elsewhere")]

    call = calls.post("ava", f"{msp.url}/x", FIELDS)

    assert (call.status, call.error) == (307, "The MSP answered 307")
    assert msp.received.qsize() == 1


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (b"{}", {}),
        (b"", None),
        (b"[1]", "[1]"),
        (b"no \xff", "no \ufffd"),
        (b"x" * 1_000, "x" * 200),
        (b'{"a": NaN}', '{"a": NaN}'),
    ],
)
def test_what_is_answered_is_kept_as_it_can_be_read(calls, msp, answer, read):
    msp.answer = answer

    assert calls.post("ava", f"{msp.url}/x", FIELDS).answer == read


def test_endless_answer_is_none(calls, msp):
    msp.answer = b" " * (ANSWER_LIMIT_BYTES + 1)

    call = calls.post("ava", f"{msp.url}/x", FIELDS)

    assert call.status is None
    assert "no end within 65,536 bytes" in call.error


@contextmanager
def answering(said):
    """Answer one request with these bytes, whatever it is, and hang up."""

    def answer():
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(said)

    with create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x/y"
        thread.join()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"what?",
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n50\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
    ],
)
def test_broken_answer_is_none(calls, said):
    with answering(said) as address:
        call = calls.post("ava", address, FIELDS)

    assert (call.status, call.answer, call.tried) == (None, None, True)
    assert call.error.startswith("The MSP did not answer at /x/y…: ")


def test_msp_that_does_not_run_gives_no_answer(calls):
    call = calls.post("ava", "http://127.0.0.1:1/x", FIELDS)

    assert call.error == "The MSP did not answer at /x…: connection refused; is it running?"


def test_several_calls_are_under_way_at_once(calls, msp):
    msp.may_answer.clear()
    posting = Thread(target=calls.post_at_once, args=("ava", f"{msp.url}/x", FIELDS, 5))

    posting.start()
    bodies = {msp.next().packed for _ in range(5)}  # all have come in before any is answered
    msp.may_answer.set()
    posting.join()

    assert len(bodies) == 1
