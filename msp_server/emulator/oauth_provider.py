"""An OAuth 2.0 provider on the emulator's own port, at which every customer has an account.

Source: RFC 6749 (authorization code grant), RFC 6750 (Bearer), OpenID Connect Core 1.0, section 5.3
(the user record).
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from msp_server.emulator import consent
from msp_server.emulator.answers import note_response
from msp_server.emulator.connections import hang_up, keep_waiting
from msp_server.emulator.consent import Asked, NotSentBack, SentBack
from msp_server.emulator.faults import Fault, Faults
from msp_server.emulator.grants import TOKEN_LIFETIME_S, Grant, Grants
from msp_server.emulator.journal import Exchange, Journal, fingerprint, shown_headers
from msp_server.emulator.masking import MASK
from msp_server.emulator.people import make_person
from msp_server.emulator.profile import FIRST_NAME, ProfileUnfit, parse_name
from msp_server.emulator.reachable import without_query
from msp_server.emulator.reception import SILENCE_LIMIT_S
from msp_server.emulator.settings import EmulatorSettings

#: The most a form may measure, and how many fields it may have.
FORM_LIMIT_BYTES: Final = 64 * 1024
FIELD_LIMIT: Final = 64
#: What a form may hold that is no secret, so that the journal shows it.
_SHOWN: Final = frozenset(
    {
        *("grant_type", "redirect_uri", "client_id", "response_type", "scope"),
        *(consent.DECISION, consent.LOGIN),
    }
)
#: Headers that may quote an address with its query, or what a page remembers.
_PRIVATE_HEADERS: Final = frozenset({"referer", "cookie"})
#: What comes instead of JSON.
_JUNK: Final = b'{"access_token": \xff\x00 <html>'

Faulty: TypeAlias = Literal["token", "userinfo"]


class OauthMistake(Exception):
    """A request that is refused the way OAuth refuses; the text says why."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


@dataclass(frozen=True)
class OauthProvider:
    """Asks customers for consent, and gives out codes, tokens and user records."""

    settings: EmulatorSettings
    grants: Grants
    journal: Journal
    faults: Faults
    #: Set when the emulator is to stop.
    stopping: Event
    #: Gives the origins where a browser may be sent besides this machine.
    allowed_origins: Callable[[], tuple[str, ...]]

    def show_consent(self) -> Response:
        """Answer `GET /oauth/authorize`: the page, or a refusal."""
        exchange = _begin_exchange()
        return self._noted(exchange, self._ask(request.args, self._make_page))

    def take_decision(self) -> Response:
        """Answer `POST /oauth/authorize`: the browser goes back to the business."""
        exchange = _begin_exchange()
        try:
            form = _read_form(exchange)
        except OauthMistake as mistake:
            return self._noted(exchange, _page(400, consent.make_refusal(mistake.description)))
        return self._noted(exchange, self._ask(form, lambda asked: self._decide(asked, form)))

    def give_token(self) -> Response:
        """Answer `POST /oauth/token`."""
        return self._answer("token", self._exchange_code)

    def give_user(self) -> Response:
        """Answer `GET /oauth/userinfo`."""
        return self._answer("userinfo", lambda _: self._find_user())

    def _ask(
        self, parameters: MultiDict[str, str], finish: Callable[[Asked], Response]
    ) -> Response:
        client_id = self.settings.oauth_client_id
        try:
            return finish(consent.read_asked(parameters, client_id, self.allowed_origins()))
        except NotSentBack as refused:
            return _page(400, consent.make_refusal(str(refused)))
        except SentBack as back:
            return _redirect(back.address)

    def _make_page(self, asked: Asked) -> Response:
        return _page(200, consent.make_page(asked, FIRST_NAME), asked)

    def _decide(self, asked: Asked, form: MultiDict[str, str]) -> Response:
        match form.get(consent.DECISION):
            case consent.ALLOW:
                login = _read_login(form)
                code = self.grants.add_code(Grant(login, asked.redirect_uri, asked.scope))
                return _redirect(asked.sent_back(code=code))
            case consent.DENY:
                return _redirect(asked.sent_back(error="access_denied"))
            case _:
                raise NotSentBack(f"{consent.DECISION} has to be {consent.ALLOW} or {consent.DENY}")

    def _exchange_code(self, exchange: Exchange) -> Response:
        form = _read_form(exchange)
        for name in ("grant_type", "code", "redirect_uri", "client_id", "client_secret"):
            if len(form.getlist(name)) != 1 or not form[name]:
                raise OauthMistake(
                    400, "invalid_request", f"{name} has to be in the form, once and not empty"
                )
        if form["grant_type"] != "authorization_code":
            raise OauthMistake(
                400, "unsupported_grant_type", "grant_type has to be authorization_code"
            )
        self._check_client(form)
        grant = self.grants.use_code(form["code"])
        if grant is None:
            raise OauthMistake(
                400, "invalid_grant", "The code is unknown, was used already, or has expired"
            )
        if grant.redirect_uri != form["redirect_uri"]:
            raise OauthMistake(
                400, "invalid_grant", "redirect_uri is not the one that the code was asked with"
            )
        return _json(
            {
                "access_token": self.grants.add_token(grant),
                "token_type": "Bearer",
                "expires_in": int(TOKEN_LIFETIME_S),
                "scope": grant.scope,
            }
        )

    def _check_client(self, form: MultiDict[str, str]) -> None:
        known = (self.settings.oauth_client_id, self.settings.oauth_client_secret)
        given = (form["client_id"], form["client_secret"])
        same = [
            hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(known, given, strict=True)
        ]
        if not all(same):
            raise OauthMistake(
                401, "invalid_client", "client_id and client_secret are not the registered ones"
            )

    def _find_user(self) -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise OauthMistake(401, "", "Send `Authorization: Bearer <access token>`")
        grant = self.grants.find_token(token.strip())
        if grant is None:
            raise OauthMistake(401, "invalid_token", "The access token is unknown or has expired")
        return _json(make_person(grant.login))

    def _answer(self, endpoint: Faulty, work: Callable[[Exchange], Response]) -> Response:
        """Do the work of an endpoint that a program calls, unless a fault befalls it."""
        exchange = _begin_exchange()
        misfortune = self.faults.take(endpoint)
        if misfortune.delay_s:
            self.stopping.wait(misfortune.delay_s)
            exchange.rule, exchange.reason = "fault", f"A fault delayed it {misfortune.delay_s} s"
        if misfortune.fault:
            return self._fail(exchange, misfortune.fault)
        try:
            response = work(exchange)
        except OauthMistake as mistake:
            exchange.rule, exchange.reason = mistake.error or None, mistake.description
            response = _mistaken(mistake)
        return self._noted(exchange, response)

    def _fail(self, exchange: Exchange, fault: Fault) -> Response:
        """Let the fault happen; the request is not even read, so a code still holds."""
        exchange.rule = "fault"
        if fault.do in ("drop", "time_out"):
            exchange.reason = (
                "A fault closed the connection" if fault.do == "drop" else "A fault gave no answer"
            )
            self.journal.add(exchange)
            if fault.do == "time_out":
                keep_waiting(self.stopping, SILENCE_LIMIT_S)
            hang_up()
            return Response(status=503)
        if fault.do == "garble":
            exchange.reason = "A fault answered junk"
            return self._noted(exchange, Response(_JUNK, content_type="application/json"))
        exchange.reason = f"A fault answered {fault.status}"
        response = Response(status=fault.status)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = fault.retry_after
        return self._noted(exchange, response)

    def _noted(self, exchange: Exchange, response: Response) -> Response:
        exchange.status = response.status_code
        # A page holds in its form what the query said.
        private = response.mimetype != "application/json"
        exchange.answer = note_response(response, private=private)
        self.journal.add(exchange)
        return response


def blueprint(provider: OauthProvider) -> Blueprint:
    """Make the routes under `/oauth`."""
    bp = Blueprint("oauth_provider", __name__, url_prefix="/oauth")

    @bp.get("/authorize")
    def show_consent() -> ResponseReturnValue:
        return provider.show_consent()

    @bp.post("/authorize")
    def take_decision() -> ResponseReturnValue:
        return provider.take_decision()

    @bp.post("/token")
    def give_token() -> ResponseReturnValue:
        return provider.give_token()

    @bp.get("/userinfo")
    def give_user() -> ResponseReturnValue:
        return provider.give_user()

    return bp


def _begin_exchange() -> Exchange:
    """Begin the journal's note of a request, without what a query or a header tells in private."""
    url = without_query(request.url) + (f"?{MASK}" if request.query_string else "")
    headers = shown_headers(request.headers.items())
    return Exchange(
        direction="to_provider",
        method=request.method,
        url=url,
        headers={name: text for name, text in headers.items() if name not in _PRIVATE_HEADERS},
        jwt=None,
        body_sha256=fingerprint(b""),
        packed_bytes=0,
        unpacked_bytes=0,
        fields=None,
        kind=request.path.rpartition("/")[2],
    )


def _read_form(exchange: Exchange) -> MultiDict[str, str]:
    """Read the body, and note it without its secrets.

    Raises:
        OauthMistake: 400, it is no form of that size.
    """
    packed: bytes = request.stream.read(FORM_LIMIT_BYTES + 1)
    exchange.packed_bytes = exchange.unpacked_bytes = len(packed)
    if request.mimetype != "application/x-www-form-urlencoded":
        raise OauthMistake(
            400, "invalid_request", "Content-Type has to be application/x-www-form-urlencoded"
        )
    if len(packed) > FORM_LIMIT_BYTES:
        raise OauthMistake(400, "invalid_request", "The body measures more than 64 KiB")
    try:
        pairs = parse_qsl(
            packed.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELD_LIMIT
        )
    except ValueError:
        raise OauthMistake(400, "invalid_request", "The body cannot be read as a form") from None
    # A field nobody knows may be a secret under another name.
    exchange.fields = {name: text if name in _SHOWN else MASK for name, text in pairs}
    return MultiDict(pairs)


def _read_login(form: MultiDict[str, str]) -> str:
    try:
        return parse_name(form.get(consent.LOGIN, FIRST_NAME))
    except ProfileUnfit as unfit:
        raise NotSentBack(str(unfit).replace("name", consent.LOGIN, 1)) from unfit


def _page(status: int, text: str, asked: Asked | None = None) -> Response:
    response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = consent.make_policy(asked)
    # With no-referrer a browser would not say that the form is this page's own.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _redirect(address: str) -> Response:
    return Response(status=302, headers={"Location": address})


def _json(fields: dict[str, object]) -> Response:
    response = jsonify(fields)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def _mistaken(mistake: OauthMistake) -> Response:
    """Refuse as RFC 6749, section 5.2, and RFC 6750, section 3, say."""
    response = _json({"error": mistake.error, "error_description": mistake.description})
    response.status_code = mistake.status
    if request.path.endswith("/userinfo"):
        challenge = f'Bearer error="{mistake.error}"' if mistake.error else "Bearer"
        response.headers["WWW-Authenticate"] = challenge
    return response
