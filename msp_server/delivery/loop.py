"""A loop: claims entries and works on them, in several threads, until told to stop."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

from msp_server import metrics
from msp_server.errors import StoreError, where

log = logging.getLogger(__name__)

#: How often is looked for what other processes have stored, or what has become due.
POLL_S: Final = 0.1
#: The same where a bell wakes us, and this is the net.
SLOW_POLL_S: Final = 0.5
#: How long to wait after an error of our own before going on.
PAUSE_S: Final = 1.0
#: How many threads of a loop look for something due at a time. What is claimed is worked on by as
#: many as there may be, but looking is the store's work, of which many at once make each slower.
LOOKING_AT_A_TIME: Final = 2
#: How long what keeps the claims is waited for at the end, seconds.
_KEEPER_ENDS_S: Final = 1.0


class Claimed(Protocol):
    """What a thread holds while it works."""

    @property
    def message_id(self) -> str:
        """The message it is about."""

    @property
    def more_due(self) -> bool:
        """Whether something else was due when this was claimed."""


C = TypeVar("C", bound=Claimed)


class Work(Protocol[C]):
    """What a loop does: `Answering`, `Sending` or `Fetching`."""

    def claim(self, lease_s: float) -> C | None:
        """Claim the next entry that is due."""

    def extend(self, entry: C, lease_s: float, /) -> None:
        """Keep a claim."""

    def bring_forward(self) -> int:
        """Make due what a clock that was set back would keep waiting, and say how much that is."""

    def work(self, entry: C, /) -> None:
        """Work on a claimed entry."""


class Loop(Generic[C]):
    """Threads that work on what is due; one more is started whenever none is idle."""

    def __init__(
        self, name: str, work: Work[C], threads: int, lease_s: float, poll_s: float
    ) -> None:
        """Make a loop.

        Args:
            name: what its threads are called.
            work: what is done.
            threads: how many entries are worked on at a time, at most.
            lease_s: how long a claim lasts without being extended.
            poll_s: how often it looks by itself whether something is due.
        """
        self._name = name
        self._work = work
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._changed = threading.Condition()
        self._wakeups = 0
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._limit = threads
        self._stopping = threading.Event()
        self._held: dict[int, C] = {}
        self._looking = threading.BoundedSemaphore(LOOKING_AT_A_TIME)
        self._waiting_to_look = 0
        self._turns = 0
        self._turned = threading.Condition()
        self._looked_at = time.monotonic()
        self._keeper = threading.Thread(target=self._keep, name=f"{name}-keeper", daemon=True)

    def start(self) -> None:
        """Start working."""
        metrics.watch_loop(self._name, self._living, self._working, self._looked_s)
        self._keeper.start()
        self.wake()

    def wake(self) -> None:
        """Say that something may be due."""
        with self._changed:
            self._wakeups = min(self._wakeups + 1, self._limit)
            if self._waiting_to_look or self._stopping.is_set():
                return
            if self._idle:
                self._changed.notify()
            elif len(self._threads) < self._limit:
                self._start_thread()

    def begin_nothing(self) -> None:
        """Stop after the entries now under work, without waiting for that."""
        with self._turned:
            self._stopping.set()  # no turn begins after this
        with self._changed:
            self._changed.notify_all()

    def stop(self, grace_s: float) -> bool:
        """Stop after the entries now under work.

        Returns:
            Whether all were done within `grace_s`; others are taken up again at the next start.
        """
        self.begin_nothing()
        metrics.forget_loop(self._name)
        with self._turned:
            all_done = self._turned.wait_for(lambda: not self._turns, grace_s)
        if self._keeper.is_alive():
            self._keeper.join(_KEEPER_ENDS_S)  # it may be asking the store
        return all_done

    def _living(self) -> int:
        return sum(thread.is_alive() for thread in self._threads)

    def _working(self) -> int:
        return len(self._held)

    def _looked_s(self) -> float:
        return time.monotonic() - self._looked_at

    def _start_thread(self) -> None:
        name = f"{self._name}-{len(self._threads)}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more: those that run go on
            log.warning("no further thread loop=%s error=%s", self._name, error)
        else:
            self._threads.append(thread)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                worked = self._turn()
            except StoreError as error:
                log.warning("store failed loop=%s error=%s", self._name, error)
                self._stopping.wait(PAUSE_S)
            except Exception as error:  # noqa: BLE001 - one turn's error must not end the loop
                log.error("loop failed loop=%s error=%s", self._name, where(error))  # noqa: TRY400 - may quote a customer
                self._stopping.wait(PAUSE_S)
            else:
                if not worked:
                    self._wait()

    def _turn(self) -> bool:
        with self._turning() as may_begin:
            entry = self._claim() if may_begin else None
            if entry is None:
                return False
            if entry.more_due:
                self.wake()  # another thread looks
            with self._holding(entry):
                self._work.work(entry)
            return True

    def _claim(self) -> C | None:
        with self._changed:
            self._waiting_to_look += 1
        with self._looking:
            with self._changed:
                self._waiting_to_look -= 1
            return None if self._stopping.is_set() else self._work.claim(self._lease_s)

    def _wait(self) -> None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._wakeups or self._stopping.is_set())
            self._idle -= 1
            self._wakeups = max(0, self._wakeups - 1)

    @contextmanager
    def _holding(self, entry: C) -> Iterator[None]:
        self._held[threading.get_ident()] = entry
        try:
            yield
        finally:
            del self._held[threading.get_ident()]

    @contextmanager
    def _turning(self) -> Iterator[bool]:
        with self._turned:
            may_begin = not self._stopping.is_set()
            self._turns += may_begin
        try:
            yield may_begin
        finally:
            with self._turned:
                self._turns -= may_begin
                self._turned.notify_all()

    def _keep(self) -> None:
        """Look in regularly, and keep the claims of what takes long."""
        extend_every_s = self._lease_s / 4
        extended_at = time.monotonic()
        while not self._stopping.wait(min(self._poll_s, extend_every_s)):
            self._looked_at = time.monotonic()
            self.wake()
            if time.monotonic() >= extended_at + extend_every_s:
                extended_at = time.monotonic()
                self._extend()
                self._bring_forward()

    def _bring_forward(self) -> None:
        """Look for what is due by another clock; only after the claims of ours were extended."""
        try:
            count = self._work.bring_forward()
        except Exception as error:  # noqa: BLE001 - the claims are extended all the same
            log.warning("not brought forward loop=%s error=%s", self._name, where(error))
        else:
            if count:
                log.warning("clock was set back loop=%s brought_forward=%d", self._name, count)

    def _extend(self) -> None:
        for entry in list(self._held.values()):
            try:
                self._work.extend(entry, self._lease_s)
            except Exception as error:  # noqa: BLE001 - one claim's error must not lose the others
                log.warning(
                    "claim not extended message_id=%.80r error=%s", entry.message_id, where(error)
                )
