"""What a request tells of the browser that sent it."""

from ipaddress import IPv6Address, ip_address
from typing import Final

from flask import request

from msp_server.errors import FormRefused

_IPV6_NETWORK_BITS: Final = 64
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


def require_same_origin() -> None:
    """Refuse what a browser says another site sent; older browsers say nothing.

    `Origin` is `null` from a page of ours too, because of its `Referrer-Policy`.

    Raises:
        FormRefused: it was another site.

    Source: Fetch Standard, "Origin header"; Fetch Metadata Request Headers.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin", "null")
    if site is None:
        same = origin == "null" or origin.partition("://")[2] == request.host
    else:
        same = site == "same-origin"
    if not same:
        raise FormRefused


def client_network() -> str:
    """Name the network of the client: who has one IPv6 address has all that begin as it does."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(int(address) >> (128 - _IPV6_NETWORK_BITS))
    return str(address)


def is_secure() -> bool:
    """Tell whether people come with https; a proxy may have taken it off before us."""
    bare = request.host if request.host.endswith("]") else request.host.rsplit(":", 1)[0]
    return request.is_secure or bare not in _LOOPBACK
