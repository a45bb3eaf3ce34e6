"""Text: words, both ways."""

from collections.abc import Sequence
from dataclasses import field
from typing import ClassVar

from pydantic import SkipValidation

from msp_server.errors import ContentInvalid
from msp_server.messages.attachment import PLACEHOLDER, Attachment
from msp_server.messages.checked import checked, set_field
from msp_server.messages.raw import JsonObject, raw_fields


@checked
class Text:
    """Words, perhaps with files. Each U+FFFC in the words stands for an attachment.

    Source: MSP REST API, "Type Text".
    """

    type: ClassVar = "text"

    #: What was said; may be empty when it came with attachments.
    body: str
    #: Files, in the order of their U+FFFC; one that has none is put at the end of the words.
    attachments: Sequence[Attachment] = field(default=(), repr=False)
    raw: SkipValidation[JsonObject] = raw_fields()

    def __post_init__(self) -> None:
        """Keep the files from being changed."""
        set_field(self, "attachments", tuple(self.attachments))

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope.

        Raises:
            ContentInvalid: there is nothing to say.
        """
        if not self.body.strip() and not self.attachments:
            raise ContentInvalid("is empty", field="Text.body", limit="a text needs words")
        missing = len(self.attachments) - self.body.count(PLACEHOLDER)
        return {"body": self.body + PLACEHOLDER * max(0, missing)}
