"""Tell our own form from one that another site made: its token and the browser's cookie agree."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from msp_server.errors import FormRefused
from msp_server.wire.keys import derive_key

#: How long a form can be sent after its page was opened, seconds.
FORM_AGE_LIMIT_S: Final = 3600

_PURPOSE: Final = "landing page forms"
_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN_LIMIT_CHARS: Final = 500


class FormTokens:
    """Makes and checks the tokens of one kind of form; nothing is kept for it."""

    def __init__(self, api_secrets: Sequence[bytes], now: Callable[[], float] = time.time) -> None:
        """Make what signs with the first secret and accepts any."""
        keys = [derive_key(api_secret, _PURPOSE) for api_secret in reversed(api_secrets)]
        self._serializer = URLSafeSerializer(
            keys, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        self._now = now

    def cookie(self, received: str | None) -> str:
        """Give the cookie that a browser has, or a new one: two open pages share it."""
        return received if received and _COOKIE.fullmatch(received) else secrets.token_urlsafe(32)

    def make(self, cookie: str) -> str:
        """Make the token of a form for the browser that has this cookie."""
        return str(self._serializer.dumps([_bound_to(cookie), int(self._now())]))

    def require(self, token: str, cookie: str | None) -> None:
        """Refuse a form that is not ours.

        Raises:
            FormRefused: another browser's, nobody's, or too old.
        """
        if not cookie or not _COOKIE.fullmatch(cookie):
            raise FormRefused(
                "this browser sent no cookie: allow cookies, and open this page with https"
            )
        try:
            bound_to, made_at = self._serializer.loads(token[:_TOKEN_LIMIT_CHARS])
        except BadData as error:
            raise FormRefused from error
        if not hmac.compare_digest(bound_to, _bound_to(cookie)):
            raise FormRefused
        if self._now() - made_at > FORM_AGE_LIMIT_S:
            raise FormRefused


def _bound_to(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
