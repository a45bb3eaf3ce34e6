"""Requests as Apple makes them, to be spoiled one thing at a time."""

import gzip
import json
import socket
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal

import jwt
import pytest
import requests
from flask import Flask

from msp_server import (
    ApplePay,
    LineItem,
    PaymentEndpoints,
    PaymentProcessor,
    PaymentStatus,
    ShippingMethod,
)
from msp_server.app import open_store_of
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import new_message_id
from msp_server.messages.opening import PaymentOpening
from msp_server.web import payments
from msp_server.web.refusals import answer_errors
from msp_server.web.slots import Slots


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


@dataclass
class Till(PaymentProcessor):
    """Takes the money as a test says."""

    answer: object = PaymentStatus.SUCCESS
    lines: tuple = ()
    charged: list = field(default_factory=list)
    page: str | None = None

    def authorise(self, payment, authorisation):
        if isinstance(self.answer, Exception):
            raise self.answer
        self.charged.append((payment, authorisation))
        return self.answer

    def change_card(self, payment, card):
        if isinstance(self.lines, Exception):
            raise self.lines
        return self.lines

    def track_order(self, payment):
        if isinstance(self.lines, Exception):
            raise self.lines

    def find_web_page(self, payment):
        return self.page


@dataclass
class Shop:
    """A store in which a payment or a sign-in was asked for, and the routes that serve it."""

    store: object
    till: Till
    web: object
    token: str = ""
    request_id: str = ""

    def post(self, path, payment=None, **changes):
        fields = {"requestIdentifier": self.request_id, "version": "1.0", "payment": payment}
        return self.web.post(f"/{path}/{self.token}", json={**fields, **changes})

    @property
    def record(self):
        return self.store.payments.find(self.token)


@pytest.fixture
def hurried_store(monkeypatch):
    """A store that waits 50 ms for other writers; to be named before `msp`, which opens it."""
    monkeypatch.setattr("msp_server.store.opening._BUSY_TIMEOUT_MS", 50)


@pytest.fixture
def shop(settings):
    """A payment of 10.00 with two ways of shipping, and an open sheet."""
    till = Till()
    with closing(open_store_of(settings)) as store:
        app = Flask(__name__)
        app.register_blueprint(payments.blueprint(store.payments, till, Slots()))
        answer_errors(app)
        made = Shop(store, till, app.test_client(), "t" * 43)
        content = ApplePay(
            "Order",
            [LineItem("Kettle", Decimal("10.00"))],
            merchant_name="Example Shop",
            country="US",
            currency="USD",
            shipping_methods=[
                ShippingMethod("Slow", Decimal(0), identifier="slow"),
                ShippingMethod("Fast", Decimal("2.50"), identifier="fast"),
            ],
            merchant_id="merchant.com.example",
            endpoints=PaymentEndpoints.below("https://shop.example.com", made.token),
        )
        message = OutboundMessage(
            new_message_id(),
            settings.business_ids[0],
            "urn:mbid:kim",
            content,
            automated=True,
            opening=PaymentOpening(made.token),
        )
        made.request_id = message.id
        store.outbox.put([message], time.time())
        store.payments.open(message.id, time.time() + 60)
        yield made


@pytest.fixture
def request_of_apple(msp):
    return AppleRequest(msp.settings)
