"""Openings: what a message opens at this server for the device that it is sent to."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class PaymentOpening:
    """Addresses of a payment."""

    #: Stands at the end of each, and lets in who knows it.
    token: str = field(repr=False)


@dataclass(frozen=True)
class SignInOpening:
    """A way back from a provider."""

    #: Binds who comes back to the request.
    state: str = field(repr=False)
    #: Old flow: our private key, encrypted; None in the new flow.
    sealed_key: bytes | None = field(default=None, repr=False)


Opening: TypeAlias = PaymentOpening | SignInOpening
