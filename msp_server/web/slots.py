"""Slots: how many requests may wait for other servers at a time, so that messages never do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msp_server.errors import ServerBusy

#: How many requests may wait for a payment processor, a sign-in provider or an account linker.
SLOW_REQUESTS: Final = 24


class Slots:
    """A number of places; who finds none is told so at once, and holds no thread."""

    def __init__(self, count: int = SLOW_REQUESTS) -> None:
        self._free = threading.BoundedSemaphore(count)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place while the block lasts.

        Raises:
            ServerBusy: there is none.
        """
        if not self._free.acquire(blocking=False):
            raise ServerBusy
        try:
            yield
        finally:
            self._free.release()
