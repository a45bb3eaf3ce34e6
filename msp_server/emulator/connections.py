"""What can be done to the connection under a request instead of answering it."""

import select
import socket
from contextlib import suppress
from threading import Event
from typing import Final

from flask import request

#: How often it is looked whether the other side has gone.
LOOK_S: Final = 0.05


def hang_up() -> None:
    """Close the connection under the request: the answer that follows goes nowhere."""
    with suppress(OSError):  # it may be closed already
        _connection().shutdown(socket.SHUT_RDWR)


def keep_waiting(stopping: Event, limit_s: float) -> None:
    """Say nothing until the other side gives up, the emulator stops, or the time is over."""
    connection = _connection()
    for _ in range(int(limit_s / LOOK_S)):
        if stopping.wait(LOOK_S) or _is_closed(connection):
            break


def _connection() -> socket.socket:
    connection: socket.socket = request.environ["werkzeug.socket"]
    return connection


def _is_closed(connection: socket.socket) -> bool:
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
