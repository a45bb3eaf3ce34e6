"""The landing page: a person enters an account of theirs, and it is linked with a business.

Apple Business Register sends people here with the business in the address. Whoever writes such an
address chooses `name` and `logo`, so both are shown as what they are and trusted for nothing.

Source: MSP API Tutorial, exercise 21.
"""

import logging
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from msp_server.agents.linker import AccountLinker, Landing
from msp_server.errors import (
    FormRefused,
    LinkRefused,
    MspError,
    RequestUnreadable,
    ServerBusy,
    TooManyRequests,
    WebhookError,
    where,
)
from msp_server.web.browsers import client_network, is_secure, require_same_origin
from msp_server.web.fields import FIELDS_LIMIT_BYTES, read_fields
from msp_server.web.form_tokens import FORM_AGE_LIMIT_S, FormTokens
from msp_server.web.landing_address import ADDRESS_FIELDS, parse_landing
from msp_server.web.pages import guarded, render
from msp_server.web.rates import Rates
from msp_server.web.slots import Slots
from msp_server.wire.packing import read_bounded

log = logging.getLogger(__name__)

USER_NAME_LIMIT_CHARS: Final = 200
PASSWORD_LIMIT_CHARS: Final = 1000

#: Attempts in a row, and seconds until one more: generous, for all clients behind one address.
ATTEMPTS_BY_ADDRESS: Final = (60, 2.0)
#: The same for one user name: tight, against guessing; at all businesses, for anybody can write
#: an address with another `id`.
ATTEMPTS_BY_USER_NAME: Final = (5, 60.0)

_FORM_FIELDS: Final = (*ADDRESS_FIELDS, "userName", "userPassword", "token")
_FORM: Final = "application/x-www-form-urlencoded"
_BUSY_WAIT_S: Final = 5.0


@dataclass(frozen=True)
class _Problem:
    """Why an account was not linked, for the person who waits."""

    status: int
    reason: str
    #: When another attempt makes sense, seconds from now; 0 for at once.
    wait_s: float = 0.0


def blueprint(
    api_secrets: Sequence[bytes], linker: AccountLinker | None, slots: Slots
) -> Blueprint:
    """Make the routes of the landing page.

    Args:
        api_secrets: the keys of forms are derived from them.
        linker: gets what people enter; None: the routes say that there is no page.
        slots: places for what is slow.
    """
    bp = Blueprint("landing", __name__)
    bp.register_error_handler(WebhookError, _refuse)
    if linker is None:
        for name, method in (("", "GET"), ("_handle", "POST"), ("_done", "GET")):
            bp.add_url_rule(f"/landingPage{name}", f"absent{name}", _tell_absent, methods=[method])
        return bp
    desk = _Desk(linker, slots, FormTokens(api_secrets))

    @bp.get("/landingPage")
    def show_form() -> ResponseReturnValue:
        return desk.form(parse_landing(read_fields(request.query_string, ADDRESS_FIELDS)))

    @bp.post("/landingPage_handle")
    def link_account() -> ResponseReturnValue:
        return desk.take_form()

    @bp.get("/landingPage_done")
    def tell_done() -> ResponseReturnValue:
        return render("landing_done.html")

    return bp


class _Desk:
    """Shows forms and takes them."""

    def __init__(self, linker: AccountLinker, slots: Slots, tokens: FormTokens) -> None:
        self._linker = linker
        self._slots = slots
        self._tokens = tokens
        self._by_address = Rates(*ATTEMPTS_BY_ADDRESS)
        self._by_user_name = Rates(*ATTEMPTS_BY_USER_NAME)

    def form(
        self, landing: Landing, user_name: str = "", problem: _Problem | None = None
    ) -> Response:
        """Show the form, with what was wrong the time before; the password is never in it."""
        cookie = self._tokens.cookie(request.cookies.get(_cookie_name()))
        page = render(
            "landing_page.html",
            problem.status if problem else 200,
            action=url_for("landing.link_account"),
            problem=problem,
            landing=landing,
            user_name=user_name,
            token=self._tokens.make(cookie),
            user_name_limit=USER_NAME_LIMIT_CHARS,
            password_limit=PASSWORD_LIMIT_CHARS,
        )
        page.set_cookie(
            _cookie_name(),
            cookie,
            max_age=FORM_AGE_LIMIT_S,
            secure=is_secure(),
            httponly=True,
            samesite="Strict",
        )
        return _with_wait(page, problem)

    def take_form(self) -> Response:
        """Link what a person entered, and send them on; or show the form again with the reason."""
        wait_s = self._by_address.take(client_network())
        if wait_s:
            return _refusal(_too_many(wait_s))
        if request.mimetype != _FORM:
            raise RequestUnreadable(f"Content-Type has to be {_FORM}")
        fields = read_fields(read_bounded(request.stream, FIELDS_LIMIT_BYTES), _FORM_FIELDS)
        landing = parse_landing(fields)
        user_name = fields.get("userName", "")
        problem = self._problem_with(landing, fields)
        if problem is None:
            log.info("linked landing_id=%s", landing.id)
            done = Response(status=302, headers={"Location": url_for("landing.tell_done")})
            return guarded(done)
        log.warning("not linked landing_id=%s status=%d", landing.id, problem.status)
        return self.form(landing, user_name[:USER_NAME_LIMIT_CHARS], problem)

    def _problem_with(self, landing: Landing, fields: Mapping[str, str]) -> _Problem | None:
        """Link, and give what stood in the way."""
        user_name = fields.get("userName", "").strip()
        try:
            require_same_origin()
            self._tokens.require(fields.get("token", ""), request.cookies.get(_cookie_name()))
            _require_entered(user_name, fields.get("userPassword", ""))
        except FormRefused as refused:
            return _Problem(refused.status, str(refused))
        except LinkRefused as refused:
            return _Problem(422, str(refused))
        wait_s = self._by_user_name.take(_same_for_guessing(user_name))
        if wait_s:
            return _too_many(wait_s)
        return self._link(landing, user_name, fields["userPassword"])

    def _link(self, landing: Landing, user_name: str, password: str) -> _Problem | None:
        try:
            with self._slots.taken():
                self._linker.link(landing, user_name, password)
        except LinkRefused as refused:
            return _Problem(422, str(refused))
        except ServerBusy as busy:
            return _Problem(busy.status, str(busy), _BUSY_WAIT_S)
        except Exception as error:  # noqa: BLE001 - it is the integrator's code
            log.error("linker failed landing_id=%s error=%s", landing.id, where(error))  # noqa: TRY400 - what it says may quote the password
            return _Problem(502, "The account could not be checked just now: try again later")
        return None


def _require_entered(user_name: str, password: str) -> None:
    if not 1 <= len(user_name) <= USER_NAME_LIMIT_CHARS:
        raise LinkRefused(f"Enter a user name of 1 to {USER_NAME_LIMIT_CHARS} characters")
    if not 1 <= len(password) <= PASSWORD_LIMIT_CHARS:
        raise LinkRefused(f"Enter a password of 1 to {PASSWORD_LIMIT_CHARS} characters")


def _same_for_guessing(user_name: str) -> str:
    return unicodedata.normalize("NFKC", user_name).casefold()


def _cookie_name() -> str:
    """Name the cookie; with the prefix, no neighbouring host can set it. Source: RFC 6265bis."""
    return "__Host-landing" if is_secure() else "landing"


def _too_many(wait_s: float) -> _Problem:
    return _Problem(TooManyRequests.status, str(TooManyRequests()), wait_s)


def _tell_absent() -> Response:
    return _refusal(_Problem(404, "There is no landing page here: set MSP_ACCOUNT_LINKER"))


def _refuse(error: MspError) -> Response:
    assert isinstance(error, WebhookError)  # noqa: S101 - for the type checker
    return _refusal(_Problem(error.status, str(error)))


def _refusal(problem: _Problem) -> Response:
    log.warning("refused status=%d path=%s error=%s", problem.status, request.path, problem.reason)
    return _with_wait(render("landing_refused.html", problem.status, problem=problem), problem)


def _with_wait(response: Response, problem: _Problem | None) -> Response:
    if problem is not None and problem.wait_s:
        response.headers["Retry-After"] = str(math.ceil(problem.wait_s))
    return response
