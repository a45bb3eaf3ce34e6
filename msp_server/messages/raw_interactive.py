"""Raw interactive data: for what this version does not know yet."""

from collections.abc import Iterator
from dataclasses import KW_ONLY
from typing import Any

from msp_server.errors import ContentInvalid
from msp_server.messages.checked import checked
from msp_server.messages.image import Gallery
from msp_server.messages.interactive import BID, VERSION, Interactive
from msp_server.messages.raw import JsonObject, object_in, objects_in, text_in

_SOURCE = 'MSP REST API, "Type Interactive"'


@checked
class RawInteractive(Interactive):
    """`interactiveData` as it is to be sent; `bid`, version and ids are filled in when left out.

    Source: MSP REST API, "Type Interactive".
    """

    data: dict[str, Any]
    _: KW_ONLY

    def __post_init__(self) -> None:
        """Check that every picture that is named is there."""
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

    @property
    def answer_key(self) -> str | None:
        """What a response names to say which message it answers."""
        return text_in(object_in(self.data, "data"), "requestIdentifier") or self.request_id

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data`, as it is."""
        return object_in(self.data, "data")

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope."""
        filled = {"bid": BID, "sessionIdentifier": self.session_id, **self.data}
        if isinstance(self.data.get("data"), dict):
            version = {} if "mspVersion" in self.data["data"] else {"version": VERSION}
            filled["data"] = {**version, "requestIdentifier": self.request_id, **self.data["data"]}
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
