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
from msp_server.app import GRACE_S, create_app, open_store_of, working
from msp_server.errors import ConfigurationError, Fault
from msp_server.messages.envelope import InboundMessage
from msp_server.remote.certificates import find_certificate_faults
from msp_server.settings import Settings
from msp_server.store.opening import Store
from msp_server.web.admin import HOST as ADMIN_HOST
from msp_server.web.admin import bind_admin, serving_admin
from msp_server.web.server import bind
from msp_server.web.serving import serving

log = logging.getLogger(__name__)

#: How late a signal is noticed that comes just before the main thread begins to wait, seconds.
_SIGNALS_SEEN_S: Final = 0.5
#: What to do about a port that is taken, by the setting that names it.
_CURES: Final = {
    "MSP_PORT": "stop what listens there (perhaps `make run` in another window), "
    "or choose another port",
    "MSP_ADMIN_PORT": "choose another port: a worker beside a server needs one of its own",
}


class Wakeup:
    """Stands for the loops until they run: the port is opened before anything is answered."""

    def __init__(self) -> None:
        self.call: Callable[[InboundMessage], None] = lambda _message: None

    def __call__(self, message: InboundMessage) -> None:
        """Tell the loops that a message was stored."""
        self.call(message)


def serve(settings: Settings, router: Router, on_ready: Callable[[], None], *, works: bool) -> None:
    """Serve Apple's requests until SIGINT or SIGTERM.

    Args:
        settings: who we are and where.
        router: chooses who answers.
        on_ready: called once the port is open.
        works: whether answers are made and sent here too, or by a `worker` beside us.

    Raises:
        ConfigurationError: a port is taken.
        StoreError: the store cannot be opened, or another worker runs on it.
    """
    for fault in find_certificate_faults(settings.apple_pay, time.time()):
        log.warning("no payment can be sent: %s", fault)  # messages go on all the same
    with closing(open_store_of(settings)) as store, stopping_on_signals():
        wake = Wakeup()
        try:
            server = bind(create_app(settings, store, wake), settings.host, settings.port)
        except OSError as error:
            raise _not_bound("MSP_PORT", settings.host, settings.port, error) from error
        loops = working(settings, store, router) if works else nullcontext(lambda _message: None)
        with _admin(settings, store), loops as wake.call, serving(server, GRACE_S) as ended:
            on_ready()
            while not ended.wait(_SIGNALS_SEEN_S):
                pass
        raise SystemExit("the server ended by itself")


def work(settings: Settings, router: Router, on_ready: Callable[[], None]) -> None:
    """Answer and send until SIGINT or SIGTERM; raises what `serve` does."""
    with (
        closing(open_store_of(settings)) as store,
        stopping_on_signals(),
        _admin(settings, store),
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


@contextmanager
def _admin(settings: Settings, store: Store) -> Iterator[None]:
    """Serve the admin port while the block lasts, if there is to be one."""
    if settings.admin_port is None:
        yield
        return
    try:
        server = bind_admin(store, settings.admin_port)
    except OSError as error:
        raise _not_bound("MSP_ADMIN_PORT", ADMIN_HOST, settings.admin_port, error) from error
    with serving_admin(server):
        yield


def _not_bound(name: str, host: str, port: int, error: OSError) -> ConfigurationError:
    if isinstance(error, socket.gaierror):
        problem = f"{host!r} is no address of this machine"
        return ConfigurationError([Fault("MSP_HOST", problem, "enter one, such as 127.0.0.1")])
    problem = f"{host}:{port} cannot be listened on ({os.strerror(error.errno or 0)})"
    return ConfigurationError([Fault(name, problem, _CURES[name])])
