"""What the exercises share, as the tutorial's config.py does: who we are, and to whom we speak.

What is said here goes to standard error, so that standard output is the tutorial's alone.
"""

import argparse
import functools
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final

from flask import Flask

from msp_server import Agent, Router, agents
from msp_server.app import (
    make_gateway,
    make_merchant,
    make_preparing,
    make_provider,
    make_transfer,
    open_store_of,
)
from msp_server.delivery.files import Files
from msp_server.delivery.sending import EncryptedFile
from msp_server.emulation import first_customer, running_emulator
from msp_server.errors import ConfigurationError, MspError, RemoteError
from msp_server.messages.apple_pay import with_session
from msp_server.messages.authenticate import Authenticate, with_client_secret
from msp_server.messages.content import OutboundContent
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import BusinessId, OpaqueId
from msp_server.messages.interactive import AUTHENTICATE
from msp_server.messages.outgoing_file import complete
from msp_server.messages.raw import JsonObject
from msp_server.remote.http import HttpAnswer
from msp_server.remote.identity import IdentityProvider
from msp_server.service import serve, stopping_on_signals
from msp_server.settings import Settings
from msp_server.store.conversations import ConversationRecord
from msp_server.web.server import bind
from msp_server.wire.cipher import parse_key

#: What exercises leave for each other, in the directory of everything that is written.
_KEPT: Final = "exercises.json"
#: Small pictures to send.
PICTURES: Final = Path(agents.__file__).parent / "artwork"


@functools.cache
def settings() -> Settings:
    """Give the settings, as the server has them."""
    return Settings.from_environment()


def data_ref_file() -> Path:
    """Say where exercise 08 leaves the reference that exercise 09 takes."""
    return settings().data_dir / "data_ref.json"


def listen(app: Flask) -> None:
    """Serve a Flask app where Apple, or the emulator, posts messages; until Ctrl-C."""
    with _telling_errors(), _gateway_there(), stopping_on_signals():
        host, port = settings().host, settings().port
        try:
            server = bind(app, host, port)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            sys.exit(
                f"{host}:{port} is taken ({why}): stop what listens there, perhaps "
                "`make run` or another exercise in a second window"
            )
        _say(f"Listening on {settings().server_url}/message, Ctrl-C stops. Send a message now.")
        server.run()


def keep(**values: str) -> None:
    """Leave values for the exercises that come after, for their owner alone."""
    kept = _kept() | values
    settings().make_data_dir()
    file = settings().data_dir / _KEPT
    file.touch(mode=0o600)
    file.write_text(json.dumps(kept, indent=2))


def kept(name: str, comes_from: str) -> str:
    """Give a value that an exercise before has left."""
    try:
        return str(_kept()[name])
    except KeyError:
        sys.exit(f"run exercise {comes_from} first: it leaves what is needed here")


def public_url() -> str:
    """Say where the customer's device and a provider find what listens here."""
    return settings().public_url or sys.exit("set MSP_ENDPOINT: customers' devices come there")


def flag(name: str, meaning: str) -> bool:
    """Tell whether an option was given, such as `--old`."""
    parser = _parser()
    parser.add_argument(name, action="store_true", help=meaning)
    return bool(vars(parser.parse_args())[name.removeprefix("--")])


@contextmanager
def destination() -> Iterator[str]:
    """Give the customer to send to: `--to`, else who wrote last, else the emulator's first."""
    to = _parser().parse_known_args()[0].to
    with _telling_errors(), _gateway_there() as started:
        destination_id = to or _customer_who_wrote_last() or _first_customer()
        _say(f"Sending to {destination_id}")
        yield destination_id
        if started and sys.stdin.isatty():
            input("Press Enter when you have seen it on the phone: it ends with this exercise. ")


def answer_with(agent: Agent) -> None:
    """Run the server with an agent, until Ctrl-C."""
    with _telling_errors(), _gateway_there():
        serve(
            settings(),
            Router(default=agent),
            lambda: _say(f"Listening on {settings().server_url}/message, Ctrl-C stops."),
            works=True,
        )


def open_merchant_session(name: str, gateway_url: str) -> JsonObject:
    """Ask Apple Pay for a merchant session, with the certificate of the settings."""
    with _telling_errors(), _gateway_there():
        return make_merchant(settings()).open_session(name, gateway_url, "")


def provider() -> IdentityProvider:
    """Give what speaks to the sign-in provider of the settings."""
    return make_provider(settings()) or sys.exit("set MSP_OAUTH_TOKEN_URL and its neighbours")


def send(destination_id: str, content: OutboundContent, session: JsonObject | None = None) -> int:
    """Send one content, at once and once, and give the status that the gateway answers.

    Args:
        destination_id: the customer.
        content: what is said.
        session: the merchant session of a payment.
    """
    return send_for_answer(destination_id, content, session).status


def send_for_answer(
    destination_id: str, content: OutboundContent, session: JsonObject | None = None
) -> HttpAnswer:
    """Send one content, at once and once, and give the gateway's answer."""
    known = _conversation(destination_id)
    business_id = known.business_id if known else BusinessId(settings().business_ids[0])
    addresses = (business_id, OpaqueId(destination_id))
    prepared = make_preparing(settings()).prepare([content], addresses, None, automated=True)
    message = prepared.messages[0]
    headers, packed = message.to_wire()
    try:
        if message.files:
            packed = _upload(message, packed)
        if session is not None:
            packed = with_session(packed, session)
        if isinstance(message.content, Authenticate):
            packed = with_client_secret(packed, settings().sign_in.client_secret)
            return make_gateway(settings()).send(headers, packed, message.id, AUTHENTICATE)
        return make_gateway(settings()).send(headers, packed, message.id)
    except RemoteError as error:
        _say(f"{error} {error.answer}")
        if error.status is None:
            sys.exit(1)
        return HttpAnswer(error.status, {}, b"")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", metavar="ID", help="the customer, as 01 prints it as Source ID")
    return parser


def _kept() -> dict[str, str]:
    file = settings().data_dir / _KEPT
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _upload(message: OutboundMessage, packed: bytes) -> bytes:
    """Upload a message's files, and give the message that names them."""
    outgoing, transfer = Files(settings().outgoing_dir), make_transfer(settings())
    uploaded = []
    for file in message.files:
        body = EncryptedFile(outgoing.path(file.file), parse_key(file.key))
        uploaded.append(transfer.upload(message.business_id, body, message.id))
        outgoing.remove(file.file)
    return complete(packed, message.files, uploaded)


@contextmanager
def _gateway_there() -> Iterator[bool]:
    """Have the emulator there, if it is the gateway; tell whether it was started for this."""
    emulator = running_emulator(settings()) if settings().emulated else nullcontext(False)
    with emulator as started:
        if settings().emulated:
            _say(f"The customer's phone: {settings().emulator_url}")
        yield started


@contextmanager
def _telling_errors() -> Iterator[None]:
    try:
        yield
    except (ConfigurationError, MspError) as error:
        sys.exit(str(error))


def _conversation(customer_id: str | None) -> ConversationRecord | None:
    with closing(open_store_of(settings())) as store:
        known = store.conversations
        return known.newest() if customer_id is None else known.find(OpaqueId(customer_id))


def _customer_who_wrote_last() -> str | None:
    conversation = _conversation(None)
    return conversation.customer_id if conversation else None


def _first_customer() -> str:
    customer_id = first_customer(settings()) if settings().emulated else None
    if customer_id is None:
        sys.exit("nobody has written yet: run exercise 01, write to it, and give --to SOURCE_ID")
    return customer_id


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
