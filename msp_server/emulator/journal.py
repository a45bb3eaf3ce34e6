"""The journal: every exchange between gateway and MSP, newest kept."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition
from typing import Literal, TypeAlias

from msp_server.emulator.masking import masked
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.tokens import peek

Direction: TypeAlias = Literal["to_msp", "to_gateway", "to_provider"]

#: Exchanges kept, and how much their bodies may measure together; the oldest go first.
EXCHANGE_LIMIT = 5_000
JOURNAL_LIMIT_BYTES = 256 * 1024 * 1024


@dataclass
class Exchange:
    """One request with its answer. `seq` is given by the journal."""

    direction: Direction
    method: str
    url: str
    #: As sent, names in lower case; without `authorization`, which `jwt` stands for.
    headers: dict[str, str]
    #: Header and claims of the token, and whether it holds; None when there was no Bearer token.
    jwt: JsonObject | None
    body_sha256: str
    packed_bytes: int
    #: 0 for a file, of whose bytes nothing is kept here.
    unpacked_bytes: int
    #: What was sent, unpacked; None when it is no JSON object. Secrets are masked.
    fields: JsonObject | None
    #: The HTTP status of the answer; None when there was no answer.
    status: int | None = None
    #: Why it was refused or lost, or what a fault did to it.
    reason: str | None = None
    rule: str | None = None
    seconds: float = 0.0
    #: The message's id, from the header.
    message_id: str | None = None
    #: The customer's name.
    customer: str | None = None
    seq: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_json(self) -> JsonObject:
        """Give the exchange as the control plane shows it."""
        shown: JsonObject = {
            "seq": self.seq,
            "at": self.at.isoformat(timespec="milliseconds"),
            "id": self.message_id,
        }
        same = (
            "direction method url headers jwt body_sha256 packed_bytes unpacked_bytes fields "
            "status reason rule seconds customer"
        )
        return shown | {name: getattr(self, name) for name in same.split()}


class Journal:
    """Keeps exchanges in order, bounded in number and size; safe for many threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._exchanges: deque[Exchange] = deque()
        self._size_bytes = 0
        self._last_seq = 0
        self._stopped = False

    def add(self, exchange: Exchange) -> None:
        """Number an exchange and keep it, without secrets, forgetting the oldest ones."""
        if exchange.fields is not None:
            exchange.fields = masked(exchange.fields)
        with self._changed:
            self._last_seq += 1
            exchange.seq = self._last_seq
            self._exchanges.append(exchange)
            self._size_bytes += exchange.unpacked_bytes
            while len(self._exchanges) > EXCHANGE_LIMIT or (
                self._size_bytes > JOURNAL_LIMIT_BYTES and len(self._exchanges) > 1
            ):
                self._size_bytes -= self._exchanges.popleft().unpacked_bytes
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget every exchange; numbers go on where they were."""
        with self._changed:
            self._exchanges.clear()
            self._size_bytes = 0

    def select(self, fits: Callable[[Exchange], bool], wait_s: float = 0.0) -> list[Exchange]:
        """Give the exchanges that fit, oldest first, waiting for the first if there is none."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or any(map(fits, self._exchanges)), timeout=wait_s
            )
            return [exchange for exchange in self._exchanges if fits(exchange)]

    def stop(self) -> None:
        """Let every waiting reader go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def fingerprint(packed: bytes) -> str:
    """Give a body's SHA-256 in hex."""
    return hashlib.sha256(packed).hexdigest()


def shown_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give headers with names in lower case, without the token."""
    return {name.lower(): value for name, value in headers if name.lower() != "authorization"}


def shown_token(authorization: str | None, verdict: str) -> JsonObject | None:
    """Give what an Authorization header says, without the token itself, which is a credential."""
    if authorization is None:
        return None
    header, claims = peek(authorization.partition(" ")[2].strip())
    return {"header": header, "claims": claims, "verdict": verdict}
