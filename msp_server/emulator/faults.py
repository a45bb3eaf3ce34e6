"""Faults on order: what the gateway is to do wrong with the next messages."""

from dataclasses import asdict, dataclass
from threading import Lock
from typing import Literal, TypeAlias, get_args

from msp_server.emulator.packing import JsonObject

Deed: TypeAlias = Literal["status", "delay", "drop", "drop_after"]

COUNT_LIMIT = 1_000_000
DELAY_LIMIT_S = 60.0
FAULT_LIMIT = 1_000


class FaultUnfit(Exception):
    """A fault that cannot be ordered; the text is a sentence that says why."""


@dataclass
class Fault:
    """What to do wrong, how often, and to which messages."""

    #: status: answer with `status`. delay: answer later. drop: close the connection before
    #: accepting the message. drop_after: accept it, then close the connection.
    do: Deed
    #: How many more messages it meets.
    count: int = 1
    status: int = 503
    #: Value of the Retry-After header beside `status`.
    retry_after: str | None = None
    delay_s: float = 0.5
    #: Only messages of this type.
    type: str | None = None
    #: Only messages to the customer of this name.
    customer: str | None = None

    def meets(self, kind: str, customer: str) -> bool:
        """Tell whether a message is one this fault is for."""
        return self.type in {None, kind} and self.customer in {None, customer}

    def to_json(self) -> JsonObject:
        """Give the fault as the control plane shows it."""
        return asdict(self)


@dataclass(frozen=True)
class Misfortune:
    """What happens to one message: it may wait, and one more fault may befall it."""

    delay_s: float
    fault: Fault | None


class Faults:
    """The faults on order; safe for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order a fault, behind those ordered before.

        Raises:
            FaultUnfit: too many are on order.
        """
        with self._lock:
            if len(self._faults) >= FAULT_LIMIT:
                raise FaultUnfit(f"{FAULT_LIMIT} faults are on order: clear them first")
            self._faults.append(fault)

    def take(self, kind: str, customer: str) -> Misfortune:
        """Use up what befalls one message: the first delay and the first other fault for it."""
        with self._lock:
            meeting = [fault for fault in self._faults if fault.meets(kind, customer)]
            delay = next((fault for fault in meeting if fault.do == "delay"), None)
            other = next((fault for fault in meeting if fault.do != "delay"), None)
            for fault in (delay, other):
                if fault:
                    fault.count -= 1
            self._faults = [fault for fault in self._faults if fault.count > 0]
        return Misfortune(delay.delay_s if delay else 0.0, other)

    def to_json(self) -> list[JsonObject]:
        """Give the faults still on order."""
        with self._lock:
            return [fault.to_json() for fault in self._faults]

    def clear(self) -> None:
        """Take back every order."""
        with self._lock:
            self._faults.clear()


def parse_fault(fields: JsonObject) -> Fault:
    """Read a fault from JSON.

    Raises:
        FaultUnfit: a field is unknown or has a value out of bounds.
    """
    known = Fault.__dataclass_fields__
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise FaultUnfit(f"{unknown[0]!r} is no field of a fault: there are {', '.join(known)}")
    return Fault(
        do=_deed(fields.get("do")),
        count=int(_number(fields, "count", 1, (1, COUNT_LIMIT), whole=True)),
        status=int(_number(fields, "status", 503, (300, 599), whole=True)),
        retry_after=_line(fields, "retry_after"),
        delay_s=_number(fields, "delay_s", 0.5, (0, DELAY_LIMIT_S)),
        type=_line(fields, "type"),
        customer=_line(fields, "customer"),
    )


def _deed(text: object) -> Deed:
    deeds: tuple[Deed, ...] = get_args(Deed)
    for deed in deeds:
        if deed == text:
            return deed
    raise FaultUnfit(f"do has to be one of {', '.join(deeds)}")


def _number(
    fields: JsonObject,
    name: str,
    default: float,
    bounds: tuple[float, float],
    *,
    whole: bool = False,
) -> float:
    value = fields.get(name, default)
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise FaultUnfit(f"{name} has to be a {'whole ' if whole else ''}number")
    lowest, highest = bounds
    if not lowest <= value <= highest:
        raise FaultUnfit(f"{name} has to be from {lowest} to {highest}")
    return value


def _line(fields: JsonObject, name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
        raise FaultUnfit(f"{name} has to be one line of ASCII text, or absent")
    return value
