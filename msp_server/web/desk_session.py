"""The session of a person at the desk: a signed cookie, and a mark that no other site can send.

Nothing is kept for it: who has the cookie was shown `MSP_AGENT_TOKEN`, less than a working day ago.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from flask import Request, Response
from itsdangerous import BadData, URLSafeSerializer

from msp_server.errors import FormRefused
from msp_server.wire.keys import derive_key

#: How long a session lasts, seconds: a working day.
SESSION_LIMIT_S: Final = 12 * 3600
#: What requests of the page carry beside the cookie.
MARK: Final = "X-Desk-Mark"

_COOKIE: Final = "msp_desk"
_PURPOSE: Final = "desk sessions"
_TOKEN_LIMIT_CHARS: Final = 1000


@dataclass(frozen=True)
class DeskSession:
    """Somebody at the desk."""

    #: As colleagues see them: the desk's name.
    name: str
    #: What only a page of ours knows.
    mark: str = field(repr=False)


class DeskSessions:
    """Makes sessions, and tells them."""

    def __init__(self, agent_token: str, now: Callable[[], float] = time.time) -> None:
        """Make what signs with a key of the token: another token ends every session."""
        self._now = now
        self._serializer = URLSafeSerializer(
            derive_key(agent_token.encode(), _PURPOSE),
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def begin(self, response: Response, name: str, *, secure: bool) -> None:
        """Give a browser a session."""
        value = self._serializer.dumps([name, secrets.token_urlsafe(32), int(self._now())])
        response.set_cookie(
            _COOKIE,
            str(value),
            max_age=SESSION_LIMIT_S,
            httponly=True,
            secure=secure,
            samesite="Strict",
        )

    def end(self, response: Response) -> None:
        """Take a session from a browser."""
        response.delete_cookie(_COOKIE, httponly=True, samesite="Strict")

    def find(self, request: Request) -> DeskSession | None:
        """Give the session of a browser; None if it has none, or it is over."""
        try:
            name, mark, began = self._serializer.loads(
                request.cookies.get(_COOKIE, "")[:_TOKEN_LIMIT_CHARS]
            )
        except BadData:
            return None
        return DeskSession(name, mark) if 0 <= self._now() - began < SESSION_LIMIT_S else None

    def require_mark(self, session: DeskSession, request: Request) -> None:
        """Refuse what no page of ours sent.

        Raises:
            FormRefused: the mark is another, or not there.
        """
        if not hmac.compare_digest(session.mark.encode(), request.headers.get(MARK, "").encode()):
            raise FormRefused
