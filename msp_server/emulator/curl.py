"""An exchange as a command for a shell, which makes the same request again."""

import shlex
from collections.abc import Iterator
from typing import Final

from msp_server.emulator.journal import Exchange
from msp_server.emulator.masking import MASK, holds_mask
from msp_server.emulator.packing import to_json

#: What curl, or the connection, says by itself.
_FRAMING: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect"}
)
_FORM: Final = "application/x-www-form-urlencoded"


def make_curl(exchange: Exchange, token: str) -> str:
    """Write the command.

    Args:
        exchange: what is to be done again.
        token: what holds now for the MSP; for any other the shell's `$TOKEN` has to.
    """
    command = ["curl", "-sS", "-i", "-X", exchange.method]
    for name, value in exchange.headers.items():
        if name not in _FRAMING:
            command += ["-H", f"{name}: {value}" if value else f"{name};"]
    words = [shlex.quote(word) for word in command]
    if exchange.jwt is not None or _lost_token(exchange):
        words += ["-H", _authorization(exchange, token)]
    packing, body = _body(exchange)
    words += [*body, shlex.quote(exchange.url)]
    return "\n".join([*_remarks(exchange), f"{packing}{' '.join(words)}"]) + "\n"


def _lost_token(exchange: Exchange) -> bool:
    """Tell whether a fault left the token out that the customer's device has sent."""
    if exchange.original is None:
        return False
    return "authorization" not in {name.lower() for name in exchange.original.overrides}


def _authorization(exchange: Exchange, token: str) -> str:
    if exchange.direction == "to_msp":
        return shlex.quote(f"authorization: Bearer {token}")
    return '"Authorization: Bearer $TOKEN"'


def _body(exchange: Exchange) -> tuple[str, list[str]]:
    """Give what stands before curl, and its options."""
    if not exchange.packed_bytes:
        return "", []
    if exchange.fields is None:
        return "", ["--data-binary", "@FILE"]
    if exchange.headers.get("content-type", "").startswith(_FORM):
        pairs = (f"{name}={value}" for name, value in exchange.fields.items())
        return "", [word for pair in pairs for word in ("--data-urlencode", shlex.quote(pair))]
    # Through a pipe, for a message may be longer than a command can be.
    said = f"printf %s {shlex.quote(to_json(exchange.fields).decode())} | "
    packed = exchange.headers.get("content-encoding") == "gzip"
    return f"{said}gzip -c | " if packed else said, ["--data-binary", "@-"]


def _remarks(exchange: Exchange) -> Iterator[str]:
    if exchange.direction == "to_gateway" and exchange.jwt is not None:
        yield "# TOKEN has to be a JWT that is signed with the MSP's secret"
    if exchange.fields is None and exchange.packed_bytes:
        yield "# FILE has to hold the body, which is not kept"
    if holds_mask(exchange.fields) or MASK in exchange.url:
        yield f"# What was secret stands here as {MASK}"
    if exchange.rule == "fault" and exchange.direction == "to_msp":
        yield "# What a fault did to its token and its body is not done again"
