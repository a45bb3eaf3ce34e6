"""Merchant sessions: what Apple Pay gives a merchant before a payment may be asked for."""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.pieces import Piece

#: How long a session holds: two hours. Source: MSP API Tutorial, samples of exercise 14.
LIFETIME_MS: Final = 7_200_000
#: Sessions kept; the oldest go first.
SESSION_LIMIT: Final = 1_000
_SIGNED_FIELDS: Final = (
    "merchantIdentifier",
    "merchantSessionIdentifier",
    "initiative",
    "initiativeContext",
    "displayName",
    "nonce",
)


@dataclass(frozen=True)
class MerchantRequest:
    """What a merchant says of itself to get a session."""

    merchant_id: str
    display_name: str
    #: The address where the customer's device will pay.
    context: str


class MerchantSessions:
    """The sessions that were given out; safe for many threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = Lock()
        self._sessions: OrderedDict[str, JsonObject] = OrderedDict()

    def issue(self, asked: MerchantRequest) -> JsonObject:
        """Give a new session, and remember it.

        Source: MSP API Tutorial, samples of exercise 14 (the keys); that the merchant id comes back
        as its SHA-256 is assumed.
        """
        now_ms = int(self._now() * 1000)
        session: JsonObject = {
            "epochTimestamp": now_ms,
            "expiresAt": now_ms + LIFETIME_MS,
            "merchantSessionIdentifier": f"SSH{secrets.token_hex(32).upper()}",
            "nonce": secrets.token_hex(4),
            "merchantIdentifier": hashlib.sha256(asked.merchant_id.encode()).hexdigest().upper(),
            "displayName": asked.display_name,
            "initiative": "messaging",
            "initiativeContext": asked.context,
            "signature": f"308006092a{secrets.token_hex(64)}",
            "signedFields": list(_SIGNED_FIELDS),
        }
        with self._lock:
            self._sessions[str(session["signature"])] = session
            while len(self._sessions) > SESSION_LIMIT:
                self._sessions.popitem(last=False)
        return session

    def check(self, payment: Piece) -> None:
        """Refuse a payment whose session was not given out here, has expired, or is another's.

        Raises:
            Refused: 400.

        Source: MSP API Tutorial, exercise 14 (the session is passed on unchanged); that Apple's
        gateway looks at it, and not only the customer's device, is assumed.
        """
        session = payment.piece("merchantSession")
        with self._lock:
            known = self._sessions.get(str(session.fields.get("signature")))
        if known is None or known != session.fields:
            raise session.refused(
                limits.SESSION_UNKNOWN,
                "",
                "is none that was given out here: put in what POST "
                "/paymentservices/paymentSession answered, every key as it came; one from before "
                "the emulator was started or reset is void",
            )
        if int(self._now() * 1000) >= int(str(known["expiresAt"])):
            raise session.refused(
                limits.SESSION_EXPIRED, "expiresAt", "is over: ask for a new session before sending"
            )
        address = payment.piece("endpoints").address("paymentGatewayUrl")
        if known["initiativeContext"] != address:
            raise session.refused(
                limits.SESSION_CONTEXT,
                "initiativeContext",
                "is another address than endpoints.paymentGatewayUrl: ask for the session with "
                "the same",
            )

    def clear(self) -> None:
        """Forget every session."""
        with self._lock:
            self._sessions.clear()
