"""`replay FILE`: a saved conversation as a regression test of an MSP."""

from pathlib import Path
from typing import Final, TypedDict, Unpack
from uuid import uuid4

import click

from msp_server.emulator.app import Emulator
from msp_server.emulator.conversation_file import (
    FILE_LIMIT_BYTES,
    FileUnfit,
    SavedConversation,
    parse_conversation,
)
from msp_server.emulator.options import HELP, Options, read_settings, settings_options
from msp_server.emulator.replaying import Replay, ReplayImpossible, Waiting, replay
from msp_server.emulator.serving import PortTaken
from msp_server.emulator.settings import SettingsUnfit

_SECONDS: Final = click.FloatRange(min=0, max=3_600)


class Wish(TypedDict):
    """What `replay` is told beside the settings."""

    file: Path
    update: bool
    ignore: tuple[str, ...]
    answers_s: float
    more_s: float


class CannotRun(click.ClickException):
    """There is nothing to compare."""

    exit_code = 2


class ReplayOptions(Options, Wish):
    """All that the command line gives."""


@click.command("replay", context_settings=HELP)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--update", is_flag=True, help="Write into FILE what the MSP says now.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="KEY",
    help="Let what stands under this key of a message not count; may be given several times.",
)
@click.option(
    "--answers-s",
    type=_SECONDS,
    default=Waiting.answers_s,
    show_default=True,
    help="How many seconds the MSP may take to give as many answers as it gave then.",
)
@click.option(
    "--more-s",
    type=_SECONDS,
    default=Waiting.more_s,
    show_default=True,
    help="How many seconds to wait for one more answer than there were then.",
)
@settings_options
def replay_command(**options: Unpack[ReplayOptions]) -> None:
    """Play the customer's half of a conversation, and compare what the MSP says now with then.

    FILE is a conversation that the phone saved: GET /customers/<name>/transcript/file. Ids, times,
    tokens, sessions and the addresses of files do not count. The customer is a stranger to the MSP.

    The MSP has to run, and to send to the gateway of this very replay: its gateway
    (MSP_GATEWAY) has to be http://localhost:PORT/v1, with the PORT that --port names. Another
    emulator on that port has to be stopped first.

    Prints a unified diff. Exit status: 0 nothing differs, 1 something does, 2 it cannot run.
    """
    then = _read(options["file"])
    played = _play(options, then)
    if played.stopped is not None:
        click.echo(played.stopped, err=True)
    name, count = options["file"].name, len(played.now.messages)
    if played.same:
        click.echo(f"{name}: {count} messages, nothing differs")
    elif options["update"] and played.stopped is None:
        _write(options["file"], played.now)
        click.echo(f"{name}: {count} messages, written as they are now")
    else:
        click.echo(played.diff)
        raise click.exceptions.Exit(1)


def _play(options: ReplayOptions, then: SavedConversation) -> Replay:
    try:
        settings = read_settings(options, seed=uuid4().hex)
    except SettingsUnfit as unfit:
        raise click.UsageError("\n".join(unfit.faults)) from unfit
    waiting = Waiting(options["answers_s"], options["more_s"])
    try:
        with Emulator(settings) as emulator:
            return replay(emulator.url, then, waiting, options["file"].name, options["ignore"])
    except PortTaken as taken:
        raise CannotRun(
            f"{taken}. The MSP under test has to send there too: its gateway (MSP_GATEWAY) is "
            "http://localhost:PORT/v1"
        ) from taken
    except ReplayImpossible as impossible:
        raise CannotRun(str(impossible)) from impossible


def _read(file: Path) -> SavedConversation:
    try:
        with file.open("rb") as opened:
            return parse_conversation(opened.read(FILE_LIMIT_BYTES + 1))
    except OSError as error:
        raise CannotRun(f"{file} cannot be read: {error.strerror}") from error
    except FileUnfit as unfit:
        raise CannotRun(f"{file} holds no conversation: {unfit}") from unfit


def _write(file: Path, conversation: SavedConversation) -> None:
    try:
        file.write_text(conversation.to_text(), encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{file} cannot be written: {error.strerror}") from error
