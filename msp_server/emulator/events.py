"""What just happened, for readers that follow it live: numbered, the newest kept."""

import secrets
from collections import deque
from dataclasses import dataclass
from threading import Condition
from typing import Final, Literal, TypeAlias

from msp_server.emulator.packing import JsonObject

#: exchange: one was added to the journal, or got its answer. journal_cleared: all are forgotten.
#: transcript: a conversation changed. customers: there is another, or a profile changed.
#: faults, switches: they changed, or a fault happened. reset: everything is as at the start.
EventName: TypeAlias = Literal[
    "exchange", "journal_cleared", "transcript", "customers", "faults", "switches", "reset"
]

#: Events kept for readers that come back; the oldest go first.
EVENT_LIMIT: Final = 2_000
#: How many may follow at the same time.
READER_LIMIT: Final = 32


class TooManyReaders(Exception):
    """As many follow as may."""


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    number: int
    name: EventName
    data: JsonObject


@dataclass(frozen=True)
class Chapter:
    """What a reader gets next."""

    events: list[Event]
    #: The number of the last event there was; a reader goes on from there.
    number: int
    #: Whether events between the last chapter and this one are gone.
    missed: bool
    #: Whether nothing will follow.
    ended: bool


class Events:
    """Keeps events in order; safe for many threads."""

    def __init__(self) -> None:
        #: Tells the numbers given here from those of another emulator, or of one before.
        self.key = secrets.token_hex(4)
        self._changed = Condition()
        self._kept: deque[Event] = deque(maxlen=EVENT_LIMIT)
        self._number = 0
        self._readers = 0
        self._stopped = False

    def tell(self, name: EventName, data: JsonObject | None = None) -> None:
        """Tell every reader that something happened."""
        with self._changed:
            self._number += 1
            self._kept.append(Event(self._number, name, data or {}))
            self._changed.notify_all()

    def read(self, after: int, wait_s: float) -> Chapter:
        """Give the events behind a number, waiting for the first if there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._number > after, wait_s)
            oldest = self._kept[0].number if self._kept else self._number + 1
            return Chapter(
                events=[event for event in self._kept if event.number > after],
                number=self._number,
                missed=after + 1 < oldest,
                ended=self._stopped,
            )

    def find_place(self, last_id: str | None) -> tuple[int, bool]:
        """Give the number from which a reader goes on, and whether it missed something.

        Args:
            last_id: the last event it has seen, as `id_of` writes it; None for a new reader.
        """
        with self._changed:
            key, _, text = (last_id or "").partition("-")
            number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
            oldest = self._kept[0].number if self._kept else self._number + 1
            if key == self.key and oldest - 1 <= number <= self._number:
                return number, False
            return self._number, True

    def id_of(self, number: int) -> str:
        """Write an event's number as readers give it back."""
        return f"{self.key}-{number}"

    def join(self) -> None:
        """Count a reader in.

        Raises:
            TooManyReaders: as many follow as may.
        """
        with self._changed:
            if self._readers >= READER_LIMIT:
                raise TooManyReaders
            self._readers += 1

    def leave(self) -> None:
        """Count a reader out."""
        with self._changed:
            self._readers -= 1

    def stop(self) -> None:
        """Let every reader go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
