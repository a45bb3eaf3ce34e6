"""Completing: fills in what must not lie in the store, while a message is being sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from msp_server.messages.apple_pay import ApplePay, session_asked_for, with_session
from msp_server.messages.authenticate import Authenticate, with_client_secret
from msp_server.remote.merchant import Merchant, expires_at
from msp_server.store.base import Entry
from msp_server.store.opening import Store

#: How long a payment can be made when its session does not say, seconds. Source: observed.
PAYMENT_LIMIT_S: Final = 7200.0
#: How long a customer may take to sign in, seconds. Assumed: nobody names a limit.
SIGN_IN_LIMIT_S: Final = 3600.0


@dataclass(frozen=True)
class Completing:
    """Gives payments their merchant session, and sign-ins of the old flow the client secret."""

    store: Store
    merchant: Merchant
    client_secret: str = field(repr=False)
    #: Gives seconds since 1970.
    now: Callable[[], float]

    def complete(self, entry: Entry, packed: bytes) -> bytes:
        """Give the bytes that go, and open at this server what the message leads to.

        Raises:
            RemoteError: Apple Pay gave no session.
            StoreError: the store did not note it.
        """
        match entry.kind:
            case ApplePay.__name__:
                session = self.merchant.open_session(*session_asked_for(packed), entry.message_id)
                ends = expires_at(session) or self.now() + PAYMENT_LIMIT_S
                self.store.payments.open(entry.message_id, ends)
                return with_session(packed, session)
            case Authenticate.__name__:
                self.store.sign_ins.open(entry.message_id, self.now() + SIGN_IN_LIMIT_S)
                return with_client_secret(packed, self.client_secret)
            case _:
                return packed
