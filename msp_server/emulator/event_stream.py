"""The route by which a page follows what happens, as server-sent events.

Source: HTML, "Server-sent events".
"""

import json
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake
from msp_server.emulator.events import READER_LIMIT, Event, Events, TooManyReaders
from msp_server.emulator.packing import JsonObject

#: How long nothing may be said: a reader that is gone is noticed by the next word.
HEARTBEAT_S: Final = 10.0
#: How long a browser waits before it comes back.
RETRY_MS: Final = 1_000


def blueprint(events: Events, heartbeat_s: float = HEARTBEAT_S) -> Blueprint:
    """Make the route of events."""
    bp = Blueprint("event_stream", __name__, url_prefix="/emulator")

    @bp.get("/events")
    def follow() -> ResponseReturnValue:
        try:
            events.join()
        except TooManyReaders as many:
            raise ApiMistake(503, f"{READER_LIMIT} readers follow already: close one") from many
        told = _tell(events, request.headers.get("Last-Event-ID"), heartbeat_s)
        response = Response(told, content_type="text/event-stream; charset=utf-8")
        # Not at the end of the generator: one that never began has none.
        response.call_on_close(events.leave)
        return response

    return bp


def _tell(events: Events, last_id: str | None, heartbeat_s: float) -> Iterator[str]:
    """Tell where the reader stands, then everything that happens until the emulator stops."""
    number, missed = events.find_place(last_id)
    yield f"retry: {RETRY_MS}\n{_ready(events, number, missed=missed)}"
    while True:
        chapter = events.read(number, heartbeat_s)
        if chapter.missed:
            yield _ready(events, chapter.number, missed=True)
        else:
            yield from (_event(events, event) for event in chapter.events)
        if chapter.ended:
            return
        if not chapter.events:
            yield ": nothing new\n\n"
        number = chapter.number


def _ready(events: Events, number: int, *, missed: bool) -> str:
    return _frame(events.id_of(number), "ready", {"missed": missed})


def _event(events: Events, event: Event) -> str:
    return _frame(events.id_of(event.number), event.name, event.data)


def _frame(event_id: str, name: str, data: JsonObject) -> str:
    # ASCII, so that no character in it can be taken for the end of a line.
    return f"id: {event_id}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
