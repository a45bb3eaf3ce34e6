"""Signing in: joins a customer's answer to what the provider says of who it is."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msp_server.errors import RemoteError, SignInTokenUnreadable
from msp_server.messages.authenticate import (
    AuthenticateResponse,
    SignInFailure,
    failure_after,
    reported_failure,
)
from msp_server.messages.raw import JsonObject
from msp_server.remote.identity import IdentityProvider
from msp_server.store.base import Entry
from msp_server.store.opening import Store
from msp_server.store.schema import SignInState
from msp_server.store.sign_ins import SignInRecord
from msp_server.wire.auth_keys import decrypt_token, unseal

log = logging.getLogger(__name__)

#: How long an answer waits for the customer to come back from the provider, seconds: both
#: requests to that may take 30 s. Assumed; mostly the customer comes back before the answer.
RETURN_LIMIT_S: Final = 75.0
#: How soon to look again whether the customer has come back.
LOOK_AGAIN_S: Final = 0.5


@dataclass(frozen=True)
class SignedIn:
    """What the agent is told of a sign-in."""

    #: None when it was told before.
    response: AuthenticateResponse | None
    #: The sign-in's place in the store; None when it is none of ours.
    sign_in: int | None = None


@dataclass(frozen=True)
class SigningIn:
    """Finds out how a sign-in ended; of answer and return, whichever comes first."""

    store: Store
    #: None where nobody signs in.
    provider: IdentityProvider | None
    #: Decrypt the private keys that are kept.
    sealing_keys: Sequence[bytes] = field(repr=False)
    #: Gives seconds since 1970.
    now: Callable[[], float]

    def join(
        self, response: AuthenticateResponse, conversation_id: str, entry: Entry
    ) -> SignedIn | None:
        """Give what the agent is told; None while the customer is still coming back.

        Raises:
            StoreError: the store did not note it.
        """
        found = self.store.sign_ins.of_request(conversation_id, response.request_id)
        if found is None:
            return SignedIn(response.ended(None, SignInFailure.NOT_ASKED))
        if found.told_by is not None:
            return SignedIn(None)
        if found.stage is not SignInState.ENDED:
            result = self._result(response, found, entry)
            if result is None:
                return None
            found = self.store.sign_ins.end(found, *result)
        return SignedIn(response.ended(found.user, found.failure), found.seq)

    def _result(
        self, response: AuthenticateResponse, found: SignInRecord, entry: Entry
    ) -> tuple[JsonObject | None, SignInFailure | None] | None:
        """Give who signed in, or why nobody did; None while that is not known."""
        if not response.claims_success:
            return None, reported_failure(response)
        if response.token is not None:
            return self._ask_for(response.token, found, entry)
        # Both ways: a clock that was set back must not make it wait for hours.
        if abs(self.now() - entry.created_at) < RETURN_LIMIT_S:
            return None
        return None, SignInFailure.NOT_RETURNED

    def _ask_for(
        self, encrypted: str, found: SignInRecord, entry: Entry
    ) -> tuple[JsonObject | None, SignInFailure | None]:
        """Ask the provider who signed in, with the token of the old flow."""
        in_time = found.expires_at is not None and entry.created_at < found.expires_at
        if found.sealed_key is None or self.provider is None or not in_time:
            return None, SignInFailure.EXPIRED
        try:
            token = decrypt_token(encrypted, self._unsealed(found.sealed_key))
            return self.provider.user(token, found.message_id), None
        except SignInTokenUnreadable:
            return None, SignInFailure.TOKEN_UNREADABLE
        except RemoteError as error:
            log.warning("sign-in failed message_id=%.80r error=%s", found.message_id, error)
            return None, failure_after(error)

    def _unsealed(self, sealed: bytes) -> bytes:
        """Decrypt a private key, with any of the secrets that there are."""
        for key in self.sealing_keys[:-1]:
            try:
                return unseal(sealed, key)
            except SignInTokenUnreadable:
                continue
        return unseal(sealed, self.sealing_keys[-1])
