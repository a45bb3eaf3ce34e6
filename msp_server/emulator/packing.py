"""JSON to bytes and back, with gzip on the way to the MSP."""

import gzip
import json
import math
from collections.abc import Iterable
from typing import NoReturn, TypeAlias

#: What a JSON object is here; whoever reads a value checks its type.
JsonObject: TypeAlias = dict[str, object]

GZIP_MAGIC = b"\x1f\x8b"
#: Objects and arrays inside one another; keeps every later walk within Python's stack.
DEPTH_LIMIT = 100


class Unreadable(Exception):
    """Bytes that are not what they have to be; the text completes a sentence."""


def pack(fields: JsonObject) -> bytes:
    """Write fields as compact JSON in UTF-8 and gzip them, as Apple does.

    Source: MSP REST API, sample "receiving a text message" (gzip); compact form assumed.
    """
    return gzip.compress(to_json(fields), compresslevel=1, mtime=0)


def to_json(fields: JsonObject) -> bytes:
    """Write fields as compact JSON in UTF-8."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair has no UTF-8, but it has an escape
        return json.dumps(fields, separators=(",", ":")).encode()


def unpack(packed: bytes, depth_limit: int = DEPTH_LIMIT) -> JsonObject:
    """Read a JSON object in UTF-8, nested no deeper than the limit.

    Raises:
        Unreadable: it is something else; the text says what.
    """
    try:
        value = json.loads(packed.decode(), parse_float=_finite, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise _too_deep(depth_limit) from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:  # a number of thousands of digits
        raise Unreadable(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Unreadable("it is JSON, but not an object in braces")
    _check_depth(value, depth_limit)
    return value


def _check_depth(value: JsonObject, depth_limit: int) -> None:
    level: list[object] = [value]
    for _ in range(depth_limit):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise _too_deep(depth_limit)


def _too_deep(depth_limit: int) -> Unreadable:
    return Unreadable(f"it is nested more than {depth_limit} levels deep")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable(f"it is not JSON: {text[:32]} is a number out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"it is not JSON: {name} is no JSON number")
