"""Serve until told to stop."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Final, NoReturn

from msp_server.agents.router import Router
from msp_server.app import create_app, open_store_of, working
from msp_server.errors import ConfigurationError, Fault
from msp_server.remote.certificates import find_certificate_faults
from msp_server.settings import Settings
from msp_server.web.server import bind

log = logging.getLogger(__name__)

#: How late a signal is noticed that comes just before the main thread begins to wait, seconds.
_SIGNALS_SEEN_S: Final = 0.5
_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


def set_up_logging(level: str) -> None:
    """Log what this package says to standard error; of libraries, only what is wrong.

    Libraries log what passes through them, which is what customers said.
    """
    logging.basicConfig(format=_LOG_FORMAT, level=logging.WARNING)
    logging.getLogger("msp_server").setLevel(level)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class Wakeup:
    """Stands for the loops until they run: the port is opened before anything is answered."""

    def __init__(self) -> None:
        self.call: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        """Tell the loops that a message was stored."""
        self.call()


def serve(settings: Settings, router: Router, on_ready: Callable[[], None], *, works: bool) -> None:
    """Serve Apple's requests until SIGINT or SIGTERM.

    Args:
        settings: who we are and where.
        router: chooses who answers.
        on_ready: called once the port is open.
        works: whether answers are made and sent here too, or by a `worker` beside us.

    Raises:
        ConfigurationError: the port is taken.
        StoreError: the store cannot be opened, or another worker runs on it.
    """
    for fault in find_certificate_faults(settings.apple_pay, time.time()):
        log.warning("no payment can be sent: %s", fault)  # messages go on all the same
    with closing(open_store_of(settings)) as store, stopping_on_signals():
        wake = Wakeup()
        try:
            server = bind(create_app(settings, store, wake), settings.host, settings.port)
        except OSError as error:
            raise _not_bound(settings, error) from error
        loops = working(settings, store, router) if works else nullcontext(lambda: None)
        with loops as wake.call:
            on_ready()
            server.run()
            server.close()


def work(settings: Settings, router: Router, on_ready: Callable[[], None]) -> None:
    """Answer and send until SIGINT or SIGTERM; raises what `serve` does."""
    with (
        closing(open_store_of(settings)) as store,
        stopping_on_signals(),
        working(settings, store, router),
    ):
        on_ready()
        forever = threading.Event()
        while not forever.wait(_SIGNALS_SEEN_S):
            pass


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Let SIGINT and SIGTERM end the block; a second one ends the process at once."""

    def stop(_number: int, _frame: object) -> NoReturn:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    yield


def _not_bound(settings: Settings, error: OSError) -> ConfigurationError:
    if isinstance(error, socket.gaierror):
        problem = f"{settings.host!r} is no address of this machine"
        return ConfigurationError([Fault("MSP_HOST", problem, "enter one, such as 127.0.0.1")])
    why = os.strerror(error.errno or 0)
    return ConfigurationError(
        [
            Fault(
                "MSP_PORT",
                f"{settings.host}:{settings.port} cannot be listened on ({why})",
                "stop what listens there (perhaps `make run` in another window), "
                "or choose another port",
            )
        ]
    )
