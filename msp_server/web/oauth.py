"""The address that a sign-in provider sends the customer back to.

Source: MSP API Tutorial, exercise 20 (the exchange); how it ends, `messages-auth://`: observed.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers

from msp_server.errors import RemoteError
from msp_server.messages.authenticate import SignInFailure, failure_after
from msp_server.messages.raw import JsonObject
from msp_server.remote.identity import IdentityProvider
from msp_server.store.sign_ins import Return, SignInRecord, SignIns
from msp_server.web.pages import guarded, page
from msp_server.web.slots import Slots

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)

#: What Messages waits for, to close its sheet. Source: observed.
BACK_TO_MESSAGES: Final = "messages-auth://"
#: The most of a code that is read, characters. Assumed.
_CODE_LIMIT_CHARS: Final = 4096
_UNKNOWN: Final = (
    "<p>This sign-in is none that was asked for.</p>"
    "<p>Go back to Messages, and ask for a new one there.</p>"
)


def blueprint(
    sign_ins: SignIns, provider: IdentityProvider | None, redirect_uri: str, slots: Slots
) -> Blueprint:
    """Make the route of the way back.

    Args:
        sign_ins: who was asked to sign in.
        provider: tells who did; None where nobody signs in.
        redirect_uri: the public address of this route, as the provider was told.
        slots: places for requests that wait for the provider.
    """
    bp = Blueprint("oauth", __name__)
    way_back = _WayBack(sign_ins, provider, redirect_uri)

    @bp.get("/oauth/callback")
    def take_back() -> ResponseReturnValue:
        with slots.taken():  # before the state is used up: who finds no place may come again
            return way_back.take(request.args)

    return bp


@dataclass(frozen=True)
class _WayBack:
    sign_ins: SignIns
    provider: IdentityProvider | None
    redirect_uri: str

    def take(self, told: Mapping[str, str]) -> Response:
        """Use the state up, find out who signed in, and send the customer back to Messages."""
        taken = self.sign_ins.take_back(told.get("state", ""), time.time())
        if taken is None:
            return page(_UNKNOWN, 400)
        record, came = taken
        match came:
            case Return.USED:
                return back_to_messages("this sign-in was used before")
            case Return.EXPIRED:
                return back_to_messages("this sign-in has expired")
            case Return.GOOD:
                user, failure = self._find_user(record, told.get("code", ""))
                self.sign_ins.end(record, user, failure)
                log.info("came back message_id=%.80r failure=%s", record.message_id, failure)
                return back_to_messages(failure)

    def _find_user(
        self, record: SignInRecord, code: str
    ) -> tuple[JsonObject | None, SignInFailure | None]:
        if self.provider is None or not code or len(code) > _CODE_LIMIT_CHARS:
            return None, SignInFailure.DENIED
        try:
            token = self.provider.exchange(code, self.redirect_uri, record.message_id)
            return self.provider.user(token, record.message_id), None
        except RemoteError as error:
            log.warning("sign-in failed message_id=%.80r error=%s", record.message_id, error)
            return None, failure_after(error)


class _ToMessages(Response):
    """A redirect to an address without a host, which werkzeug would take the slashes out of."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Give the headers, with the address as it was set."""
        headers = super().get_wsgi_headers(environ)
        headers["Location"] = self.headers["Location"]
        return headers


def back_to_messages(problem: str | None = None) -> Response:
    """Send the customer back to Messages, which closes its sheet.

    Args:
        problem: why nobody is signed in; None if somebody is.

    Source: observed.
    """
    result = "status=success" if problem is None else f"status=error&error={quote(problem)}"
    response = guarded(_ToMessages(status=302))
    response.headers["Location"] = f"{BACK_TO_MESSAGES}?{result}"
    return response
