"""The commands about messages: what came and went, what was given up, and what is kept."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

import click

from msp_server.app import configure, open_store_of
from msp_server.listing import (
    buried_line,
    buried_record,
    conversation_heading,
    fetch_line,
    fetch_record,
    message_line,
    message_record,
    payment_lines,
    payment_record,
)
from msp_server.settings import Settings
from msp_server.store.opening import Store
from msp_server.upkeep_commands import export, prune, replay

_LIMIT: Final = 50

P = ParamSpec("P")
R = TypeVar("R")

#: What is shown, each as JSON and as a line.
_Lines = list[tuple[dict[str, Any], str]]
#: Reads some of it: so many, of one conversation or of all.
_Read = Callable[[Settings, Store, int, str | None], _Lines]


@dataclass(frozen=True)
class _Listing:
    """How much is listed, and in which form; None where that was not said."""

    limit: int | None
    conversation: str | None
    as_json: bool


def _listing_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options that every list has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line."),
        click.option(
            "--conversation",
            help="Of this conversation alone: its id, or the customer's opaque ID.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(1),
            show_default=str(_LIMIT),
            help="How many, newest last.",
        ),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_listing_options
@click.pass_context
def messages(
    context: click.Context, limit: int | None, conversation: str | None, as_json: bool
) -> None:
    """Show what came and went, with states, or look after it.

    HELD is what waits for a desk that an agent handed the conversation over to: answer it with
    `send`, and give it back with `send --give-back`.
    """
    context.obj = _Listing(limit, conversation, as_json)
    if context.invoked_subcommand is None:
        _show("messages", context.obj, _read_messages)


@messages.command()
@_listing_options
@click.pass_obj
def attachments(
    above: _Listing, limit: int | None, conversation: str | None, as_json: bool
) -> None:
    """Show the files that customers sent."""
    _show("attachments", _both(above, _Listing(limit, conversation, as_json)), _read_attachments)


@messages.command()
@_listing_options
@click.pass_obj
def payments(above: _Listing, limit: int | None, conversation: str | None, as_json: bool) -> None:
    """Show the payments that customers were asked for, and their course."""
    _show("payments", _both(above, _Listing(limit, conversation, as_json)), _read_payments)


@messages.command()
@_listing_options
@click.pass_obj
def buried(above: _Listing, limit: int | None, conversation: str | None, as_json: bool) -> None:
    """Show what was given up in both directions: when, its id, its kind, and why."""
    _show("buried messages", _both(above, _Listing(limit, conversation, as_json)), _read_buried)


for _command in (replay, export, prune):
    messages.add_command(_command)


def _both(above: _Listing, given: _Listing) -> _Listing:
    """Join the options before a subcommand's name and those after it."""
    return _Listing(
        given.limit or above.limit,
        given.conversation if given.conversation is not None else above.conversation,
        given.as_json or above.as_json,
    )


def _show(what: str, listing: _Listing, read: _Read) -> None:
    settings, _router = configure()
    name = listing.conversation
    with closing(open_store_of(settings)) as store:
        record = None if name is None else store.conversations.find(name)
        if name is not None and record is None:
            raise click.ClickException("no such conversation: `messages --json` names each")
        shown = read(settings, store, listing.limit or _LIMIT, record.id if record else None)
    if record is not None and not listing.as_json:
        click.echo(conversation_heading(record))
    for json_object, line in shown:
        click.echo(json.dumps(json_object) if listing.as_json else line)
    if not shown and not listing.as_json:
        click.echo(f"no {what} yet")


def _read_messages(
    _settings: Settings, store: Store, limit: int, conversation_id: str | None
) -> _Lines:
    entries = store.history.newest(limit, conversation_id)
    return [(message_record(each), message_line(each)) for each in entries]


def _read_attachments(
    settings: Settings, store: Store, limit: int, conversation_id: str | None
) -> _Lines:
    kept = settings.attachments_dir
    fetches = store.fetches.newest(limit, conversation_id)
    return [(fetch_record(each, kept), fetch_line(each, kept)) for each in fetches]


def _read_payments(
    _settings: Settings, store: Store, limit: int, conversation_id: str | None
) -> _Lines:
    found = store.payments.newest(limit, conversation_id)
    return [(payment_record(each), payment_lines(each)) for each in found]


def _read_buried(
    _settings: Settings, store: Store, limit: int, conversation_id: str | None
) -> _Lines:
    found = store.upkeep.buried(limit, conversation_id)
    return [(buried_record(each), buried_line(each)) for each in found]
