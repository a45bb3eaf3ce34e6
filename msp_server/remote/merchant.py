"""The merchant: who asks Apple Pay for a session before a customer is asked for money."""

import json
from typing import Final

from msp_server.errors import RemoteBusy, RemoteError, RemoteRefused
from msp_server.remote.answers import Question, reason_in
from msp_server.remote.http import HttpAnswer, HttpClient
from msp_server.settings import ApplePaySettings
from msp_server.wire.packing import JsonObject

#: The most that a session may measure. Assumed: they measure a few kilobytes.
SESSION_LIMIT_BYTES: Final = 64 * 1024

#: The year 2286: no session lasts until then.
_LATEST_MS: Final = 10**13
#: Statuses that our certificate may be to blame for.
_CREDENTIALS: Final = (401, 403)


class Merchant:
    """Opens sessions with Apple Pay."""

    def __init__(self, settings: ApplePaySettings, client: HttpClient) -> None:
        """Make a merchant.

        Args:
            settings: who it is.
            client: makes the request, and shows the merchant identity certificate.
        """
        self._settings = settings
        self._client = client

    def open_session(self, display_name: str, gateway_address: str, message_id: str) -> JsonObject:
        """Open a session, once.

        Args:
            display_name: the merchant's name as the customer sees it.
            gateway_address: where the customer's device will pay.
            message_id: names it in errors.

        Returns:
            What Apple answered, which goes into the message as it is.

        Raises:
            RemoteUnreachable: no answer came in time, or the certificate is of no use.
            RemoteBusy: Apple asks us to come back later, or does not accept the certificate.
            RemoteRefused: Apple does not accept the request, and never will.
            AnswerUnreadable: the answer is no session.

        Source: MSP API Tutorial, exercise 14; which status means what is assumed.
        """
        question = self._question(display_name, gateway_address, message_id)
        if self._settings.merchant_id is None or self._settings.domain is None:
            raise question.error(
                RemoteRefused, "set MSP_APPLE_PAY_MERCHANT_ID and MSP_APPLE_PAY_DOMAIN first"
            )
        answer = question.ask(self._client)
        if not 200 <= answer.status < 300:
            error = _refusal(question, answer)
            error.answer = reason_in(answer)
            raise error
        return question.read(answer)

    def _question(self, display_name: str, gateway_address: str, message_id: str) -> Question:
        fields = {
            "merchantIdentifier": self._settings.merchant_id,
            "domainName": self._settings.domain,
            "displayName": display_name,
            "initiative": "messaging",
            "initiativeContext": gateway_address,
        }
        return Question(
            method="POST",
            address=self._settings.session_url,
            message_id=message_id,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            limit_bytes=SESSION_LIMIT_BYTES,
            body=json.dumps(fields).encode(),
        )


def _refusal(question: Question, answer: HttpAnswer) -> RemoteError:
    if answer.status not in _CREDENTIALS:
        return question.refusal(answer)
    # Ours to repair, and no reason to hold other messages, as CredentialsRefused does.
    return question.error(
        RemoteBusy,
        f"answered {answer.status}: do MSP_APPLE_PAY_CERTIFICATE, "
        "MSP_APPLE_PAY_MERCHANT_ID and MSP_APPLE_PAY_DOMAIN belong together?",
        answer.status,
    )


def expires_at(session: JsonObject) -> float | None:
    """Say when a session ends, seconds since 1970; None when it does not say.

    Source: MSP API Tutorial, samples of exercise 14.
    """
    milliseconds = session.get("expiresAt")
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    if not 0 < milliseconds < _LATEST_MS:
        return None
    return milliseconds / 1000
