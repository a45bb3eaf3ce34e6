"""What the provider has promised: codes that hold once and briefly, and access tokens."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

#: Codes and tokens kept of each sort; the oldest go first.
GRANT_LIMIT: Final = 1_000
#: Source: RFC 6749, section 4.1.2 (short-lived, ten minutes at most).
CODE_LIFETIME_S: Final = 60.0
TOKEN_LIFETIME_S: Final = 3_600.0


@dataclass(frozen=True)
class Grant:
    """What a customer allowed."""

    #: The customer's name, as this provider knows it.
    login: str
    redirect_uri: str
    scope: str


class Grants:
    """Every code and token; safe for many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._codes: OrderedDict[str, tuple[Grant, float]] = OrderedDict()
        self._tokens: OrderedDict[str, tuple[Grant, float]] = OrderedDict()

    def add_code(self, grant: Grant) -> str:
        """Make a code that stands for a grant."""
        return self._add(self._codes, grant, CODE_LIFETIME_S)

    def use_code(self, code: str) -> Grant | None:
        """Give what a code stands for, and never again; None where it does not hold."""
        with self._lock:
            grant, ends_s = self._codes.pop(code, (None, 0.0))
        return grant if self._clock() < ends_s else None

    def add_token(self, grant: Grant) -> str:
        """Make an access token for a grant."""
        return self._add(self._tokens, grant, TOKEN_LIFETIME_S)

    def find_token(self, token: str) -> Grant | None:
        """Give what an access token stands for; None where it does not hold."""
        with self._lock:
            grant, ends_s = self._tokens.get(token, (None, 0.0))
        return grant if self._clock() < ends_s else None

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._codes.clear()
            self._tokens.clear()

    def _add(
        self, grants: OrderedDict[str, tuple[Grant, float]], grant: Grant, lasts_s: float
    ) -> str:
        name = secrets.token_urlsafe(32)
        with self._lock:
            grants[name] = (grant, self._clock() + lasts_s)
            while len(grants) > GRANT_LIMIT:
                grants.popitem(last=False)
        return name
