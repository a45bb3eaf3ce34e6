import base64

import pytest

from msp_server.emulator.checks import Refused
from msp_server.emulator.image_checks import check_images
from msp_server.emulator.pieces import Piece

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff\xe0"
IMAGES = "interactiveData.data.images"


def encode(picture):
    return base64.b64encode(picture).decode()


def make_png(size):
    return encode(PNG.ljust(size, b"."))


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({IMAGES: {}}, "key-type", "images is {}"),
        ({IMAGES: ["x"]}, "key-type", "images[0] is 'x'"),
        ({f"{IMAGES}.0.identifier": ...}, "key-missing", "images[0].identifier is missing"),
        ({f"{IMAGES}.0.identifier": 7}, "key-type", "images[0].identifier is 7"),
        ({f"{IMAGES}.1.identifier": "tea-cup"}, "image-repeated", "'tea-cup' as in"),
        ({f"{IMAGES}.0.data": ...}, "key-missing", "images[0].data is missing"),
        ({f"{IMAGES}.0.data": ""}, "key-empty", "images[0].data is empty"),
        ({f"{IMAGES}.0.data": "a-_="}, "base64", "no standard Base64"),
        ({f"{IMAGES}.0.data": "iVBORw0KGgo"}, "base64", "padding"),
        ({f"{IMAGES}.0.data": "iVBO\nRw0KGgo="}, "base64", "without line ends"),
        ({f"{IMAGES}.0.data": "é"}, "base64", "no standard Base64"),
        ({f"{IMAGES}.0.data": "iVBORw0KGgo=iVBO"}, "base64", "no standard Base64"),
        ({f"{IMAGES}.0.data": "data:image/png;base64,iVBORw0KGgo="}, "base64", "before the comma"),
        ({f"{IMAGES}.0.data": encode(JPEG)}, "image-png", "convert it to PNG"),
        ({f"{IMAGES}.0.data": make_png(200_001)}, "image-size", "200,001 bytes"),
        ({f"{IMAGES}.0.description": "x" * 201}, "text-length", "description measures 201"),
        ({f"{IMAGES}.0.description": 7}, "key-type", "description is 7"),
        ({IMAGES: ...}, "image-unknown", "which holds nothing"),
        ({f"{IMAGES}.0.identifier": "other"}, "image-unknown", "'tea-cup'"),
        ({"interactiveData.receivedMessage.imageIdentifier": ""}, "image-unknown", "receivedMess"),
        ({"interactiveData.receivedMessage.imageIdentifier": "x"}, "image-unknown", "is 'x'"),
        ({"interactiveData.replyMessage.imageIdentifier": "x"}, "image-unknown", "replyMessage"),
    ],
)
def test_image_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("list_picker", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    ("kind", "path", "place"),
    [
        ("list_picker", "listPicker.sections.1.items.0", "listPicker.sections[1].items[0]"),
        ("time_picker", "event", "data.event"),
        ("form", "dynamic.data.splash", "dynamic.data.splash"),
        ("form", "dynamic.data.pages.0.items.0", "pages[0].items[0]"),
    ],
)
def test_image_name_anywhere_needs_its_image(samples, kind, path, place):
    changes = {f"interactiveData.data.{path}.imageIdentifier": "nobody"}

    rule, reason = samples.refuse(kind, changes)

    assert rule == "image-unknown"
    assert f"{place}.imageIdentifier is 'nobody'" in reason


@pytest.mark.parametrize(
    "changes",
    [
        {f"{IMAGES}.0.data": make_png(200_000)},
        {f"{IMAGES}.0.description": "x" * 200},
        {f"{IMAGES}.0.identifier": "tea-cup", f"{IMAGES}.1.description": ""},
    ],
)
def test_image_on_the_edge_is_accepted(samples, changes):
    samples.accept("list_picker", changes)


@pytest.mark.parametrize("picture", [encode(JPEG), make_png(200_001)])
def test_image_may_be_anything_without_vendor_limits(samples, picture):
    samples.set_switches(check_vendor_limits=False)

    samples.accept("list_picker", {f"{IMAGES}.0.data": picture})


def test_empty_list_of_images_is_accepted(samples):
    samples.accept("quick_reply", {"interactiveData.data.images": []})


@pytest.mark.parametrize(("total", "fits"), [(4_999_999, True), (5_000_000, False)])
def test_images_have_a_limit_together(total, fits):
    # More than a request of 5 MiB can carry; what is sent by reference can be as large.
    sizes = [200_000] * 24 + [total - 24 * 200_000]
    images = [{"identifier": str(n), "data": make_png(size)} for n, size in enumerate(sizes)]
    data = Piece({"images": images}, "data", "a page", vendor_limits=True)

    if fits:
        check_images(data)
    else:
        with pytest.raises(Refused, match="5,000,000 bytes in all"):
            check_images(data)


def test_place_of_a_wrong_name_is_not_endless(samples):
    rule, reason = samples.refuse(
        "quick_reply", {"interactiveData.data." + "k" * 1_000: {"imageIdentifier": "x" * 1_000}}
    )

    assert rule == "image-unknown"
    assert len(reason) < 500
