"""Pictures inside a message: Base64, PNG, sizes, and names that point to them."""

import base64
from collections.abc import Iterator
from typing import TypeAlias

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import Refused, quoted
from msp_server.emulator.content_limits import Limit, Rule
from msp_server.emulator.pieces import Piece, check_unique

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: A place in a message: the place around it and the key in that; written out only when needed.
Place: TypeAlias = "tuple[Place | None, str]"


def check_images(data: Piece) -> None:
    """Refuse `images` with one that cannot be shown, or with too much in all.

    Raises:
        Refused: 400.

    Source: MSP REST API, "Type Interactive"; form and sizes observed.
    """
    if not data.has("images"):
        return
    images = data.pieces("images", may_be_empty=True)
    size = 0
    for image in images:
        image.identifier("identifier")
        image.words_if_any("description")
        size += check_png(image, "data", limits.IMAGE, limits.IMAGE_PNG)
    check_unique(images, "identifier", limits.IMAGE_REPEATED)
    data.check(
        size <= limits.IMAGES.value,
        limits.IMAGES,
        "images",
        f"measures {size:,} bytes in all: keep it to {limits.IMAGES.words}",
    )


def check_image_names(interactive: Piece) -> None:
    """Refuse any `imageIdentifier` that names no entry of `images`.

    Raises:
        Refused: 400.

    Source: MSP API Tutorial, exercise 07.
    """
    names = set(_image_names(interactive.fields.get("data")))
    for place, name in _used_names(interactive.fields, (None, interactive.path)):
        if isinstance(name, str) and name in names:
            continue
        known = ", ".join(map(quoted, sorted(names)[:10])) or "nothing"
        raise Refused(
            400,
            limits.IMAGE_UNKNOWN.name,
            f"{_written(place)}.imageIdentifier is {quoted(name)}: name an entry of data.images, "
            f"which holds {known}",
            limits.IMAGE_UNKNOWN.source,
            limits.IMAGE_UNKNOWN.since,
        )


def check_png(piece: Piece, key: str, limit: Limit, must_be_png: Rule) -> int:
    """Refuse a picture that is no Base64, too large, or no PNG; give its size.

    Raises:
        Refused: 400.
    """
    picture = decode(piece, key)
    check_size(piece, key, picture, limit)
    piece.check(
        picture.startswith(PNG_SIGNATURE),
        must_be_png,
        key,
        "is no PNG picture: convert it to PNG",
    )
    return len(picture)


def check_size(piece: Piece, key: str, picture: bytes, limit: Limit) -> None:
    """Refuse a picture that is too large.

    Raises:
        Refused: 400.
    """
    piece.check(
        len(picture) <= limit.value,
        limit,
        key,
        f"measures {len(picture):,} bytes once decoded: shrink it to {limit.words} at most",
    )


def decode(piece: Piece, key: str) -> bytes:
    """Read what stands under a key in standard Base64.

    Raises:
        Refused: 400, it is something else.
    """
    text = piece.text(key)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        cure = (
            "leave out what stands before the comma"
            if text.startswith("data:")
            else "encode it with the letters + and /, with padding, without line ends"
        )
        raise piece.unfit(limits.BASE64, key, f"is no standard Base64 ({error}): {cure}") from error


def _image_names(data: object) -> Iterator[str]:
    images = data.get("images") if isinstance(data, dict) else None
    for image in images if isinstance(images, list) else []:
        name = image.get("identifier") if isinstance(image, dict) else None
        if isinstance(name, str):
            yield name


def _used_names(value: object, place: Place) -> Iterator[tuple[Place, object]]:
    """Give every `imageIdentifier` inside a value, with the place of what has it."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _used_names(inner, (place, f"[{index}]"))
    if not isinstance(value, dict):
        return
    if value.get("imageIdentifier") is not None:
        yield place, value["imageIdentifier"]
    for key, inner in value.items():
        if isinstance(inner, dict | list):
            yield from _used_names(inner, (place, key))


def _written(place: Place) -> str:
    outer, key = place
    if outer is None:
        return key
    return f"{_written(outer)}{key}" if key.startswith("[") else f"{_written(outer)}.{key[:64]}"
