"""Raw interactive data: for what this version does not know yet."""

import json
from collections.abc import Iterator
from dataclasses import KW_ONLY
from typing import Any, Final

from msp_server.errors import ContentInvalid
from msp_server.messages.capability import Capability
from msp_server.messages.checked import checked, set_field
from msp_server.messages.image import Gallery
from msp_server.messages.interactive import AUTHENTICATE, BID, MESSAGE, VERSION, Interactive
from msp_server.messages.raw import JsonObject, object_in, objects_in, present, text_in

_SOURCE: Final = 'MSP REST API, "Type Interactive"'


#: What a device must have for the key that tells a kind. Of sign-in, the new flow.
_NEEDS: Final = {
    "quick-reply": Capability.QUICK,
    "listPicker": Capability.LIST,
    "event": Capability.TIME,
    "dynamic": Capability.FORM,
    "authenticate": Capability.AUTH2,
}


@checked
class RawInteractive(Interactive):
    """`interactiveData` as it is to be sent; `bid`, version and ids are filled in when left out.

    Source: MSP REST API, "Type Interactive".
    """

    data: dict[str, Any]
    _: KW_ONLY

    def __post_init__(self) -> None:
        """Take over its ids, and check that it is JSON and has every picture that is named."""
        inner = object_in(self.data, "data")
        there = {text_in(image, "identifier") for image in objects_in(inner, "images")}
        for name in _named_images(self.data):
            if name not in there:
                raise ContentInvalid(
                    "names a picture that is not there",
                    field="data.data.images",
                    value=name,
                    limit="every imageIdentifier names one of images",
                    source=_SOURCE,
                )
        try:
            json.dumps(self.data, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ContentInvalid("is no JSON", field="data", source=_SOURCE) from error
        request_id = text_in(inner, "requestIdentifier")
        set_field(self, "request_id", request_id or self.request_id)
        set_field(self, "session_id", text_in(self.data, "sessionIdentifier") or self.session_id)

    @property
    def needs(self) -> Capability | None:
        """What the customer's device must have, by the key that tells the kind."""
        inner = object_in(self.data, "data")
        if object_in(object_in(inner, "authenticate"), "oauth2").get("responseEncryptionKey"):
            return Capability.AUTH
        return next((needed for key, needed in _NEEDS.items() if key in inner), None)

    @property
    def endpoint(self) -> str:
        """Which of the gateway's endpoints takes it."""
        return AUTHENTICATE if "authenticate" in object_in(self.data, "data") else MESSAGE

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data`, as it is."""
        return object_in(self.data, "data")

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope."""
        filled = {"bid": BID, **self.data, **present(sessionIdentifier=self.session_id)}
        inner = self.data.get("data")
        if isinstance(inner, dict):
            version = {} if "mspVersion" in inner else {"version": VERSION}
            filled["data"] = version | inner | present(requestIdentifier=self.request_id)
        return {"interactiveData": filled}


def _named_images(value: object) -> Iterator[str]:
    """Give every `imageIdentifier` in a JSON value, however deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            name = each.get("imageIdentifier")
            if isinstance(name, str):
                yield name
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
