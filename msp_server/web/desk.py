"""The desk: a page on which people answer customers. It is a client of `/conversations`."""

import hmac
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, redirect, request, send_from_directory
from flask.typing import ResponseReturnValue

from msp_server.errors import TooManyRequests
from msp_server.web.browsers import client_network, is_secure, require_same_origin
from msp_server.web.desk_session import DeskSessions
from msp_server.web.fields import FIELDS_LIMIT_BYTES, read_fields
from msp_server.web.pages import render
from msp_server.web.rates import Rates
from msp_server.wire.packing import read_bounded

#: Attempts in a row, and seconds until one more.
ATTEMPTS: Final = (10, 5.0)
#: The longest name of who is at the desk.
NAME_LIMIT_CHARS: Final = 80

_PAGE: Final = Path(__file__).with_name("desk")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def blueprint(agent_token: str, sessions: DeskSessions) -> Blueprint:
    """Make the routes of the page.

    Args:
        agent_token: what a person enters to begin.
        sessions: of those who did.
    """
    bp = Blueprint("desk", __name__, url_prefix="/desk")
    rates = Rates(*ATTEMPTS)

    @bp.get("")
    def show() -> ResponseReturnValue:
        session = sessions.find(request)
        if session is None:
            return render("desk_login.html", problem=None, name="")
        page = render("desk.html", name=session.name, mark=session.mark)
        page.headers["Content-Security-Policy"] = _POLICY
        return page

    @bp.post("/session")
    def begin() -> ResponseReturnValue:
        require_same_origin()
        if rates.take(client_network()) > 0:
            raise TooManyRequests
        packed = read_bounded(request.stream, FIELDS_LIMIT_BYTES)
        fields = read_fields(packed, ("token", "name"))
        name = " ".join(fields.get("name", "").split())[:NAME_LIMIT_CHARS]
        shown = fields.get("token", "").strip()
        if not name or not hmac.compare_digest(shown.encode(), agent_token.encode()):
            problem = "Enter your name." if not name else "That is not MSP_AGENT_TOKEN."
            return render("desk_login.html", 403, problem=problem, name=name)
        response = _to_desk()
        sessions.begin(response, name, secure=is_secure())
        return response

    @bp.post("/session/end")
    def end() -> ResponseReturnValue:
        require_same_origin()
        response = _to_desk()
        sessions.end(response)
        return response

    @bp.get("/page/<path:name>")
    def give(name: str) -> ResponseReturnValue:
        response = send_from_directory(_PAGE, name)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return bp


def _to_desk() -> Response:
    response = redirect("/desk", 303)
    assert isinstance(response, Response)  # noqa: S101 - Flask's own
    return response
