"""Equipping: gives payments and sign-ins what this server alone knows, before they are stored."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from msp_server.messages.apple_pay import ApplePay, PaymentEndpoints
from msp_server.messages.authenticate import Authenticate
from msp_server.messages.capability import Capability
from msp_server.messages.content import OutboundContent
from msp_server.messages.opening import Opening, PaymentOpening, SignInOpening
from msp_server.settings import Settings
from msp_server.wire.auth_keys import KeyPair, new_key_pair, new_nonce, seal

#: How much chance is in the address of a payment, bytes.
_TOKEN_BYTES: Final = 32
#: Where providers send customers back to, below our public address.
CALLBACK_PATH: Final = "/oauth/callback"


@dataclass(frozen=True)
class Equipping:
    """Fills in addresses, ids and keys that a content's author left out."""

    settings: Settings
    #: Encrypts private keys that have to be kept.
    sealing_key: bytes = field(repr=False)
    #: Makes a key pair.
    new_keys: Callable[[], KeyPair] = new_key_pair

    def equip(
        self, content: OutboundContent, capabilities: frozenset[Capability] | None
    ) -> tuple[OutboundContent, Opening | None]:
        """Give a content that is complete but for what is filled in when it is sent.

        What this server is not set up for stays as it is, and is refused when it is stored.

        Args:
            content: what an agent says.
            capabilities: what the device can show; they choose how customers sign in.

        Returns:
            The content, and what it opens at this server; None if that is nothing.
        """
        match content:
            case ApplePay():
                return self._equip_payment(content)
            case Authenticate():
                return self._equip_sign_in(content, capabilities)
            case _:
                return content, None

    def _equip_payment(self, asked: ApplePay) -> tuple[ApplePay, Opening | None]:
        asked = replace(asked, merchant_id=asked.merchant_id or self.settings.apple_pay.merchant_id)
        base_url = self.settings.public_url
        if asked.endpoints is not None or base_url is None or not self.settings.payment_processor:
            return asked, None
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        endpoints = PaymentEndpoints.below(base_url, token)
        return replace(asked, endpoints=endpoints), PaymentOpening(token)

    def _equip_sign_in(
        self, asked: Authenticate, capabilities: frozenset[Capability] | None
    ) -> tuple[Authenticate, Opening | None]:
        asked = replace(asked, scope=asked.scope or self.settings.sign_in.scope)
        base_url = self.settings.public_url
        by_author = asked.state or asked.redirect_uri or asked.response_encryption_key
        if by_author or base_url is None or self.settings.sign_in.token_url is None:
            return asked, None
        state = new_nonce()
        if goes_the_old_way(capabilities):
            pair = self.new_keys()
            opening = SignInOpening(state, seal(pair.private, self.sealing_key))
            return replace(asked, state=state, response_encryption_key=pair.public), opening
        redirect_uri = f"{base_url}{CALLBACK_PATH}"
        return replace(asked, state=state, redirect_uri=redirect_uri), SignInOpening(state)


def goes_the_old_way(capabilities: frozenset[Capability] | None) -> bool:
    """Tell whether a device knows the old flow of signing in alone."""
    known = capabilities or frozenset()
    return Capability.AUTH in known and Capability.AUTH2 not in known
