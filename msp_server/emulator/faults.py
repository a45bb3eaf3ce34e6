"""Faults on order: what Apple's side is to do wrong with the next messages and files."""

from dataclasses import asdict, dataclass
from threading import Lock
from typing import Final, Literal, TypeAlias

from msp_server.emulator.packing import JsonObject

Deed: TypeAlias = Literal[
    "status",
    "delay",
    "drop",
    "drop_after",
    "expired",
    "truncate",
    "short",
    "long",
    "garble",
    "drip",
    "wrong_key",
    "wrong_size",
]
#: Where it happens; the descriptor is what a customer's message says of a file or payload.
Endpoint: TypeAlias = Literal[
    "message",
    "authenticate",
    "preUpload",
    "upload",
    "preDownload",
    "download",
    "decodePayload",
    "session",
    "descriptor",
    "token",
    "userinfo",
]

_ANYWHERE: Final[tuple[Deed, ...]] = ("status", "delay", "drop")
_WITH_BYTES: Final[tuple[Deed, ...]] = (
    "expired",
    "truncate",
    "short",
    "long",
    "garble",
    "drip",
)
#: What can go wrong where. Without `endpoint` the first that has the deed is meant.
DEEDS: Final[dict[Endpoint, tuple[Deed, ...]]] = {
    "message": (*_ANYWHERE, "drop_after"),
    "authenticate": (*_ANYWHERE, "drop_after"),
    "preUpload": _ANYWHERE,
    "upload": (*_ANYWHERE, "drop_after"),
    "preDownload": _ANYWHERE,
    "download": (*_ANYWHERE, *_WITH_BYTES),
    "decodePayload": _ANYWHERE,
    "session": _ANYWHERE,
    "descriptor": ("wrong_key", "wrong_size"),
    "token": (*_ANYWHERE, "garble"),
    "userinfo": (*_ANYWHERE, "garble"),
}
#: Where it is known whose message it is, and of which type.
_OF_MESSAGES: Final[tuple[Endpoint, ...]] = ("message", "authenticate", "descriptor")

COUNT_LIMIT = 1_000_000
DELAY_LIMIT_S = 60.0
FAULT_LIMIT = 1_000


class FaultUnfit(Exception):
    """A fault that cannot be ordered; the text is a sentence that says why."""


@dataclass
class Fault:
    """What to do wrong, where, how often, and to which messages."""

    #: status: answer with `status`. delay: answer later. drop: close the connection before
    #: accepting the message. drop_after: accept it, then close the connection. expired: the
    #: download-url holds no more. truncate, short, long, garble, drip: other bytes than there are,
    #: or slowly. wrong_key, wrong_size: the customer's message says so.
    do: Deed
    endpoint: Endpoint = "message"
    #: How many more requests or files it meets.
    count: int = 1
    status: int = 503
    #: Value of the Retry-After header beside `status`.
    retry_after: str | None = None
    delay_s: float = 0.5
    #: Only messages of this type.
    type: str | None = None
    #: Only messages to, or files from, the customer of this name.
    customer: str | None = None

    def meets(self, endpoint: Endpoint, kind: str | None, customer: str | None) -> bool:
        """Tell whether a request or file is one this fault is for."""
        return (
            self.endpoint == endpoint
            and self.type in {None, kind}
            and self.customer in {None, customer}
        )

    def to_json(self) -> JsonObject:
        """Give the fault as the control plane shows it."""
        return asdict(self)


@dataclass(frozen=True)
class Misfortune:
    """What happens to one request: it may wait, and one more fault may befall it."""

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

    def take(
        self, endpoint: Endpoint, kind: str | None = None, customer: str | None = None
    ) -> Misfortune:
        """Use up what befalls one request: the first delay and the first other fault for it."""
        with self._lock:
            meeting = [fault for fault in self._faults if fault.meets(endpoint, kind, customer)]
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
    do = _deed(fields.get("do"))
    endpoint = _endpoint(fields.get("endpoint"), do)
    if endpoint not in _OF_MESSAGES and (fields.get("type") or fields.get("customer")):
        raise FaultUnfit(f"type and customer choose among messages: {endpoint} knows neither")
    return Fault(
        do=do,
        endpoint=endpoint,
        count=int(_number(fields, "count", 1, (1, COUNT_LIMIT), whole=True)),
        status=int(_number(fields, "status", _status_of(do), (300, 599), whole=True)),
        retry_after=_line(fields, "retry_after"),
        delay_s=_number(fields, "delay_s", 0.5, (0, DELAY_LIMIT_S)),
        type=_line(fields, "type"),
        customer=_line(fields, "customer"),
    )


def _deed(text: object) -> Deed:
    deeds = dict.fromkeys(deed for there in DEEDS.values() for deed in there)
    for deed in deeds:
        if deed == text:
            return deed
    raise FaultUnfit(f"do has to be one of {', '.join(deeds)}")


def _endpoint(text: object, do: Deed) -> Endpoint:
    places = [endpoint for endpoint, deeds in DEEDS.items() if do in deeds]
    for endpoint in places:
        if text is None or text == endpoint:
            return endpoint
    raise FaultUnfit(f"{do} can happen at {', '.join(places)}: endpoint has to be one of them")


def _status_of(do: Deed) -> int:
    """Give the status that a fault answers unless it is told another.

    Source: assumed.
    """
    return 403 if do == "expired" else 503


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
