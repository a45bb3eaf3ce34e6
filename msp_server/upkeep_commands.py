"""The commands that look after what is kept: try again, export, remove."""

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from msp_server.app import configure, make_remover, open_store_of
from msp_server.delivery.files import Files
from msp_server.delivery.retention import resting
from msp_server.exporting import ExportUnfit, begin_file, export_line, go_on_with_file
from msp_server.listing import printable
from msp_server.store.export import Position, Wanted
from msp_server.store.opening import Store
from msp_server.store.pruning import Cut, Pruned
from msp_server.store.upkeep import Outcome, Replayed

_UNITS_S: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


class _Moment(click.ParamType[float]):
    """A date, or how long ago, as seconds since 1970."""

    name = "date or age"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click declares it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        if isinstance(value, float):
            return value
        age = re.fullmatch(r"([0-9]{1,6})([mhdw])", value)
        if age:
            return time.time() - int(age[1]) * _UNITS_S[age[2]]
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            self.fail(f"{value!r}: give a date such as 2026-01-31, or an age such as 30d or 12h")


@click.command()
@click.argument("ids", metavar="[ID]…", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that is buried.")
def replay(ids: tuple[str, ...], everything: bool) -> None:
    """Let what was given up be tried again: received by the agent, to be sent by the gateway.

    With the same id and the same bytes, in the order of its conversation; a server or worker that
    runs takes it up at once. What was said before the customer closed the conversation stays
    buried. It may be stopped at any time, and called again.
    """
    if everything == bool(ids):
        raise click.UsageError("name messages by their ids, or give --all")
    settings, _router = configure()
    outgoing = Files(settings.outgoing_dir)
    with closing(open_store_of(settings)) as store:

        def is_there(name: str) -> bool:
            return outgoing.path(name).exists()

        if everything:
            _replay_all(store, is_there)
        elif not _replay_some(store, ids, is_there):
            raise click.exceptions.Exit(1)


@click.command()
@click.option("--since", type=_Moment(), help="Only since then: 2026-01-31 (UTC), or 30d.")
@click.option("--conversation", help="Of this one alone: its id, or the customer's opaque ID.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, for its owner alone."
)
@click.option("--resume", is_flag=True, help="Go on with that file, with the same options.")
def export(
    since: float | None, conversation: str | None, output: Path | None, resume: bool
) -> None:
    """Write the whole history as JSON Lines, oldest first: both directions, with everything.

    An export that was stopped goes on with --resume, exactly where its file ends; so does one that
    was whole, with what has come since.
    """
    if resume and output is None:
        raise click.UsageError("--resume needs --output FILE")
    settings, _router = configure()
    with closing(open_store_of(settings)) as store:
        wanted = Wanted(since, _conversation_id(store, conversation))
        with _written_to(output, resume=resume) as (file, start):
            count = _export(store, (file, settings.attachments_dir), start, wanted)
    click.echo(f"exported {count} messages", err=True)


@click.command()
@click.option(
    "--older-than",
    "before",
    type=_Moment(),
    required=True,
    help="What ended earlier: 30d, 12h, or 2026-01-31 (UTC).",
)
@click.option("--buried", is_flag=True, help="What was given up, too.")
@click.option("--dry-run", is_flag=True, help="Only say how much that is.")
def prune(before: float, buried: bool, dry_run: bool) -> None:
    """Remove what has ended and is old, with its files: answered, sent, and all that belongs to it.

    What waits is never removed, and nothing received in the last two days: by its id it is known
    when Apple repeats it. A conversation that is left with nothing goes too, with what agents
    remember of it, unless a desk has it. Servers may go on running. It may be stopped at any time,
    and called again.
    """
    settings, _router = configure()
    cut = Cut.of(before, time.time(), buried=buried)
    with closing(open_store_of(settings)) as store:
        if dry_run:
            _count_prunable(store, cut)
            return
        steps = make_remover(settings, store).remove(cut)
        with (
            _tally("removed") as done,
            _progress("removing", store.pruning.span(cut)) as advance,
        ):
            for passed, pruned in resting(steps, time.sleep):
                done.update(_counts(pruned))
                advance(passed)


def _replay_some(store: Store, ids: tuple[str, ...], is_there: Callable[[str], bool]) -> bool:
    """Replay messages by their ids; tell whether none of them was refused."""
    good = True
    for message_id in ids:
        try:
            replayed = store.upkeep.replay(message_id, time.time(), is_there)
        except KeyError as error:
            raise click.ClickException(f"no such message: {printable(message_id)}") from error
        store.ring()
        click.echo(f"message_id={message_id}: {_words(replayed)}")
        good &= replayed.outcome in (Outcome.AGAIN, Outcome.HELD, Outcome.NOT_BURIED)
    return good


def _replay_all(store: Store, is_there: Callable[[str], bool]) -> None:
    total = store.upkeep.count_buried()
    with _tally("replayed") as done, _progress("replaying", total) as advance:
        for step in store.upkeep.replay_all(time.time, is_there):
            done.update(_words(replayed) for replayed in step)
            store.ring()
            advance(len(step))


def _words(replayed: Replayed) -> str:
    if replayed.outcome is not Outcome.AGAIN:
        return str(replayed.outcome)
    return "is answered again" if replayed.direction == "in" else "is sent again"


def _conversation_id(store: Store, name: str | None) -> str | None:
    record = None if name is None else store.conversations.find(name)
    if name is not None and record is None:
        raise click.ClickException("no such conversation: `messages --json` names each")
    return None if record is None else record.id


@contextmanager
def _written_to(output: Path | None, *, resume: bool) -> Iterator[tuple[BinaryIO, Position]]:
    """Give where an export goes, and where it begins."""
    if output is None:
        yield sys.stdout.buffer, Position()
        sys.stdout.buffer.flush()
        return
    try:
        goes_on = resume and output.exists()
        file, start = go_on_with_file(output) if goes_on else (begin_file(output), Position())
    except FileExistsError as error:
        raise click.ClickException(f"{output} is there: name another, or --resume it") from error
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
    except ExportUnfit as error:
        raise click.ClickException(f"{output} cannot be gone on with: {error}") from error
    with file:
        yield file, start
        file.flush()
        os.fsync(file.fileno())


def _export(store: Store, to: tuple[BinaryIO, Path], start: Position, wanted: Wanted) -> int:
    """Write what comes after `start`, and say how many messages that is."""
    file, attachments_dir = to
    end = store.export.end()
    position, count = start, 0
    with _progress("exporting", _distance(start, end)) as advance:
        for message in store.export.messages(start, end, wanted):
            file.write(export_line(message, attachments_dir))
            count += 1
            reached = position.moved(message)
            advance(_distance(position, reached))
            position = reached
    return count


def _distance(start: Position, end: Position) -> int:
    return end.received - start.received + end.sent - start.sent


def _count_prunable(store: Store, cut: Cut) -> None:
    with (
        _tally("would be removed") as done,
        _progress("counting", store.pruning.span(cut)) as advance,
    ):
        for page in store.pruning.find(cut):
            done["received" if page.direction == "in" else "sent"] += len(page.seqs)
            advance(page.passed)


def _counts(pruned: Pruned) -> dict[str, int]:
    return {
        "received": pruned.received,
        "sent": pruned.sent,
        "conversations": pruned.conversations,
        "attachments": len(pruned.attachments),
    }


@contextmanager
def _progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Show progress on a terminal; give what is to be called as it goes."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update


@contextmanager
def _tally(what: str) -> Iterator[Counter[str]]:
    """Say at the end what was done, also when it ends early."""
    done: Counter[str] = Counter()
    try:
        yield done
    except KeyboardInterrupt:
        click.echo(f"{what} so far: {_listed(done)}; call it again to go on")
        raise
    click.echo(f"{what}: {_listed(done)}")


def _listed(done: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in done.items() if count) or "nothing"
