"""Takes out of what is shown what nobody should read there: secrets, and encrypted tokens."""

from typing import Final

from msp_server.emulator.packing import JsonObject

#: What stands in a secret's place.
MASK: Final = "…"
#: Under these keys lies a secret wherever they stand.
SECRET_KEYS: Final = frozenset({"clientSecret", "client_secret"})
#: Under these, only inside `authenticate`.
SIGN_IN_KEYS: Final = SECRET_KEYS | {"token"}


def masked(fields: JsonObject) -> JsonObject:
    """Copy a message without the secrets of signing in, at any depth."""
    return _without(fields, SECRET_KEYS)


def _without(fields: JsonObject, keys: frozenset[str]) -> JsonObject:
    return {
        key: MASK
        if key in keys and value is not None
        else _inside(value, SIGN_IN_KEYS if key == "authenticate" else keys)
        for key, value in fields.items()
    }


def _inside(value: object, keys: frozenset[str]) -> object:
    if isinstance(value, dict):
        return _without(value, keys)
    return [_inside(inner, keys) for inner in value] if isinstance(value, list) else value
