"""The HTTP server under the emulator's pages and endpoints."""

import logging
import os
import socket

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

log = logging.getLogger(__name__)

#: How long a connection may say nothing in the middle of a request.
SILENCE_LIMIT_S = 75.0


class PortTaken(Exception):
    """Another program listens on the port."""


class QuietRequestHandler(WSGIRequestHandler):
    """Answers at once and writes no request to the log: the journal has them."""

    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_LIMIT_S

    def log(self, type: str, message: str, *args: object) -> None:
        """Leave out request lines, which may quote what was sent."""
        log.debug("connection closed early or unreadable kind=%s", type)


def open_port(host: str, port: int) -> socket.socket:
    """Listen on a port; 0 takes a free one.

    Raises:
        PortTaken: somebody else has it, or it may not be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise PortTaken(
            f"Port {port} on {host} cannot be opened ({why}): stop what listens there, "
            "or choose another with --port (MSP_EMULATOR_PORT)"
        ) from error


def serve_on(listening: socket.socket, app: Flask) -> BaseWSGIServer:
    """Make a server with a thread for each connection; takes the listening socket over."""
    host, port = listening.getsockname()[:2]
    server = make_server(
        host,
        port,
        app,
        threaded=True,
        request_handler=QuietRequestHandler,
        fd=listening.fileno(),
    )
    listening.close()
    return server
