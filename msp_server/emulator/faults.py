"""Faults on order: what Apple's side is to do wrong with the next messages and files."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from random import SystemRandom
from threading import Lock
from typing import Final

from msp_server.emulator.events import Events
from msp_server.emulator.fault_kinds import Deed, Endpoint, Header
from msp_server.emulator.packing import JsonObject

FAULT_LIMIT: Final = 1_000
#: How many that are used up are still shown.
USED_UP_LIMIT: Final = 50


class TooManyFaults(Exception):
    """As many are on order as may be."""


@dataclass
class Fault:
    """What to do wrong, where, how often, and to which messages."""

    do: Deed
    endpoint: Endpoint = "message"
    #: How many more times it happens; None for ever.
    count: int | None = 1
    #: How likely it happens to each request or file that it meets, from 0 to 1.
    probability: float = 1.0
    status: int = 503
    #: Value of the Retry-After header beside `status`.
    retry_after: str | None = None
    delay_s: float = 0.5
    #: Which header is missing.
    header: Header = "id"
    #: Only messages of this type; None for all but what the customer's typing sends to the MSP.
    type: str | None = None
    #: Only messages to or from, and files from, the customer of this name.
    customer: str | None = None
    #: How many times it has happened.
    happened: int = 0
    #: Its number, given when it is ordered.
    number: int = 0

    def meets(
        self, endpoints: tuple[Endpoint, ...], kind: str | None, customer: str | None
    ) -> bool:
        """Tell whether a request or file is one this fault is for."""
        return (
            self.endpoint in endpoints
            and (self.type == kind or (self.type is None and not self._is_by_the_way(kind)))
            and self.customer in {None, customer}
        )

    def _is_by_the_way(self, kind: str | None) -> bool:
        """Tell whether nobody means it: a customer who writes is seen typing first."""
        return self.endpoint == "msp" and kind in {"typing_start", "typing_end"}

    def to_json(self) -> JsonObject:
        """Give the fault as the control plane shows it."""
        return asdict(self)


@dataclass(frozen=True)
class Misfortune:
    """What happens to one request: it may wait, and one more fault may befall it."""

    delay_s: float
    fault: Fault | None


class Faults:
    """The faults on order; safe for many threads.

    Args:
        events: who is told of changes.
        chance: gives numbers from 0 to below 1, against which a probability is held.
    """

    def __init__(
        self, events: Events | None = None, chance: Callable[[], float] | None = None
    ) -> None:
        self._events = events or Events()
        self._chance = chance or SystemRandom().random
        self._lock = Lock()
        self._last_number = 0
        self._faults: list[Fault] = []
        self._used_up: deque[Fault] = deque(maxlen=USED_UP_LIMIT)

    def add(self, fault: Fault) -> None:
        """Number a fault and order it, behind those ordered before.

        Raises:
            TooManyFaults: as many are on order as may be.
        """
        with self._lock:
            if len(self._faults) >= FAULT_LIMIT:
                raise TooManyFaults
            self._last_number += 1
            fault.number = self._last_number
            self._faults.append(fault)
            self._events.tell("faults")

    def take(
        self, *endpoints: Endpoint, kind: str | None = None, customer: str | None = None
    ) -> Misfortune:
        """Use up what befalls one request: the first delay and the first other fault for it."""
        with self._lock:
            meeting = [fault for fault in self._faults if fault.meets(endpoints, kind, customer)]
            delay = self._strike(fault for fault in meeting if fault.do == "delay")
            other = self._strike(fault for fault in meeting if fault.do != "delay")
            if delay or other:
                self._used_up.extend(fault for fault in self._faults if fault.count == 0)
                self._faults = [fault for fault in self._faults if fault.count != 0]
                self._events.tell("faults")
        return Misfortune(delay.delay_s if delay else 0.0, other)

    def to_json(self) -> list[JsonObject]:
        """Give the faults still on order."""
        with self._lock:
            return [fault.to_json() for fault in self._faults]

    def used_up_to_json(self) -> list[JsonObject]:
        """Give the newest of those that happened as often as was ordered."""
        with self._lock:
            return [fault.to_json() for fault in self._used_up]

    def remove(self, number: int) -> bool:
        """Take back one order; false where there is none of that number."""
        with self._lock:
            left = [fault for fault in self._faults if fault.number != number]
            found = len(left) < len(self._faults)
            self._faults = left
            if found:
                self._events.tell("faults")
            return found

    def clear(self) -> None:
        """Take back every order, and forget what was used up."""
        with self._lock:
            self._faults.clear()
            self._used_up.clear()
            self._events.tell("faults")

    def _strike(self, faults: Iterable[Fault]) -> Fault | None:
        """Let the first fault happen whose chance has come."""
        for fault in faults:
            if fault.probability >= 1 or self._chance() < fault.probability:
                fault.happened += 1
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None
