"""Join the parts: the only module that knows every room."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from flask import Flask

from msp_server.agents.linker import AccountLinker, load_linker
from msp_server.agents.processor import PaymentProcessor, load_processor
from msp_server.agents.program import Program
from msp_server.agents.router import Router, load_router
from msp_server.delivery.answering import Answering
from msp_server.delivery.asking import Asking
from msp_server.delivery.completing import Completing
from msp_server.delivery.cut_offs import CutOffs
from msp_server.delivery.enrolling import enrolled
from msp_server.delivery.equipping import CALLBACK_PATH, Equipping
from msp_server.delivery.fetching import Fetching
from msp_server.delivery.files import Files
from msp_server.delivery.loop import POLL_S, SLOW_POLL_S, Loop
from msp_server.delivery.preparing import Preparing
from msp_server.delivery.resolving import Resolving
from msp_server.delivery.retention import Remover, Retention
from msp_server.delivery.sending import Sending
from msp_server.delivery.signing_in import SigningIn
from msp_server.errors import ConfigurationError, Fault
from msp_server.messages.content import OutboundContent
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.ids import new_message_id
from msp_server.remote.gateway import Gateway
from msp_server.remote.http import HttpClient
from msp_server.remote.identity import IdentityProvider
from msp_server.remote.merchant import Merchant
from msp_server.remote.programs import Programs
from msp_server.remote.transfer import Transfer
from msp_server.settings import Settings, agent_reference, read_environment
from msp_server.store.conversations import ConversationRecord
from msp_server.store.opening import Store, open_store
from msp_server.web import conversations, desk, files, health, landing, messages, oauth, payments
from msp_server.web.desk_session import DeskSessions
from msp_server.web.refusals import answer_errors
from msp_server.web.slots import Slots
from msp_server.wire.file_addresses import FileAddresses
from msp_server.wire.keys import derive_key
from msp_server.wire.tokens import sign

log = logging.getLogger(__name__)

#: How many messages are answered at a time; more slow handlers than that make others wait.
ANSWERING_THREADS: Final = 128
#: How many messages are sent at a time.
SENDING_THREADS: Final = 32
#: How many attachments and large answers are fetched at a time.
FETCHING_THREADS: Final = 8
#: How old a file has to be that is removed because nobody needs it, seconds.
SWEPT_AFTER_S: Final = 3600.0
#: What the keys are for that encrypt private keys at rest.
_SEALING: Final = "sign-in private keys"
#: How long what is under way may take once we are told to stop, seconds.
GRACE_S: Final = 10.0


def configure(environment: Mapping[str, str] | None = None) -> tuple[Settings, Router]:
    """Read every setting and load the agent.

    Raises:
        ConfigurationError: with every fault of both.
    """
    variables = read_environment() if environment is None else environment
    faults: list[Fault] = []
    settings = router = None
    try:
        settings = Settings.from_environment(variables)
        _load_extensions(settings)
    except ConfigurationError as error:
        faults.extend(error.faults)
    try:
        router = load_router(agent_reference(variables))
    except ConfigurationError as error:
        known = {fault.name for fault in faults}
        faults.extend(fault for fault in error.faults if fault.name not in known)
    if settings is not None and router is not None:
        faults.extend(_find_unsigned(settings, router))
    if faults or settings is None or router is None:
        raise ConfigurationError(faults)
    return settings, router


def _find_unsigned(settings: Settings, router: Router) -> Iterator[Fault]:
    """Find out whether programs are to be asked that could not tell us from anybody."""
    if not settings.agent_secret and any(isinstance(each, Program) for each in router.agents):
        cure = "enter whsec_ and the Base64 of 24 to 64 random bytes, and give it to the program"
        yield Fault("MSP_AGENT_SECRET", "not set, though an agent is a program elsewhere", cure)


def _load_extensions(settings: Settings) -> tuple[PaymentProcessor | None, AccountLinker | None]:
    """Import who takes the money and who links accounts, as far as the settings name them."""
    faults: list[Fault] = []
    processor = linker = None
    try:
        processor = (
            load_processor(settings.payment_processor) if settings.payment_processor else None
        )
    except ConfigurationError as error:
        faults.extend(error.faults)
    try:
        linker = load_linker(settings.account_linker) if settings.account_linker else None
    except ConfigurationError as error:
        faults.extend(error.faults)
    if faults:
        raise ConfigurationError(faults)
    return processor, linker


def create_app(
    settings: Settings | None = None,
    store: Store | None = None,
    on_stored: Callable[[InboundMessage], None] = lambda _message: None,
) -> Flask:
    """Make the WSGI app: what Apple and proxies see of us.

    Any WSGI server can serve it: `gunicorn 'msp_server.app:create_app()'`, with
    `python -m msp_server worker` beside it.

    Args:
        settings: read from the environment if None.
        store: opened as the settings say if None.
        on_stored: called with each new message once it is committed.

    Raises:
        ConfigurationError: the settings are unfit, or name what cannot be imported.
    """
    settings = Settings.from_environment() if settings is None else settings
    store = open_store_of(settings) if store is None else store
    app = Flask(__name__, static_folder=None)
    processor, linker = _load_extensions(settings)
    slots = Slots()

    def wake_workers(message: InboundMessage) -> None:
        on_stored(message)
        store.ring()

    redirect_uri = f"{settings.public_url}{CALLBACK_PATH}"
    app.register_blueprint(messages.blueprint(settings, store, wake_workers))
    app.register_blueprint(payments.blueprint(store.payments, processor, slots))
    app.register_blueprint(
        oauth.blueprint(store.sign_ins, make_provider(settings), redirect_uri, slots)
    )
    app.register_blueprint(landing.blueprint(settings.api_secrets, linker, slots))
    if settings.agent_secret:
        addresses = make_file_addresses(settings)
        app.register_blueprint(files.blueprint(addresses, settings.attachments_dir))
    if settings.agent_token:
        prepare = make_prepare(settings)
        token, sessions = settings.agent_token, DeskSessions(settings.agent_token)
        app.register_blueprint(conversations.blueprint(store, prepare, token, sessions))
        app.register_blueprint(desk.blueprint(token, sessions))
    app.register_blueprint(health.blueprint(store))
    answer_errors(app)
    return app


def open_store_of(settings: Settings) -> Store:
    """Open the store that the settings name."""
    settings.make_data_dir()
    return open_store(settings.database_url, settings.sends_per_s)


def make_gateway(settings: Settings) -> Gateway:
    """Make the client of the gateway that the settings name."""

    def token() -> str:
        return sign(settings.msp_id, settings.api_secrets[0], time.time())

    return Gateway(settings.gateway_url, token, HttpClient(settings.https_proxy))


def make_transfer(settings: Settings) -> Transfer:
    """Make what uploads and downloads."""
    return Transfer(
        make_gateway(settings),
        HttpClient(settings.https_proxy, public_only=True, tells_paths=False),
        HttpClient(tells_paths=False),
        settings.content_hosts,
    )


def make_merchant(settings: Settings) -> Merchant:
    """Make what opens sessions at Apple Pay."""
    certificate = settings.apple_pay.certificate
    shown = None if certificate is None else (certificate, settings.apple_pay.key)
    return Merchant(settings.apple_pay, HttpClient(settings.https_proxy, certificate=shown))


def make_provider(settings: Settings) -> IdentityProvider | None:
    """Make what asks the sign-in provider; None where nobody signs in."""
    if settings.sign_in.token_url is None:
        return None
    return IdentityProvider(settings.sign_in, HttpClient(settings.https_proxy))


def sealing_keys(settings: Settings) -> list[bytes]:
    """Derive what private keys are encrypted with that have to be kept: the first encrypts."""
    return [derive_key(api_secret, _SEALING) for api_secret in settings.api_secrets]


def make_preparing(settings: Settings) -> Preparing:
    """Make what turns contents into messages."""
    return Preparing(
        time.time,
        new_message_id,
        settings.content_limits == "all",
        Files(settings.outgoing_dir),
        Equipping(settings, sealing_keys(settings)[0]),
    )


def make_asking(settings: Settings) -> Asking:
    """Make what asks agents, here or elsewhere."""
    client = HttpClient(settings.https_proxy, read_timeout_s=settings.agent_timeout_s)
    programs = Programs(settings.agent_secret, client) if settings.agent_secret else None
    return Asking(programs, make_file_addresses(settings), time.time)


def make_file_addresses(settings: Settings) -> FileAddresses:
    """Make what gives programs addresses of files."""
    base_url = settings.public_url or settings.local_url
    return FileAddresses(base_url, settings.api_secrets, time.time)


def make_prepare(settings: Settings) -> conversations.Prepare:
    """Make what turns contents from elsewhere into messages."""
    preparing = make_preparing(settings)

    def prepare(
        contents: list[OutboundContent], record: ConversationRecord, automated: bool
    ) -> tuple[list[OutboundMessage], str | None]:
        addresses = (record.business_id, record.customer_id)
        made = preparing.prepare(contents, addresses, record.capabilities, automated=automated)
        return list(made.messages), made.offer

    return prepare


def make_sending(settings: Settings, store: Store) -> Sending:
    """Make what takes messages from the outbox to the gateway."""
    return Sending(
        store,
        make_gateway(settings),
        make_transfer(settings),
        Completing(store, make_merchant(settings), settings.sign_in.client_secret, time.time),
        Files(settings.outgoing_dir),
        time.time,
        settings.send_give_up_s,
    )


def make_remover(settings: Settings, store: Store) -> Remover:
    """Make what removes old messages with their files."""
    return Remover(store.pruning, Files(settings.attachments_dir), Files(settings.outgoing_dir))


@contextmanager
def working(
    settings: Settings, store: Store, router: Router
) -> Iterator[Callable[[InboundMessage], None]]:
    """Run every loop while the block lasts.

    Yields:
        What is to be called with each message that was stored.

    Raises:
        StoreBusy: another worker runs on this store.
    """
    attachments = Files(settings.attachments_dir)
    poll_s = SLOW_POLL_S if store.is_shared else POLL_S
    sending = Loop(
        "sending",
        make_sending(settings, store),
        SENDING_THREADS,
        settings.lease_s,
        POLL_S,  # pauses between messages end when it looks
    )
    answering = Loop(
        "answering",
        Answering(
            store,
            router,
            Resolving(attachments),
            SigningIn(store, make_provider(settings), sealing_keys(settings), time.time),
            make_asking(settings),
            make_preparing(settings),
            CutOffs(settings.data_dir / "cut_offs"),
            time.time,
            on_answers=sending.wake,
            give_up_s=settings.send_give_up_s,
        ),
        ANSWERING_THREADS,
        settings.lease_s,
        poll_s,
    )
    transfer = make_transfer(settings)
    fetching = Loop(
        "fetching",
        Fetching(store, transfer, attachments, time.time, on_fetched=answering.wake),
        FETCHING_THREADS,
        settings.lease_s,
        poll_s,
    )
    loops = (fetching, answering, sending)

    def wake(message: InboundMessage) -> None:
        first = fetching if message.references else answering  # it is answered when it is whole
        first.wake()

    def wake_all() -> None:
        for loop in loops:
            loop.wake()

    with store.working(time.time()), _on_the_roll(settings, store), _retention(settings, store):
        _sweep(settings, store)
        for loop in loops:
            loop.start()
        try:
            with store.listening(wake_all):
                yield wake
        finally:
            for loop in loops:
                loop.begin_nothing()
            ends_at = time.monotonic() + GRACE_S
            done = [loop.stop(max(0.0, ends_at - time.monotonic())) for loop in loops]
            log.info("stopped everything_done=%s", all(done))


@contextmanager
def _retention(settings: Settings, store: Store) -> Iterator[None]:
    """Remove what is older than the settings say, while the block lasts."""
    if settings.retention_days is None:
        yield
        return
    retention = Retention(make_remover(settings, store), settings.retention_days, time.time)
    retention.start()
    try:
        yield
    finally:
        retention.stop(GRACE_S)


def _on_the_roll(settings: Settings, store: Store) -> AbstractContextManager[None]:
    """Be on the roll of workers, where there may be several machines."""
    if not store.is_shared:
        return nullcontext()
    return enrolled(store.workers, settings.workers_dir, time.time)


def _sweep(settings: Settings, store: Store) -> None:
    """Remove the files that a process left behind which ended in the middle of its work."""
    removed = Files(settings.outgoing_dir).sweep(store.outbox.spooled(), SWEPT_AFTER_S)
    removed += Files(settings.attachments_dir).sweep(store.fetches.files(), SWEPT_AFTER_S)
    if removed:
        log.info("removed files that nobody needs count=%d", removed)
