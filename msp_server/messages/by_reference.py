"""Sending again by reference: what the gateway keeps is not sent a second time."""

from dataclasses import KW_ONLY, field
from typing import Any

from msp_server.errors import ContentInvalid
from msp_server.messages.capability import Capability
from msp_server.messages.checked import checked
from msp_server.messages.image import Gallery
from msp_server.messages.interactive import Interactive
from msp_server.messages.raw import JsonObject


@checked
class ByReference(Interactive):
    """An interactive message that was sent before with `reusable=True`.

    `conversation.sent_before("menu")` makes one. The response names the request of the first.

    Source: MSP API Tutorial, exercise 09.
    """

    #: The `dataRef` that the gateway gave, unchanged.
    data_ref: dict[str, Any]
    _: KW_ONLY
    #: What a device must have to show it; None: every device shows it.
    requires: Capability | None = field(default=None, repr=False)

    @property
    def needs(self) -> Capability | None:
        """What the customer's device must have; None: every device shows it."""
        return self.requires

    def __post_init__(self) -> None:
        """Check that there is something to refer to."""
        if not self.data_ref:
            raise ContentInvalid(
                "is empty",
                field="data_ref",
                limit="give the dataRef of the gateway, unchanged",
                source="MSP API Tutorial, exercise 09",
            )

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give nothing: the gateway keeps it."""
        return {}

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope."""
        return {"interactiveDataRef": self.data_ref}
