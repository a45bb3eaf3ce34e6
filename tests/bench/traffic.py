"""Traffic as Apple makes it: distinct signed gzip requests, over kept connections.

Everything is made before the clock starts, and one thread with raw sockets sends it, so that the
generator costs little beside what it measures.
"""

import gzip
import itertools
import json
import selectors
import socket
import time
import uuid
from dataclasses import dataclass, field

import jwt
from running import BUSINESS_ID, MSP_ID, SECRET

#: Over how many seconds the tokens' times are spread: so hardly two requests have the same.
_TOKENS_SPREAD_S = 3000
_RECEIVE_BYTES = 65536


def customer_id(number):
    """Name a customer."""
    return f"urn:mbid:AQAAY{number:06d}qrStUvWxYzOpaqueIdOfACustomer0123456789abcdefgh="


def make_fields(words, customer):
    """Give what a text says."""
    return {
        "type": "text",
        "id": str(uuid.uuid4()),
        "v": 1,
        "sourceId": customer,
        "destinationId": BUSINESS_ID,
        "body": words,
        "locale": "en_US",
        "intent": "shipping",
        "group": "eu-support",
    }


def make_request(words, customer, issued):
    """Give the bytes of one request."""
    fields = make_fields(words, customer)
    packed = gzip.compress(json.dumps(fields).encode(), compresslevel=1)
    token = jwt.encode({"aud": MSP_ID, "iat": issued}, SECRET, algorithm="HS256")
    head = (
        "POST /message HTTP/1.1\r\n"
        "Host: msp.example.com\r\n"
        "User-Agent: Apple\r\n"
        "Accept: */*\r\n"
        f"Authorization: Bearer {token}\r\n"
        f"id: {fields['id']}\r\n"
        f"source-id: {customer}\r\n"
        f"destination-id: {BUSINESS_ID}\r\n"
        "capability-list: AUTH,AUTH2,FORM,LIST,QUICK,TIME\r\n"
        "Content-Type: application/json\r\n"
        "Content-Encoding: gzip\r\n"
        f"Content-Length: {len(packed)}\r\n\r\n"
    )
    return head.encode() + packed


def make_requests(count, customers):
    """Give distinct requests in turn from so many customers, or from those that are named."""
    names = [customer_id(n) for n in range(customers)] if isinstance(customers, int) else customers
    now = int(time.time())
    return [
        make_request(f"text {number}", names[number % len(names)], now - number % _TOKENS_SPREAD_S)
        for number in range(count)
    ]


@dataclass
class Outcome:
    """How requests went."""

    #: Of each request that was answered 200: its number, when it was due, sent and acknowledged.
    acknowledged: list = field(default_factory=list)
    refused: int = 0
    elapsed_s: float = 0.0
    #: How long the server kept a core busy with them; None where nobody looked.
    cpu_s: float | None = None

    @property
    def rate(self):
        """Acknowledged requests per second."""
        return len(self.acknowledged) / self.elapsed_s

    @property
    def seconds(self):
        """How long each request took from when it was due."""
        return [answered - due for _, due, _, answered in self.acknowledged]


class _Connection:
    """A kept connection with at most one request under way."""

    def __init__(self, port):
        self.busy = False
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""

    def send(self, number, due, request):
        self.number, self.due, self.sent = number, due, time.monotonic()
        self.busy = True
        self.socket.sendall(request)

    def receive(self):
        """Take what came; give the status once the answer is whole, else None."""
        came = self.socket.recv(_RECEIVE_BYTES)
        if not came:
            raise ConnectionError("the server closed a connection")
        self._unread += came
        head, ended, body = self._unread.partition(b"\r\n\r\n")
        if not ended:
            return None
        _, _, after = head.lower().partition(b"content-length:")
        if len(body) < int(after.split(b"\r\n", 1)[0] or 0):
            return None
        self._unread = b""
        self.busy = False
        return int(head[9:12])


class _Traffic:
    """Connections, those of them that are idle, and what came of their requests."""

    def __init__(self, port, connections):
        self._port = port
        self._selector = selectors.DefaultSelector()
        self.outcome = Outcome()
        self.under_way = 0
        self.idle = [self._open() for _ in range(connections)]

    def _open(self):
        connection = _Connection(self._port)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        return connection

    def send(self, number, due, request):
        """Send on an idle connection, or on a new one."""
        connection = self.idle.pop() if self.idle else self._open()
        connection.send(number, due, request)
        self.under_way += 1

    def _drop(self, connection):
        """Let go of a connection that the server closed because nothing came for long."""
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self.idle.remove(connection)

    def receive(self, timeout_s):
        """Take the answers that are there, or come within so long."""
        for key, _ in self._selector.select(max(0.0, timeout_s)):
            connection = key.data
            if not connection.busy:
                self._drop(connection)
                continue
            status = connection.receive()
            if status is None:
                continue
            self.idle.append(connection)
            self.under_way -= 1
            if status == 200:
                times = (connection.number, connection.due, connection.sent, time.monotonic())
                self.outcome.acknowledged.append(times)
            else:
                self.outcome.refused += 1

    def close(self):
        for connection in self.idle:
            connection.socket.close()
        self._selector.close()


def flood(port, requests, connections, limit_s):
    """Send as fast as answers come: each connection its next request when it has its answer."""
    traffic = _Traffic(port, connections)
    numbered = iter(enumerate(requests))
    started = time.monotonic()
    for number, request in itertools.islice(numbered, connections):
        traffic.send(number, time.monotonic(), request)
    while traffic.under_way:
        traffic.receive(1)
        if time.monotonic() - started < limit_s:
            for number, request in itertools.islice(numbered, len(traffic.idle)):
                traffic.send(number, time.monotonic(), request)
    traffic.outcome.elapsed_s = time.monotonic() - started
    traffic.close()
    return traffic.outcome


def pace(port, requests, per_s, connections=16):
    """Send at a steady pace, whether answers come or not; each counts from when it was due."""
    traffic = _Traffic(port, connections)
    started = time.monotonic()
    for number, request in enumerate(requests):
        due = started + number / per_s
        while (left_s := due - time.monotonic()) > 0:
            traffic.receive(left_s)
        traffic.send(number, due, request)
        traffic.receive(0)
    while traffic.under_way:
        traffic.receive(1)
    traffic.outcome.elapsed_s = time.monotonic() - started
    traffic.close()
    return traffic.outcome
