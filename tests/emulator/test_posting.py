import gzip
import socket
import threading

import pytest

from msp_server.emulator.posting import ANSWER_LIMIT_BYTES, Poster
from msp_server.emulator.spoilt_requests import Draft


@pytest.fixture
def post(msp):
    poster = Poster()
    draft = Draft({"content-encoding": "gzip"}, gzip.compress(b"{}"), b"{}")
    yield lambda: poster.post(f"{msp.url}/message", draft)
    poster.close()


def test_answer_is_noted(post, msp):
    msp.answer, msp.extra = b'{"a": 1}', [("X-Of", "the MSP")]

    posted = post()

    assert (posted.status, posted.error) == (200, None)
    assert posted.answer.fields == {"a": 1}
    assert posted.answer.headers["x-of"] == "the MSP"


def test_refusal_is_quoted(post, msp):
    msp.status, msp.answer = "403 Forbidden", b" no such token " + b"x" * 500

    posted = post()

    assert posted.status == 403
    assert posted.error.startswith("The MSP answered 403: no such token xxx")
    assert len(posted.error) < 300


def test_answer_is_read_up_to_a_limit(post, msp):
    msp.answer = b"x" * (ANSWER_LIMIT_BYTES + 1)

    posted = post()

    assert posted.answer.cut
    assert len(posted.answer.text) == ANSWER_LIMIT_BYTES


def test_body_breaks_off_in_the_middle_of_what_was_announced():
    got = bytearray()

    def listen(listener):
        connection, _ = listener.accept()
        with connection:
            while more := connection.recv(65536):
                got.extend(more)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        posted = Poster().post(url, Draft({}, b"x" * 1000, b"", broken=True))
        thread.join(5)

    head, _, body = bytes(got).partition(b"\r\n\r\n")
    assert b"content-length: 1000" in head.lower()
    assert body == b"x" * 500
    assert (posted.status, posted.answer) == (None, None)
    assert "closed" in posted.error
