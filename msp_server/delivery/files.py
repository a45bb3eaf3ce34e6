"""Files of ours: bytes on disk under names that nobody chose."""

import contextlib
import os
import re
import time
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msp_server.errors import DiskRefused

#: Begins the reason of a file that this machine could not write.
UNKEPT: Final = "cannot be kept"

#: Ends the name of a file that is not whole yet.
_DRAFT: Final = ".part"
_NAME: Final = re.compile(r"[0-9a-f]{32}(\.part)?")


@dataclass(frozen=True)
class StoredFile:
    """A file of ours."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class Files:
    """A directory of files, each written whole or not at all."""

    directory: Path

    def write(self, chunks: Iterable[bytes], name: str | None = None) -> StoredFile:
        """Write a file; it is on disk when this returns.

        Args:
            chunks: what is in it.
            name: 32 hex digits; an older file of that name is replaced. A new name if None.

        Raises:
            DiskRefused: the disk is full, or cannot be written.
        """
        draft = self.directory / f"{uuid.uuid4().hex}{_DRAFT}"
        name = name or uuid.uuid4().hex
        try:
            size_bytes = self._write(draft, chunks)
            draft.rename(self.path(name))
            self._sync_directory()
        except OSError as error:
            self._remove(draft)
            self.remove(name)
            raise DiskRefused(f"{UNKEPT}: {error.strerror or error}") from error
        except BaseException:
            self._remove(draft)
            raise
        return StoredFile(name, size_bytes)

    def path(self, name: str) -> Path:
        """Say where a file is."""
        return self.directory / name

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._remove(self.path(name))

    def sweep(self, needed: Collection[str], older_than_s: float) -> int:
        """Remove what nobody needs: left behind by a process that ended in the middle.

        Args:
            needed: names to keep.
            older_than_s: younger files are left alone: they may be needed in a moment.

        Returns:
            How many were removed.
        """
        removed = 0
        with contextlib.suppress(OSError):
            for path in self.directory.iterdir():
                if _NAME.fullmatch(path.name) and path.name not in needed:
                    with contextlib.suppress(OSError):
                        if time.time() - path.stat().st_mtime >= older_than_s:
                            path.unlink()
                            removed += 1
        return removed

    def _write(self, draft: Path, chunks: Iterable[bytes]) -> int:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        size_bytes = 0
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
                size_bytes += len(chunk)
            file.flush()
            os.fsync(file.fileno())
        return size_bytes

    def _sync_directory(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
