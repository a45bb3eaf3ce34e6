"""Whether this process lives, and whether it can take messages."""

import logging
import math
import threading
import time

from flask import Blueprint
from flask.typing import ResponseReturnValue

from msp_server.errors import StoreError
from msp_server.store.opening import Store

log = logging.getLogger(__name__)

#: How long an answer of `/readyz` is good for: anybody may ask, and each look is a commit.
GOOD_FOR_S = 1.0


def can_commit(store: Store) -> bool:
    """Try to commit something."""
    try:
        store.check(time.time())
    except StoreError as error:
        log.error("store not ready error=%s", error)  # noqa: TRY400 - its cause may quote a row
        return False
    return True


def blueprint(store: Store) -> Blueprint:
    """Make the routes that a supervisor or a proxy asks."""
    bp = Blueprint("health", __name__)
    looking = threading.Lock()
    looked_at = -math.inf
    ready = True

    @bp.get("/healthz")
    def tell_alive() -> ResponseReturnValue:
        return {"status": "alive"}

    @bp.get("/readyz")
    def tell_ready() -> ResponseReturnValue:
        nonlocal looked_at, ready
        # One looks at a time; who comes meanwhile gets the verdict before, and holds no thread.
        if time.monotonic() - looked_at >= GOOD_FOR_S and looking.acquire(blocking=False):
            try:
                ready = can_commit(store)
            finally:
                looked_at = time.monotonic()
                looking.release()
        if ready:
            return {"status": "ready"}
        return {"error": "the store cannot commit: its log says why"}, 503, {"Retry-After": "5"}

    return bp
