"""Files on their way out: what a message says of each, once it was uploaded."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from msp_server.messages.raw import JsonObject


class Uploaded(Protocol):
    """Where a file rests at Apple."""

    @property
    def url(self) -> str:
        """Apple's `mmcs-url`."""

    @property
    def owner(self) -> str:
        """Apple's `mmcs-owner`."""

    @property
    def signature_base64(self) -> str:
        """Apple's checksum of the encrypted bytes."""


@dataclass(frozen=True)
class OutgoingFile:
    """A file that waits to be uploaded."""

    #: Our own name of the plain bytes.
    file: str
    #: What the customer sees.
    name: str
    mime_type: str
    #: Of the plain bytes, which is that of the encrypted ones.
    size_bytes: int
    #: As it goes into the message: `00` and 64 hex digits.
    key: str

    def to_wire(self, uploaded: Uploaded) -> JsonObject:
        """Give one of `attachments`; the size is a text.

        Source: MSP API Tutorial, exercise 04.
        """
        return {
            "name": self.name,
            "mimeType": self.mime_type,
            "size": str(self.size_bytes),
            "signature-base64": uploaded.signature_base64,
            "url": uploaded.url,
            "owner": uploaded.owner,
            "key": self.key,
        }


def files_to_json(files: Sequence[OutgoingFile]) -> str | None:
    """Write files as the store keeps them; None for none."""
    return json.dumps([asdict(file) for file in files]) if files else None


def files_from_json(text: str | None) -> list[OutgoingFile]:
    """Read what `files_to_json` wrote."""
    return [OutgoingFile(**each) for each in json.loads(text)] if text else []


def complete(packed: bytes, files: Sequence[OutgoingFile], uploaded: Sequence[Uploaded]) -> bytes:
    """Put what was uploaded into the message that speaks of it."""
    fields: JsonObject = json.loads(packed)
    fields["attachments"] = [file.to_wire(each) for file, each in zip(files, uploaded, strict=True)]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
