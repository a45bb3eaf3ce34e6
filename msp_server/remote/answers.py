"""What the answers of other servers mean, whichever server it is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from msp_server.errors import (
    AnswerUnreadable,
    RemoteBusy,
    RemoteError,
    RemoteRefused,
    RemoteUnreachable,
    RequestTooLarge,
    RequestUnreadable,
)
from msp_server.remote.http import HttpAnswer, HttpClient
from msp_server.wire.packing import JsonObject, unpack

#: The longest wait that a `Retry-After` can ask of us.
RETRY_AFTER_LIMIT_S: Final = 300

_BUSY: Final = (408, 429)
_SHOWN_CHARS: Final = 200

_Kind = TypeVar("_Kind", bound=RemoteError)


def kind_of(status: int) -> type[RemoteBusy | RemoteRefused]:
    """Give the error of a status that is none of 2xx; credentials are looked at by who has them."""
    return RemoteBusy if status in _BUSY or status >= 500 else RemoteRefused


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read the seconds of a `Retry-After`; a date in it is not read."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(seconds, RETRY_AFTER_LIMIT_S) if 0 <= seconds < math.inf else None


def reason_in(answer: HttpAnswer) -> str:
    """Give why a server refuses, in its own words: fit for the store, and not for a log."""
    # The gateway's refusals have no body; the emulator's say why in a header.
    told = answer.headers.get("X-Emulator-Reason", "")
    return told or answer.body.decode("utf-8", "replace")[:_SHOWN_CHARS]


@dataclass(frozen=True)
class Question:
    """A request that a JSON object answers; what it carries is never told in an error."""

    method: str
    address: str
    #: Names it in errors.
    message_id: str
    headers: Mapping[str, str] = field(repr=False)
    #: The most that the answer may measure.
    limit_bytes: int
    body: bytes = field(default=b"", repr=False)

    def ask(self, client: HttpClient) -> HttpAnswer:
        """Make the request, once.

        Raises:
            RemoteUnreachable: no answer came, or not all of it in time.
            RemoteRefused: it is no request that could be made.
        """
        answer = client.request(
            self.method,
            self.address,
            self.headers,
            self.body,
            self.message_id,
            self.limit_bytes + 1,
        )
        if not answer.in_time:
            raise self.error(RemoteUnreachable, "its answer came too slowly")
        return answer

    def read(self, answer: HttpAnswer) -> JsonObject:
        """Read a JSON object.

        Raises:
            AnswerUnreadable: it is none, or larger than it may be.
        """
        fields = read_object(answer.body, self.limit_bytes)
        if fields is None:
            problem = (
                f"answered {answer.status}, no JSON object of {self.limit_bytes} bytes at most"
            )
            raise self.error(AnswerUnreadable, problem, answer.status)
        return fields

    def refusal(self, answer: HttpAnswer, why: str = "") -> RemoteBusy | RemoteRefused:
        """Make an error of an answer that is none of 2xx."""
        error = self.error(kind_of(answer.status), f"answered {answer.status}{why}", answer.status)
        if isinstance(error, RemoteBusy):
            error.delay_s = retry_after_s(answer.headers)
        return error

    def error(self, kind: type[_Kind], problem: str, status: int | None = None) -> _Kind:
        """Make an error that names this request."""
        return kind(
            problem,
            method=self.method,
            address=self.address.partition("?")[0],
            status=status,
            message_id=self.message_id,
        )


def read_object(body: bytes, limit_bytes: int) -> JsonObject | None:
    """Read a JSON object; None when it is none, so that no error quotes what came instead."""
    try:
        return unpack(body, limit_bytes)
    except (RequestTooLarge, RequestUnreadable):
        return None
