"""Reads what somebody orders to go wrong."""

from dataclasses import fields as fields_of
from typing import Final, get_args

from msp_server.emulator.fault_kinds import KINDS, Deed, Endpoint, Header
from msp_server.emulator.faults import Fault
from msp_server.emulator.packing import JsonObject

COUNT_LIMIT: Final = 1_000_000
DELAY_LIMIT_S: Final = 60.0
#: Where it is known whose message it is, and of which type.
_OF_MESSAGES: Final[frozenset[Endpoint]] = frozenset(
    {"message", "authenticate", "dataRef", "descriptor", "msp"}
)
#: What the emulator counts itself.
_COUNTED: Final = frozenset({"happened", "number"})
_KNOWN: Final = tuple(each.name for each in fields_of(Fault) if each.name not in _COUNTED)


class FaultUnfit(Exception):
    """A fault that cannot be ordered; the text is a sentence that says why."""


def parse_fault(fields: JsonObject) -> Fault:
    """Read a fault from JSON.

    Raises:
        FaultUnfit: a field is unknown or has a value out of bounds.
    """
    unknown = sorted(set(fields) - set(_KNOWN))
    if unknown:
        raise FaultUnfit(f"{unknown[0]!r} is no field of a fault: there are {', '.join(_KNOWN)}")
    do = _deed(fields.get("do"))
    endpoint = _endpoint(fields.get("endpoint"), do)
    if endpoint not in _OF_MESSAGES and (fields.get("type") or fields.get("customer")):
        raise FaultUnfit(f"type and customer choose among messages: {endpoint} knows neither")
    return Fault(
        do=do,
        endpoint=endpoint,
        count=_count(fields),
        probability=_number(fields, "probability", 1, (0, 1)),
        status=int(_number(fields, "status", _status_of(do, endpoint), (300, 599), whole=True)),
        retry_after=_line(fields, "retry_after"),
        delay_s=_number(fields, "delay_s", 0.5, (0, DELAY_LIMIT_S)),
        header=_header(fields.get("header")),
        type=_line(fields, "type"),
        customer=_line(fields, "customer"),
    )


def _deed(text: object) -> Deed:
    for deed in KINDS:
        if deed == text:
            return deed
    raise FaultUnfit(f"do has to be one of {', '.join(KINDS)}")


def _endpoint(text: object, do: Deed) -> Endpoint:
    places = KINDS[do].endpoints
    for endpoint in places:
        if text is None or text == endpoint:
            return endpoint
    raise FaultUnfit(f"{do} can happen at {', '.join(places)}: endpoint has to be one of them")


def _header(text: object) -> Header:
    headers: tuple[Header, ...] = get_args(Header)
    for header in headers:
        if text is None or text == header:
            return header
    raise FaultUnfit(f"header has to be one of {', '.join(headers)}")


def _count(fields: JsonObject) -> int | None:
    """Read how often it happens: once, but for ever where only a probability is given."""
    if fields.get("count") is None and ("probability" in fields or "count" in fields):
        return None
    return int(_number(fields, "count", 1, (1, COUNT_LIMIT), whole=True))


def _status_of(do: Deed, endpoint: Endpoint) -> int:
    """Give the status that a fault answers unless it is told another.

    Source: assumed.
    """
    if do != "expired":
        return 503
    return 400 if endpoint == "dataRef" else 403


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
