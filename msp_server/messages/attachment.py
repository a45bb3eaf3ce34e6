"""Attachments: files that come and go with a text."""

import contextlib
import mimetypes
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from pydantic_core import CoreSchema, core_schema

from msp_server.errors import AttachmentUnusable, ContentInvalid
from msp_server.messages.checked import set_field
from msp_server.messages.raw import JsonObject

#: The most that an attachment may measure. Source: MSP REST API, "Type Text" (100 MB).
SIZE_LIMIT_BYTES: Final = 100 * 1024 * 1024
#: What stands for a file in a text. Source: MSP REST API, "Type Text".
PLACEHOLDER: Final = "\ufffc"
#: The longest label that is kept, in UTF-8: file systems take 255 bytes.
NAME_LIMIT_BYTES: Final = 200

_CHUNK_BYTES: Final = 256 * 1024
_ENDING_LIMIT_CHARS: Final = 16
_PLACES_TRIED: Final = 10_000
_UNKNOWN_TYPE: Final = "application/octet-stream"
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
#: Names that some systems keep for devices.
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9]) *(\..*)?")


@runtime_checkable
class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes; none at the end."""


@dataclass(frozen=True)
class Attachment:
    """A file: `Attachment(Path("invoice.pdf"))` to send it; one that came can be sent on.

    Source: MSP API Tutorial, exercises 04 and 05.
    """

    #: A path, bytes, or a stream that is read once.
    source: Path | bytes | Readable = field(repr=False)
    #: What it is called, for people: it never names a file of ours.
    name: str = ""
    #: Told by the name when left out.
    mime_type: str = ""
    _: KW_ONLY
    #: Why the file of a customer cannot be had; None when it can.
    problem: str | None = None

    def __post_init__(self) -> None:
        """Check what is given, and fill in name and type."""
        if isinstance(self.source, str) or not isinstance(self.source, Path | bytes | Readable):
            raise ContentInvalid(
                "is no file", field="source", limit="give a Path, bytes, or a binary stream"
            )
        name = self.name or (self.source.name if isinstance(self.source, Path) else "")
        set_field(self, "name", clean_name(name))
        guessed = mimetypes.guess_type(self.name)[0] or _UNKNOWN_TYPE
        set_field(self, "mime_type", clean_type(self.mime_type) if self.mime_type else guessed)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        """Let a message hold it as it is: from JSON, which may name any file here, none is made."""
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: object) -> JsonObject:
        """Describe a file as programs elsewhere give it: with its bytes."""
        return {
            "title": "Attachment",
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "what it is called, for people"},
                "type": {"type": "string", "description": "its media type; told by the name else"},
                "data": {"type": "string", "contentEncoding": "base64"},
            },
            "required": ["data"],
            "additionalProperties": False,
        }

    @property
    def size_bytes(self) -> int | None:
        """How much it measures; None for a stream, and for what cannot be had."""
        if isinstance(self.source, bytes):
            return len(self.source)
        if isinstance(self.source, Path) and self.problem is None:
            with contextlib.suppress(OSError):
                return self.source.stat().st_size
        return None

    @contextmanager
    def open(self) -> Iterator[Readable]:
        """Open it for reading.

        Raises:
            AttachmentUnusable: it cannot be had; says why.
        """
        if self.problem is not None:
            raise AttachmentUnusable(self.problem)
        match self.source:
            case bytes():
                yield BytesIO(self.source)
            case Path():
                try:
                    file = self.source.open("rb")
                except OSError as error:
                    raise AttachmentUnusable(f"cannot be opened: {error.strerror}") from error
                with file:
                    yield file
            case stream:
                yield stream

    def save(self, directory: Path) -> Path:
        """Write it into a directory, under its cleaned name, or one beside it if that is taken.

        The directory is made if it is not there.

        Raises:
            AttachmentUnusable: it cannot be had, or not be written; says why.
        """
        with self.open() as source:
            try:
                directory.mkdir(parents=True, exist_ok=True)
                return self._write(source, directory)
            except OSError as error:
                raise AttachmentUnusable(f"cannot be saved: {error.strerror or error}") from error

    def _write(self, source: Readable, directory: Path) -> Path:
        for path in _free_paths(directory, self.name):
            try:
                file = path.open("xb")
            except FileExistsError:
                continue
            try:
                with file:
                    for chunk in iter(lambda: source.read(_CHUNK_BYTES), b""):
                        file.write(chunk)
            except BaseException:
                path.unlink()
                raise
            return path
        raise AttachmentUnusable("no name is free for it")


def clean_name(name: str) -> str:
    """Make of a name that somebody chose a label that is safe to show and to write.

    Path parts, control characters, and signs that turn text around go; so do dots before it,
    names of devices, and what is beyond the limit. The ending stays.
    """
    last = re.split(r"[/\\:]", name)[-1]
    shown = "".join(
        each for each in last if each == " " or unicodedata.category(each)[0] not in "CZ"
    )
    shown = re.sub(r'[<>"|?*]', "_", shown).strip(" .")
    stem, dot, ending = shown.rpartition(".")
    if not dot or len(ending) > _ENDING_LIMIT_CHARS:
        stem, ending = shown, ""
    room = NAME_LIMIT_BYTES - len(f"{dot}{ending}".encode())
    cut = stem.encode()[:room].decode(errors="ignore").strip(" .")
    made = f"{cut}.{ending}" if cut and ending else cut or "file"
    return clean_name(f"_{made}") if _RESERVED.fullmatch(made) else made


def clean_type(mime_type: str) -> str:
    """Give a MIME type, or the one of unknown files when it is none."""
    return mime_type.lower() if _TYPE.fullmatch(mime_type) else _UNKNOWN_TYPE


def _free_paths(directory: Path, name: str) -> Iterator[Path]:
    path = directory / name
    yield path
    for number in range(2, _PLACES_TRIED):
        yield path.with_name(f"{path.stem} {number}{path.suffix}")
