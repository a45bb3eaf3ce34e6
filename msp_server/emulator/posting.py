"""Requests to the MSP as HTTP: sends one and reads its answer, neither endlessly."""

import time
from collections import deque
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Final

import requests
from urllib3.exceptions import HTTPError

from msp_server.emulator.answers import Answer, note_answer
from msp_server.emulator.spoilt_requests import Draft

#: Source: MSP REST API, "Receiving Messages" (Apple waits up to 30 s; an older text).
TIMEOUT_S: Final = 30.0
#: How much of an answer's body is read, and how much of that a reason quotes.
ANSWER_LIMIT_BYTES: Final = 64 * 1024
QUOTE_LIMIT: Final = 200
SESSION_LIMIT: Final = 16


@dataclass(frozen=True)
class Posted:
    """How one request ended."""

    #: The answer's HTTP status; None when there was no answer.
    status: int | None
    #: Why the message counts as not delivered; None when the MSP answered 200.
    error: str | None
    answer: Answer | None
    seconds: float


class Poster:
    """Posts, and keeps connections open from one request to the next."""

    def __init__(self) -> None:
        self._idle: deque[requests.Session] = deque(maxlen=SESSION_LIMIT)

    def post(self, url: str, draft: Draft) -> Posted:
        """Send a request and read its answer."""
        session = self._take_session()
        started = time.perf_counter()
        answer: Answer | None = None
        try:
            with session.post(
                url,
                data=_Broken(draft.packed) if draft.broken else draft.packed,
                headers=dict(draft.headers),
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            ) as came:
                said = came.raw.read(ANSWER_LIMIT_BYTES, decode_content=False)
                status, error = came.status_code, _judge(came.status_code, said)
                cut = len(said) == ANSWER_LIMIT_BYTES
                answer = note_answer(came.headers.items(), said, cut=cut)
        except (requests.RequestException, HTTPError, OSError, ValueError) as failure:
            status, error = None, f"The MSP did not answer at {url}: {_cause(failure)}"
        self._idle.append(session)
        return Posted(status, error, answer, round(time.perf_counter() - started, 6))

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _take_session(self) -> requests.Session:
        try:
            return self._idle.pop()
        except IndexError:
            session = requests.Session()
            session.trust_env = False  # no proxy and no .netrc between us and loopback
            session.headers.clear()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            return session


class _Broken:
    """A body whose whole length is announced, and whose connection breaks in the middle."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._begun = False

    def __len__(self) -> int:
        """Give the length that is announced."""
        return len(self._packed)

    def read(self, _: int = -1) -> bytes:
        """Give the first half, and then nothing any more."""
        if self._begun:
            raise ConnectionAbortedError
        self._begun = True
        return self._packed[: len(self._packed) // 2]


def _judge(status: int, said: bytes) -> str | None:
    if status == 200:
        return None
    quoted = said.decode(errors="replace").strip()[:QUOTE_LIMIT]
    return f"The MSP answered {status}" + (f": {quoted}" if quoted else "")


def _cause(failure: Exception) -> str:
    match failure:
        case requests.Timeout():
            return f"nothing came for {TIMEOUT_S:.0f} s"
        case requests.ConnectionError() if "refused" in str(failure).lower():
            return "connection refused; is it running?"
        case requests.ConnectionError() | HTTPError():
            return "the connection was closed or could not be made"
        case _:
            return type(failure).__name__
