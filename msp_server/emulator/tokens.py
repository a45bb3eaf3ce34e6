"""The JWT of every request, signed and verified by the emulator's own code."""

import json

from jwt import PyJWS
from jwt.exceptions import InvalidAlgorithmError, InvalidSignatureError, PyJWTError

from msp_server.emulator.packing import JsonObject, Unreadable, unpack

ALGORITHM = "HS256"
#: Below this PyJWT warns about a key. HMAC itself fills short keys with zeros, so that filling them
#: beforehand changes no signature.
FULL_KEY_BYTES = 32

_jws = PyJWS()


class TokenUnfit(Exception):
    """A token that does not prove who sent it; carries the rule it breaks and a reason."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


def sign(msp_id: str, api_secret: bytes, now_s: int) -> str:
    """Make the token Apple sends to an MSP.

    Source: MSP REST API, "Authentication".
    """
    return _jws.encode(_claims(msp_id, now_s), _full(api_secret), ALGORITHM)


def sign_not(msp_id: str, now_s: int) -> str:
    """Make a token that says it needs no signature, and has none."""
    return _jws.encode(_claims(msp_id, now_s), "", "none")


def verify(token: str, api_secrets: tuple[bytes, ...]) -> JsonObject:
    """Give the claims of a token that one of the secrets has signed.

    Raises:
        TokenUnfit: not a JWT, another algorithm, or signed by another key.
    """
    payload = _verified_payload(token, api_secrets)
    try:
        return unpack(payload)
    except Unreadable as error:
        raise TokenUnfit(
            "token-unreadable", f"The token's claims cannot be read: {error}"
        ) from error


def peek(token: str) -> tuple[JsonObject | None, JsonObject | None]:
    """Read header and claims of a token without verifying it, as far as they can be read."""
    try:
        whole = _jws.decode_complete(token, options={"verify_signature": False})
    except (PyJWTError, ValueError):
        return None, None
    try:
        return whole["header"], unpack(whole["payload"])
    except Unreadable:
        return whole["header"], None


def _claims(msp_id: str, now_s: int) -> bytes:
    return json.dumps({"aud": msp_id, "iat": now_s}, separators=(",", ":")).encode()


def _verified_payload(token: str, api_secrets: tuple[bytes, ...]) -> bytes:
    for api_secret in api_secrets:
        try:
            whole = _jws.decode_complete(token, _full(api_secret), algorithms=[ALGORITHM])
        except InvalidSignatureError:
            continue
        except InvalidAlgorithmError as error:
            raise TokenUnfit(
                "token-algorithm", "The token's alg is not HS256: sign with HS256"
            ) from error
        except (PyJWTError, ValueError) as error:
            raise TokenUnfit("token-unreadable", f"The token is not a JWT: {error}") from error
        payload: bytes = whole["payload"]
        return payload
    raise TokenUnfit(
        "token-signature",
        "The token's signature does not fit the secret: the key is the Base64-decoded secret, and "
        "emulator and MSP need the same one",
    )


def _full(api_secret: bytes) -> bytes:
    return api_secret.ljust(FULL_KEY_BYTES, b"\0")
