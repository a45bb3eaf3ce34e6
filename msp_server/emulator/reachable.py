"""Which addresses out of a message the emulator calls: this machine's, and origins it was told of.

A message may name any address, and the emulator would call it from inside somebody's network.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msp_server.emulator.settings import is_loopback

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
#: Nothing that two readers of an address could take differently.
_PLAIN: Final = re.compile(r"[!-\[\]-~]+")


def find_objection(address: str, allowed_origins: Iterable[str]) -> str | None:
    """Give the sentence that says why an address is not called, or None where it may be.

    Args:
        address: an absolute address, as a message or a redirect names it.
        allowed_origins: addresses whose scheme, host and port may be called besides loopback.

    Source: assumed.
    """
    parts = _split(address)
    if parts is None:
        return "it is no absolute http or https address"
    if parts.username is not None or parts.password is not None:
        return "it carries a user name or password: leave them out"
    if is_loopback((parts.hostname or "").lower()):
        return None
    allowed = {origin for known in allowed_origins if (origin := origin_of(known)) is not None}
    if origin_of(address) in allowed:
        return None
    return (
        f"{origin_of(address)} is neither on this machine nor an origin the emulator was started "
        "with: use a loopback address, or start the emulator with that one"
    )


def origin_of(address: str) -> str | None:
    """Give scheme, host and port of a web address, the port always; None where it is none."""
    parts = _split(address)
    if parts is None:
        return None
    host = (parts.hostname or "").lower()
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"


def without_query(address: str) -> str:
    """Give an address as it may be shown: without query, fragment, and user."""
    bare = re.split(r"[?#]", address, maxsplit=1)[0]
    return re.sub(r"^([^/]*//)[^/]*@", r"\1", bare)


def _split(address: str) -> SplitResult | None:
    """Split a web address; None where it is none."""
    if not _PLAIN.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        usable = parts.scheme in _DEFAULT_PORTS and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None
