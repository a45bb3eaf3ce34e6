"""What waitress is made to do beyond what it does by itself."""

import json
import resource
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests
from flask import Flask, request

from msp_server import metrics
from msp_server.web import server
from msp_server.web.server import HEADERS_LIMIT_BYTES
from msp_server.web.serving import serving


def say(msp, request):
    host, port = msp.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received.decode()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET http://[::bad/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n", 400),
        (
            b"POST /message HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
        ),
        (b"POST /message HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ((b"GET / HTTP/1.1\r\nHost: x\r\nX: ").ljust(HEADERS_LIMIT_BYTES, b"a"), 431),
        (b"POST /message HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
    ],
)
def test_unreadable_request_is_refused_in_one_line_of_json(msp, caplog, request_bytes, status):
    received = say(msp, request_bytes)

    head, body = received.split("\r\n\r\n", 1)
    assert head.startswith((f"HTTP/1.1 {status} ", f"HTTP/1.0 {status} "))
    assert json.loads(body)["error"]
    assert "waitress" not in received
    assert f"refused status={status}" in caplog.text


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_lengths_are_refused_in_either_order(msp, order):
    lengths = [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"]
    request = b"POST /message HTTP/1.1\r\nHost: x\r\n" + b"".join(lengths[i] for i in order)

    received = say(msp, request + b"\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

    assert received.startswith("HTTP/1.1 400 ")
    assert received.count("HTTP/1.1") == 1


def test_slow_clients_hold_no_thread(msp):
    host, port = msp.url.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port)), timeout=10) for _ in range(100)]
    for connection in slow:
        connection.sendall(b"POST /message HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhel")

    received = say(msp, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for connection in slow:
        connection.close()

    assert received.startswith("HTTP/1.1 200 ")


def test_clients_never_take_the_files_that_store_and_gateway_need(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (256, 1024))
    raised = []
    monkeypatch.setattr(resource, "setrlimit", lambda _what, limits: raised.append(limits))

    room = server._room_for_connections()

    assert raised == [(1024, 1024)]
    assert room == 1024 - server.FILES_RESERVED


def test_request_that_cannot_be_read_is_counted(msp):
    def count():
        return metrics.REGISTRY.get_sample_value("msp_refused_total", {"reason": "BadRequest"}) or 0

    before = count()

    say(msp, b"GARBAGE\r\n\r\n")

    assert count() == before + 1


def test_request_tells_the_app_when_its_last_byte_came():
    app = Flask(__name__)

    @app.post("/")
    def tell():
        return {"read_at": request.environ[metrics.READ_AT]}

    began = time.perf_counter()
    bound = server.bind(app, "127.0.0.1", 0)
    with serving(bound, 10), requests.Session() as web:
        told = web.post(f"http://127.0.0.1:{bound.effective_port}/", data=b"x").json()

    assert began < told["read_at"] < time.perf_counter()


@pytest.fixture
def serve():
    """Give a function that serves one view at /, until the test ends, and gives its address."""
    with ExitStack() as stack:

        def serve(view):
            app = Flask("small")
            app.add_url_rule("/", view_func=view)
            bound = server.bind(app, "127.0.0.1", 0)
            stack.enter_context(serving(bound, 10))
            return f"http://127.0.0.1:{bound.effective_port}/"

        yield serve


def test_the_loop_does_not_turn_for_what_a_thread_is_writing(serve):
    seen = []

    def look(channel):
        return ThreadPoolExecutor(1).submit(channel.writable).result()

    def view():
        channel = request.environ["waitress.client_disconnected"].__self__
        with channel.outbuf_lock:
            channel.total_outbufs_len += 1
            seen.append(bool(look(channel)))
        seen.append(bool(look(channel)))
        channel.total_outbufs_len -= 1
        seen.append(bool(look(channel)))
        return "ok"

    assert requests.get(serve(view), timeout=10).text == "ok"
    assert seen == [False, True, False]


def test_a_long_answer_arrives_whole(serve):
    answer = "a" * 20_000_000

    assert requests.get(serve(lambda: answer), timeout=10).text == answer
