"""Pictures: named once, wherever in a message they are shown."""

import base64
import binascii
from dataclasses import KW_ONLY, field
from typing import Annotated, Any

from pydantic import BeforeValidator

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.checked import checked
from msp_server.messages.raw import JsonObject, present


def _decode(value: Any) -> Any:  # noqa: ANN401 - whatever was given
    """Decode Base64, which stands for bytes in JSON."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ContentInvalid("is no Base64") from error


#: Bytes; in JSON, Base64.
Data = Annotated[bytes, BeforeValidator(_decode)]


@checked
class Image:
    """A picture, as the bytes of its file: `Image(Path("tea.png").read_bytes())`.

    Source: MSP API Tutorial, exercise 07; the description: observed.
    """

    data: Annotated[Data, limits.NOT_EMPTY, limits.IMAGE] = field(repr=False)
    _: KW_ONLY
    #: What it shows, in words, for who cannot see it.
    description: Annotated[str, limits.SHOWN_TEXT] | None = None


class Gallery:
    """The pictures of one message, each under an identifier of its own."""

    def __init__(self) -> None:
        self._images: dict[Image, str] = {}

    def identify(self, image: Image | None) -> str | None:
        """Take a picture in, and give its identifier; the same for the same picture."""
        if image is None:
            return None
        return self._images.setdefault(image, str(len(self._images)))

    def to_wire(self) -> list[JsonObject]:
        """Give `images`.

        Source: MSP API Tutorial, exercise 07.
        """
        return [
            {
                "identifier": identifier,
                "data": base64.b64encode(image.data).decode(),
                **present(description=image.description),
            }
            for image, identifier in self._images.items()
        ]

    def require_reported(self) -> None:
        """Check what vendors report of all pictures together.

        Raises:
            ContentInvalid: they measure too much.
        """
        size = sum(len(image["data"]) for image in self.to_wire())
        if size > limits.IMAGES_BYTES:
            raise ContentInvalid(
                f"measure {size} bytes",
                field="images",
                limit=f"at most {limits.IMAGES_BYTES} are allowed",
                source=limits.IMAGES_SOURCE,
            )
