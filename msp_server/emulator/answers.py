"""Answers as the journal keeps them: bounded, without secrets, and no bytes that are no text."""

from codecs import getincrementaldecoder
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from flask import Response

from msp_server.emulator.masking import MASK, masked_answer
from msp_server.emulator.packing import JsonObject, Unreadable, unpack
from msp_server.emulator.reachable import without_query

#: How much of an answer's text is kept.
TEXT_LIMIT: Final = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What answered a request."""

    #: As sent, names in lower case, without what opens something.
    headers: dict[str, str]
    #: How much the body measures as it was sent; None where nobody counted.
    size_bytes: int | None = None
    #: The body where it is a JSON object; secrets are masked.
    fields: JsonObject | None = None
    #: The body's beginning where it is another text.
    text: str | None = None
    #: Whether there is more of it.
    cut: bool = False

    @property
    def kept_bytes(self) -> int:
        """How much of the body is kept."""
        if self.fields is not None:
            return self.size_bytes or 0
        return len(self.text or "")

    def to_json(self) -> JsonObject:
        """Give the answer as the control plane shows it."""
        return {
            "headers": self.headers,
            "bytes": self.size_bytes,
            "fields": self.fields,
            "text": self.text,
            "cut": self.cut,
        }


def note_answer(headers: Iterable[tuple[str, str]], said: bytes, *, cut: bool = False) -> Answer:
    """Note an answer.

    Args:
        headers: as they came.
        said: the body, or its beginning.
        cut: whether there was more of it, that nobody read.
    """
    shown = _shown_headers(headers)
    if not said:
        return Answer(shown, 0)
    if shown.get("content-encoding", "identity") != "identity":
        return Answer(shown, len(said), cut=cut)
    try:
        return Answer(shown, len(said), masked_answer(unpack(said)))
    except Unreadable:
        text = _beginning(said)
        return Answer(shown, len(said), text=text, cut=cut or len(said) > TEXT_LIMIT)


def note_response(response: Response, *, private: bool = False) -> Answer:
    """Note an answer of the emulator's own; a private one, or a file, without its body."""
    headers = response.headers.items()
    if private or response.is_streamed:
        return Answer(_shown_headers(headers), response.content_length)
    return note_answer(headers, response.get_data())


def _shown_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): _shown_header(name.lower(), value) for name, value in headers}


def _shown_header(name: str, value: str) -> str:
    if name == "location" and ("?" in value or "#" in value):
        return f"{without_query(value)}?{MASK}"
    return MASK if name == "set-cookie" else value


def _beginning(said: bytes) -> str | None:
    """Give the beginning of what is a text, up to its last whole character."""
    try:
        text = getincrementaldecoder("utf-8")().decode(said[:TEXT_LIMIT])
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
