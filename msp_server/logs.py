"""How this program logs: each record is one line of less than 1 KB, as text or as JSON."""

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any, Final, TextIO

from msp_server.errors import where

#: The most that a line measures, without its end.
LINE_LIMIT_BYTES: Final = 1000

#: How many lines may wait to be written.
LINES_LIMIT: Final = 10_000
_LINES_AT_ONCE: Final = 200
_FLUSH_LIMIT_S: Final = 1.0

_OURS: Final = "msp_server"
_CUT: Final = "…"
#: A part of a format such as `message_id=%.80r`: its name, how much is shown, and how.
_PART: Final = re.compile(r"(?:\b(\w+)=)?%(?:\.(\d+))?([a-z%])")
#: What is never cut, and `message`: no part of one takes their places.
_FIXED: Final = ("at", "level", "logger")
_HEAD: Final = (*_FIXED, "message")
#: What is not longer than this is left out instead of being cut.
_SHORTEST: Final = 16


def set_up_logging(level: str, log_format: str = "text") -> None:
    """Log what this package says to standard error; of libraries, only what is wrong.

    Libraries log what passes through them, which is what customers said.

    Args:
        level: the least severe level of ours that is logged.
        log_format: `text` or `json`.
    """
    handler = LineWriter(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.captureWarnings(True)
    logging.getLogger(_OURS).setLevel(level)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class LineWriter(logging.Handler):
    """Writes lines from a thread of its own: who logs never waits for whoever reads the log.

    A line written by each thread itself cost a fifth of what taking a message in costs, for its
    lock and its system call; and a pipe that nobody empties would hold every answer up. So many
    lines wait at most; what comes beyond that is counted, and left out.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._records: SimpleQueue[logging.LogRecord | threading.Event] = SimpleQueue()
        self._left_out = 0
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Let a record be written soon."""
        if self._records.qsize() < LINES_LIMIT:
            self._records.put(record)
        else:
            self._left_out += 1

    def flush(self) -> None:
        """Wait until what was logged before is written, for a second at most."""
        written = threading.Event()
        self._records.put(written)
        written.wait(_FLUSH_LIMIT_S)

    def _write_all(self) -> None:
        while True:
            waiting = [self._records.get()]
            with suppress(Empty):
                while len(waiting) < _LINES_AT_ONCE:
                    waiting.append(self._records.get_nowait())
            lines = [self._line(each) for each in waiting if isinstance(each, logging.LogRecord)]
            self._write("".join(lines))
            for each in waiting:
                if isinstance(each, threading.Event):
                    each.set()

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return f"{self.format(record)}\n"
        except Exception as error:  # noqa: BLE001 - a record that cannot be written costs no other
            return f"log record not written logger={record.name} error={type(error).__name__}\n"

    def _write(self, lines: str) -> None:
        left_out, self._left_out = self._left_out, 0
        if left_out:
            lines += f"log was too slow: lines left out={left_out}\n"
        with suppress(OSError, ValueError):  # nobody reads it any more
            self._stream.write(lines)
            self._stream.flush()


class TextFormatter(logging.Formatter):
    """Writes a record as a line of text."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, and where its exception was raised."""
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {record.getMessage()}"
        raised = _raised(record)
        return _cut(_on_one_line(f"{line} exception={raised}" if raised else line))


class JsonFormatter(logging.Formatter):
    """Writes a record as a line of JSON, with what our messages name as fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, and where its exception was raised."""
        fields: dict[str, Any] = {
            "at": _iso(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        raised = _raised(record)
        if raised:
            fields["exception"] = raised
        if record.name.partition(".")[0] == _OURS:
            fields |= {name: value for name, value in _parts(record) if name not in _HEAD}
        return _fit(fields)


def _raised(record: logging.LogRecord) -> str | None:
    """Say where an exception was raised, without what it says, which may quote a customer."""
    error = record.exc_info[1] if record.exc_info else None
    return None if error is None else where(error)


def _parts(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    """Give what a message names, such as `kind=%s`, no longer than its text shows it."""
    if not isinstance(record.msg, str) or not isinstance(record.args, tuple):
        return
    for (name, limit_chars), value in zip(_named(record.msg), record.args, strict=False):
        if name:
            yield name, _plain(value, limit_chars)


@lru_cache(maxsize=1024)  # a format is a constant of ours
def _named(text_format: str) -> Sequence[tuple[str, int | None]]:
    """Give the name of each value in a format, "" for none, and how much of it is shown."""
    return [
        (name, int(shown) if shown and conversion in "ars" else None)
        for name, shown, conversion in _PART.findall(text_format)
        if conversion != "%"
    ]


def _plain(value: object, limit_chars: int | None) -> object:
    """Make a value fit for JSON: numbers and lists stay what they are, all else is a text."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return round(value, 3)
        case list():
            return [_plain(each, limit_chars) for each in value]
        case _:
            return str(value)[:limit_chars]


def _fit(fields: dict[str, Any]) -> str:
    """Write fields as JSON; the longest of them lose their ends until they fit on a line."""
    line = json.dumps(fields)
    while len(line) > LINE_LIMIT_BYTES:
        longest = max(fields.keys() - _FIXED, key=lambda name: len(json.dumps(fields[name])))
        value = fields[longest]
        if isinstance(value, str) and len(value) > _SHORTEST:
            fields[longest] = value[: len(value) * 2 // 3] + _CUT
        elif isinstance(value, list) and len(value) > 3:
            fields[longest] = [*value[: len(value) * 2 // 3], _CUT]
        else:
            del fields[longest]
        line = json.dumps(fields)
    return line


def _on_one_line(text: str) -> str:
    """Escape what would end the line, or change how it looks."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _cut(text: str) -> str:
    packed = text.encode()
    if len(packed) <= LINE_LIMIT_BYTES:
        return text
    kept = packed[: LINE_LIMIT_BYTES - len(_CUT.encode())]
    return kept.decode(errors="ignore") + _CUT


def _iso(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='milliseconds')}Z"
