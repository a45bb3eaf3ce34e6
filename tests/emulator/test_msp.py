import gzip
import json
import socket
import threading
import time

import jwt
import pytest


def test_requests_to_the_msp_look_like_apples(ava, msp, settings):
    ava.do("text", body="Hello")

    received = msp.next()
    assert received.headers[":path"] == "/message"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["content-encoding"] == "gzip"
    assert received.headers["source-id"] == received.fields["sourceId"]
    assert received.headers["destination-id"] == received.fields["destinationId"]
    assert received.headers["capability-list"] == "LIST,TIME,QUICK,FORM,AUTH,AUTH2"
    text = gzip.decompress(received.packed).decode()
    assert text == json.dumps(received.fields, separators=(",", ":"), ensure_ascii=False)
    token = received.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(
        token, settings.api_secrets[0], algorithms=["HS256"], audience=settings.msp_id
    )
    assert set(claims) == {"aud", "iat"}
    assert abs(claims["iat"] - time.time()) < 5


def test_refusal_of_the_msp_shows_as_not_delivered(ava, msp):
    msp.status, msp.answer = "403 Forbidden", b"no such token"

    receipt = ava.do("text", body="Hello")

    assert (receipt.status_code, receipt.json()["status"]) == (200, 403)
    entry = ava.transcript()["entries"][-1]
    assert entry["status"] == "not delivered"
    assert entry["error"] == "The MSP answered 403: no such token"


def test_redirect_of_the_msp_is_not_followed(ava, msp):
    msp.status, msp.extra = "302 Found", [("Location", f"{msp.url}/elsewhere")]

    ava.do("close")

    assert ava.transcript()["entries"][0]["status"] == "not delivered"
    assert msp.received.qsize() == 1


def test_msp_that_is_not_there_is_502(emulator, ava):
    emulator.msp_url = "http://127.0.0.1:1"

    answer = ava.do("text", body="Hello")

    assert answer.status_code == 502
    assert answer.json()["status"] is None
    assert "connection refused" in answer.json()["error"]
    assert ava.transcript()["entries"][-1]["status"] == "not delivered"


def test_msp_that_hangs_up_in_its_answer_is_502(emulator, ava):
    def hang_up(listener):
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up, args=(listener,))
        thread.start()
        emulator.msp_url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        receipt = ava.do("close")
        thread.join()

    assert receipt.status_code == 502
    assert "closed" in receipt.json()["error"]


@pytest.mark.parametrize(
    "fault",
    [
        ("alg_none", "A fault sent a token without a signature"),
        ("wrong_secret", "A fault signed the token with another secret"),
        ("wrong_audience", "A fault made the token for another MSP"),
        ("stale_token", "A fault sent a token of yesterday"),
    ],
)
def test_token_is_spoilt_by_a_fault(ava, msp, order_fault, settings, journal, fault):
    do, verdict = fault
    order_fault(do, type="text")
    msp.answers = {"/message": ("401 Unauthorized", b"who?")}

    receipt = ava.do("text", body="Hello").json()

    typing, text = msp.next(), msp.next()
    options = {"algorithms": ["HS256"], "audience": settings.msp_id}
    good, bad = (r.headers["authorization"].removeprefix("Bearer ") for r in (typing, text))
    jwt.decode(good, settings.api_secrets[0], **options)
    if do != "stale_token":
        with pytest.raises(jwt.InvalidTokenError):
            jwt.decode(bad, settings.api_secrets[0], **options)
    assert receipt["error"] == "The MSP answered 401: who?"
    exchange = journal()[-1]
    assert (exchange["rule"], exchange["verdict"]) == ("fault", verdict)
    assert exchange["reason"] == f"{verdict}; The MSP answered 401: who?"


def test_header_is_left_out_by_a_fault(ava, msp, order_fault, journal):
    order_fault("no_header", header="destination-id", type="close")
    order_fault("no_token", type="close")

    ava.do("close")
    ava.do("close")
    ava.do("close")

    first, second, third = msp.next(), msp.next(), msp.next()
    assert "destination-id" not in first.headers
    assert "authorization" not in second.headers
    assert {"destination-id", "authorization"} <= third.headers.keys()
    assert journal()[1]["jwt"] is None


def test_body_is_broken_off_by_a_fault(ava, order_fault, emulator, journal):
    got = bytearray()

    def listen(listener):
        connection, _ = listener.accept()
        with connection:
            while more := connection.recv(65536):
                got.extend(more)

    order_fault("truncate", endpoint="msp")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,))
        thread.start()
        emulator.msp_url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        receipt = ava.do("close")
        thread.join(5)

    (exchange,) = journal()
    assert receipt.status_code == 502
    assert exchange["reason"].startswith("A fault broke the body off in the middle; The MSP did")
    assert len(got.partition(b"\r\n\r\n")[2]) == exchange["packed_bytes"] // 2


def test_message_is_sent_twice_by_a_fault(ava, msp, order_fault, journal):
    order_fault("repeat")

    ava.do("close")

    first, second = msp.next(), msp.next()
    assert first.fields == second.fields
    assert [exchange["reason"] for exchange in journal()] == ["A fault sent it twice"] * 2
    assert len(ava.transcript()["entries"]) == 1


def test_delay_of_a_message_ends_when_the_emulator_stops(ava, emulator, msp, order_fault, web):
    order_fault("delay", endpoint="msp", delay_s=60)
    sending = threading.Thread(target=ava.do, args=("close",))
    sending.start()
    while emulator._parts.faults.to_json():
        pass

    emulator._parts.stopping.set()
    sending.join(5)

    assert not sending.is_alive()
    assert msp.next().fields["type"] == "close"


def test_gzip_bomb_is_noted_with_what_it_unpacks_to(ava, emulator, msp, order_fault, journal):
    def refuse(listener):
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as request:
            size = next(int(line[16:]) for line in request if line.startswith(b"Content-Length: "))
            while request.readline() != b"\r\n":
                pass
            request.read(size)
            connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")

    order_fault("gzip_bomb")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        emulator.msp_url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        ava.do("close")
        thread.join(5)

    (exchange,) = journal()
    assert exchange["status"] == 413
    assert exchange["unpacked_bytes"] > 1024**3
    assert exchange["packed_bytes"] < 2 * 1024**2
    assert exchange["fields"]["type"] == "close"
