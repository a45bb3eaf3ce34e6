"""How serving begins and ends; `tests/faults/test_stopping.py` stops whole processes."""

import socket
import threading
from contextlib import closing, contextmanager, suppress

import pytest
from flask import Flask

from msp_server.web.server import THREADS, bind
from msp_server.web.serving import serving
from tests.conftest import wait_for

DEADLINE_S = 10
GET = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"


class Site:
    """An app whose one route answers when a test says so."""

    def __init__(self):
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)
        app = Flask(__name__)
        app.add_url_rule("/slow", view_func=self._answer_slowly)
        self.server = bind(app, "127.0.0.1", 0)

    def _answer_slowly(self):
        self.begun.release()
        assert self.go_on.wait(DEADLINE_S)
        return "done"

    def connect(self):
        address = ("127.0.0.1", self.server.effective_port)
        return socket.create_connection(address, timeout=DEADLINE_S)

    @contextmanager
    def asking(self, count):
        """Have asked for the slow answer so many times, each over a connection of its own."""
        lines = [self.connect() for _ in range(count)]
        for line in lines:
            line.sendall(GET)
        for _ in range(min(count, THREADS)):
            assert self.begun.acquire(timeout=DEADLINE_S)
        yield lines
        for line in lines:
            line.close()

    def is_closed(self):
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return True
        return False


@pytest.fixture
def site():
    site = Site()
    yield site
    site.go_on.set()


@contextmanager
def stopping(site, grace_s=DEADLINE_S):
    """Serve until the port is closed; go on while the rest is answered, and wait for the end."""
    told = threading.Event()

    def serve():
        with serving(site.server, grace_s):
            told.wait(DEADLINE_S)

    thread = threading.Thread(target=serve)
    thread.start()

    def stop():
        told.set()
        wait_for(site.is_closed)

    yield stop
    stop()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def received(line):
    """Give all that comes until the other side ends the connection."""
    answer = b""
    with suppress(ConnectionResetError):  # what was sent to it and not read is told in this way
        while chunk := line.recv(65536):
            answer += chunk
    return answer


def test_serving_answers(site):
    site.go_on.set()

    with serving(site.server, DEADLINE_S), closing(site.connect()) as line:
        line.sendall(GET)
        answer = line.recv(65536)

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_serving_closes_the_port_at_its_end(site):
    with serving(site.server, DEADLINE_S):
        assert not site.is_closed()

    assert site.is_closed()


@pytest.mark.parametrize("count", [1, THREADS, 2 * THREADS])
def test_what_has_come_in_is_answered_after_the_end(site, count):
    with stopping(site) as stop, site.asking(count) as lines:
        stop()
        site.go_on.set()
        answers = [received(line) for line in lines]

    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)


def test_no_further_request_of_a_connection_is_begun_after_the_end(site):
    with stopping(site) as stop, site.asking(1) as (line,):
        stop()
        line.sendall(GET)
        site.go_on.set()
        answers = received(line)

    assert answers.count(b"HTTP/1.1 200 ") == 1
    assert not site.begun.acquire(blocking=False)


def test_connections_that_say_nothing_hold_nothing_up(site):
    with (
        stopping(site, grace_s=1000) as stop,
        closing(site.connect()) as idle,
        closing(site.connect()) as half,
    ):
        half.sendall(GET[:10])
        stop()

        assert (received(idle), received(half)) == (b"", b"")


def test_what_takes_too_long_is_cut_off(site):
    with stopping(site, grace_s=0.1) as stop, site.asking(1) as (line,):
        stop()
        answer = received(line)

    assert answer == b""


def test_a_server_that_ends_by_itself_says_so(site, monkeypatch):
    def fail(_server, _timeout_s):
        raise RuntimeError

    monkeypatch.setattr("msp_server.web.serving._turn", fail)
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)

    with serving(site.server, DEADLINE_S) as ended:
        assert ended.wait(DEADLINE_S)

    site.server.close()
