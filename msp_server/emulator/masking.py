"""Takes out of what is shown what nobody should read there: secrets, and encrypted tokens."""

from itertools import chain, repeat, zip_longest
from typing import Final

from msp_server.emulator.packing import JsonObject

#: What stands in a secret's place.
MASK: Final = "…"
#: Under these keys lies a secret wherever they stand.
SECRET_KEYS: Final = frozenset({"clientSecret", "client_secret"})
#: Under these, only inside `authenticate`.
SIGN_IN_KEYS: Final = SECRET_KEYS | {"token"}
#: Under these, only in answers: what an OAuth provider gives.
ANSWER_KEYS: Final = SECRET_KEYS | {"access_token", "refresh_token", "id_token"}


def masked(fields: JsonObject) -> JsonObject:
    """Copy a message without the secrets of signing in, at any depth."""
    return _without(fields, SECRET_KEYS)


def masked_answer(fields: JsonObject) -> JsonObject:
    """Copy an answer without secrets and the tokens that it gives, at any depth."""
    return _without(fields, ANSWER_KEYS)


def unmasked(edited: JsonObject, original: JsonObject) -> JsonObject:
    """Put the secrets of a message back into what somebody made out of its masked copy."""
    return _each_put_back(edited, masked(original), original)


def holds_mask(value: object) -> bool:
    """Tell whether something was taken out, at any depth."""
    if isinstance(value, dict):
        return any(map(holds_mask, value.values()))
    if isinstance(value, list):
        return any(map(holds_mask, value))
    return value == MASK


def _each_put_back(edited: JsonObject, shown: JsonObject, original: JsonObject) -> JsonObject:
    return {
        key: _put_back(value, shown.get(key), original.get(key)) for key, value in edited.items()
    }


def _put_back(edited: object, shown: object, original: object) -> object:
    """Put back what a mask stands for, in the same place."""
    match edited, shown, original:
        case str(), str(), _ if edited == shown == MASK:
            return original
        case dict(), dict(), dict():
            return _each_put_back(edited, shown, original)
        case list(), list(), list():
            known = zip_longest(shown, original)
            padded = zip(edited, chain(known, repeat((None, None))), strict=False)
            return [_put_back(inner, *pair) for inner, pair in padded]
        case _:
            return edited


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
