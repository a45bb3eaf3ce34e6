"""Presence: somebody is writing, has stopped, has left."""

from typing import ClassVar

from pydantic import SkipValidation
from pydantic.dataclasses import dataclass

from msp_server.messages.raw import JsonObject, raw_fields


@dataclass(frozen=True)
class TypingStart:
    """Somebody began to write.

    Source: MSP API Tutorial, "Receiving and Sending Messages"; as something we send: observed.
    """

    type: ClassVar = "typing_start"

    raw: SkipValidation[JsonObject] = raw_fields()

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope: none."""
        return {}


@dataclass(frozen=True)
class TypingEnd:
    """Somebody stopped writing and sent nothing.

    Source: MSP API Tutorial, "Receiving and Sending Messages"; as something we send: observed.
    """

    type: ClassVar = "typing_end"

    raw: SkipValidation[JsonObject] = raw_fields()

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope: none."""
        return {}


@dataclass(frozen=True)
class Close:
    """The customer deleted the conversation; only a customer can.

    Source: Business Chat API, "Receiving Closed Conversation Messages".
    """

    type: ClassVar = "close"

    raw: SkipValidation[JsonObject] = raw_fields()
