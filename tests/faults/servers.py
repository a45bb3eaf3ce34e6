"""A server as the process that is run in earnest, and messages as Apple delivers them."""

import base64
import gzip
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import jwt
import requests

from tests.conftest import BUSINESS_ID, MSP_ID, SECRET, wait_for

ROOT = Path(__file__).parents[2]
READY_LIMIT_S = 60
#: What is printed once a command does what it is for.
FIRST_WORDS = ("Server on ", "Worker for ")
CUSTOMER = "urn:mbid:AQAAY0exampleOpaqueUserIdAbC/dEf+GhI="


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@dataclass
class Server:
    """A process of ours."""

    process: subprocess.Popen
    url: str
    output: Path

    def said(self):
        return self.output.read_text(errors="replace")

    def is_ready(self):
        """Tell whether it says that it can commit."""
        with requests.Session() as web:
            return web.get(f"{self.url}/readyz").status_code == 200

    def ends(self, limit_s):
        """Wait until it has ended, and give its exit code."""
        return self.process.wait(limit_s)


@contextmanager
def running(
    directory: Path,
    gateway_url: str,
    command: Sequence[str] = ("serve",),
    prefix: Sequence[str] = (),
    **settings: object,
) -> Iterator[Server]:
    """Run a command of ours while the block lasts.

    Args:
        directory: where it keeps everything.
        gateway_url: Apple's gateway.
        command: what comes after `python -m msp_server`.
        prefix: what comes before it, such as a program that starts it in another way.
        settings: more of them, by their names without `MSP_`, in lower case.
    """
    with begun(directory, gateway_url, command, prefix, **settings) as server:

        def has_begun():
            assert server.process.poll() is None, server.said()
            return any(words in server.said() for words in FIRST_WORDS)

        wait_for(has_begun, "the server", READY_LIMIT_S)
        yield server


@contextmanager
def begun(
    directory: Path,
    gateway_url: str,
    command: Sequence[str] = ("serve",),
    prefix: Sequence[str] = (),
    **settings: object,
) -> Iterator[Server]:
    """Start a command of ours, which may end by itself at once; otherwise as `running`."""
    port = settings.setdefault("port", free_port())
    output = directory / f"{uuid.uuid4().hex}.txt"
    given = {
        "id": MSP_ID,
        "business_id": BUSINESS_ID,
        "secret": base64.b64encode(SECRET).decode(),
        "gateway": gateway_url,
        "data_dir": directory / "var",
        "agent": "msp_server.agents.echo:agent",
        **settings,
    }
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "msp_server", *command],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                **{f"MSP_{name.upper()}": str(value) for name, value in given.items()},
            },
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield Server(process, f"http://127.0.0.1:{port}", output)
    finally:
        process.kill()
        process.wait()


def connect(server):
    """Open a connection to a server."""
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def is_closed(server):
    """Tell whether its port takes no connection."""
    try:
        connect(server).close()
    except ConnectionRefusedError:
        return True
    return False


def delivery(body, customer=CUSTOMER, message_id=None):
    """Give the headers and the packed body of a text as Apple delivers it."""
    message_id = message_id or str(uuid.uuid4())
    said = {
        "type": "text",
        "id": message_id,
        "v": 1,
        "sourceId": customer,
        "destinationId": BUSINESS_ID,
        "body": body,
    }
    token = jwt.encode({"aud": MSP_ID, "iat": int(time.time())}, SECRET, "HS256")
    headers = {
        "Authorization": f"Bearer {token}",
        "id": message_id,
        "source-id": customer,
        "destination-id": BUSINESS_ID,
        "content-encoding": "gzip",
        "content-type": "application/json",
    }
    return headers, gzip.compress(json.dumps(said).encode())


def post(url, body, **about):
    """Deliver a text as Apple does, and give the answer; `about` as in `delivery`."""
    headers, packed = delivery(body, **about)
    with requests.Session() as web:
        return web.post(f"{url}/message", data=packed, headers=headers, timeout=60)


class Line:
    """A connection that a server has taken, on which a text can be delivered."""

    def __init__(self, server):
        host, port = server.url.removeprefix("http://").split(":")
        self._connection = HTTPConnection(host, int(port), timeout=60)
        self._connection.request("GET", "/healthz")
        assert self._connection.getresponse().read()

    def deliver(self, body, **about):
        """Send a text on its way; `about` as in `delivery`."""
        headers, packed = delivery(body, **about)
        self._connection.request("POST", "/message", packed, headers)

    def answer(self):
        """Wait for the answer's status."""
        with closing(self._connection):
            return self._connection.getresponse().status
