"""MMCS: where encrypted bytes rest until somebody fetches them. On disk, never in memory."""

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Final, Self

from msp_server.emulator import cipher

#: The most one file may measure: "100 MB", taken as 100 times 1,048,576. Source: MSP REST API,
#: "Type Text"; the exact unit is assumed.
FILE_LIMIT_BYTES: Final = 104_857_600
#: The most that is kept in all; the oldest go first.
STORE_LIMIT_BYTES: Final = 2 * 1024**3
STORE_LIMIT_FILES: Final = 10_000
#: First byte of every checksum. Source: observed.
_SIGNATURE_HEAD: Final = b"\x01"
#: Source: Business Chat API, "PreUploadResponseBody".
_HOST: Final = "https://p54-content.icloud.com"


class FileTooLarge(Exception):
    """A file measures more than `FILE_LIMIT_BYTES`; the rest of it was not read."""


class NotKept(Exception):
    """Bytes found no room; the text is a sentence that says why."""


class FileGone(Exception):
    """A file was here and is no longer."""


@dataclass(frozen=True)
class Stored:
    """A file that rests here."""

    #: The business whose messages it belongs to.
    business_id: str
    owner: str
    #: Checksum of the encrypted bytes: 21 bytes. Source: assumed, Apple's way is not known.
    signature: bytes
    size_bytes: int
    path: Path
    #: The key, where the emulator itself encrypted it: for a customer, or to keep a payload.
    own_key: bytes | None

    @property
    def url(self) -> str:
        """The address that messages name; nothing can be fetched from it."""
        return url_of(self.owner)


class Incoming:
    """Bytes on their way in; thrown away at the end of the `with` unless they are kept."""

    def __init__(self, mmcs: "Mmcs", path: Path, key: bytes | None) -> None:
        self._mmcs = mmcs
        self._path = path
        self._key = key
        self._stream = cipher.start(key) if key else None
        self._checksum = hashlib.sha1(usedforsecurity=False)
        self._file = path.open("wb")
        self._kept = False
        self.size_bytes = 0

    def write(self, chunk: bytes) -> int:
        """Take the bytes that come next, encrypting them if there is a key.

        Raises:
            FileTooLarge: they pass the limit.
            NotKept: there is no room for them.
        """
        if self.size_bytes + len(chunk) > FILE_LIMIT_BYTES:
            raise FileTooLarge
        self._mmcs.count_bytes(len(chunk))
        self.size_bytes += len(chunk)
        written = self._stream.encrypt(chunk) if self._stream else chunk
        self._checksum.update(written)
        try:
            self._file.write(written)
        except OSError as error:
            raise _not_written(error) from error
        return len(chunk)

    def keep(self, business_id: str, owner: str | None = None) -> Stored:
        """Let the bytes rest here, under the owner's name or a new one.

        Raises:
            NotKept: the disk did not take the last of them.
        """
        try:
            self._file.close()
        except OSError as error:
            raise _not_written(error) from error
        signature = _SIGNATURE_HEAD + self._checksum.digest()
        owner = owner or new_owner()
        stored = Stored(business_id, owner, signature, self.size_bytes, self._path, self._key)
        self._mmcs.add(stored)
        self._kept = True
        return stored

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._kept:
            return
        with suppress(OSError):  # a full disk does not take what is still to be written
            self._file.close()
        self._path.unlink(missing_ok=True)
        self._mmcs.count_bytes(-self.size_bytes)


class Mmcs:
    """Every file that rests here; safe for many threads."""

    def __init__(self, data_dir: Path | None, limit_bytes: int = STORE_LIMIT_BYTES) -> None:
        self._data_dir = data_dir
        self._limit_bytes = limit_bytes
        self._lock = Lock()
        self._directory: Path | None = None
        self._closed = False
        self._files: dict[str, Stored] = {}
        #: What lies on disk, with what is still coming in.
        self._size_bytes = 0
        self._last_number = 0

    def receive(self, key: bytes | None = None) -> Incoming:
        """Begin to take a file; with a key it is encrypted on the way in.

        Raises:
            NotKept: there is nowhere to put it.
        """
        try:
            return Incoming(self, self._new_path(), key)
        except OSError as error:
            raise _not_written(error) from error

    def put(self, business_id: str, chunks: Iterable[bytes]) -> Stored:
        """Encrypt a file under a key of its own, and keep it.

        Raises:
            FileTooLarge: it measures more than the limit.
            NotKept: there is no room for it.
        """
        with self.receive(cipher.new_key()) as incoming:
            for chunk in chunks:
                incoming.write(chunk)
            return incoming.keep(business_id)

    def find(self, url: object) -> Stored | None:
        """Give the file that a message's url means."""
        with self._lock:
            return self._files.get(url) if isinstance(url, str) else None

    def open(self, stored: Stored) -> IO[bytes]:
        """Open a file's encrypted bytes; they can be read to the end even if it goes meanwhile.

        Raises:
            FileGone: it made room for newer ones, or the emulator was reset.
        """
        try:
            return stored.path.open("rb")
        except OSError as error:
            raise FileGone from error

    def add(self, stored: Stored) -> None:
        """Note a file whose bytes lie on disk."""
        with self._lock:
            self._files[stored.url] = stored
            while len(self._files) > STORE_LIMIT_FILES:
                self._drop_oldest()

    def count_bytes(self, size_bytes: int) -> None:
        """Count bytes that come in, or with a minus sign go; the oldest files make room for them.

        Raises:
            NotKept: what is coming in at the same time takes all the room.
        """
        with self._lock:
            while self._size_bytes + size_bytes > self._limit_bytes and self._files:
                self._drop_oldest()
            if self._size_bytes + size_bytes > self._limit_bytes:
                raise NotKept(
                    "The emulator's store is full of files that are still coming in: wait for them"
                )
            self._size_bytes += size_bytes

    def clear(self) -> None:
        """Forget every file."""
        with self._lock:
            while self._files:
                self._drop_oldest()

    def close(self) -> None:
        """Remove everything from disk; nothing can be put here afterwards."""
        with self._lock:
            self._closed = True
            self._files.clear()
            if self._directory is not None:
                shutil.rmtree(self._directory, ignore_errors=True)

    def _drop_oldest(self) -> None:
        stored = self._files.pop(next(iter(self._files)))
        stored.path.unlink(missing_ok=True)
        self._size_bytes -= stored.size_bytes

    def _new_path(self) -> Path:
        """Name a file; the directory is made with the first one."""
        with self._lock:
            if self._closed:
                raise NotKept("The emulator is stopping: nothing is kept any more")
            if self._directory is None:
                self._directory = Path(tempfile.mkdtemp(prefix="emulator-", dir=self._data_dir))
            self._last_number += 1
            return self._directory / str(self._last_number)


def read_chunks(
    file: IO[bytes], size_bytes: int, chunk_bytes: int = cipher.CHUNK_BYTES
) -> Iterator[bytes]:
    """Read so much of a file, chunk by chunk, and close it, also when a client hangs up."""
    with file:
        while size_bytes > 0 and (chunk := file.read(min(chunk_bytes, size_bytes))):
            size_bytes -= len(chunk)
            yield chunk


def new_owner() -> str:
    """Make the name under which a file will rest.

    Source: Business Chat API, "PreUploadResponseBody".
    """
    return f"M{secrets.token_hex(8).upper()}.C01USN00"


def url_of(owner: str) -> str:
    """Give the address that messages name for a file.

    Source: Business Chat API, "PreUploadResponseBody".
    """
    return f"{_HOST}/{owner}"


def _not_written(error: OSError) -> NotKept:
    return NotKept(
        f"The emulator cannot keep the bytes on disk ({error.strerror}): make room, or choose "
        "another place with --data-dir (MSP_EMULATOR_DATA_DIR)"
    )
