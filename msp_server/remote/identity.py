"""The identity provider: where customers sign in, and who tells us that they did."""

import re
from typing import Final
from urllib.parse import urlencode

from msp_server.errors import AnswerUnreadable, RemoteRefused
from msp_server.remote.answers import Question, read_object
from msp_server.remote.http import HttpAnswer, HttpClient
from msp_server.settings import SignInSettings
from msp_server.wire.packing import JsonObject

#: The most that the answer to a code may measure. Assumed.
TOKEN_LIMIT_BYTES: Final = 64 * 1024
#: The most that a user record may measure. Assumed.
USER_LIMIT_BYTES: Final = 16 * 1024

#: What can stand after `Bearer`, and how long it may be. Assumed: servers read headers of 16 KiB.
_ACCESS_TOKEN: Final = re.compile(r"[!-~]{1,16000}")
#: What a provider may say of a code. Source: RFC 6749, section 5.2.
_OAUTH_ERRORS: Final = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)


class IdentityProvider:
    """Exchanges codes, and asks who signed in."""

    def __init__(self, settings: SignInSettings, client: HttpClient) -> None:
        """Make a client of the provider.

        Args:
            settings: where it is, and who we are there.
            client: makes the requests.
        """
        self._settings = settings
        self._client = client

    def exchange(self, code: str, redirect_uri: str, message_id: str) -> str:
        """Exchange a code, once, and give the access token.

        Args:
            code: what the customer brought back.
            redirect_uri: where the provider sent the customer, as it was told before.
            message_id: names it in errors.

        Raises:
            RemoteUnreachable: no answer came in time.
            RemoteBusy: the provider asks us to come back later.
            RemoteRefused: the provider does not accept the code, or us.
            AnswerUnreadable: the answer has no access token.

        Source: MSP API Tutorial, exercise 20.
        """
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
        }
        question = Question(
            method="POST",
            address=self._settings.token_url or "",
            message_id=message_id,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
            limit_bytes=TOKEN_LIMIT_BYTES,
            body=urlencode(fields, errors="replace").encode(),
        )
        if not question.address:
            raise question.error(RemoteRefused, "set MSP_OAUTH_TOKEN_URL first")
        answer = question.ask(self._client)
        if not 200 <= answer.status < 300:
            said = read_object(answer.body, TOKEN_LIMIT_BYTES) or {}
            raise question.refusal(answer, _named(said))
        return _access_token(question, answer)

    def user(self, access_token: str, message_id: str) -> JsonObject:
        """Ask who signed in, and give the provider's record of them.

        Args:
            access_token: as the provider gave it.
            message_id: names it in errors.

        Raises:
            RemoteUnreachable: no answer came in time.
            RemoteBusy: the provider asks us to come back later.
            RemoteRefused: the provider does not accept the token.
            AnswerUnreadable: the answer is no record, or the token cannot stand in a header.

        Source: MSP API Tutorial, exercise 20.
        """
        question = Question(
            method="GET",
            address=self._settings.user_url or "",
            message_id=message_id,
            headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
            limit_bytes=USER_LIMIT_BYTES,
        )
        if not question.address:
            raise question.error(RemoteRefused, "set MSP_OAUTH_USER_URL first")
        if not _ACCESS_TOKEN.fullmatch(access_token):
            raise question.error(AnswerUnreadable, "the access token cannot stand in a header")
        answer = question.ask(self._client)
        if not 200 <= answer.status < 300:
            raise question.refusal(answer)
        return question.read(answer)


def _access_token(question: Question, answer: HttpAnswer) -> str:
    """Take the access token out of an answer, which some providers give a good status to say no."""
    fields = question.read(answer)
    token = fields.get("access_token")
    if isinstance(token, str) and _ACCESS_TOKEN.fullmatch(token):
        return token
    if token is None and "error" in fields:
        raise question.error(
            RemoteRefused, f"answered {answer.status}{_named(fields)}", answer.status
        )
    raise question.error(
        AnswerUnreadable,
        f"answered {answer.status} without access_token, or with one of no use",
        answer.status,
    )


def _named(fields: JsonObject) -> str:
    """Name an error of OAuth; what else a provider writes there is not told."""
    error = fields.get("error")
    return f": {error}" if error in _OAUTH_ERRORS else ""
