"""What a message looked like before we understood it, and careful looks into it."""

import math
from dataclasses import field
from typing import Any

#: What a JSON object becomes.
JsonObject = dict[str, Any]


def raw_fields() -> JsonObject:
    """Declare the field `raw` of a content: what came, unchanged; empty on what we write."""
    fields: JsonObject = field(default_factory=dict, repr=False, compare=False, kw_only=True)
    return fields


def present(**fields: object) -> JsonObject:
    """Give the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def text_in(fields: JsonObject, name: str) -> str | None:
    """Give a field if it is a text with something in it."""
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def label_in(fields: JsonObject, name: str) -> str | None:
    """Give a field that is a text, or a whole number where a text was meant."""
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**18 else None
    return value if isinstance(value, str) and value else None


def number_in(fields: JsonObject, name: str) -> float | None:
    """Give a field that is a number, or a text that reads as one (observed)."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def object_in(fields: JsonObject, name: str) -> JsonObject:
    """Give a field if it is an object, else an empty one."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def objects_in(fields: JsonObject, name: str) -> list[JsonObject]:
    """Give the objects of a field that is a list."""
    value = fields.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
