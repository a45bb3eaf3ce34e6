"""The programs that are measured, each in a process of its own."""

import base64
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

BENCH = Path(__file__).parent
ROOT = BENCH.parents[1]
MSP_ID = "11112222-3333-4444-5555-666677778888"
BUSINESS_ID = "0f0e0d0c-0b0a-0908-0706-050403020100"
SECRET = bytes(range(32))
_START_LIMIT_S = 30


def free_port():
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def environment(directory, **variables):
    """Give the environment of one of our processes: only these settings, and this source."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MSP_", "CSP_", "BIZ_"))
    }
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "MSP_ID": MSP_ID,
        "MSP_BUSINESS_ID": BUSINESS_ID,
        "MSP_SECRET": base64.b64encode(SECRET).decode(),
        "MSP_GATEWAY": "http://127.0.0.1:9/v1",
        "MSP_AGENT": "msp_server.agents.echo:agent",
        "MSP_DATA_DIR": str(directory),
        **{name: str(value) for name, value in variables.items()},
    }


def end_what_was_started():
    """Let SIGTERM end this process as Ctrl-C does, so that what it started ends too."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))


@contextmanager
def process(arguments, directory, **variables):
    """Run Python until the block ends; the process is up once it has printed a line."""
    with (Path(directory) / "log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=directory,
            env=environment(directory, **variables),
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        if not running.stdout.readline():
            raise SystemExit((Path(directory) / "log").read_text()[-2000:])
        yield running
    finally:
        running.terminate()
        running.wait()
        running.stdout.close()


def cpu_s(running):
    """Give how long a process has kept a core busy, seconds; None where the system does not say."""
    try:
        told = Path(f"/proc/{running.pid}/stat").read_text()
    except OSError:
        return None
    ticks = told.rpartition(")")[2].split()[11:13]  # in its own code, and in the kernel for it
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A server that listens."""

    port: int
    process: subprocess.Popen


@contextmanager
def server(directory, *options, **variables):
    """Run `serve`."""
    port = free_port()
    arguments = ["-m", "msp_server", "serve", *options]
    with process(arguments, directory, MSP_PORT=port, **variables) as running:
        yield Server(port, running)


@contextmanager
def plain_server(name, directory):
    """Run one of the handlers beside ours under the same server."""
    port = free_port()
    with process([str(BENCH / "plain.py"), name, str(port)], directory) as running:
        yield Server(port, running)


class Stub:
    """The smallest gateway there can be, in its process."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}/v1"
        self._web = requests.Session()
        self._web.trust_env = False

    def count(self):
        """Give how many messages it has accepted."""
        return self._ask("count")

    def arrivals(self):
        """Give when each text arrived, by its words; seconds of `time.monotonic`."""
        return self._ask("arrivals")

    def reset(self, **mode):
        """Forget all, and behave as told: `status` of every answer, `delay_s` before it."""
        query = "&".join(f"{name}={value}" for name, value in mode.items())
        self._ask(f"reset?{query}")

    def wait_for(self, count, limit_s):
        """Wait until it has accepted so many; give how many it has."""
        deadline = time.monotonic() + limit_s
        while (accepted := self.count()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return accepted

    def close(self):
        """Close the connection to it."""
        self._web.close()

    def _ask(self, what):
        answer = self._web.get(f"http://127.0.0.1:{self.port}/{what}")
        answer.raise_for_status()
        return answer.json()


@contextmanager
def stub_gateway():
    """Run the stub of the gateway."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as directory,
        process([str(BENCH / "stub.py"), str(port)], directory),
    ):
        stub = Stub(port)
        try:
            yield stub
        finally:
            stub.close()
