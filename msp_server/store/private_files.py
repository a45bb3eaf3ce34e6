"""Files beside a SQLite database: for their owner alone, and one of them a lock."""

import fcntl
import os
from pathlib import Path

from msp_server.errors import StoreBusy, StoreUnavailable


def make_private(file: Path) -> None:
    """Make a database file that only its owner can read; SQLite gives its side files the same.

    Raises:
        StoreUnavailable: it cannot be made or written.
    """
    os.close(open_private(file))


def open_private(file: Path) -> int:
    """Open a file that only its owner can read, and give its descriptor; raises as above."""
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"{file} cannot be written: {error.strerror}; check MSP_DATA_DIR and MSP_DATABASE_URL"
        ) from error


def lock(descriptor: int, file: Path) -> None:
    """Be the one process that works on a database.

    Raises:
        StoreBusy: another one is.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise StoreBusy(
            f"another server or worker runs on {file.with_suffix('')}: stop it first"
        ) from error
