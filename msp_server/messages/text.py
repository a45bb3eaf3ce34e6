"""Text: words, both ways."""

from typing import ClassVar

from pydantic import SkipValidation

from msp_server.errors import ContentInvalid
from msp_server.messages.checked import checked
from msp_server.messages.raw import JsonObject, raw_fields


@checked
class Text:
    """Words. Each U+FFFC in them stands for an attachment.

    Source: MSP REST API, "Type Text".
    """

    type: ClassVar = "text"

    #: What was said; may be empty when it came with attachments.
    body: str
    raw: SkipValidation[JsonObject] = raw_fields()

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope.

        Raises:
            ContentInvalid: there is nothing to say.
        """
        if not self.body.strip():
            raise ContentInvalid("is empty", field="Text.body", limit="a text needs words")
        return {"body": self.body}
