"""Retention: what has ended long ago is removed by itself, beside everything else that runs."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from msp_server.delivery.files import Files
from msp_server.errors import StoreError, where
from msp_server.store.pruning import Cut, Pruned, Pruning

log = logging.getLogger(__name__)

#: How often is looked for what is old enough, seconds.
EVERY_S: Final = 3600.0
_DAY_S: Final = 86_400.0

T = TypeVar("T")


@dataclass(frozen=True)
class Remover:
    """Removes messages, and their files once it is committed that nobody needs them."""

    pruning: Pruning
    #: Where what customers sent is kept.
    attachments: Files
    #: Where files wait for being sent.
    outgoing: Files

    def remove(self, cut: Cut) -> Iterator[tuple[int, Pruned]]:
        """Remove what can go, step by step, each committed when it is given.

        Yields:
            How many places of the history were looked through, and what is no more.
        """
        for page in self.pruning.find(cut):
            pruned = self.pruning.remove(page, cut)
            for files, names in (
                (self.attachments, pruned.attachments),
                (self.outgoing, pruned.outgoing),
            ):
                for name in names:
                    files.remove(name)  # what is missed, the next start sweeps
            yield page.passed, pruned


class Retention:
    """Removes once an hour what ended so many days ago; what was given up stays."""

    def __init__(self, remover: Remover, days: float, now: Callable[[], float]) -> None:
        """Make it.

        Args:
            remover: removes.
            days: how long messages are kept after they have ended.
            now: gives seconds since 1970.
        """
        self._remover = remover
        self._days = days
        self._now = now
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Start at once."""
        self._thread.start()

    def stop(self, grace_s: float) -> bool:
        """Stop after the step that is under way; False when that takes longer than `grace_s`."""
        self._stopping.set()
        self._thread.join(grace_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._remove()
            except StoreError as error:
                log.warning("not pruned error=%s", error)
            except Exception as error:  # noqa: BLE001 - the next hour it is tried again
                log.error("not pruned error=%s", where(error))  # noqa: TRY400 - may quote a customer
            self._stopping.wait(EVERY_S)

    def _remove(self) -> None:
        now = self._now()
        received = sent = conversations = files = 0
        steps = self._remover.remove(Cut.of(now - self._days * _DAY_S, now))
        for _, pruned in resting(steps, self._stopping.wait):
            received += pruned.received
            sent += pruned.sent
            conversations += pruned.conversations
            files += len(pruned.attachments)
            if self._stopping.is_set():
                break
        if received or sent:
            log.info(
                "pruned received=%d sent=%d conversations=%d attachments=%d",
                received,
                sent,
                conversations,
                files,
            )


def resting(steps: Iterable[T], rest: Callable[[float], object]) -> Iterator[T]:
    """Give every step, and rest after each as long as it took: others write meanwhile.

    Args:
        steps: each does something when it is asked for.
        rest: waits so many seconds.
    """
    began = time.monotonic()
    for step in steps:
        took_s = time.monotonic() - began
        yield step
        rest(took_s)
        began = time.monotonic()
