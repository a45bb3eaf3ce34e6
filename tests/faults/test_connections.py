"""Clients who are connected and say nothing, or a byte now and then."""

import resource
import selectors
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest

from tests.faults.servers import connect, delivery, post, running

pytestmark = pytest.mark.slow

IDLE = 1000
SLOW = 200
#: How often each slow client sends a byte.
BYTE_EVERY_S = 0.5
TRIES = 10
ANSWER_LIMIT_S = 1.0


@pytest.fixture(autouse=True)
def _many_files():
    """Let this process have as many sockets as it needs."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * (IDLE + SLOW)
    if before[1] != resource.RLIM_INFINITY and before[1] < wanted:
        pytest.skip(f"this system lets a process have {before[1]} files open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, before[0]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def server(apple, tmp_path):
    with running(tmp_path, f"{apple.url}/v1", ["serve", "--web-only"]) as server:
        yield server


def request_bytes(body):
    headers, packed = delivery(body)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /message HTTP/1.1", "Host: msp", *lines, f"Content-Length: {len(packed)}"]
    return "\r\n".join([*head, "", ""]).encode() + packed


class Slow:
    """Clients who send a byte of a good request now and then, the half of them of its body."""

    def __init__(self, connections):
        self._connections = connections
        self._requests = [request_bytes(f"slow {number}") for number in range(len(connections))]
        self._sent = []
        for number, (connection, request) in enumerate(
            zip(connections, self._requests, strict=True)
        ):
            head_bytes = request.index(b"\r\n\r\n") + 4
            begun_bytes = head_bytes if number % 2 else 4
            connection.sendall(request[:begun_bytes])
            self._sent.append(begun_bytes)
        self.turns = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._stopping.set()
        self._thread.join()

    def _drip(self):
        while not self._stopping.wait(BYTE_EVERY_S):
            for number, connection in enumerate(self._connections):
                at = self._sent[number]
                connection.sendall(self._requests[number][at : at + 1])
                self._sent[number] += 1
            self.turns += 1

    def finish(self):
        """Send all the rest, and give the first line of each answer."""
        for connection, request, at in zip(
            self._connections, self._requests, self._sent, strict=True
        ):
            connection.sendall(request[at:])
        return {connection.recv(65536).split(b"\r\n")[0] for connection in self._connections}


@contextmanager
def connected(server, count):
    with ExitStack() as stack:
        yield [stack.enter_context(connect(server)) for _ in range(count)]


def timed_post(server, body):
    """Deliver a text, and give the answer's status and how long it took."""
    began = time.monotonic()
    status = post(server.url, body).status_code
    return status, time.monotonic() - began


def are_open(connections):
    """Tell whether the server has closed none of them."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        return not selector.select(0)


def test_thousand_idle_and_two_hundred_slow_clients_keep_nobody_waiting(server, wait_for):
    with connected(server, IDLE) as idle, connected(server, SLOW) as slow_ones:
        with Slow(slow_ones) as slow:
            wait_for(lambda: slow.turns >= 2, "slow clients", 60)
            tries = [timed_post(server, f"new {number}") for number in range(TRIES)]
            all_open = are_open([*idle, *slow_ones])
        slow_answers = slow.finish()

    assert [status for status, _ in tries] == [200] * TRIES
    assert min(took_s for _, took_s in tries) < ANSWER_LIMIT_S
    assert all_open
    assert slow_answers == {b"HTTP/1.1 200 OK"}
