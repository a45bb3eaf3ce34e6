"""The one function that makes every request of ours."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import requests
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from msp_server.errors import AddressRefused, RemoteError, RemoteRefused, RemoteUnreachable
from msp_server.remote.addresses import AddressPrivate, PublicAdapter, origin_of

#: How long we wait for a connection. Source: Apple's samples wait 10 s in all.
CONNECT_TIMEOUT_S: Final = 10
#: How long we wait for the next bytes. Source: Business Chat API, "Messages Sent".
READ_TIMEOUT_S: Final = 30
#: The most of an answer that is read. Assumed.
ANSWER_LIMIT_BYTES: Final = 64 * 1024
#: How long a transfer may take, seconds. Assumed.
TRANSFER_LIMIT_S: Final = 600
#: How much of a transfer is read at a time.
CHUNK_BYTES: Final = 256 * 1024

_CERTIFICATE_HINT: Final = "are MSP_APPLE_PAY_CERTIFICATE and MSP_APPLE_PAY_KEY right?"


@dataclass(frozen=True)
class HttpAnswer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    #: The first `ANSWER_LIMIT_BYTES` of it.
    body: bytes
    #: Whether that came in time; otherwise it breaks off somewhere.
    in_time: bool = True


class SizedChunks(Protocol):
    """A body in chunks whose length together is known."""

    def __len__(self) -> int:
        """Give the length of all chunks together, bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Give the chunks."""


Body: TypeAlias = bytes | SizedChunks


class _TransferLateError(Exception):
    """A transfer took longer than it may; no `OSError`, which urllib3 would take for its own."""


@dataclass
class _Outgoing:
    """A body that is sent for no longer than a transfer may take, and knows when it has gone."""

    body: Body
    #: Whether all of it was handed over: before that, nobody can have taken the request.
    has_gone: bool = False

    def __len__(self) -> int:
        return len(self.body)

    def __iter__(self) -> Iterator[bytes]:
        deadline = time.monotonic() + TRANSFER_LIMIT_S
        for chunk in (self.body,) if isinstance(self.body, bytes) else self.body:
            if time.monotonic() > deadline:
                raise _TransferLateError
            yield chunk
        self.has_gone = True


@dataclass(frozen=True)
class HttpStream:
    """What a server answers, as it comes."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class HttpClient:
    """Makes requests over kept connections, one session for each thread."""

    def __init__(
        self,
        https_proxy: str | None = None,
        read_timeout_s: float | None = None,
        *,
        public_only: bool = False,
        tells_paths: bool = True,
        certificate: tuple[Path, Path | None] | None = None,
    ) -> None:
        """Make a client.

        Args:
            read_timeout_s: how long to wait for the next bytes, `READ_TIMEOUT_S` if None.
            https_proxy: proxy for https addresses. The environment is not looked at otherwise:
                an entry in `~/.netrc` would replace our `Authorization` header.
            public_only: whether https addresses must lead to the public Internet.
            tells_paths: whether errors name the path; one that opens a file is a secret.
            certificate: the client's own and its private key, PEM; None as key: both in one file.
        """
        self._proxies = {"https": https_proxy} if https_proxy else {}
        self._read_timeout_s = read_timeout_s
        self._public_only = public_only
        self._tells_paths = tells_paths
        # Both are named even when they are one: OpenSSL would ask the terminal for a passphrase.
        self._certificate = certificate and (
            str(certificate[0]),
            str(certificate[1] or certificate[0]),
        )
        self._local = threading.local()

    def request(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str] | None = None,
        body: Body = b"",
        message_id: str | None = None,
        answer_limit_bytes: int | None = None,
    ) -> HttpAnswer:
        """Make one request; redirects are not followed.

        Args:
            method: of HTTP.
            address: where it goes.
            headers: what it says of itself.
            body: bytes, or chunks whose length together is known.
            message_id: names it in errors.
            answer_limit_bytes: the most of an answer that is read, `ANSWER_LIMIT_BYTES` if None.

        Raises:
            RemoteUnreachable: no connection, no answer in time, or a broken one.
            RemoteRefused: it is no request that could be made.
        """
        timeout_s = self._timeout_s(body)
        outgoing = _Outgoing(body)
        try:
            with (
                self._translating(method, address, message_id, timeout_s),
                self._open(method, address, headers, outgoing) as response,
            ):
                limit_bytes = answer_limit_bytes or ANSWER_LIMIT_BYTES
                answer, in_time = _read(response, limit_bytes, timeout_s[1])
                return HttpAnswer(response.status_code, response.headers, answer, in_time)
        except RemoteUnreachable as error:
            error.unsure = outgoing.has_gone
            raise

    @contextmanager
    def stream(
        self, method: str, address: str, message_id: str | None = None
    ) -> Iterator[HttpStream]:
        """Make one request without a body, and read its answer as it comes; raises as `request`."""
        timeout_s = self._timeout_s(b"")
        with self._translating(method, address, message_id, timeout_s):
            headers = {"Accept-Encoding": "identity"}
            response = self._open(method, address, headers, _Outgoing(b""))
        with response:

            def read() -> Iterator[bytes]:
                with self._translating(method, address, message_id, timeout_s):
                    yield from _chunks(response)

            yield HttpStream(response.status_code, response.headers, read())

    def _open(
        self, method: str, address: str, headers: Mapping[str, str] | None, outgoing: _Outgoing
    ) -> requests.Response:
        return self._session().request(
            method,
            address,
            headers=dict(headers or {}),
            data=outgoing if len(outgoing) else b"",
            timeout=self._timeout_s(outgoing.body),
            allow_redirects=False,
            stream=True,
        )

    def _timeout_s(self, body: Body) -> tuple[float, float]:
        """Say how long to wait for a connection, and for the next bytes."""
        read_s = self._read_timeout_s or READ_TIMEOUT_S
        # urllib3 also sends under the first of them: each chunk has to be through by then.
        return (CONNECT_TIMEOUT_S if isinstance(body, bytes) else read_s), read_s

    @contextmanager
    def _translating(
        self, method: str, address: str, message_id: str | None, timeout_s: tuple[float, float]
    ) -> Iterator[None]:
        """Turn errors of requests' into ours."""
        shown = address.partition("?")[0] if self._tells_paths else origin_of(address)

        def failure(kind: type[RemoteError], problem: str) -> RemoteError:
            return kind(problem, method=method, address=shown, message_id=message_id)

        try:
            yield
        except AddressPrivate as error:
            problem = f"{error}: set MSP_CONTENT_HOSTS to hosts of Apple's alone"
            raise failure(AddressRefused, problem) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
            raise failure(RemoteRefused, type(error).__name__) from error
        except (OSError, HTTPError, _TransferLateError, UnicodeDecodeError) as error:
            raise failure(RemoteUnreachable, self._describe(error, timeout_s)) from error
        except UnicodeError as error:
            raise failure(RemoteRefused, type(error).__name__) from error

    def _describe(self, error: Exception, timeout_s: tuple[float, float]) -> str:
        known = isinstance(error, requests.RequestException | HTTPError | _TransferLateError)
        problem = _describe(error, *timeout_s) if known else "a file for TLS cannot be read"
        late = isinstance(error, requests.Timeout | ReadTimeoutError | _TransferLateError)
        return problem if self._certificate is None or late else f"{problem}; {_CERTIFICATE_HINT}"

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.proxies = dict(self._proxies)
            session.cert = self._certificate
            if self._public_only:
                session.mount("https://", PublicAdapter())
            self._local.session = session
        return session


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Give an answer as it comes, for no longer than a transfer may take."""
    deadline = time.monotonic() + TRANSFER_LIMIT_S
    # What is there, however little: a whole chunk of drops would be waited for without an end.
    while piece := response.raw.read1(CHUNK_BYTES, decode_content=False):
        yield piece
        if time.monotonic() > deadline:
            raise _TransferLateError


def _read(response: requests.Response, limit_bytes: int, limit_s: float) -> tuple[bytes, bool]:
    """Read an answer's beginning, for no longer than we wait for the first of its bytes.

    Returns:
        What came, and whether it came in time.
    """
    deadline = time.monotonic() + limit_s
    answer = bytearray()
    while len(answer) < limit_bytes:
        if time.monotonic() > deadline:
            return bytes(answer), False
        piece = response.raw.read1(limit_bytes - len(answer), decode_content=True)
        if not piece:
            break
        answer += piece
    return bytes(answer), True


def _describe(error: Exception, connect_timeout_s: float, read_timeout_s: float) -> str:
    match error:
        case _TransferLateError():
            return f"not done within {TRANSFER_LIMIT_S} s"
        case requests.ConnectTimeout():
            return f"not connected within {connect_timeout_s} s"
        case requests.ReadTimeout() | ReadTimeoutError():
            return f"no answer within {read_timeout_s} s, it may have been accepted"
        case requests.exceptions.SSLError():
            return "TLS failed"
        case requests.ConnectionError() | ProtocolError():
            return "not connected, or cut off before an answer"
        case _:
            return type(error).__name__
