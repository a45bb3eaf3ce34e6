"""Files that a customer is about to send: encrypted and put into MMCS as they come in."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Final, cast

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from msp_server.emulator import cipher
from msp_server.emulator.api import ApiMistake
from msp_server.emulator.mmcs import FILE_LIMIT_BYTES, FileTooLarge, Incoming, Mmcs, Stored
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.shapes import text_in

COUNT_LIMIT: Final = 10
#: Of the words beside the files.
WORDS_LIMIT_BYTES: Final = 200_000
NAME_LIMIT: Final = 1_000
TYPE_LIMIT: Final = 255
ANY_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True)
class Packet:
    """One file, encrypted and stored, as the customer calls it."""

    name: str
    mime_type: str
    stored: Stored


class Packets:
    """Takes in the files of one message; all are kept at the end, or none."""

    def __init__(self, mmcs: Mmcs, business_id: str) -> None:
        self._mmcs = mmcs
        self._business_id = business_id
        self._taken: list[tuple[str, str, Incoming]] = []
        self._exits = ExitStack()

    def read_form(self, stream: IO[bytes], options: dict[str, str]) -> tuple[str, list[Packet]]:
        """Take in a form of type multipart/form-data: words, and files.

        Args:
            stream: the request's body.
            options: parameters of its Content-Type.

        Raises:
            ApiMistake: it cannot be read, or a file cannot be sent.
            NotKept: there is no room for the files.
        """
        parser = FormDataParser(
            stream_factory=self._open_part,
            max_form_memory_size=WORDS_LIMIT_BYTES,
            max_form_parts=COUNT_LIMIT + 2,
            silent=False,
        )
        with self._exits:
            try:
                _, form, files = parser.parse(stream, "multipart/form-data", None, options)
            except RequestEntityTooLarge as error:
                raise ApiMistake(413, "body is too long, or there are too many parts") from error
            except ValueError as error:
                raise ApiMistake(400, f"The form cannot be read: {error}") from error
            stray = sorted({*set(form) - {"body"}, *set(files) - {"file"}})
            if stray:
                raise ApiMistake(
                    400, f"{stray[0][:64]!r} is no part: name each file `file`, the words `body`"
                )
            return form.get("body", ""), self._keep()

    def make(self, wanted: object) -> list[Packet]:
        """Make files of pseudo-random bytes.

        Args:
            wanted: a list of objects with `name`, `type` and `size`.

        Raises:
            ApiMistake: it is something else, or a file cannot be sent.
            NotKept: there is no room for the files.
        """
        if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
            raise ApiMistake(400, "make has to be a list of objects with name, type and size")
        with self._exits:
            for each in wanted:
                size_bytes = _size_in(each)
                incoming = self._open(text_in(each, "name"), text_in(each, "type"))
                for chunk in _noise(size_bytes):
                    incoming.write(chunk)
            return self._keep()

    def _open_part(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        part = _Part(self._open(filename, content_type))
        return cast("IO[bytes]", part)  # typed as files that are read again; ours is written to

    def _open(self, name: str | None, mime_type: str | None) -> Incoming:
        if len(self._taken) == COUNT_LIMIT:
            raise ApiMistake(413, f"There are more than {COUNT_LIMIT} files: send fewer at once")
        name, mime_type = name or "file", mime_type or ANY_TYPE
        if len(name) > NAME_LIMIT:
            raise ApiMistake(
                400, f"The name {name[:64]!r}... has more than {NAME_LIMIT} characters"
            )
        if len(mime_type) > TYPE_LIMIT:
            raise ApiMistake(400, f"A type has more than {TYPE_LIMIT} characters")
        incoming = self._exits.enter_context(self._mmcs.receive(cipher.new_key()))
        self._taken.append((name, mime_type, incoming))
        return incoming

    def _keep(self) -> list[Packet]:
        if not self._taken:
            raise ApiMistake(400, "There is no file: send at least one in a part named file")
        empty = [name for name, _, incoming in self._taken if not incoming.size_bytes]
        if empty:
            raise ApiMistake(400, f"{empty[0][:64]!r} is empty: a file has at least one byte")
        return [
            Packet(name, mime_type, incoming.keep(self._business_id))
            for name, mime_type, incoming in self._taken
        ]


@dataclass(frozen=True)
class _Part:
    """A file of a form, as the form's parser wants it."""

    incoming: Incoming

    def write(self, chunk: bytes) -> int:
        try:
            return self.incoming.write(chunk)
        except FileTooLarge as error:
            raise ApiMistake(
                413, f"A file measures more than {FILE_LIMIT_BYTES:,} bytes: send a smaller one"
            ) from error

    def seek(self, place: int) -> None:
        """Nobody reads it again here."""


def _size_in(wanted: JsonObject) -> int:
    size = wanted.get("size")
    if isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= FILE_LIMIT_BYTES:
        return size
    raise ApiMistake(400, f"size has to be a whole number from 1 to {FILE_LIMIT_BYTES:,}")


def _noise(size_bytes: int) -> Iterator[bytes]:
    """Make bytes that look random: what a cipher makes of nothing."""
    stream, zeros = cipher.start(cipher.new_key()), bytes(cipher.CHUNK_BYTES)
    for start in range(0, size_bytes, cipher.CHUNK_BYTES):
        yield stream.encrypt(zeros[: size_bytes - start])
