"""The roll of workers: that each lives, and whether all of them have the same data directory.

Each worker makes an empty file with a name that nobody guesses in its data directory, and puts that
name in the store: who finds the file has the same directory.
"""

import contextlib
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msp_server.errors import ConfigurationError, Fault, StoreError, where
from msp_server.store.workers import Worker, Workers

log = logging.getLogger(__name__)

#: How often a worker says that it lives, seconds.
BEAT_S: Final = 5.0
#: How old its last word may be, seconds.
ALIVE_S: Final = 30.0
#: After how long the file of a worker that died is removed, seconds.
_FORGOTTEN_AFTER_S: Final = 86_400.0


@contextmanager
def enrolled(workers: Workers, directory: Path, clock: Callable[[], float]) -> Iterator[None]:
    """Be on the roll while the block lasts.

    Args:
        workers: the roll.
        directory: where the file is made.
        clock: gives seconds since 1970.

    Raises:
        ConfigurationError: nothing can be made in that directory.
    """
    token = uuid.uuid4().hex
    _make_file(directory, token)
    ended = threading.Event()

    def say() -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        while True:
            try:
                workers.note(token, name, clock())
            except Exception as error:  # noqa: BLE001 - the roll must not end a worker
                log.warning("not on the roll error=%s", _words(error))
            if ended.wait(BEAT_S):
                return

    thread = threading.Thread(target=say, name="enrolling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(BEAT_S)
        (directory / token).unlink(missing_ok=True)
        with contextlib.suppress(StoreError):
            workers.forget(token)


def alive(workers: Workers, now: float) -> list[Worker]:
    """Give the workers that live, on all machines."""
    return workers.seen_since(now - ALIVE_S)


def find_strangers(living: Sequence[Worker], directory: Path) -> list[Fault]:
    """Say which workers have another data directory than this process."""
    return [
        Fault(
            "MSP_DATA_DIR",
            f"worker {worker.name} has another directory than {directory.parent}",
            "share one directory between all machines: files that customers sent are in it",
        )
        for worker in living
        if not (directory / worker.token).exists()
    ]


def _make_file(directory: Path, token: str) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / token).touch(mode=0o600, exist_ok=False)
        for file in directory.iterdir():
            if file.stat().st_mtime < time.time() - _FORGOTTEN_AFTER_S:
                file.unlink(missing_ok=True)
    except OSError as error:
        fault = Fault("MSP_DATA_DIR", f"cannot be written ({error})", "let this user write in it")
        raise ConfigurationError([fault]) from error


def _words(error: Exception) -> object:
    return error if isinstance(error, StoreError) else where(error)
