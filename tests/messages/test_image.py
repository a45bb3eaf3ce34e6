import base64

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.checked import build, require_reported
from msp_server.messages.image import Gallery, Image
from msp_server.messages.limits import PNG_MAGIC

PNG = PNG_MAGIC + b"tea"


def test_an_image_is_made_of_bytes():
    assert Image(PNG).data == PNG


def test_an_image_is_made_of_base64_in_json():
    made = build(Image, {"data": base64.b64encode(PNG).decode(), "description": "a cup"})

    assert made == Image(PNG, description="a cup")


@pytest.mark.parametrize("data", ["?", "é", "iVBORw", "aGVs\nbG8="])
def test_an_image_of_a_text_that_is_no_base64_is_refused(data):
    with pytest.raises(ContentInvalid, match=r"Image\.data is no Base64"):
        Image(data)


@pytest.mark.parametrize("data", [b"", "", None, 5, ["x"]])
def test_an_image_of_no_bytes_is_refused(data):
    with pytest.raises(ContentInvalid, match=r"Image\.data"):
        Image(data)


def test_an_image_does_not_show_its_bytes():
    assert "tea" not in repr(Image(PNG))


def test_what_vendors_report_of_an_image_is_not_checked_when_it_is_made():
    jpeg = Image(b"\xff\xd8\xff")

    with pytest.raises(ContentInvalid, match=r"Image\.data is of another shape"):
        require_reported(jpeg)


def test_a_gallery_has_no_identifier_for_no_image():
    gallery = Gallery()

    assert (gallery.identify(None), gallery.to_wire()) == (None, [])


def test_a_gallery_gives_every_image_an_identifier_of_its_own():
    gallery = Gallery()

    assert [gallery.identify(Image(PNG + each)) for each in (b"1", b"2", b"3")] == ["0", "1", "2"]


def test_a_gallery_has_the_same_image_once():
    gallery = Gallery()

    assert gallery.identify(Image(PNG)) == gallery.identify(Image(bytes(PNG)))
    assert len(gallery.to_wire()) == 1


def test_a_gallery_tells_images_by_their_description_too():
    gallery = Gallery()

    assert gallery.identify(Image(PNG)) != gallery.identify(Image(PNG, description="a cup"))


def test_a_gallery_gives_images_in_base64():
    gallery = Gallery()
    gallery.identify(Image(PNG))
    gallery.identify(Image(PNG, description="a cup"))

    encoded = base64.b64encode(PNG).decode()
    assert gallery.to_wire() == [
        {"identifier": "0", "data": encoded},
        {"identifier": "1", "data": encoded, "description": "a cup"},
    ]


@pytest.mark.parametrize(("size", "fits"), [(3_749_997, True), (3_749_998, False)])
def test_a_gallery_measures_all_images_together_in_base64(size, fits):
    gallery = Gallery()
    gallery.identify(Image(PNG.ljust(900_000, b"x")))
    gallery.identify(Image(PNG.ljust(size - 900_000, b"y")))

    if fits:
        gallery.require_reported()
    else:
        with pytest.raises(ContentInvalid, match="images measure 5000000 bytes; at most 4999999"):
            gallery.require_reported()
