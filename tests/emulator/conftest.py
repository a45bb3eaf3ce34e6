"""An emulator on a free port, a small MSP that it talks to, and a sender in the MSP's place."""

import gzip
import json
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import reduce
from operator import getitem
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from uuid import uuid4

import jwt
import pytest
import requests
from Crypto.Cipher import AES
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
    #: Status and answer of single paths, which win over those for all.
    answers: dict = field(default_factory=dict)
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
        status, answer = self.answers.get(environ["PATH_INFO"], (self.status, self.answer))
        headers = [("Content-Length", str(len(answer))), *self.extra]
        start_response(status, headers)
        return [answer]

    def next(self):
        return self.received.get(timeout=DEADLINE_S)


def _fields_of(packed):
    if packed.startswith(b"\x1f\x8b"):
        packed = gzip.decompress(packed)
    return json.loads(packed) if packed.startswith(b"{") else None


@dataclass
class Site:
    """A real WSGI server that answers each path as told, and keeps what it was asked."""

    #: By path: the status, the headers and the body, or what makes them out of the query.
    pages: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def __call__(self, environ, start_response):
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size).decode()
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        self.asked.append((environ["REQUEST_METHOD"], path, query, body))
        page = self.pages.get(path, ("404 Not Found", {}, b""))
        status, headers, answer = page(query) if callable(page) else page
        start_response(status, list(headers.items()))
        return [answer] if isinstance(answer, bytes) else answer

    def redirect(self, path, to):
        self.pages[path] = ("302 Found", {"Location": to}, b"")


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

    def send(self, headers=None, packed=None, endpoint=None, **changes):
        fields = self.fields(**changes)
        if packed is None:
            packed = json.dumps(fields).encode()
        return self.web.post(
            f"{self.url}{endpoint or endpoint_of(fields)}",
            data=packed,
            headers=self.headers(fields, **(headers or {})),
            timeout=DEADLINE_S,
        )


def given(headers, changes):
    """Change headers by the names of arguments; None takes one out."""
    changed = headers | {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in changed.items() if value is not None}


@dataclass
class Mover:
    """Moves files as an MSP does; a test spoils one part of it."""

    web: requests.Session
    url: str

    def announce(self, size, /, **changes):
        return self._ask("preUpload", {"MMCS-Size": str(size)}, changes)

    def upload(self, url, encrypted, /, **headers):
        return self.web.post(url, data=encrypted, headers=given({}, headers), timeout=DEADLINE_S)

    def store(self, encrypted):
        """Upload bytes, and give what messages say of them."""
        place = self.announce(len(encrypted)).json()
        said = self.upload(place["upload-url"], encrypted).json()["singleFile"]
        return {
            "url": place["mmcs-url"],
            "owner": place["mmcs-owner"],
            "size": str(len(encrypted)),
            "signature-base64": said["fileChecksum"],
        }

    def look_up(self, place, /, **changes):
        headers = {
            "MMCS-Url": place["url"],
            "MMCS-Signature": place["signature-base64"],
            "MMCS-Owner": place["owner"],
        }
        return self._ask("preDownload", headers, changes)

    def download(self, place, /, **headers):
        url = self.look_up(place).json()["download-url"]
        return self.web.get(url, headers=headers, timeout=DEADLINE_S)

    def read(self, place):
        """Fetch and decrypt what a customer's message describes."""
        return crypt(self.download(place).content, place["key"])

    def decode(self, payload, **changes):
        headers = given(self._headers() | {"bid": APPLE_BID, "accept": "*/*"}, changes)
        return self.web.post(
            f"{self.url}/v1/decodePayload", data=payload, headers=headers, timeout=DEADLINE_S
        )

    def _ask(self, endpoint, headers, changes):
        headers = given(self._headers() | headers, changes)
        return self.web.get(f"{self.url}/v1/{endpoint}", headers=headers, timeout=DEADLINE_S)

    def _headers(self):
        return {"Authorization": f"Bearer {_token()}", "Source-Id": BUSINESS_ID}


def crypt(text, key):
    """Encrypt or decrypt with a key as it stands in a message."""
    cipher = AES.new(bytes.fromhex(key[2:]), AES.MODE_CTR, nonce=b"", initial_value=bytes(16))
    return cipher.encrypt(text)


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

    def change(self, **profile):
        answer = self.web.patch(self._address(""), json=profile, timeout=DEADLINE_S)
        assert answer.status_code == 200, answer.text

    def do(self, deed, **fields):
        return self.web.post(self._address(f"/{deed}"), json=fields, timeout=DEADLINE_S)

    def transcript(self, **query):
        return self.web.get(self._address("/transcript"), params=query, timeout=40).json()

    def saved(self):
        """Give the messages of the conversation's file."""
        return self.web.get(self._address("/transcript/file"), timeout=5).json()["messages"]


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
def site():
    site = Site()
    server = make_server("127.0.0.1", 0, site, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    site.url = f"http://127.0.0.1:{server.port}"
    yield site
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


@pytest.fixture
def mover(emulator, web):
    return Mover(web, emulator.url)


@pytest.fixture
def refused_by(journal):
    """Check that an answer refuses, and give the rule and the reason."""

    def check(answer, status):
        assert answer.status_code == status, answer.text
        assert answer.content == b""
        exchange = journal(direction="to_gateway")[-1]
        assert exchange["status"] == status
        assert exchange["reason"].startswith(answer.headers["X-Emulator-Reason"])
        assert "(source: " in exchange["reason"]
        return exchange["rule"], exchange["reason"]

    return check


@pytest.fixture
def order_fault(emulator, web):
    def order(do, **fields):
        answer = web.post(f"{emulator.url}/emulator/faults", json={"do": do} | fields, timeout=5)
        assert answer.status_code == 201, answer.text

    return order


@pytest.fixture
def vectors():
    def load(name):
        return json.loads((SAMPLES.parent / "vectors" / f"{name}.json").read_text("utf-8"))

    return load


APPLE_BID = (
    "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"
    "com.apple.icloud.apps.messages.business.extension"
)
SESSION_ID = "2d1c0b0a-1111-4222-8333-444455556667"
REQUEST_ID = "c0ffee00-0000-4000-8000-000000000006"
RECEIVED = {"title": "Please choose", "subtitle": "Tap to open", "style": "small"}
REPLIED = {"title": "Thank you", "subtitle": "See you", "style": "large"}


@pytest.fixture
def interactive():
    """Make interactive data of one of Apple's features; None takes a key out."""

    def make(feature, bubbles=True, **changes):
        made = {
            "bid": APPLE_BID,
            "sessionIdentifier": SESSION_ID,
            "data": {"version": "1.0", "requestIdentifier": REQUEST_ID, **feature},
        }
        if bubbles:
            made |= {"receivedMessage": RECEIVED, "replyMessage": REPLIED}
        return {k: v for k, v in (made | changes).items() if v is not None}

    return make


@pytest.fixture
def offer(sender):
    """Send interactive data through the gateway, and give the message's id."""

    def send(interactive):
        message_id = str(uuid4())
        answer = sender.send(
            id=message_id, type="interactive", body=None, interactiveData=interactive
        )
        assert answer.status_code == 200, answer.headers
        return message_id

    return send


@pytest.fixture
def ask_to_pay(emulator, msp, interactive, open_session, offer):
    """Send a payment, spoiled at dotted paths, whose addresses are the MSP's; give its id."""

    def ask(changes=None, paths=PATHS, **frame):
        base_url = frame.pop("base_url", msp.url)
        context = f"{base_url}/paymentGateway/s3cret-token"
        session = open_session(emulator.url, initiativeContext=context).json()
        payment = spoil(make_payment(base_url, session, paths), changes or {})
        return offer(interactive({"payment": payment}, **frame))

    return ask


@pytest.fixture
def put_on_phone(emulator):
    """Put a message on a phone past the gateway, whatever it is, and give its id."""

    def put(fields, name="ava"):
        phones = emulator._parts.phones
        message_id = str(uuid4())
        phones.receive(phones.find(name), message_id, fields, None)
        return message_id

    return put


@pytest.fixture
def answered(ava, msp):
    """Do a deed that works, and give the fields that reach the MSP."""

    def do(deed, **fields):
        answer = ava.do(deed, **fields)
        assert answer.status_code == 200, answer.text
        received = msp.next()
        assert received.fields["id"] == received.headers["id"] == answer.json()["id"]
        return received.fields

    return do


@pytest.fixture
def set_switches(emulator, web):
    def set_them(**switches):
        answer = web.patch(f"{emulator.url}/emulator/switches", json=switches, timeout=5)
        assert answer.status_code == 200, answer.text

    return set_them


MERCHANT_ID = "merchant.com.example.shop"
NETWORKS = ["visa", "masterCard", "amex"]
ITEMS = [
    {"label": "Kettle", "amount": "39.00", "type": "final"},
    {"label": "Discount", "amount": "-4.00", "type": "final"},
]
METHODS = [
    {"label": "Standard", "detail": "3 days", "amount": "2.90", "identifier": "std"},
    {"label": "Express", "detail": "Tomorrow", "amount": "9.90", "identifier": "exp"},
]
#: One of each way, that a device calls.
PATHS = (
    "paymentGateway",
    "paymentMethodUpdate",
    "shippingContactUpdate",
    "shippingMethodUpdate",
    "orderTracking",
    "fallback",
)


def make_payment(base_url, session, paths=PATHS):
    """Make a payment of a kettle, shipped, with every address below one."""
    return {
        "paymentRequest": {
            "applePay": {
                "merchantIdentifier": MERCHANT_ID,
                "supportedNetworks": list(NETWORKS),
                "merchantCapabilities": ["supports3DS", "supportsCredit", "supportsDebit"],
            },
            "merchantName": "Example Shop",
            "countryCode": "DE",
            "currencyCode": "EUR",
            "lineItems": deepcopy(ITEMS),
            "total": {"label": "Example Shop", "amount": "37.90", "type": "final"},
            "requiredBillingContactFields": ["post", "name"],
            "requiredShippingContactFields": ["email"],
            "shippingMethods": deepcopy(METHODS),
        },
        "merchantSession": session,
        "endpoints": {f"{path}Url": f"{base_url}/{path}/s3cret-token" for path in paths},
    }


@pytest.fixture
def open_session(web):
    """Ask an emulator for a merchant session; None takes a key out."""

    def ask(url, **changes):
        fields = {
            "merchantIdentifier": MERCHANT_ID,
            "domainName": "shop.example.com",
            "displayName": "Example Shop",
            "initiative": "messaging",
            "initiativeContext": "https://pay.example.com/paymentGateway/s3cret-token",
        } | changes
        return web.post(
            f"{url}/paymentservices/paymentSession",
            json={key: value for key, value in fields.items() if value is not None},
            timeout=DEADLINE_S,
        )

    return ask


SAMPLES = Path(__file__).parents[1] / "data" / "apple"


def spoil(fields, changes):
    """Change a copy of fields at dotted paths; `...` takes a key out."""
    fields = deepcopy(fields)
    for path, value in changes.items():
        *outer, last = [int(key) if key.isdecimal() else key for key in path.split(".")]
        place = reduce(getitem, outer, fields)
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return fields


def endpoint_of(fields):
    """Give where a message goes: to sign in there is an endpoint of its own."""
    interactive = fields.get("interactiveData")
    data = interactive.get("data") if isinstance(interactive, dict) else None
    asks = isinstance(data, dict) and "authenticate" in data
    return "/v1/authenticate" if asks else "/v1/message"


@dataclass
class Samples:
    """Sends the samples of what a business sends, spoiled or not, to an emulator that lasts."""

    emulator: Emulator
    web: requests.Session

    def reset(self):
        self.web.post(f"{self.emulator.url}/emulator/reset", timeout=DEADLINE_S)
        self.ava = Phone(self.web, self.emulator.url, "ava")
        self.sender = Sender(self.web, self.emulator.url, self.ava.profile()["id"])

    def set_switches(self, **switches):
        url = f"{self.emulator.url}/emulator/switches"
        assert self.web.patch(url, json=switches, timeout=DEADLINE_S).status_code == 200

    def fields(self, kind, changes):
        sample = json.loads((SAMPLES / f"{kind}.json").read_text("utf-8"))
        customer_id = self.sender.customer_id
        if kind == "invitation":
            customer_id = self.ava.profile()["phone_number"]
        own = {"id": str(uuid4()), "sourceId": BUSINESS_ID, "destinationId": customer_id}
        return spoil(sample | own, changes)

    def send(self, kind, changes=None, **headers):
        if kind == "invitation":
            headers = {"message_type": "notification"} | headers
        fields = self.fields(kind, changes or {})
        headers = self.sender.headers(fields, **headers)
        return self.web.post(
            f"{self.emulator.url}{endpoint_of(fields)}",
            json=fields,
            headers={name: value for name, value in headers.items() if value is not None},
            timeout=DEADLINE_S,
        )

    def accept(self, kind, changes=None, **headers):
        answer = self.send(kind, changes, **headers)
        assert answer.headers.get("X-Emulator-Reason") is None
        assert answer.status_code == 200

    def refuse(self, kind, changes, **headers):
        """Send what has to be refused, and give the rule and the reason."""
        answer = self.send(kind, changes, **headers)
        assert answer.status_code == 400
        assert self.ava.transcript()["entries"] == []
        url = f"{self.emulator.url}/emulator/journal?limit=1"
        (exchange,) = self.web.get(url, timeout=DEADLINE_S).json()["exchanges"]
        return exchange["rule"], exchange["reason"]


@pytest.fixture(scope="session")
def lasting_samples():
    settings = EmulatorSettings(
        msp_id=MSP_ID, api_secrets=(SECRET,), business_ids=(BUSINESS_ID,), port=0
    )
    with Emulator(settings) as emulator, requests.Session() as web:
        web.trust_env = False
        yield Samples(emulator, web)


@pytest.fixture
def samples(lasting_samples):
    lasting_samples.reset()
    return lasting_samples
