"""Joins the emulator's parts, starts and stops it."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from flask import Flask, Response, jsonify, request, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer

from msp_server.emulator import (
    apple_pay,
    control,
    customer,
    decoding,
    deeds,
    event_stream,
    fault_control,
    files,
    gateway,
    journal_control,
    oauth_provider,
    payment_deeds,
    resending,
    sign_in_deeds,
    transcript_files,
    transfers,
)
from msp_server.emulator.api import ApiMistake, RequestTooLarge
from msp_server.emulator.events import Events
from msp_server.emulator.faults import Faults
from msp_server.emulator.grants import Grants
from msp_server.emulator.guard import find_stranger, own_names
from msp_server.emulator.journal import Journal
from msp_server.emulator.merchant_sessions import MerchantSessions
from msp_server.emulator.mmcs import FileGone, Mmcs, NotKept
from msp_server.emulator.msp import Msp
from msp_server.emulator.payment_calls import PaymentCalls
from msp_server.emulator.payment_sheets import Sheets
from msp_server.emulator.phones import Phones
from msp_server.emulator.reception import REASON_HEADER, Reception, header_text
from msp_server.emulator.references import References
from msp_server.emulator.sending import Sending
from msp_server.emulator.serving import open_port, serve_on
from msp_server.emulator.settings import EmulatorSettings
from msp_server.emulator.switches import Switches
from msp_server.emulator.tickets import Tickets
from msp_server.emulator.transcript import DeedUnfit

PAGE = Path(__file__).parent / "page"
PAGE_FILES = tuple(sorted(path.name for path in PAGE.iterdir() if path.suffix in {".css", ".js"}))
#: What the page may load and do: its own files and its own API, and nothing inline.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; media-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
#: Where this machine reaches what listens on all its addresses.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not listened on
#: How long the server may take to notice that it is to stop.
STOP_POLL_S = 0.02


@dataclass
class Parts:
    """What the routes work on."""

    settings: EmulatorSettings
    events: Events
    phones: Phones
    msp: Msp
    journal: Journal
    mmcs: Mmcs
    faults: Faults
    switches: Switches
    #: Set when the emulator is to stop.
    stopping: Event
    tickets: Tickets = field(default_factory=Tickets)
    sessions: MerchantSessions = field(default_factory=MerchantSessions)
    sheets: Sheets = field(default_factory=Sheets)
    grants: Grants = field(default_factory=Grants)

    @classmethod
    def from_settings(cls, settings: EmulatorSettings) -> Self:
        """Make the parts, empty but for the first customers."""
        events, stopping = Events(), Event()
        journal, faults = Journal(events), Faults(events)
        url, secret = settings.msp_url, settings.api_secrets[0]
        return cls(
            settings=settings,
            events=events,
            phones=Phones(settings.business_ids, settings.seed, events),
            msp=Msp(url, settings.msp_id, secret, journal, faults, stopping),
            journal=journal,
            mmcs=Mmcs(settings.data_dir),
            faults=faults,
            switches=Switches(events),
            stopping=stopping,
        )

    def forget(self) -> None:
        """Make everything as it was at the start."""
        self.faults.clear()
        self.switches.reset()
        self.phones.reset()
        self.tickets.clear()
        self.sessions.clear()
        self.sheets.clear()
        self.grants.clear()
        self.mmcs.clear()
        self.journal.clear()
        self.events.tell("reset")


def create_app(parts: Parts, names: frozenset[str]) -> Flask:
    """Make the web application.

    Args:
        parts: what the routes work on.
        names: every Host header that means this emulator.
    """
    app = Flask(__name__, static_folder=None)
    app.url_map.redirect_defaults = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    references = References(parts.mmcs)
    _add_apple(app, parts, references)
    _add_provider(app, parts)
    _add_phone(app, parts, references)
    _add_control(app, parts)
    _add_guard(app, names)
    _add_page(app)
    _add_error_answers(app)
    return app


class Emulator:
    """Apple's gateway and a customer's phone, on a port of this machine.

    Use it as a context manager, or call `start` and `stop`. An emulator starts once.
    """

    def __init__(self, settings: EmulatorSettings) -> None:
        self._parts = Parts.from_settings(settings)
        self._server: BaseWSGIServer | None = None
        self._thread: Thread | None = None
        #: Base address once started; the gateway is at `/v1` below it.
        self.url = ""
        #: The port listened on, once started.
        self.port = settings.port

    @property
    def msp_url(self) -> str:
        """Base address of the MSP under test; may be set at any time."""
        return self._parts.msp.url

    @msp_url.setter
    def msp_url(self, url: str) -> None:
        self._parts.msp.url = url

    def start(self) -> None:
        """Open the port and answer requests in a thread.

        Raises:
            PortTaken: the port cannot be opened.
        """
        settings = self._parts.settings
        listening = open_port(settings.host, settings.port)
        self.port = listening.getsockname()[1]
        host = _EVERYWHERE.get(settings.host, settings.host)
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        names = own_names(settings.host, self.port, settings.allowed_hosts)
        self._server = serve_on(listening, create_app(self._parts, names))
        self._thread = Thread(
            target=self._server.serve_forever, args=(STOP_POLL_S,), name="emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Let every waiting request go and close the port."""
        self._parts.stopping.set()
        self._parts.events.stop()
        self._parts.phones.stop()
        self._parts.journal.stop()
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
        self._parts.msp.close()
        self._parts.mmcs.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _add_apple(app: Flask, parts: Parts, references: References) -> None:
    """Add what the MSP speaks to."""
    switches, mmcs = parts.switches, parts.mmcs
    reception = Reception(parts.settings, parts.journal, parts.faults, parts.stopping)
    apple = gateway.Gateway(reception, parts.phones, mmcs, references, switches, parts.sessions)
    app.register_blueprint(gateway.blueprint(apple))
    paying = apple_pay.ApplePay(reception, parts.sessions)
    app.register_blueprint(apple_pay.blueprint(paying))
    moving = transfers.Transfers(reception, mmcs, parts.tickets, switches)
    app.register_blueprint(transfers.blueprint(moving))
    app.register_blueprint(decoding.blueprint(decoding.Decoding(reception, switches)))


def _add_provider(app: Flask, parts: Parts) -> None:
    """Add what knows the customers by name: the MSP asks it, and so does a browser."""
    provider = oauth_provider.OauthProvider(
        parts.settings,
        parts.grants,
        parts.journal,
        parts.faults,
        parts.stopping,
        lambda: (parts.msp.url, request.host_url),
    )
    app.register_blueprint(oauth_provider.blueprint(provider))


def _add_phone(app: Flask, parts: Parts, references: References) -> None:
    """Add what the page and the tests speak to in a customer's place."""
    phones, switches = parts.phones, parts.switches
    sending = Sending(phones, parts.msp, switches, references, parts.faults)
    app.register_blueprint(customer.blueprint(phones, sending, parts.settings.business_ids))
    app.register_blueprint(deeds.blueprint(phones, sending, switches))
    calls = PaymentCalls(parts.msp, parts.journal)
    wallet = payment_deeds.Wallet(phones, sending, parts.sheets, calls)
    app.register_blueprint(payment_deeds.blueprint(wallet))
    app.register_blueprint(files.blueprint(phones, sending, parts.mmcs))
    app.register_blueprint(transcript_files.blueprint(phones, parts.settings.business_ids))
    signing_in = sign_in_deeds.SignIns(parts.settings, phones, sending, parts.msp, parts.journal)
    app.register_blueprint(sign_in_deeds.blueprint(signing_in))


def _add_control(app: Flask, parts: Parts) -> None:
    """Add what shows and turns everything that is not the phone's."""
    app.register_blueprint(
        control.blueprint(parts.settings, parts.msp, parts.switches, parts.forget)
    )
    app.register_blueprint(fault_control.blueprint(parts.faults))
    again = resending.Resending(parts.phones, parts.msp, parts.journal)
    app.register_blueprint(journal_control.blueprint(parts.journal, parts.msp, again))
    app.register_blueprint(event_stream.blueprint(parts.events))


def _add_guard(app: Flask, names: frozenset[str]) -> None:
    @app.before_request
    def refuse_strangers() -> ResponseReturnValue | None:
        sentence = find_stranger(request, names)
        return None if sentence is None else _say_no(403, sentence)

    @app.after_request
    def add_safety_headers(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _add_page(app: Flask) -> None:
    @app.get("/")
    def show_page() -> ResponseReturnValue:
        return _page_file("index.html")

    @app.get("/<any({}):name>".format(",".join(f'"{name}"' for name in PAGE_FILES)))
    def show_page_file(name: str) -> ResponseReturnValue:
        return _page_file(name)


def _page_file(name: str) -> Response:
    response = send_from_directory(PAGE, name, conditional=False, etag=False)
    response.headers["Cache-Control"] = "no-store"
    return response


def _add_error_answers(app: Flask) -> None:
    @app.errorhandler(ApiMistake)
    def answer_mistake(mistake: ApiMistake) -> ResponseReturnValue:
        return _say_no(mistake.status, mistake.sentence)

    @app.errorhandler(DeedUnfit)
    def answer_unfit_deed(unfit: DeedUnfit) -> ResponseReturnValue:
        return _say_no(400, str(unfit))

    @app.errorhandler(RequestTooLarge)
    def answer_too_large(error: RequestTooLarge) -> ResponseReturnValue:
        return _say_no(413, "The body measures more than 6 MiB: send less")

    @app.errorhandler(NotKept)
    def answer_not_kept(error: NotKept) -> ResponseReturnValue:
        return _say_no(507, str(error))

    @app.errorhandler(FileGone)
    def answer_file_gone(error: FileGone) -> ResponseReturnValue:
        return _say_no(404, "The file made room for newer ones at this very moment")

    @app.errorhandler(HTTPException)
    def answer_http_error(error: HTTPException) -> ResponseReturnValue:
        return _say_no(error.code or 500, error.description or error.name)


def _say_no(status: int, sentence: str) -> Response:
    response = jsonify(error=sentence)
    response.status_code = status
    if request.path.startswith(("/v1", "/mmcs", "/paymentservices")):
        response.headers[REASON_HEADER] = header_text(sentence)
    return response
