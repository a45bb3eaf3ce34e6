import base64

import pytest

LINK = "richLinkData"
IMAGE = f"{LINK}.assets.image"
VIDEO = f"{LINK}.assets.video"
REFERENCE = {
    "bid": "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"
    "com.apple.icloud.apps.messages.business.extension",
    "owner": "MFEDCBA9876543210.C01USN00",
    "url": "https://p54-content.icloud.com/MFEDCBA9876543210.C01USN00",
    "size": 41872,
    "signature": "8100112233445566778899AABBCCDDEEFF00112233",
    "signature-base64": "gQARIjNEVWZ3iJmqu8zd7v8AESIz",
    "title": "Menu",
    "dataRefSig": "AS1example/signature+value==",
}
LINK_REFERENCE = {key: REFERENCE[key] for key in ("owner", "url", "size", "signature-base64")} | {
    "key": "00" + "a1" * 32
}


def make_picture(size, head=b"\x89PNG\r\n\x1a\n"):
    return base64.b64encode(head.ljust(size, b".")).decode()


JPEG = make_picture(64, b"\xff\xd8\xff\xe0")


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({f"{LINK}.url": ...}, "key-missing", "richLinkData.url is missing: add it"),
        ({f"{LINK}.url": "shop.example.com"}, "address-form", "absolute address"),
        (
            {f"{LINK}.url": "https://example.com/" + "x" * 8173},
            "address-length",
            "8,193 bytes",
        ),
        ({f"{LINK}.title": ...}, "key-missing", "title is missing"),
        ({f"{LINK}.title": ""}, "key-empty", "title is empty"),
        ({f"{LINK}.assets": ...}, "key-missing", "assets is missing"),
        ({f"{LINK}.assets": {}}, "link-assets", "so is video: add an image"),
        ({IMAGE: ...}, "link-image", "also beside a video"),
        ({f"{IMAGE}.data": ...}, "key-missing", "image.data is missing"),
        ({f"{IMAGE}.data": "a-_="}, "base64", "no standard Base64"),
        ({f"{IMAGE}.data": make_picture(200_001)}, "link-image-size", "200,001 bytes"),
        ({f"{IMAGE}.mimeType": ...}, "key-missing", "mimeType is missing"),
        ({f"{IMAGE}.mimeType": "image/gif"}, "key-value", "write image/png or image/jpeg"),
        ({f"{IMAGE}.mimeType": "image/jpeg"}, "link-image-png", "write image/png"),
        ({f"{IMAGE}.data": JPEG}, "link-image-png", "convert it to PNG"),
        ({f"{VIDEO}.url": ...}, "key-missing", "video.url is missing"),
        ({f"{VIDEO}.url": "x"}, "address-form", "absolute address"),
        ({f"{VIDEO}.mimeType": "video/ogg"}, "key-value", "write video/mp4"),
    ],
)
def test_rich_link_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("rich_link", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {"body": ...},
        {VIDEO: ...},
        {f"{IMAGE}.data": make_picture(200_000)},
        {f"{LINK}.url": "https://example.com/" + "x" * 8172},
        {f"{LINK}.title": "x" * 1_000},
    ],
)
def test_rich_link_on_the_edge_is_accepted(samples, changes):
    samples.accept("rich_link", changes)


@pytest.mark.parametrize(
    "changes",
    [
        {IMAGE: ...},
        {f"{IMAGE}.mimeType": "image/jpeg", f"{IMAGE}.data": JPEG},
        {f"{LINK}.url": "https://example.com/" + "x" * 10_000},
    ],
)
def test_without_vendor_limits_more_is_accepted(samples, changes):
    samples.set_switches(check_vendor_limits=False)

    samples.accept("rich_link", changes)


def test_picture_over_apples_limit_is_refused_without_vendor_limits(samples):
    samples.set_switches(check_vendor_limits=False)

    rule, _ = samples.refuse("rich_link", {f"{IMAGE}.data": make_picture(200_001)})

    assert rule == "link-image-size"


def test_data_ref_made_by_the_sender_is_accepted(samples):
    reference = REFERENCE | {"dataRefSig": None, "key": "00" + "a1" * 32}

    samples.accept("list_picker", {"interactiveData": None, "interactiveDataRef": reference})


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("bid", None, "key-missing"),
        ("url", None, "key-missing"),
        ("owner", None, "key-missing"),
        ("signature-base64", 7, "key-type"),
        ("title", None, "key-missing"),
        ("size", "41872", "key-type"),
        ("size", 0, "number"),
        ("dataRefSig", None, "data-ref-key"),
    ],
)
def test_data_ref_that_lacks_a_key_is_refused(samples, key, value, rule):
    reference = REFERENCE | {key: value}

    refused, reason = samples.refuse(
        "list_picker", {"interactiveData": None, "interactiveDataRef": reference}
    )

    assert refused == rule
    assert f"interactiveDataRef.{key}" in reason


def test_link_reference_is_accepted(samples):
    samples.accept("rich_link", {"richLinkData": None, "richLinkDataRef": LINK_REFERENCE})


@pytest.mark.parametrize("key", LINK_REFERENCE)
def test_link_reference_that_lacks_a_key_is_refused(samples, key):
    reference = LINK_REFERENCE | {key: None}

    rule, reason = samples.refuse("rich_link", {"richLinkData": None, "richLinkDataRef": reference})

    assert rule == "key-missing"
    assert f"richLinkDataRef.{key}" in reason
