"""Rich links: a web address with a title and a picture."""

import base64
import re
from dataclasses import KW_ONLY
from typing import Annotated, ClassVar, Final

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.checked import checked
from msp_server.messages.image import Image
from msp_server.messages.limits import PNG_MAGIC
from msp_server.messages.raw import JsonObject

_JPEG_MAGIC: Final = b"\xff\xd8\xff"
_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
_SOURCE: Final = 'MSP REST API, "Type Rich Link"'


@checked
class Video:
    """A video that a rich link plays.

    Source: MSP REST API, "Type Rich Link".
    """

    url: Annotated[str, limits.REQUIRED, limits.URL]
    mime_type: Annotated[str, limits.REQUIRED] = "video/mp4"

    def __post_init__(self) -> None:
        """Check the address."""
        _require_web_address(self.url)


@checked
class RichLink:
    """A web address, shown as a card with a title and a picture, perhaps a video.

    Source: MSP REST API, "Type Rich Link". That the picture is needed: observed.
    """

    type: ClassVar = "richLink"

    url: Annotated[str, limits.REQUIRED, limits.URL]
    title: Annotated[str, limits.REQUIRED]
    #: PNG or JPEG; since 2026-08-21 a vendor reports that PNG alone is taken.
    image: Image
    _: KW_ONLY
    video: Video | None = None

    def __post_init__(self) -> None:
        """Check the address, and the picture, which may measure less than in a list picker."""
        _require_web_address(self.url)
        limits.LINK_IMAGE.check(self.image.data, "image.data")
        _mime_type(self.image)

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope."""
        assets: JsonObject = {
            "image": {
                "data": base64.b64encode(self.image.data).decode(),
                "mimeType": _mime_type(self.image),
            }
        }
        if self.video is not None:
            assets["video"] = {"url": self.video.url, "mimeType": self.video.mime_type}
        return {
            "body": self.url,
            "richLinkData": {"url": self.url, "title": self.title, "assets": assets},
        }


def _require_web_address(url: str) -> None:
    if not _WEB_ADDRESS.fullmatch(url):
        raise ContentInvalid(
            "is no web address",
            field="url",
            value=url,
            limit="it has to begin with https://, and to have no space in it",
            source=_SOURCE,
        )


def _mime_type(image: Image) -> str:
    """Tell what a picture is by its first bytes."""
    if image.data.startswith(PNG_MAGIC):
        return "image/png"
    if image.data.startswith(_JPEG_MAGIC):
        return "image/jpeg"
    raise ContentInvalid(
        "is neither PNG nor JPEG",
        field="image.data",
        limit="a rich link's picture has to be one of them",
        source=_SOURCE,
    )
