"""What the machine's own supervisor asks, on a port of its own: never on the one the proxy uses."""

import logging
import math
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from flask import Blueprint, Flask, Response, request
from flask.typing import ResponseReturnValue
from prometheus_client import disable_created_metrics
from prometheus_client.exposition import choose_encoder
from werkzeug.exceptions import HTTPException

from msp_server import metrics
from msp_server.errors import StoreError, where
from msp_server.store.opening import Store
from msp_server.web import health

log = logging.getLogger(__name__)

#: Where it listens, whatever else this server listens on.
HOST: Final = "127.0.0.1"
#: How long a client may leave a request unfinished, seconds.
READ_LIMIT_S: Final = 10.0
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def create_admin_app(store: Store) -> Flask:
    """Make the WSGI app of the admin port."""
    app = Flask("msp_server.admin")
    app.before_request(refuse_other_hosts)
    app.register_blueprint(health.blueprint(store))
    app.register_blueprint(_metrics(store))
    app.register_error_handler(HTTPException, _explain)
    return app


def _explain(error: HTTPException) -> ResponseReturnValue:
    problem = f"{error.name}: there are GET /metrics, /healthz and /readyz"
    return {"error": problem}, error.code or 500


def refuse_other_hosts() -> ResponseReturnValue | None:
    """Refuse a request for another host: a page in a browser here may ask for one that leads us."""
    try:
        name = urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        name = None
    if name in _LOOPBACK:
        return None
    return {"error": f"only for the host {HOST}"}, 403


def _metrics(store: Store) -> Blueprint:
    bp = Blueprint("metrics", __name__)
    looking = threading.Lock()

    @bp.get("/metrics")
    def show_metrics() -> ResponseReturnValue:
        with looking:
            look_into(store)
            write, content_type = choose_encoder(request.headers.get("Accept", ""))
            return Response(write(metrics.REGISTRY), content_type=content_type)

    return bp


def look_into(store: Store) -> None:
    """Measure how full the store is; while it cannot be read, show nothing of that."""
    gauges = (metrics.WAITING, metrics.OLDEST, metrics.BURIED)
    now = time.time()
    try:
        depths, paused_s = store.depths.read(now), store.depths.paused_s(now)
    except StoreError as error:
        log.warning("store not measured error=%s", error)
        for gauge in gauges:
            gauge.clear()
        metrics.PAUSED.set(math.nan)
        return
    metrics.PAUSED.set(paused_s)
    for box, depth in depths.items():
        values = (depth.waiting, depth.oldest_s, depth.buried)
        for gauge, value in zip(gauges, values, strict=True):
            gauge.labels(box).set(value)


class AdminServer(socketserver.ThreadingMixIn, WSGIServer):
    """Serves on threads of its own, one for each request: who is slow keeps nobody waiting."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Take the port, and ask no name server what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name = HOST
        self.server_port = self.server_address[1]
        self.setup_environ()

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Say what went wrong in one line of the log."""
        log.warning("admin request failed error=%s", where(sys.exception()))


class _Handler(WSGIRequestHandler):
    """Reads a request, for no longer than it may take, and logs nothing of it."""

    def setup(self) -> None:
        """Say how long to wait for a client."""
        super().setup()
        self.connection.settimeout(READ_LIMIT_S)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a supervisor asks all day."""


def bind_admin(store: Store, port: int) -> AdminServer:
    """Take the admin port.

    Raises:
        OSError: it is taken.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double what is shown
    server = AdminServer((HOST, port), _Handler)
    server.set_app(create_admin_app(store))
    return server


@contextmanager
def serving_admin(server: AdminServer) -> Iterator[None]:
    """Serve the admin port while the block lasts, and close it."""
    thread = threading.Thread(target=server.serve_forever, name="admin", daemon=True)
    with server:
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
