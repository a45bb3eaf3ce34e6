"""The one function that makes every request of ours."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import requests
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from msp_server.errors import RemoteRefused, RemoteUnreachable

#: How long we wait for a connection. Source: Apple's samples wait 10 s in all.
CONNECT_TIMEOUT_S: Final = 10
#: How long we wait for the next bytes. Source: Business Chat API, "Messages Sent".
READ_TIMEOUT_S: Final = 30
#: The most of an answer that is read. Assumed.
ANSWER_LIMIT_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class HttpAnswer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    #: The first `ANSWER_LIMIT_BYTES` of it.
    body: bytes


class HttpClient:
    """Makes requests over kept connections, one session for each thread."""

    def __init__(self, https_proxy: str | None = None, read_timeout_s: float | None = None) -> None:
        """Make a client.

        Args:
            read_timeout_s: how long to wait for the next bytes, `READ_TIMEOUT_S` if None.
            https_proxy: proxy for https addresses. The environment is not looked at otherwise:
                an entry in `~/.netrc` would replace our `Authorization` header.
        """
        self._proxies = {"https": https_proxy} if https_proxy else {}
        self._read_timeout_s = read_timeout_s
        self._local = threading.local()

    def request(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        message_id: str | None = None,
    ) -> HttpAnswer:
        """Make one request; redirects are not followed.

        Raises:
            RemoteUnreachable: no connection, no answer in time, or a broken one.
            RemoteRefused: it is no request that could be made.
        """
        try:
            with self._session().request(
                method,
                address,
                headers=dict(headers or {}),
                data=body,
                timeout=(CONNECT_TIMEOUT_S, self._read_timeout_s or READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                return HttpAnswer(response.status_code, response.headers, _read(response))
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidHeader,
            UnicodeError,
        ) as error:
            raise RemoteRefused(
                type(error).__name__, method=method, address=address, message_id=message_id
            ) from error
        except (requests.RequestException, HTTPError) as error:
            raise RemoteUnreachable(
                _describe(error), method=method, address=address, message_id=message_id
            ) from error

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.proxies = dict(self._proxies)
            self._local.session = session
        return session


def _read(response: requests.Response) -> bytes:
    """Read an answer's beginning, for no longer than we wait for the first of its bytes."""
    deadline = time.monotonic() + READ_TIMEOUT_S
    answer = b""
    while len(answer) < ANSWER_LIMIT_BYTES and time.monotonic() < deadline:
        piece = response.raw.read1(ANSWER_LIMIT_BYTES - len(answer), decode_content=True)
        if not piece:
            break
        answer += piece
    return answer


def _describe(error: requests.RequestException | HTTPError) -> str:
    match error:
        case requests.ConnectTimeout():
            return f"not connected within {CONNECT_TIMEOUT_S} s"
        case requests.ReadTimeout() | ReadTimeoutError():
            return f"no answer within {READ_TIMEOUT_S} s, it may have been accepted"
        case requests.exceptions.SSLError():
            return "TLS failed"
        case requests.ConnectionError() | ProtocolError():
            return "not connected, or cut off before an answer"
        case _:
            return type(error).__name__
