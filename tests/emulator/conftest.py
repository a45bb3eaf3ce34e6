"""An emulator on a free port, a small MSP that it talks to, and a sender in the MSP's place."""

import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Queue
from threading import Event, Thread
from uuid import uuid4

import jwt
import pytest
import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from msp_server.emulator import Emulator, EmulatorSettings

MSP_ID = "2f1c7f8e-1111-4222-8333-444455556666"
BUSINESS_ID = "0f0e0d0c-0b0a-0908-0706-050403020100"
OTHER_BUSINESS_ID = "0f0e0d0c-0b0a-0908-0706-0504030201ff"
SECRET = b"a secret of thirty-two bytes ...".ljust(32, b".")
OLDER_SECRET = b"an older one of thirty-two bytes".ljust(32, b".")
DEADLINE_S = 5


@dataclass
class Received:
    headers: dict
    packed: bytes
    fields: dict


@dataclass
class MspStub:
    """A real WSGI server that answers as told and keeps what it got."""

    status: str = "200 OK"
    answer: bytes = b"ok"
    extra: list = field(default_factory=list)
    received: Queue = field(default_factory=Queue)
    #: Cleared to hold answers back.
    may_answer: Event = field(default_factory=Event)

    def __post_init__(self):
        self.may_answer.set()

    def __call__(self, environ, start_response):
        packed = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        self.received.put(
            Received(headers | {":path": environ["PATH_INFO"]}, packed, _fields_of(packed))
        )
        self.may_answer.wait(DEADLINE_S)
        headers = [("Content-Length", str(len(self.answer))), *self.extra]
        start_response(self.status, headers)
        return [self.answer]

    def next(self):
        return self.received.get(timeout=DEADLINE_S)


def _fields_of(packed):
    return json.loads(gzip.decompress(packed)) if packed.startswith(b"\x1f\x8b") else None


class QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *args):
        pass


@dataclass
class Sender:
    """Sends to the gateway as an MSP does; a test spoils one part of a valid message."""

    web: requests.Session
    url: str
    customer_id: str

    def fields(self, **changes):
        fields = {
            "v": 1,
            "type": "text",
            "id": str(uuid4()),
            "sourceId": BUSINESS_ID,
            "destinationId": self.customer_id,
            "body": "Good morning",
        }
        return {k: v for k, v in (fields | changes).items() if v is not None}

    def headers(self, fields, **changes):
        headers = {
            "Authorization": f"Bearer {_token()}",
            "Content-Type": "application/json",
            "id": str(fields.get("id")),
            "Source-Id": str(fields.get("sourceId")),
            "Destination-Id": str(fields.get("destinationId")),
        }
        changes = {name.replace("_", "-"): value for name, value in changes.items()}
        return headers | changes

    def send(self, headers=None, packed=None, **changes):
        fields = self.fields(**changes)
        if packed is None:
            packed = json.dumps(fields).encode()
        return self.web.post(
            f"{self.url}/v1/message",
            data=packed,
            headers=self.headers(fields, **(headers or {})),
            timeout=DEADLINE_S,
        )


@dataclass
class Phone:
    """One customer's part of the JSON API."""

    web: requests.Session
    url: str
    name: str

    def _address(self, rest):
        return f"{self.url}/customers/{self.name}{rest}"

    def profile(self):
        return self.web.get(self._address(""), timeout=DEADLINE_S).json()

    def do(self, deed, **fields):
        return self.web.post(self._address(f"/{deed}"), json=fields, timeout=DEADLINE_S)

    def transcript(self, **query):
        return self.web.get(self._address("/transcript"), params=query, timeout=40).json()


def _token(secret=SECRET, algorithm="HS256", **changes):
    claims = {"iss": MSP_ID, "iat": int(time.time())} | changes
    claims = {k: v for k, v in claims.items() if v is not None}
    return jwt.encode(claims, secret, algorithm)


@pytest.fixture
def make_token():
    return _token


@pytest.fixture
def journal(emulator, web):
    def read(**query):
        answer = web.get(f"{emulator.url}/emulator/journal", params=query, timeout=40)
        return answer.json()["exchanges"]

    return read


@pytest.fixture
def web():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def msp():
    stub = MspStub()
    server = make_server("127.0.0.1", 0, stub, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    stub.url = f"http://127.0.0.1:{server.port}"
    yield stub
    stub.may_answer.set()
    server.shutdown()
    thread.join()


@pytest.fixture
def settings():
    return EmulatorSettings(
        msp_id=MSP_ID,
        api_secrets=(SECRET, OLDER_SECRET),
        business_ids=(BUSINESS_ID, OTHER_BUSINESS_ID),
        port=0,
    )


@pytest.fixture
def emulator(settings, msp) -> Iterator[Emulator]:
    with Emulator(settings) as emulator:
        emulator.msp_url = msp.url
        yield emulator


@pytest.fixture
def ava(emulator, web):
    return Phone(web, emulator.url, "ava")


@pytest.fixture
def sender(emulator, ava, web):
    return Sender(web, emulator.url, ava.profile()["id"])
