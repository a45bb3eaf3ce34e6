import base64
import json
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.image import Image
from msp_server.messages.limits import PNG_MAGIC
from msp_server.messages.rich_link import RichLink, Video

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
JPEG_MAGIC = b"\xff\xd8\xff"
PICTURE = Image(PNG_MAGIC + b"kettle")
BAD_ADDRESSES = [
    "",
    "https:",
    "https://",
    "https:///kettles",
    "shop.example.com",
    "ftp://shop.example.com",
    "javascript:alert(1)",
    " https://shop.example.com",
    "https://shop.example.com/a b",
    "https://shop.example.com\n",
    5,
    None,
]


def link(**changes):
    valid = {"url": "https://shop.example.com", "title": "Our shop", "image": PICTURE}
    return RichLink(**(valid | changes))


def test_to_wire_gives_what_apple_shows():
    sample = json.loads((SAMPLES / "rich_link.json").read_text("utf-8"))
    assets = sample["richLinkData"]["assets"]

    wire = RichLink(
        "https://shop.example.com/kettles/42",
        "Blue kettle",
        Image(base64.b64decode(assets["image"]["data"])),
        video=Video("https://shop.example.com/kettles/42.mp4"),
    ).to_wire()

    assert wire == {"body": sample["body"], "richLinkData": sample["richLinkData"]}


def test_to_wire_leaves_out_a_video_that_there_is_not():
    assert RichLink("https://shop.example.com", "Our shop", PICTURE).to_wire() == {
        "body": "https://shop.example.com",
        "richLinkData": {
            "url": "https://shop.example.com",
            "title": "Our shop",
            "assets": {
                "image": {
                    "data": base64.b64encode(PICTURE.data).decode(),
                    "mimeType": "image/png",
                }
            },
        },
    }


def test_to_wire_tells_a_jpeg_by_its_bytes():
    assets = link(image=Image(JPEG_MAGIC + b"kettle")).to_wire()["richLinkData"]["assets"]

    assert assets["image"]["mimeType"] == "image/jpeg"


def test_type_is_the_word_that_apple_has_for_it():
    assert RichLink.type == "richLink"


@pytest.mark.parametrize(
    "url", ["http://shop.example.com", "HTTPS://shop.example.com", "https://shop.example.com/ü?a#b"]
)
def test_every_web_address_can_be_linked(url):
    assert link(url=url, video=Video(url)).url == url


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_what_is_no_web_address_cannot_be_linked(url):
    with pytest.raises(ContentInvalid) as caught:
        link(url=url)

    assert caught.value.field == "RichLink.url"


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_what_is_no_web_address_is_no_video(url):
    with pytest.raises(ContentInvalid) as caught:
        Video(url)

    assert caught.value.field == "Video.url"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": 5}, "title"),
        ({"image": None}, "image"),
        ({"image": "kettle.png"}, "image"),
        ({"image": Image(b"GIF89a")}, "image.data"),
        ({"image": Image(PNG_MAGIC[:-1])}, "image.data"),
        ({"image": Image(JPEG_MAGIC[:-1])}, "image.data"),
        ({"image": Image(PNG_MAGIC.ljust(200_001))}, "image.data"),
        ({"video": "https://shop.example.com/42.mp4"}, "video"),
    ],
)
def test_a_link_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        link(**changes)

    assert caught.value.field == f"RichLink.{field}"


@pytest.mark.parametrize("mime_type", ["", None, 5])
def test_a_video_has_a_type(mime_type):
    with pytest.raises(ContentInvalid) as caught:
        Video("https://shop.example.com/42.mp4", mime_type)

    assert caught.value.field == "Video.mime_type"


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "https://shop.example.com/".ljust(8192, "a")},
        {"video": Video("https://shop.example.com/".ljust(8192, "a"))},
        {"image": Image(PNG_MAGIC.ljust(200_000))},
    ],
)
def test_a_link_at_the_edge_is_as_vendors_report(changes, require_reported):
    require_reported(link(**changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "https://shop.example.com/".ljust(8193, "a")}, "url"),
        ({"video": Video("https://shop.example.com/".ljust(8193, "a"))}, "video.url"),
        ({"image": Image(JPEG_MAGIC + b"kettle")}, "image.data"),
    ],
)
def test_a_link_beyond_what_vendors_report_is_refused(changes, field, require_reported):
    with pytest.raises(ContentInvalid) as caught:
        require_reported(link(**changes))

    assert caught.value.field == f"RichLink.{field}"
