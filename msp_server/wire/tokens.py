"""Sign and verify the JWT that stands in the `Authorization` header, both ways."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
from jwt.types import Options

from msp_server.errors import TokenMissing, TokenRefused

#: Source: MSP REST API, "Common Specifications".
ALGORITHM: Final = "HS256"

_LIMIT_CHARS: Final = 8192
_CHECK_SIGNATURE_ONLY: Final[Options] = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def bearer_token(authorization: str | None) -> str:
    """Take the token out of an `Authorization` header.

    Raises:
        TokenMissing: there is no header, another scheme, or not three parts.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or token.count(".") != 2:
        raise TokenMissing
    return token


def verify(
    token: str, api_secrets: Sequence[bytes], msp_id: str, now: float, max_age_s: float
) -> Mapping[str, Any]:
    """Verify that Apple signed a token for us, lately, and give its claims.

    Args:
        token: three parts joined by dots.
        api_secrets: decoded keys, any of which may have signed.
        msp_id: must be in the claim `aud`; UUIDs compare without case.
        now: seconds since 1970.
        max_age_s: how far `iat` may lie from `now`, either way; 0 accepts any age.

    Raises:
        TokenRefused: saying which rule the token breaks.

    Source: MSP REST API, "Common Specifications"; the age is assumed, Apple names none.
    """
    claims = _decode(token, api_secrets)
    _require_audience(claims.get("aud"), msp_id)
    _require_age(claims.get("iat"), now, max_age_s)
    return claims


def sign(msp_id: str, api_secret: bytes, now: float) -> str:
    """Make the token of one request to Apple: `iss` is the MSP ID, `iat` whole seconds.

    Source: MSP REST API, "Common Specifications".
    """
    return jwt.encode({"iss": msp_id, "iat": int(now)}, api_secret, algorithm=ALGORITHM)


def _decode(token: str, api_secrets: Sequence[bytes]) -> dict[str, Any]:
    if len(token) > _LIMIT_CHARS:
        raise TokenRefused(f"token of {len(token)} characters, at most {_LIMIT_CHARS} are read")
    for api_secret in api_secrets:
        try:
            return jwt.decode(token, api_secret, [ALGORITHM], options=_CHECK_SIGNATURE_ONLY)
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidAlgorithmError as error:
            raise TokenRefused(f"token not signed with {ALGORITHM}") from error
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefused("token is no JWT with a JSON object as claims") from error
    raise TokenRefused(
        "token signature does not match: compare MSP_SECRET with the secret at Apple"
    )


def _require_audience(audience: object, msp_id: str) -> None:
    names = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(name, str) and name.lower() == msp_id.lower() for name in names):
        raise TokenRefused("token is for another audience: compare its aud with MSP_ID")


def _require_age(issued: object, now: float, max_age_s: float) -> None:
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise TokenRefused("token has no number as iat")
    if isinstance(issued, float) and not math.isfinite(issued):
        raise TokenRefused("token has no finite number as iat")
    if not max_age_s:
        return
    age_s = int(now) - int(issued)
    if abs(age_s) > max_age_s:
        raise TokenRefused(
            f"token was issued {_cut(age_s)} s ago, MSP_TOKEN_MAX_AGE_S allows {max_age_s:g} s "
            "either way: is this machine's clock right?"
        )


def _cut(number: int) -> str:
    return str(number) if abs(number) < 10**12 else "very many"
