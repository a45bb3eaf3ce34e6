"""Serve until told to stop, and then answer what has come in."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from waitress import wasyncore
from waitress.server import BaseWSGIServer

#: How long what was sent before we were told to stop may take to be read, seconds.
_LAST_LOOK_S: Final = 0.2
#: How often is looked, once we stop, whether everything is answered, seconds.
_LOOK_AGAIN_S: Final = 0.05
#: How long idle threads are given to end, seconds; those that are busy still are cut off.
_THREADS_END_S: Final = 1


@contextmanager
def serving(server: BaseWSGIServer, grace_s: float) -> Iterator[threading.Event]:
    """Serve while the block lasts, then answer the requests that have come in whole.

    A thread of its own serves: a signal, which the main thread takes, cuts into no request.

    Args:
        server: what `bind` gave.
        grace_s: how long those answers may take.

    Yields:
        What is set once it serves no more.
    """
    told, ended = threading.Event(), threading.Event()

    def run() -> None:
        try:
            while not told.is_set():
                _turn(server, server.adj.asyncore_loop_timeout)
            _finish(server, grace_s)
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="web")
    thread.start()
    try:
        yield ended
    finally:
        told.set()
        if not ended.is_set():
            server.pull_trigger()
        thread.join()


def _turn(server: BaseWSGIServer, timeout_s: float) -> None:
    """Wait until there is something to read or to write, and do that."""
    wasyncore.loop(timeout_s, use_poll=True, map=_map_of(server), count=1)


def _turn_while(server: BaseWSGIServer, condition: Callable[[], bool], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and condition():
        _turn(server, _LOOK_AGAIN_S)


def _finish(server: BaseWSGIServer, grace_s: float) -> None:
    """Take no more clients, answer what is there, and close every connection."""
    _turn_while(server, lambda: True, _LAST_LOOK_S)
    wasyncore.dispatcher.close(server)  # the port alone: the answers still need the rest
    _turn_while(server, lambda: _is_busy(server), grace_s)
    server.task_dispatcher.shutdown(timeout=_THREADS_END_S)
    wasyncore.close_all(_map_of(server), ignore_all=True)


def _is_busy(server: BaseWSGIServer) -> bool:
    channels = list(server.active_channels.values())  # type: ignore[attr-defined]  # a dict, whatever the stubs say
    return any(channel.is_busy() for channel in channels)


def _map_of(server: BaseWSGIServer) -> dict[int, Any]:
    """Give all that the server's loop looks at, by file descriptor."""
    sockets: dict[int, Any] = vars(server)["_map"]  # the stubs do not have it
    return sockets
