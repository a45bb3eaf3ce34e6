"""Text: words, both ways."""

from typing import ClassVar

from pydantic import ConfigDict, SkipValidation
from pydantic.dataclasses import dataclass

from msp_server.errors import ContentInvalid
from msp_server.messages.raw import JsonObject, raw_fields


@dataclass(frozen=True, config=ConfigDict(strict=True))
class Text:
    """Words. Each U+FFFC in them stands for an attachment.

    Source: MSP REST API, "Type Text".
    """

    type: ClassVar = "text"

    #: What was said; may be empty when it came with attachments.
    body: str
    raw: SkipValidation[JsonObject] = raw_fields()

    @classmethod
    def parse(cls, fields: JsonObject) -> "Text | None":
        """Read a text, or give None when its shape is not known."""
        body = fields.get("body", "")
        return cls(body, raw=fields) if isinstance(body, str) else None

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope.

        Raises:
            ContentInvalid: there is nothing to say.
        """
        if not self.body.strip():
            raise ContentInvalid("Text.body is empty: a text needs words")
        return {"body": self.body}
