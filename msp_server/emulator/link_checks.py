"""Rich links, and references to content that lies elsewhere."""

from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.image_checks import PNG_SIGNATURE, check_size, decode
from msp_server.emulator.pieces import Piece

#: Source: MSP REST API, sample of a rich link.
_PICTURE_TYPES: Final = ("image/png", "image/jpeg")
_VIDEO_TYPES: Final = ("video/mp4",)


def check_rich_link(link: Piece) -> None:
    """Refuse a rich link without address, title or picture.

    Raises:
        Refused: 400.

    Source: MSP REST API, "Type Rich Link"; the form of the picture observed.
    """
    link.address("url")
    link.text("title")
    assets = link.piece("assets")
    image, video = assets.piece_if_any("image"), assets.piece_if_any("video")
    if image is None and video is None:
        raise assets.refused(
            limits.LINK_ASSETS, "image", "is missing, and so is video: add an image"
        )
    assets.check(
        image is not None,
        limits.LINK_IMAGE_NEEDED,
        "image",
        "is missing: add one, also beside a video",
    )
    if image:
        _check_picture(image)
    if video:
        video.address("url")
        video.choice("mimeType", _VIDEO_TYPES)


def check_data_ref(reference: Piece) -> None:
    """Refuse a reference to interactive data that lacks a key.

    Raises:
        Refused: 400.

    Source: MSP API Tutorial, exercise 08; one made by the sender itself: observed.
    """
    _check_reference(reference)
    reference.text("bid")
    reference.text("title")
    if not (reference.has("dataRefSig") or reference.has("key")):
        raise reference.refused(
            limits.DATA_REF_KEY,
            "dataRefSig",
            "is missing, and so is key: send the whole dataRef that the gateway gave",
        )


def check_link_ref(reference: Piece) -> None:
    """Refuse a reference to a rich link that lacks a key.

    Raises:
        Refused: 400.

    Source: observed.
    """
    _check_reference(reference)
    reference.text("key")


def _check_reference(reference: Piece) -> None:
    for key in ("url", "owner", "signature-base64"):
        reference.text(key)
    reference.number("size", 1)


def _check_picture(image: Piece) -> None:
    picture = decode(image, "data")
    check_size(image, "data", picture, limits.LINK_IMAGE)
    image.check(
        image.choice("mimeType", _PICTURE_TYPES) == "image/png",
        limits.LINK_IMAGE_PNG,
        "mimeType",
        "is image/jpeg: convert the picture to PNG and write image/png",
    )
    image.check(
        picture.startswith(PNG_SIGNATURE),
        limits.LINK_IMAGE_PNG,
        "data",
        "is no PNG picture: convert it to PNG",
    )
