import socket
import time
from threading import Event

import pytest
from flask import Flask

from msp_server.emulator.connections import LOOK_S, hang_up, keep_waiting


@pytest.fixture
def ends():
    """The server's end of a connection under a request, and the other."""
    ours, others = socket.socketpair()
    with ours, others, Flask("x").test_request_context(environ_base={"werkzeug.socket": ours}):
        yield ours, others


def test_hanging_up_ends_the_connection(ends):
    _, others = ends

    hang_up()

    assert others.recv(1) == b""


def test_hanging_up_on_who_is_gone_is_no_mistake(ends):
    ours, _ = ends
    ours.close()

    hang_up()


def test_waiting_ends_when_the_other_side_gives_up(ends):
    _, others = ends
    others.close()
    started = time.monotonic()

    keep_waiting(Event(), 60)

    assert time.monotonic() - started < 5


def test_waiting_goes_on_while_the_other_side_is_there(ends):
    _, others = ends
    others.sendall(b"what was sent is not taken for the end")
    started = time.monotonic()

    keep_waiting(Event(), 3 * LOOK_S)

    assert time.monotonic() - started >= 3 * LOOK_S


def test_waiting_ends_when_the_emulator_stops(ends):
    stopping = Event()
    stopping.set()
    started = time.monotonic()

    keep_waiting(stopping, 60)

    assert time.monotonic() - started < 5
