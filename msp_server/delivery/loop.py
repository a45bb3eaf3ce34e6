"""A loop: claims entries and works on them, in several threads, until told to stop."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

from msp_server.errors import StoreError, where

log = logging.getLogger(__name__)

#: How long a claim lasts without being extended.
LEASE_S: Final = 60.0
#: How often is looked for what other processes have stored, or what has become due.
POLL_S: Final = 0.1
#: How long to wait after an error of our own before going on.
PAUSE_S: Final = 1.0


class Claimed(Protocol):
    """What a thread holds while it works."""

    @property
    def message_id(self) -> str:
        """The message it is about."""


C = TypeVar("C", bound=Claimed)


class Work(Protocol[C]):
    """What a loop does: `Answering`, `Sending` or `Fetching`."""

    def claim(self, lease_s: float) -> C | None:
        """Claim the next entry that is due."""

    def extend(self, entry: C, lease_s: float, /) -> None:
        """Keep a claim."""

    def work(self, entry: C, /) -> None:
        """Work on a claimed entry."""


class Loop(Generic[C]):
    """Threads that work on what is due; one more is started whenever none is idle."""

    def __init__(self, name: str, work: Work[C], threads: int) -> None:
        """Make a loop.

        Args:
            name: what its threads are called.
            work: what is done.
            threads: how many entries are worked on at a time, at most.
        """
        self._name = name
        self._work = work
        self._changed = threading.Condition()
        self._wakeups = 0
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._limit = threads
        self._stopping = threading.Event()
        self._held: dict[int, C] = {}
        self._turns = 0
        self._turned = threading.Condition()
        self._keeper = threading.Thread(target=self._keep, name=f"{name}-keeper", daemon=True)

    def start(self) -> None:
        """Start working."""
        self._keeper.start()
        self.wake()

    def wake(self) -> None:
        """Say that something may be due."""
        with self._changed:
            self._wakeups = min(self._wakeups + 1, self._limit)
            if self._idle:
                self._changed.notify()
            elif len(self._threads) < self._limit and not self._stopping.is_set():
                self._start_thread()

    def stop(self, grace_s: float) -> bool:
        """Stop after the entries now under work.

        Returns:
            Whether all were done within `grace_s`; others are taken up again at the next start.
        """
        with self._turned:
            self._stopping.set()  # no turn begins after this
        with self._changed:
            self._changed.notify_all()
        with self._turned:
            return self._turned.wait_for(lambda: not self._turns, grace_s)

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
            entry = self._work.claim(LEASE_S) if may_begin else None
            if entry is None:
                return False
            self.wake()  # where one is due there may be two: another thread looks
            with self._holding(entry):
                self._work.work(entry)
            return True

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
        looks = 0
        while not self._stopping.wait(POLL_S):
            self.wake()
            looks += 1
            if looks * POLL_S >= LEASE_S / 4:
                looks = 0
                self._extend()

    def _extend(self) -> None:
        for entry in list(self._held.values()):
            try:
                self._work.extend(entry, LEASE_S)
            except Exception as error:  # noqa: BLE001 - one claim's error must not lose the others
                log.warning(
                    "claim not extended message_id=%.80r error=%s", entry.message_id, where(error)
                )
