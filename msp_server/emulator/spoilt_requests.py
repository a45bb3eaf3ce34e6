"""Requests to the MSP as a fault makes them: with a bad token, a bad body, or without a header."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from uuid import uuid4

from msp_server.emulator.fault_kinds import Deed
from msp_server.emulator.faults import Fault
from msp_server.emulator.gzip_bomb import BOMB_BYTES, make_bomb
from msp_server.emulator.packing import GZIP_MAGIC
from msp_server.emulator.tokens import sign, sign_not

#: How old a stale token is.
STALE_S: Final = 24 * 60 * 60
#: What the journal says of a request that a fault befell.
TOLD: Final[dict[Deed, str]] = {
    "truncate": "A fault broke the body off in the middle",
    "repeat": "A fault sent it twice",
    "no_token": "A fault left the token out",
    "alg_none": "A fault sent a token without a signature",
    "wrong_secret": "A fault signed the token with another secret",
    "wrong_audience": "A fault made the token for another MSP",
    "stale_token": "A fault sent a token of yesterday",
    "no_header": "A fault left the header {header} out",
    "bad_gzip": "A fault sent what is no gzip",
    "cut_gzip": "A fault sent half of the gzip",
    "gzip_bomb": "A fault sent what unpacks to 1 GiB",
}
#: Faults that send a token of another making.
TOKEN_FAULTS: Final = frozenset({"alg_none", "wrong_secret", "wrong_audience", "stale_token"})

Headers: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Draft:
    """A request to the MSP before it goes."""

    #: Names in lower case.
    headers: Headers
    packed: bytes
    #: The body before it was packed.
    plain: bytes
    #: How much a body that was packed otherwise unpacks to; None for as much as `plain`.
    inflated_bytes: int | None = None
    #: Whether the connection breaks in the middle of the body.
    broken: bool = False

    @property
    def unpacked_bytes(self) -> int:
        """How much the body measures unpacked."""
        return len(self.plain) if self.inflated_bytes is None else self.inflated_bytes


@dataclass(frozen=True)
class Signer:
    """What a token is made of."""

    msp_id: str
    api_secret: bytes
    now_s: int

    def make_token(self, do: str | None = None) -> str:
        """Make a token: a good one, or one as a fault makes it."""
        match do:
            case "alg_none":
                return sign_not(self.msp_id, self.now_s)
            case "wrong_secret":
                other = bytes(byte ^ 0xFF for byte in self.api_secret)
                return sign(self.msp_id, other, self.now_s)
            case "wrong_audience":
                return sign(str(uuid4()), self.api_secret, self.now_s)
            case "stale_token":
                return sign(self.msp_id, self.api_secret, self.now_s - STALE_S)
            case _:
                return sign(self.msp_id, self.api_secret, self.now_s)


def spoil(draft: Draft, fault: Fault, signer: Signer) -> Draft:
    """Give the request as the fault makes it.

    Args:
        draft: as it should be.
        fault: what to do wrong with it.
        signer: makes tokens.
    """
    match fault.do:
        case "no_token":
            return _without(draft, "authorization")
        case "no_header":
            return _without(draft, fault.header)
        case do if do in TOKEN_FAULTS:
            token = f"Bearer {signer.make_token(do)}"
            return replace(draft, headers={**draft.headers, "authorization": token})
        case "truncate":
            return replace(draft, broken=True)
        case _:
            return _spoil_gzip(draft, fault.do)


def tell_spoilt(fault: Fault) -> str:
    """Tell what a fault did to a request."""
    return TOLD[fault.do].format(header=fault.header)


def _spoil_gzip(draft: Draft, do: Deed) -> Draft:
    match do:
        case "bad_gzip":
            return replace(draft, packed=GZIP_MAGIC + bytes(range(256)))
        case "cut_gzip":
            return replace(draft, packed=draft.packed[: len(draft.packed) // 2])
        case "gzip_bomb":
            inflated_bytes = BOMB_BYTES + len(draft.plain)
            return replace(draft, packed=make_bomb(draft.plain), inflated_bytes=inflated_bytes)
        case _:
            return draft


def _without(draft: Draft, name: str) -> Draft:
    headers = {known: value for known, value in draft.headers.items() if known != name}
    return replace(draft, headers=headers)
