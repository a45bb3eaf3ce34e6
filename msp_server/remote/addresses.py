"""Addresses: where we connect when another server says where."""

import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

#: What `find_objection` reads as a host: no brackets, and nothing percent-encoded.
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
#: Networks that carry an IPv4 address in their last bits, for translators. Source: RFC 6052.
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
#: The most of an address that is told.
_SHOWN_CHARS: Final = 200

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressPrivate(Exception):
    """A name led to an address that is not one of the public Internet."""


class PublicAdapter(HTTPAdapter):
    """Connects to public addresses alone, whatever a name resolves to at that moment.

    Behind a proxy it is the proxy that connects, and nothing is looked at here.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as requests has it
        """Make the pools of connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}


class _PublicConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        """Connect, and look where that led before TLS begins: `connect` is too late for that."""
        connected = super()._new_conn()
        try:
            self._require_public(connected)
        except BaseException:
            connected.close()
            raise
        return connected

    def _require_public(self, connected: socket.socket) -> None:
        address = str(connected.getpeername()[0])
        if not is_public(address):
            raise AddressPrivate(f"{self.host} is at {address}, no public address")


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public Internet."""
    try:
        found = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    site_local = isinstance(found, ipaddress.IPv6Address) and found.is_site_local
    return found.is_global and not (found.is_multicast or found.is_reserved or site_local)


def _innermost(address: _Address) -> _Address:
    """Give the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def find_objection(address: str, hosts: Sequence[str]) -> str | None:
    """Say why we do not connect to an address; None when we do.

    Args:
        address: a URL that another server named.
        hosts: names that, with all below them, are allowed.
    """
    parts = split(address)
    if parts is None or not parts.hostname:
        return "it is no address"
    if parts.scheme != "https" or parts.port not in (None, 443):
        return "it is not https on port 443"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name"
    host = parts.hostname.lower().rstrip(".")
    if not _HOST.fullmatch(host):
        return "its host is no name"
    if not any(host == allowed or host.endswith(f".{allowed}") for allowed in hosts):
        return f"{host[:_SHOWN_CHARS]} is none of MSP_CONTENT_HOSTS ({', '.join(hosts)})"
    return None


def split(address: str) -> SplitResult | None:
    """Split a URL; None when it is none, or could be read in more than one way."""
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def same_loopback_origin(address: str, other: str) -> bool:
    """Tell whether two addresses are one server on this machine: the emulator is one."""
    first, second = split(address), split(other)
    if first is None or second is None or first.hostname is None:
        return False
    origin = (first.scheme, first.hostname, first.port)
    return (
        first.username is None
        and origin == (second.scheme, second.hostname, second.port)
        and first.hostname in _LOOPBACK
    )


def origin_of(address: str) -> str:
    """Give of an address what may be told: not the path, which can open a file."""
    parts = split(address)
    if parts is None or not parts.hostname:
        return "an unreadable address"
    return f"{parts.scheme}://{parts.hostname}/…"
