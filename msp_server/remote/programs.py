"""Programs: asks agents that run elsewhere, signed by the scheme of Standard Webhooks."""

from datetime import UTC, datetime
from typing import Final

from standardwebhooks.webhooks import Webhook

from msp_server.errors import CredentialsRefused, RemoteError
from msp_server.remote.answers import Question, reason_in
from msp_server.remote.http import HttpClient
from msp_server.wire.packing import JsonObject

#: The most that a program's answer may measure: pictures are in it, as Base64.
ANSWER_LIMIT_BYTES: Final = 4 * 1024 * 1024

_CREDENTIALS: Final = (401, 403)
#: A program that has nothing to say for now may leave the body out.
_NOTHING: Final = (202, 204)


class Programs:
    """Posts what customers said to programs."""

    def __init__(self, secret: str, client: HttpClient) -> None:
        """Make a client.

        Args:
            secret: what requests are signed with: `whsec_` and Base64.
            client: makes the requests.
        """
        self._webhook = Webhook(secret)
        self._client = client

    def ask(self, address: str, body: bytes, message_id: str, now: float) -> JsonObject:
        """Ask a program, once.

        Args:
            address: where it is.
            body: JSON.
            message_id: names the request: it has the same when it is repeated.
            now: seconds since 1970.

        Returns:
            What it answered; empty if it says nothing for now.

        Raises:
            RemoteUnreachable: no answer came in time.
            RemoteBusy: it asks us to come back later.
            CredentialsRefused: it does not accept our signature.
            RemoteRefused: it does not accept the message, and never will.
            AnswerUnreadable: its answer is no JSON object.

        Source: Standard Webhooks, "Webhook headers" and "Signature scheme".
        """
        question = Question(
            method="POST",
            address=address,
            message_id=message_id,
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": str(int(now)),
                "webhook-signature": self._webhook.sign(
                    message_id, datetime.fromtimestamp(int(now), UTC), body.decode()
                ),
            },
            limit_bytes=ANSWER_LIMIT_BYTES,
            body=body,
        )
        answer = question.ask(self._client)
        if not 200 <= answer.status < 300:
            error = self._refusal(question, answer.status) or question.refusal(answer)
            error.answer = reason_in(answer)
            raise error
        if answer.status in _NOTHING and not answer.body.strip():
            return {}
        return question.read(answer)

    @staticmethod
    def _refusal(question: Question, status: int) -> RemoteError | None:
        if status not in _CREDENTIALS:
            return None
        return question.error(CredentialsRefused, f"answered {status}", status)
