"""Requests as Apple makes them, to be spoiled one thing at a time."""

import gzip
import json
import socket
import time
import uuid
from dataclasses import dataclass, field

import jwt
import pytest
import requests


@dataclass
class AppleRequest:
    """A valid POST /message."""

    settings: object
    fields: dict = field(default_factory=dict)
    headers: dict = field(default_factory=dict)
    claims: dict = field(default_factory=dict)
    secret: bytes = b""
    algorithm: str = "HS256"
    #: The body's bytes; None for the fields, as JSON in gzip.
    body: bytes | None = None

    def __post_init__(self):
        message_id = str(uuid.uuid4())
        business_id = self.settings.business_ids[0]
        self.secret = self.settings.api_secrets[0]
        self.claims = {"aud": self.settings.msp_id, "iat": int(time.time())}
        self.fields = {
            "type": "text",
            "id": message_id,
            "v": 1,
            "sourceId": "urn:mbid:AQAAY0exampleOpaqueUserIdAbC/dEf+GhI=",
            "destinationId": business_id,
            "body": "hello",
            "locale": "en_GB",
        }
        self.headers = {
            "id": message_id,
            "source-id": self.fields["sourceId"],
            "destination-id": business_id,
            "capability-list": "LIST,TIME,QUICK,FORM,AUTH,AUTH2",
            "content-encoding": "gzip",
            "content-type": "application/json",
        }

    @property
    def token(self):
        key = "" if self.algorithm == "none" else self.secret
        return jwt.encode(self.claims, key, self.algorithm)

    def packed(self):
        return gzip.compress(json.dumps(self.fields).encode()) if self.body is None else self.body

    def all_headers(self):
        headers = {"Authorization": f"Bearer {self.token}", **self.headers}
        return {name: value for name, value in headers.items() if value is not None}

    def send_to(self, msp):
        with requests.Session() as web:
            return web.post(f"{msp.url}/message", data=self.packed(), headers=self.all_headers())

    def send_raw(self, msp, head, body):
        """Send a request whose framing is written by hand, and give all that comes back."""
        lines = [f"{name}: {value}" for name, value in self.all_headers().items()]
        request = "\r\n".join(["POST /message HTTP/1.1", "Host: msp", *lines, *head, "", ""])
        host, port = msp.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(request.encode("latin-1") + body)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        return received.decode()


@pytest.fixture
def request_of_apple(msp):
    return AppleRequest(msp.settings)
