"""Who may speak to the emulator: programs on this machine, and no web page but its own.

Others may only where they were let in by the name under which they reach it.

The emulator has no passwords, and any page open in a browser on this machine can reach a port on
loopback. A browser tells which page speaks (Origin, Sec-Fetch-Site), and a page that made its own
name point at loopback gives itself away by that name (Host).
"""

from collections.abc import Iterable

from flask import Request

from msp_server.emulator.settings import is_loopback

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def own_names(host: str, port: int, allowed_hosts: Iterable[str] = ()) -> frozenset[str]:
    """Give every Host header that means this emulator.

    A host beyond loopback is none by itself: the names are those that are allowed.

    Args:
        host: where it listens.
        port: on which port.
        allowed_hosts: names by which others reach it; without a port, on the same.
    """
    names = {*LOOPBACK_NAMES, *(name.lower() for name in allowed_hosts)}
    if is_loopback(host):
        names.add(f"[{host}]" if ":" in host else host)
    with_port = {name if _has_port(name) else f"{name}:{port}" for name in names}
    return frozenset(with_port | names) if port == 80 else frozenset(with_port)


def find_stranger(request: Request, names: frozenset[str]) -> str | None:
    """Give the sentence that refuses a request from outside, or None for a request from here."""
    host = request.headers.get("Host", "")
    if host.lower() not in names:
        return f"Host is {host!r}, not this emulator: use one of {', '.join(sorted(names))}"
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() not in {f"http://{name}" for name in names}:
        return f"The page {origin!r} may not use this emulator: only its own page may"
    cross_site = request.headers.get("Sec-Fetch-Site", "").lower() == "cross-site"
    if cross_site and not _follows_link(request):
        return "A page of another site may not use this emulator: open its address by hand"
    return None


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]


def _follows_link(request: Request) -> bool:
    """Tell whether a person followed a link to the phone's page, in a window of its own."""
    return (
        request.method == "GET"
        and request.path == "/"
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )
