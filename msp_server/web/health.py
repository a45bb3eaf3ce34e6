"""Whether this process lives, and whether it can take messages."""

import threading
import time

from flask import Blueprint
from flask.typing import ResponseReturnValue

from msp_server.store.opening import Store

#: How long an answer of `/readyz` is good for: anybody may ask, and each look is a commit.
GOOD_FOR_S = 1.0


def blueprint(store: Store) -> Blueprint:
    """Make the routes that a supervisor or a proxy asks."""
    bp = Blueprint("health", __name__)
    lock = threading.Lock()
    ready_until = 0.0

    @bp.get("/healthz")
    def tell_alive() -> ResponseReturnValue:
        return {"status": "alive"}

    @bp.get("/readyz")
    def tell_ready() -> ResponseReturnValue:
        nonlocal ready_until
        with lock:
            if time.monotonic() >= ready_until:
                store.check(time.time())
                ready_until = time.monotonic() + GOOD_FOR_S
        return {"status": "ready"}

    return bp
