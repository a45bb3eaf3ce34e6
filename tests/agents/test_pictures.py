import zlib

import pytest

from msp_server.agents.pictures import APPLE, CARROT, KETTLE, LEMON
from msp_server.messages import limits

PICTURES = {"apple": APPLE, "lemon": LEMON, "carrot": CARROT, "kettle": KETTLE}
each_picture = pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)


def chunks(png):
    """Give type and contents of every chunk of a PNG whose checksums hold."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place = 8
    while place < len(png):
        size = int.from_bytes(png[place : place + 4])
        body = png[place + 4 : place + 8 + size]
        place += 12 + size
        assert zlib.crc32(body) == int.from_bytes(png[place - 4 : place])
        yield body[:4], body[4:]


@each_picture
def test_a_picture_is_a_whole_png(picture):
    kinds = [kind for kind, _ in chunks(picture.data)]

    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")


@each_picture
def test_the_points_of_a_picture_can_be_unpacked(picture):
    packed = b"".join(contents for kind, contents in chunks(picture.data) if kind == b"IDAT")

    assert zlib.decompress(packed)


@each_picture
def test_a_picture_is_a_square(picture):
    _, header = next(chunks(picture.data))

    assert header[:4] == header[4:8]


@each_picture
@pytest.mark.parametrize(
    "limit", [limits.IMAGE, limits.LINK_IMAGE, limits.APP_ICON], ids=["image", "link", "icon"]
)
def test_a_picture_may_be_shown_anywhere(picture, limit):
    limit.check(picture.data, "data")


@each_picture
def test_a_picture_is_described_in_words(picture):
    assert picture.description


def test_no_picture_is_there_twice():
    assert len({picture.data for picture in PICTURES.values()}) == len(PICTURES)
