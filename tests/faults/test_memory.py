"""However many requests come, good, refused and huge, the server stays as large as it was."""

import gzip
import subprocess
import sys
import threading
import uuid
from collections import Counter
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
import requests

from tests.bench import stub
from tests.faults.conftest import size
from tests.faults.servers import delivery, free_port, running

#: After how many requests the server has all that it keeps, and after how many it is looked at.
WARM, END = size(2_500, 20_000), size(10_000, 200_000)
#: What it may have grown by meanwhile, MB: a leak of 2 KB a request is more.
LIMIT_MB = size(6, 10)
CLIENTS = 8
CUSTOMERS = 200
LIMIT_S = size(300, 3_000)

BOMB = gzip.compress(bytes(32 * 1024 * 1024), 9)
MIB = 1024 * 1024


@contextmanager
def accepting():
    """Run a gateway that accepts everything, and give its port."""
    port = free_port()
    command = [sys.executable, stub.__file__, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"up\n"
        yield port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def good(number):
    return "POST", "/message", *delivery(f"text {number}", f"urn:mbid:{number % CUSTOMERS}")


def repeated(_number):
    return "POST", "/message", *delivery("again", message_id=str(uuid.UUID(int=1)))


def posting(make_body, **changes):
    """Give a function that makes a request with another body, or other headers."""

    def make(number):
        headers, packed = delivery(f"text {number}")
        return "POST", "/message", headers | changes, make_body(packed)

    return make


#: What comes, in turn: of forty requests thirty are good, and three are huge.
MIXTURE = [
    *[good] * 30,
    repeated,
    posting(bytes, Authorization="Bearer a.b.c"),
    posting(bytes, **{"destination-id": "another"}),
    posting(lambda packed: packed[:-20]),
    posting(lambda _packed: BOMB),
    posting(lambda _packed: bytes(MIB + 1)),
    posting(lambda _packed: bytes(2 * MIB + 1)),
    lambda number: ("GET", f"/{number}", {}, None),
    lambda number: ("GET", f"/fallback/{number}", {}, None),
    lambda _number: ("GET", "/readyz", {}, None),
]


class Clients:
    """Clients who keep their connections, and count what they are answered."""

    def __init__(self, server):
        self.statuses = Counter()
        self._server = server
        self._lock = threading.Lock()
        self._next = 0
        self._errors = []

    def ask(self, until):
        """Send requests until there were so many."""
        threads = [threading.Thread(target=self._run, args=(until,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self._errors == []

    def _run(self, until):
        connection = HTTPConnection(self._server.url.removeprefix("http://"), timeout=60)
        try:
            while (number := self._take(until)) is not None:
                make = MIXTURE[number % len(MIXTURE)]
                status = self._send(connection, *make(number))
                with self._lock:
                    self.statuses[status] += 1
        except (OSError, HTTPException) as error:
            self._errors.append(error)
        finally:
            connection.close()

    def _take(self, until):
        with self._lock:
            if self._next == until:
                return None
            self._next += 1
            return self._next - 1

    def _send(self, connection, method, path, headers, body):
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
        except (BrokenPipeError, ConnectionResetError):
            connection.close()  # it is told no to before the whole of it is sent
            return 413
        answer.read()
        return answer.status


def resident_mb(process):
    """Say how much of the machine's memory a process holds."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (kb,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kb) / 1024


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 300)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is looked up where Linux tells it")
def test_server_is_hardly_larger_after_many_requests(tmp_path, wait_for):
    with (
        accepting() as port,
        running(tmp_path, f"http://127.0.0.1:{port}/v1", log_level="WARNING") as server,
        requests.Session() as web,
    ):
        clients = Clients(server)
        sizes_mb = []
        for until in (WARM, END):
            clients.ask(until)
            wanted = until * 30 // len(MIXTURE) + 1
            count = f"http://127.0.0.1:{port}/count"
            wait_for(lambda: web.get(count).json() >= wanted, "the answers", LIMIT_S)  # noqa: B023
            sizes_mb.append(resident_mb(server.process))

    assert set(clients.statuses) == {200, 400, 403, 404, 413}
    assert clients.statuses[200] == END * 32 // len(MIXTURE)
    grown_mb = sizes_mb[1] - sizes_mb[0]
    assert grown_mb <= LIMIT_MB, sizes_mb
