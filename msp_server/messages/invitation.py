"""Invitations: asking the owner of a telephone number to talk to the business in Messages."""

import base64
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Final, Self

from msp_server.messages import limits
from msp_server.messages.checked import checked
from msp_server.messages.image import Gallery, Image
from msp_server.messages.interactive import Interactive, Response, frame
from msp_server.messages.raw import JsonObject, object_in, text_in

#: The header that marks an invitation. Source: observed.
MESSAGE_TYPE: Final = "notification"

_WITH_LOGO: Final = "binaryChoice.engage.withImage"
_WITHOUT_LOGO: Final = "binaryChoice.engage.noImage"


@checked
class Invitation(Interactive):
    """Invites the owner of a telephone number (`tel:+…`); the answer comes from an opaque ID.

    Source: observed.
    """

    brand: Annotated[str, limits.REQUIRED, limits.BRAND]
    #: Names the invitation in its answer, such as `order-10442`.
    reference: Annotated[str, limits.REQUIRED, limits.REFERENCE]
    _: KW_ONLY
    logo: Image | None = None
    locale: Annotated[str, limits.REQUIRED] = "en-us"

    @property
    def answer_key(self) -> str | None:
        """What a response names to say which message it answers."""
        return self.reference

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone."""
        parameters = {"brandName": self.brand}
        if self.logo is not None:
            parameters["brandLogo"] = base64.b64encode(self.logo.data).decode()
        return {
            "notification": {
                "templateId": _WITH_LOGO if self.logo else _WITHOUT_LOGO,
                "referenceId": self.reference,
                "locale": self.locale,
                "parameters": parameters,
            }
        }

    def bubbles(self, gallery: Gallery) -> JsonObject:
        """Give no bubbles: Apple's template has its own."""
        return {"useLiveLayout": True}


@dataclass(frozen=True, kw_only=True)
class InvitationResponse(Response):
    """Somebody accepted or refused an invitation. Who refused is not to be invited again."""

    accepted: bool
    #: The references of the invitations that this answers.
    references: tuple[str, ...]
    #: Whether the owner of the number is not to be written to any more.
    closes: bool = False

    @property
    def answer_key(self) -> str | None:
        """What it names to say which message it answers."""
        return next(iter(self.references), None)

    @property
    def selection(self) -> object:
        """What was decided, as a value that JSON can hold."""
        return [self.accepted, *self.references]

    @classmethod
    def parse(cls, raw: JsonObject) -> Self | None:
        """Read an acceptance, or give None when its shape is not known.

        Source: observed.
        """
        data = object_in(object_in(raw, "interactiveData"), "data")
        notification = object_in(data, "notification")
        if not notification:
            return None
        reference = text_in(data, "referenceId") or text_in(notification, "referenceId")
        return cls(
            accepted=text_in(notification, "id") == "yes",
            references=(reference,) if reference else (),
            **frame(raw),
        )

    @classmethod
    def parse_refusal(cls, raw: JsonObject) -> Self | None:
        """Read a `close` that answers an invitation, or give None when it is another.

        Source: observed.
        """
        references = raw.get("referenceIds")
        if not isinstance(references, list) or not references:
            return None
        named = tuple(each for each in references if isinstance(each, str) and each)
        return cls(accepted=False, references=named, closes=True, raw=raw)
