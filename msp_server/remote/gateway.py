"""The gateway: Apple's message server."""

from collections.abc import Callable, Mapping
from typing import Final

from msp_server.errors import (
    CredentialsRefused,
    RemoteBusy,
    RemoteError,
)
from msp_server.remote.answers import kind_of, reason_in, retry_after_s
from msp_server.remote.http import HttpAnswer, HttpClient

#: How we name ourselves; Apple logs the first 64 characters.
#: Source: Business Chat API, "Integrating with Business Chat".
MSP_AGENT: Final = "msp-server/0.1"

_CREDENTIALS: Final = (401, 403)


class Gateway:
    """Sends messages to customers."""

    def __init__(self, base_url: str, token: Callable[[], str], client: HttpClient) -> None:
        """Make a gateway client.

        Args:
            base_url: ends in `/v1`.
            token: makes the JWT of one request.
            client: makes the request.
        """
        self.base_url = base_url
        self._token = token
        self._client = client

    def send(
        self,
        headers: Mapping[str, str],
        packed: bytes,
        message_id: str,
        endpoint: str = "message",
    ) -> HttpAnswer:
        """Send one message, once.

        Args:
            headers: those that say what it is.
            packed: its body.
            message_id: names it in errors.
            endpoint: which of them takes it; those that ask to sign in have one of their own.

        Returns:
            The gateway's answer: it has accepted the message. Nobody hears whether it arrives.

        Raises:
            RemoteUnreachable: no answer came; it may or may not have been accepted.
            RemoteBusy: the gateway asks us to come back later.
            CredentialsRefused: it does not accept our token.
            RemoteRefused: it does not accept the message, and never will.

        Source: MSP REST API, "Common Specifications".
        """
        return self.call(
            "POST", f"/{endpoint}", {**headers, "msp-agent": MSP_AGENT}, packed, message_id
        )

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        message_id: str,
        answer_limit_bytes: int | None = None,
    ) -> HttpAnswer:
        """Call one of the gateway's endpoints, once; raises what `send` does.

        Args:
            method: of HTTP.
            path: below the base URL.
            headers: beside those that every call has.
            body: what goes with it.
            message_id: names it in errors.
            answer_limit_bytes: the most of the answer that is read, if it is not the usual.
        """
        address = f"{self.base_url}{path}"
        answer = self._client.request(
            method,
            address,
            {"Accept": "*/*", **headers, "Authorization": f"Bearer {self._token()}"},
            body,
            message_id,
            answer_limit_bytes,
        )
        if not 200 <= answer.status < 300:
            raise _refusal(answer, method, address, message_id)
        return answer


def _refusal(answer: HttpAnswer, method: str, address: str, message_id: str) -> RemoteError:
    """Make an error of an answer that is none of 2xx."""
    kind = _kind(answer.status)
    error = kind(
        f"answered {answer.status}",
        method=method,
        address=address,
        status=answer.status,
        message_id=message_id,
        answer=reason_in(answer),
    )
    if isinstance(error, RemoteBusy):
        error.delay_s = retry_after_s(answer.headers)
    return error


def _kind(status: int) -> type[RemoteError]:
    return CredentialsRefused if status in _CREDENTIALS else kind_of(status)
