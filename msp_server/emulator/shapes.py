"""Reading JSON that others made: what is of another type counts as absent."""

from msp_server.emulator.packing import JsonObject


def text_in(outer: JsonObject, key: str) -> str | None:
    """Give a text that is not empty, or None."""
    value = outer.get(key)
    return value if isinstance(value, str) and value else None


def object_in(outer: JsonObject, key: str) -> JsonObject:
    """Give an object, or an empty one."""
    value = outer.get(key)
    return value if isinstance(value, dict) else {}


def objects_in(outer: JsonObject, key: str) -> list[JsonObject]:
    """Give the objects of an array, in order."""
    value = outer.get(key)
    return [inner for inner in value if isinstance(inner, dict)] if isinstance(value, list) else []


def number_in(outer: JsonObject, key: str) -> float | None:
    """Give a number, or None; vendors write some numbers as text, so that is read too.

    Source: observed.
    """
    value = outer.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def picked(outer: JsonObject, *keys: str) -> JsonObject:
    """Give those of the keys that are there, with their values."""
    return {key: outer[key] for key in keys if key in outer}
