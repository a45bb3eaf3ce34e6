"""Keeps out of files what only its receiver may know: keys, sessions, and tokens in addresses."""

import re
from typing import Final

from msp_server.emulator.masking import MASK, masked
from msp_server.emulator.packing import JsonObject

#: Under these keys lies what opens a payment or proves who speaks, wherever they stand.
SECRET_KEYS: Final = frozenset({"merchantSession", "paymentToken", "dataRefSig", "nonce"})
#: The key to a file or a referenced payload. Source: MSP API Tutorial, exercise 04.
_FILE_KEY: Final = re.compile(r"00[0-9A-Fa-f]{64}")
#: In what asks to sign in, this tells the MSP that its own request is answered.
_STATE: Final = "state"
_ADDRESS: Final = re.compile(r"https?://[^\s\"<>]+")
#: Parts of an address: what is between slashes, and what is behind an equals sign.
_PART: Final = re.compile(r"(?<=[/=])[A-Za-z0-9._~%-]{16,}")
#: Words with hyphens are no token, though a year may be among them.
_TOKEN: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Z])(?=.*[a-z])|[0-9a-fA-F-]{32,}$")


def without_secrets(fields: JsonObject) -> JsonObject:
    """Copy a message without secrets, at any depth."""
    return _clean_object(masked(fields))


def hide_tokens(text: str, mark: str) -> str:
    """Put a mark in the place of whatever looks random in a text's web addresses."""
    return _ADDRESS.sub(lambda address: _hide_in_address(address[0], mark), text)


def _hide_in_address(address: str, mark: str) -> str:
    return _PART.sub(lambda part: mark if _TOKEN.match(part[0]) else part[0], address)


def _clean_object(fields: JsonObject) -> JsonObject:
    return {
        key: MASK if key in SECRET_KEYS and value is not None else _clean(key, value)
        for key, value in fields.items()
    }


def _clean(key: str, value: object) -> object:
    match value:
        case dict():
            cleaned = _clean_object(value)
            return cleaned | {_STATE: MASK} if key == "oauth2" and _STATE in cleaned else cleaned
        case list():
            return [_clean(key, inner) for inner in value]
        case str() if _FILE_KEY.fullmatch(value):
            return MASK
        case str() if "://" in value:
            return hide_tokens(value, MASK)
        case _:
            return value
