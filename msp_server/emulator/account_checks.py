"""Signing in: the keys without which it cannot begin."""

from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import quoted
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.pieces import Piece

_RESPONSE_TYPES: Final = ("code", "token")
#: What only the older way of signing in has. Source: MSP REST API, "Authentication (deprecated)".
_OLDER_KEYS: Final = ("clientSecret", "responseEncryptionKey")


def check_authenticate(authenticate: Piece) -> None:
    """Refuse a request to sign in that lacks a key.

    Raises:
        Refused: 400.

    That responseEncryptionKey is a key is found out later, by the customer's device.

    Source: MSP API Tutorial, exercise 18; the form of the state, additionalParameters, and what the
    device says of a key observed.
    """
    oauth = authenticate.piece("oauth2")
    oauth.choice("responseType", _RESPONSE_TYPES)
    scope = oauth.fields.get("scope")
    if not isinstance(scope, list) or not all(isinstance(word, str) for word in scope):
        raise oauth.refused(
            limits.SIGN_IN_KEYS, "scope", f"is {quoted(scope)}: it has to be a list of strings"
        )
    state = oauth.identifier("state", limits.STATE)
    oauth.check(
        state.isascii() and state.isprintable(),
        limits.STATE_PRINTABLE,
        "state",
        "holds more than printable ASCII: encode it, in Base64 for instance",
    )
    if is_older(authenticate.fields):
        for key in _OLDER_KEYS:
            _check_secret(oauth, key)
    else:
        oauth.address("redirectURI")
        oauth.text_if_any("additionalParameters")


def _check_secret(oauth: Piece, key: str) -> None:
    """Refuse what is no text, without quoting it."""
    value = oauth.fields.get(key)
    if value is not None and not isinstance(value, str):
        raise oauth.unfit(limits.KEY_TYPE, key, "has to be a string")
    oauth.text(key)


def is_older(authenticate: JsonObject) -> bool:
    """Tell whether signing in goes the older way, which needs AUTH and not AUTH2."""
    oauth = authenticate.get("oauth2")
    return isinstance(oauth, dict) and any(oauth.get(key) is not None for key in _OLDER_KEYS)
