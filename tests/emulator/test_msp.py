import gzip
import json
import socket
import threading
import time

import jwt


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
