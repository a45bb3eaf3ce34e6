"""Run the emulator from the command line: `python -m msp_server.emulator`."""

import os
import signal
import sys
from threading import Event, Thread
from typing import Unpack

import click
from click.core import ParameterSource

from msp_server.emulator.app import Emulator
from msp_server.emulator.options import HELP, Options, read_settings, settings_options
from msp_server.emulator.replay_command import replay_command
from msp_server.emulator.serving import PortTaken
from msp_server.emulator.settings import EmulatorSettings, SettingsUnfit

#: How late a signal is noticed that comes just before the main thread begins to wait, seconds.
SIGNALS_SEEN_S = 0.5


class MainOptions(Options):
    """What the command line gives when no other command is named."""

    until_stdin_ends: bool


@click.group(invoke_without_command=True, context_settings=HELP)
@settings_options
@click.option(
    "--until-stdin-ends",
    is_flag=True,
    help="Stop when standard input ends, and so with the program that started this one.",
)
@click.pass_context
def main(context: click.Context, **options: Unpack[MainOptions]) -> None:
    """Be Apple's Messages for Business gateway on this machine.

    The MSP under test sends to http://localhost:PORT/v1; the page at http://localhost:PORT is the
    customer's phone. Everything is gone at the end.
    """
    if context.invoked_subcommand is not None:
        _require_nothing_before(context)
        return
    try:
        settings = read_settings(options)
    except SettingsUnfit as unfit:
        raise click.UsageError("\n".join(unfit.faults)) from unfit
    stopping = Event()
    if options["until_stdin_ends"]:
        Thread(target=_stop_at_end_of_stdin, args=(stopping,), name="stdin", daemon=True).start()
    run(settings, stopping)


main.add_command(replay_command)


def run(settings: EmulatorSettings, stopping: Event) -> None:
    """Run the emulator until SIGINT, SIGTERM, or the event."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    emulator = Emulator(settings)
    try:
        emulator.start()
        if settings.allowed_hosts:
            print(_warning(settings, emulator.port), file=sys.stderr, flush=True)
        print(f"The customer's phone: http://localhost:{emulator.port}", flush=True)
        while not stopping.wait(SIGNALS_SEEN_S):
            pass
        emulator.stop()
    except PortTaken as taken:
        raise click.ClickException(str(taken)) from taken
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        emulator.stop()
        sys.exit(0)


def _require_nothing_before(context: click.Context) -> None:
    """Refuse options in front of another command, which would not have them."""
    given = [
        name
        for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(
            f"--{given[0].replace('_', '-')} belongs behind {context.invoked_subcommand}"
        )


def _warning(settings: EmulatorSettings, port: int) -> str:
    return (
        f"Warning: there are no passwords. Whoever reaches port {port} on {settings.host} by the "
        f"name {' or '.join(settings.allowed_hosts)} reads and sends everything here."
    )


def _stop_at_end_of_stdin(stopping: Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stopping.set()


if __name__ == "__main__":
    main(prog_name="python -m msp_server.emulator")
