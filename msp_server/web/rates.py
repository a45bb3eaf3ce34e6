"""Count attempts, and say when there were too many."""

import hashlib
import math
import secrets
import threading
import time
from array import array
from collections.abc import Callable
from typing import Final

#: How many names are told apart; names that share a place share its attempts.
PLACES: Final = 65536


class Rates:
    """A bucket of attempts for each name, which fills up again with time.

    Names are hashed with a secret into a fixed number of places, so that no flood of names makes
    it grow or forget, and no name is kept. Behind a proxy every client has the proxy's address:
    let a limit by address be generous, and a limit by what is attempted the tight one.
    """

    def __init__(
        self, burst: int, refill_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Make full buckets.

        Args:
            burst: how many attempts a full bucket holds.
            refill_s: how long one of them takes to come back.
            clock: gives seconds that never go back.
        """
        self._ahead_s = (burst - 1) * refill_s
        self._refill_s = refill_s
        self._clock = clock
        self._full_at = array("d", [-math.inf]) * PLACES
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()

    def take(self, name: str) -> float:
        """Take one attempt, and give 0; or take none, and give the seconds until there is one."""
        place = self._place(name)
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at[place], now)
            wait_s = full_at - now - self._ahead_s
            if wait_s > 0:
                return wait_s
            self._full_at[place] = full_at + self._refill_s
            return 0.0

    def _place(self, name: str) -> int:
        packed = name.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(packed, key=self._key, digest_size=8).digest()
        return int.from_bytes(digest) % PLACES
