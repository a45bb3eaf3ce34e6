"""Serve a WSGI app with waitress, stricter where waitress is lenient.

Why waitress: its one loop reads each request to the end before a thread sees it, so that two
hundred clients who send a byte a minute hold no thread; it serves from the process that runs our
loops, so that nothing is left behind when that is killed; and its parser can be made to refuse a
request with two lengths. Measured against it with an empty Flask route and 16 connections on two
cores: granian 1.8 times as many requests per second with 16 threads, gunicorn's threads 0.5.
granian hides a second length from the app and gives each slow body a thread of its own.
"""

import contextlib
import json
import logging
import resource
import socket
import time
from typing import Final

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer, create_server
from waitress.task import WSGITask
from waitress.utilities import Error

from msp_server import metrics
from msp_server.web.slots import SLOW_REQUESTS

log = logging.getLogger(__name__)

#: The most of a request's headers that is read.
HEADERS_LIMIT_BYTES: Final = 32 * 1024
#: The most of a body that is taken in before the app refuses it in its own words.
BODY_LIMIT_BYTES: Final = 2 * 1024 * 1024
#: How much of a body is held in memory; more goes to a file until it is whole.
SPILL_BYTES: Final = 16 * 1024
#: Open files that are not clients: the store, the gateway, bodies on their way.
FILES_RESERVED: Final = 256
#: What a client may leave unsaid for before it is cut off, seconds.
IDLE_LIMIT_S: Final = 60
#: How many clients may be connected at a time.
CONNECTIONS_LIMIT: Final = 4096
#: How many requests are worked on at a time: these for messages alone, and one for each slot.
THREADS: Final = 8 + SLOW_REQUESTS


class StrictParser(HTTPRequestParser):
    """Reads requests; one with two lengths is refused, and every refusal is a line of JSON."""

    #: When its last byte came, by `time.perf_counter`.
    read_at = 0.0

    def received(self, data: bytes) -> int:
        """Take in more of a request, and give how much of `data` belonged to it."""
        consumed: int = super().received(data)
        if self.completed:
            self.read_at = time.perf_counter()
        if self.error is not None and not isinstance(self.error, JsonError):
            metrics.REFUSED.labels(type(self.error).__name__).inc()
            self.error = JsonError(self.error)
            log.warning("refused status=%d error=%s", self.error.code, ascii(self.error.body))
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the headers.

        Source: RFC 9112, section 6.3: two lengths may be an attempt to smuggle a request.
        """
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("the address cannot be read: send a path") from error
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("both Content-Length and Transfer-Encoding: send one of them")


class JsonError(Error):
    """A refusal of waitress's, in the form of ours."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.body)
        self.code = error.code
        self.reason = error.reason

    def to_response(self, _ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:  # type: ignore[override]  # the stubs say str, waitress writes bytes
        """Give status, headers and body."""
        body = json.dumps({"error": f"{self.reason}: {self.body}"}).encode() + b"\n"
        return f"{self.code} {self.reason}", [("Content-Type", "application/json")], body


class TimedTask(WSGITask):
    """A request that tells the app when it was read, and so how long it waited for a thread."""

    def get_environment(self) -> dict[str, object]:
        """Give the WSGI environment."""
        environ = super().get_environment()
        environ[metrics.READ_AT] = self.request.read_at  # type: ignore[attr-defined]  # the stubs say Error, it is our parser
        return environ


class StrictChannel(HTTPChannel):
    """A connection that is read by `StrictParser`; once we stop, no request is begun on it."""

    parser_class = StrictParser
    task_class = TimedTask

    def readable(self) -> bool:
        """Tell whether more is to be read."""
        begins = self.request is None
        return bool(super().readable() and (self.server.accepting or not begins))

    def writable(self) -> bool:
        """Tell whether the loop is to write, and no thread is at it.

        A thread that writes lets go of the interpreter, and the loop would turn around until it has
        it back: at 64 connections that left a quarter of the messages a second.
        """
        if not super().writable() or not self.outbuf_lock.acquire(blocking=False):
            return False
        self.outbuf_lock.release()
        return True

    def is_busy(self) -> bool:
        """Tell whether a request is there in whole, or an answer is not yet on its way."""
        return bool(self.requests or self.total_outbufs_len)


def _room_for_connections() -> int:
    """Raise this process's limit of open files as far as it may, and give what clients get of it.

    A server that accepts more clients than it may have files open can neither store nor send.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_LIMIT + FILES_RESERVED
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with contextlib.suppress(ValueError, OSError):  # some systems have a limit above the limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    room = CONNECTIONS_LIMIT if soft == resource.RLIM_INFINITY else soft - FILES_RESERVED
    return max(16, min(CONNECTIONS_LIMIT, room))


def bind(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """Take the port; `serving` serves on it.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    connections = _room_for_connections()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=1024)
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        connection_limit=connections,
        channel_timeout=IDLE_LIMIT_S,
        cleanup_interval=10,
        inbuf_overflow=SPILL_BYTES,
        max_request_header_size=HEADERS_LIMIT_BYTES,
        max_request_body_size=BODY_LIMIT_BYTES,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True,
        ident=None,
    )
    assert isinstance(server, BaseWSGIServer)  # noqa: S101 - for the type checker: one socket
    server.channel_class = StrictChannel
    return server
