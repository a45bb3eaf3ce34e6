"""The journal: every exchange between gateway and MSP, newest kept."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from threading import Condition
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from msp_server.emulator.answers import Answer
from msp_server.emulator.bubbles import tell_shown
from msp_server.emulator.events import Events
from msp_server.emulator.masking import masked
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.tokens import peek

Direction: TypeAlias = Literal["to_msp", "to_gateway", "to_provider"]

#: Exchanges kept, and how much their bodies may measure together; the oldest go first.
EXCHANGE_LIMIT = 5_000
JOURNAL_LIMIT_BYTES = 256 * 1024 * 1024
#: The most that is kept of one request's body.
BODY_LIMIT_BYTES = 6 * 1024 * 1024
#: What a list shows of an exchange.
_SUMMARY: Final = (
    *("direction", "method", "url", "kind", "status", "rule", "reason", "seconds"),
    *("packed_bytes", "unpacked_bytes", "customer", "repeats"),
)
#: What is shown of one exchange besides that.
_REST: Final = ("headers", "jwt", "body_sha256", "fields", "source")


@dataclass(frozen=True)
class Original:
    """A message to the MSP as it was made, for who sends it again."""

    #: With its secrets.
    fields: JsonObject
    #: Headers that were replaced, or with None left out.
    overrides: Mapping[str, str | None]


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
    #: What it is about: the type of a message, what an interactive one shows, or the endpoint.
    kind: str | None = None
    #: The HTTP status of the answer; None when there was no answer.
    status: int | None = None
    #: Why it was refused or lost, or what a fault did to it.
    reason: str | None = None
    rule: str | None = None
    #: Where a rule that refused it is written, and since when it holds, as far as that is known.
    source: str | None = None
    since: date | None = None
    seconds: float = 0.0
    #: None until there is one.
    answer: Answer | None = None
    #: The message's id, from the header.
    message_id: str | None = None
    #: The customer's name.
    customer: str | None = None
    #: The number of the exchange that this one sends again.
    repeats: int | None = None
    #: Never shown, for it has secrets.
    original: Original | None = field(default=None, repr=False)
    seq: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def kept_bytes(self) -> int:
        """How much of both bodies is kept."""
        kept = min(self.unpacked_bytes, BODY_LIMIT_BYTES)
        return kept + (self.answer.kept_bytes if self.answer else 0)

    def to_summary(self) -> JsonObject:
        """Give the exchange as a list shows it: without headers and bodies."""
        shown: JsonObject = {
            "seq": self.seq,
            "at": self.at.isoformat(timespec="milliseconds"),
            "id": self.message_id,
        }
        return (
            shown
            | {name: getattr(self, name) for name in _SUMMARY}
            | {
                "path": _path_of(self.url),
                "verdict": self.jwt["verdict"] if self.jwt else None,
                "answer_bytes": self.answer.size_bytes if self.answer else None,
                "resendable": self.original is not None,
            }
        )

    def to_json(self) -> JsonObject:
        """Give the whole exchange as the control plane shows it."""
        return (
            self.to_summary()
            | {name: getattr(self, name) for name in _REST}
            | {
                "since": self.since.isoformat() if self.since else None,
                "answer": self.answer.to_json() if self.answer else None,
            }
        )


class Journal:
    """Keeps exchanges in order, bounded in number and size; safe for many threads."""

    def __init__(self, events: Events | None = None) -> None:
        self._events = events or Events()
        self._changed = Condition()
        self._exchanges: deque[Exchange] = deque()
        self._size_bytes = 0
        self._last_seq = 0
        self._stopped = False

    def add(self, exchange: Exchange) -> None:
        """Number an exchange and keep it, without secrets, forgetting the oldest ones."""
        if exchange.fields is not None:
            exchange.kind = tell_kind(exchange.fields) or exchange.kind
            exchange.fields = masked(exchange.fields)
        with self._changed:
            self._last_seq += 1
            exchange.seq = self._last_seq
            self._exchanges.append(exchange)
            self._size_bytes += exchange.kept_bytes
            self._make_room()
            self._events.tell("exchange", exchange.to_summary())
            self._changed.notify_all()

    def note_answer(self, exchange: Exchange, answer: Answer) -> None:
        """Put the answer to an exchange that was added before there was one."""
        with self._changed:
            kept = self.find(exchange.seq) is not None
            exchange.answer = answer
            if kept:
                self._size_bytes += answer.kept_bytes
                self._make_room()
                self._events.tell("exchange", exchange.to_summary())

    def find(self, seq: int) -> Exchange | None:
        """Give the exchange of that number."""
        with self._changed:
            return next((each for each in reversed(self._exchanges) if each.seq == seq), None)

    def clear(self) -> None:
        """Forget every exchange; numbers go on where they were."""
        with self._changed:
            self._exchanges.clear()
            self._size_bytes = 0
            self._events.tell("journal_cleared")

    def select(self, fits: Callable[[Exchange], bool], wait_s: float = 0.0) -> list[Exchange]:
        """Give the exchanges that fit, oldest first, waiting for the first if there is none."""
        seen, ends_s = 0, time.monotonic() + wait_s
        while True:
            known, last_seq, stopped = self._wait_for_more(seen, ends_s)
            # Not under the lock: to look through all of them may take a while.
            fitting = [each for each in known if each.seq > seen and fits(each)]
            if fitting or stopped or time.monotonic() >= ends_s:
                return fitting
            seen = last_seq

    def stop(self) -> None:
        """Let every waiting reader go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _wait_for_more(self, seen: int, ends_s: float) -> tuple[list[Exchange], int, bool]:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._last_seq > seen,
                timeout=max(0.0, ends_s - time.monotonic()),
            )
            return list(self._exchanges), self._last_seq, self._stopped

    def _make_room(self) -> None:
        while len(self._exchanges) > EXCHANGE_LIMIT or (
            self._size_bytes > JOURNAL_LIMIT_BYTES and len(self._exchanges) > 1
        ):
            self._size_bytes -= self._exchanges.popleft().kept_bytes


def tell_kind(fields: JsonObject) -> str | None:
    """Tell what a message is about; None where it is no message."""
    kind = fields.get("type")
    return tell_shown(fields) or (kind if isinstance(kind, str) else None)


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


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # brackets that belong to no number
        return url
