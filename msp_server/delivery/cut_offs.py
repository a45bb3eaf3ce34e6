"""Cut-offs: how often a process ended while a handler ran, told by what it left on disk.

A claim that ended says little: whoever kills a process cuts off all that it has claimed, most of
which waits for its turn. So a file stands for each handler that runs, of messages that were
claimed before; no other message costs anything.
"""

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msp_server.store.base import Entry

#: How many cut-offs make us believe that the handler ends the process.
CUT_OFFS_LIMIT: Final = 4
#: How many make a handler run alone, so that it is the only one to be cut off if it is at fault.
ALONE_FROM: Final = 2


@dataclass(frozen=True)
class CutOffs:
    """A directory of files, each with a byte for each time that its message's handler began."""

    directory: Path
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def count(self, entry: Entry) -> int:
        """Give how often the handler of a message was cut off."""
        if entry.attempts == 1:
            return 0
        with contextlib.suppress(OSError):
            return self._path(entry).stat().st_size
        return 0

    @contextmanager
    def noted(self, entry: Entry) -> Iterator[None]:
        """Note for as long as the block lasts that the handler of a message runs."""
        if entry.attempts == 1:
            yield
            return
        with self._alone if self.count(entry) >= ALONE_FROM else contextlib.nullcontext():
            self._begin(entry)
            try:
                yield
            finally:
                self.forget(entry)

    def forget(self, entry: Entry) -> None:
        """Remove what was noted of a message."""
        with contextlib.suppress(OSError):
            self._path(entry).unlink(missing_ok=True)

    def _begin(self, entry: Entry) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with contextlib.suppress(OSError):  # no room: then nothing is noted, and it is answered
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path(entry), flags, 0o600)
            try:
                os.write(descriptor, b".")
            finally:
                os.close(descriptor)

    def _path(self, entry: Entry) -> Path:
        return self.directory / hashlib.sha256(entry.message_id.encode()).hexdigest()
