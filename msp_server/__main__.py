"""The command line: `python -m msp_server …`."""

import json
import os
import runpy
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Any, Final

import click

from msp_server.app import configure, make_preparing, make_sending, open_store_of
from msp_server.delivery.enrolling import alive, find_strangers
from msp_server.emulation import running_emulator
from msp_server.errors import ConfigurationError, MspError, StoreBusy
from msp_server.listing import printable
from msp_server.logs import set_up_logging
from msp_server.message_commands import messages
from msp_server.messages.attachment import Attachment
from msp_server.messages.content import OutboundContent, parse_outbound
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import BusinessId, OpaqueId
from msp_server.messages.text import Text
from msp_server.remote.certificates import expires_in_days, find_certificate_faults
from msp_server.service import serve, work
from msp_server.settings import Settings, read_environment
from msp_server.store.conversations import ConversationRecord
from msp_server.store.opening import Store, migrate_store
from msp_server.store.schema import SCHEMA_VERSION, OutboxState

_EXERCISES: Final = Path(__file__).parent / "exercises"
#: How long `send` waits for the gateway's answer, seconds.
_SEND_LIMIT_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.05
#: The most of a file that `send --json` reads: pictures in it are Base64.
_JSON_LIMIT_BYTES: Final = 16 * 1024 * 1024


class _Commands(click.Group):
    """Commands whose expected errors are told in words, not as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click declares it
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            faults = "\n".join(f"  {fault}" for fault in error.faults)
            raise click.ClickException(f"settings are unfit:\n{faults}") from error
        except MspError as error:
            raise click.ClickException(str(error)) from error


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """A server for Apple Messages for Business, and an emulator of Apple's side.

    Settings come from the environment and from .env in this directory; config.example.env names
    them all. Without any, everything runs against the emulator.
    """


@main.command()
def run() -> None:
    """Run the server, and the emulator if that is the gateway."""
    settings, router = configure()
    set_up_logging(settings.log_level, settings.log_format)
    with ExitStack() as stack:
        if settings.emulated:
            stack.enter_context(running_emulator(settings))
        serve(settings, router, lambda: click.echo(_welcome(settings)), works=True)


@main.command("serve")
@click.option("--web-only", is_flag=True, help="Only take messages in; a worker answers and sends.")
def serve_command(web_only: bool) -> None:
    """Run the server alone: take in, answer, send."""
    settings, router = configure()
    set_up_logging(settings.log_level, settings.log_format)
    serve(
        settings,
        router,
        lambda: click.echo(f"Server on {settings.server_url}, gateway {settings.gateway_url}"),
        works=not web_only,
    )


@main.command()
def worker() -> None:
    """Answer and send what `serve --web-only` takes in."""
    settings, router = configure()
    set_up_logging(settings.log_level, settings.log_format)
    work(settings, router, lambda: click.echo(f"Worker for gateway {settings.gateway_url}"))


@main.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "help_option_names": [],
    }
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def emulator(arguments: tuple[str, ...]) -> None:
    """Run the emulator alone, for this MSP or any other."""
    settings = Settings.from_environment({**read_environment(), "MSP_GATEWAY": "emulator"})
    command = [sys.executable, "-m", "msp_server.emulator", *arguments]
    os.execve(sys.executable, command, settings.environment())  # noqa: S606 - no shell is wanted


@main.command()
@click.argument("text", required=False)
@click.option("--to", help="A customer's opaque ID, tel:+… for an invitation, or a conversation.")
@click.option(
    "--json",
    "file",
    type=click.File("rb"),
    help='Content as JSON, "-" for standard input: {"kind": "QuickReply", "summary": …}.',
)
@click.option(
    "--file",
    "paths",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to send with the text; may be given several times.",
)
@click.option("--give-back", is_flag=True, help="Give the conversation back to the agent after it.")
def send(
    text: str | None,
    to: str | None,
    file: IO[bytes] | None,
    paths: tuple[Path, ...],
    give_back: bool,
) -> None:
    """Send a text, or any content as JSON, to a customer, and say what became of it.

    It goes in order with everything else that is sent to that customer; without --to, to the
    customer who wrote last. What the customer's device cannot show is sent as a text where that
    is possible.
    """
    content = _content_to_send(text, paths, file)
    if content is None and not give_back:
        raise click.UsageError("give a text, --file PATH, or --json FILE")
    settings, _router = configure()
    set_up_logging("ERROR")
    with closing(open_store_of(settings)) as store:
        business_id, customer_id, known = _addresses(settings, store, to)
        if give_back and (known is None or known.desk is None):
            raise click.ClickException("the agent has this conversation: nothing to give back")
        if content is not None:
            prepared = make_preparing(settings).prepare(
                [content],
                (business_id, customer_id),
                known.capabilities if known else None,
                automated=False,
            )
            store.outbox.put(prepared.messages, time.time(), prepared.offer)
            store.ring()
            _report(prepared.messages[0], *_await_sent(settings, store, prepared.messages[0]))
        if give_back and known is not None:
            _give_back(store, known)


main.add_command(messages)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("number")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def exercise(number: str, arguments: tuple[str, ...]) -> None:
    """Run an exercise of the tutorial, such as 03.

    What follows the number is passed on to it: --to ID names the customer to send to.
    """
    found = sorted(_EXERCISES.glob("[0-9][0-9]_*.py"))
    wanted = [file for file in found if file.name.startswith(f"{number.zfill(2)}_")]
    if not wanted:
        numbers = ", ".join(file.name[:2] for file in found)
        raise click.ClickException(f"no exercise {number}; there are {numbers}")
    sys.argv = [str(wanted[0]), *arguments]
    runpy.run_path(str(wanted[0]), run_name="__main__")


@main.command()
def check() -> None:
    """Check the settings, and say what they come to."""
    settings, _router = configure()
    faults = find_certificate_faults(settings.apple_pay, time.time())
    if faults:
        raise ConfigurationError(faults)
    click.echo(f"gateway    {settings.gateway_url}")
    click.echo(f"MSP ID     {settings.msp_id}")
    click.echo(f"businesses {', '.join(settings.business_ids)}")
    click.echo(f"secrets    {len(settings.api_secrets)}, the first of which signs")
    click.echo(f"agent      {settings.agent}")
    click.echo(f"payments   {_payments(settings)}")
    click.echo(f"sign-in    {settings.sign_in.token_url or 'none: MSP_OAUTH_TOKEN_URL is not set'}")
    click.echo(f"listens on {settings.host}:{settings.port}")
    _check_sharing(settings)
    click.echo("settings are fit")


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database to the schema of this version.

    A SQLite file is migrated by itself when it is opened. On PostgreSQL, stop every server and
    worker first; it is done whole or not at all, and twice does no harm.
    """
    settings = Settings.from_environment()
    settings.make_data_dir()
    migrate_store(settings.database_url, click.echo)


def _check_sharing(settings: Settings) -> None:
    """Say how the machines stand that share a PostgreSQL, and whether they share a directory."""
    if settings.database_url.startswith("sqlite"):
        return
    with closing(open_store_of(settings)) as store:
        living = alive(store.workers, time.time())
        ahead_s = time.time() - store.workers.clock()
    click.echo(f"store      PostgreSQL, schema {SCHEMA_VERSION}, {ahead_s:+.1f} s from its clock")
    click.echo(f"workers    {', '.join(worker.name for worker in living) or 'none is alive'}")
    faults = find_strangers(living, settings.workers_dir)
    if faults:
        raise ConfigurationError(faults)


def _payments(settings: Settings) -> str:
    if not settings.apple_pay.merchant_id:
        return "none: MSP_APPLE_PAY_MERCHANT_ID is not set"
    if not settings.payment_processor:
        return "none: MSP_PAYMENT_PROCESSOR is not set"
    days = expires_in_days(settings.apple_pay, time.time())
    ends = "" if days is None else f", certificate expires in {days} days"
    return f"{settings.apple_pay.merchant_id}, by {settings.payment_processor}{ends}"


def _welcome(settings: Settings) -> str:
    if settings.emulated:
        return (
            f"\n  Server    {settings.server_url}  (customers' messages are posted to /message)\n"
            f"  Emulator  {settings.emulator_url}  (Apple's gateway, and the customer's phone)\n\n"
            f'  Next: open {settings.emulator_url} and write "hello". Ctrl-C stops both.\n'
        )
    endpoint = settings.endpoint or "https://YOUR.HOST"
    return (
        f"\n  Server    {settings.server_url}\n  Gateway   {settings.gateway_url}\n\n"
        f"  Next: have an HTTPS proxy send {endpoint}/ to {settings.server_url}/, and enter at\n"
        f"  Apple Business Register as MSP message endpoint: {endpoint}\n"
        "  (Apple appends /message to it). Then write to your business from Messages.\n"
        "  Ctrl-C stops the server.\n"
    )


def _addresses(
    settings: Settings, store: Store, to: str | None
) -> tuple[BusinessId, OpaqueId, ConversationRecord | None]:
    """Find out as which business to speak, to whom, and what is known of them."""
    known = store.conversations.newest() if to is None else store.conversations.find(to)
    if known is not None:
        return known.business_id, known.customer_id, known
    if to is None:
        raise click.ClickException(
            "nobody has written, or all have left: name a customer with --to"
        )
    return BusinessId(settings.business_ids[0]), OpaqueId(to), None


def _content_to_send(
    text: str | None, paths: tuple[Path, ...], file: IO[bytes] | None
) -> OutboundContent | None:
    """Make what `send` was asked for; None when that is nothing."""
    if text is None and not paths:
        return None if file is None else _read_content(file)
    if file is not None:
        raise click.UsageError("give a text with files, or --json FILE, not both")
    return Text(text or "", [Attachment(path) for path in paths])


def _read_content(file: IO[bytes]) -> OutboundContent:
    """Read a content from JSON."""
    try:
        given = file.read(_JSON_LIMIT_BYTES + 1)
        if len(given) > _JSON_LIMIT_BYTES:
            raise click.UsageError(f"--json measures more than {_JSON_LIMIT_BYTES} bytes")
        fields = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--json holds no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise click.UsageError('--json has to hold an object, such as {"kind": "Text", …}')
    return parse_outbound(fields)


def _give_back(store: Store, known: ConversationRecord) -> None:
    waiting = store.inbox.give_back(known.id, time.time())
    store.ring()
    click.echo(
        f"given back by {printable(known.desk or '')}; messages that go to the agent: {waiting}"
    )


def _report(message: OutboundMessage, state: OutboxState, reason: str | None) -> None:
    """Say what became of a message."""
    why = printable(reason or "not tried yet")
    match state:
        case OutboxState.SENT:
            click.echo(f"accepted by the gateway message_id={message.id}")
        case OutboxState.BURIED:
            raise click.ClickException(f"buried message_id={message.id}: {why}")
        case _:
            click.echo(f"still waiting message_id={message.id}: {why}")


def _await_sent(
    settings: Settings, store: Store, message: OutboundMessage
) -> tuple[OutboxState, str | None]:
    """Wait until a message is sent or buried; send it here if no worker runs."""
    sending = make_sending(settings, store)
    deadline = time.monotonic() + _SEND_LIMIT_S
    state, reason = store.outbox.state(message.id)
    while state in (OutboxState.PENDING, OutboxState.CLAIMED) and time.monotonic() < deadline:
        try:
            with store.working(time.time()):
                worked = sending.send_next()
        except StoreBusy:
            worked = False
        if not worked:
            time.sleep(_LOOK_AGAIN_S)
        state, reason = store.outbox.state(message.id)
    return state, reason


if __name__ == "__main__":
    main(prog_name="python -m msp_server")
