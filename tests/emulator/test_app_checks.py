import base64

import pytest

APP = "interactiveData"
RECEIVED = f"{APP}.receivedMessage"
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0").decode()


def make_icon(size):
    return base64.b64encode(b"\x89PNG\r\n\x1a\n".ljust(size, b".")).decode()


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({f"{APP}.appId": ...}, "app-id", "appId is missing"),
        ({f"{APP}.appId": True}, "app-id", "appId is True"),
        ({f"{APP}.appId": 0}, "app-id", "number in the App Store"),
        ({f"{APP}.appId": "id9876"}, "app-id", "appId is 'id9876'"),
        ({f"{APP}.appName": ...}, "key-missing", "appName is missing"),
        ({f"{APP}.appName": "x" * 201}, "text-length", "appName measures 201"),
        ({f"{APP}.URL": ..., f"{APP}.url": "?a=b"}, "key-missing", "rename url to URL"),
        ({f"{APP}.URL": "https://example.com/?a=b"}, "app-url-form", "begins with ?"),
        ({f"{APP}.URL": "?city=Zürich"}, "app-url-form", "percent-encoded once"),
        ({f"{APP}.URL": "?a b"}, "app-url-form", "percent-encoded once"),
        ({f"{APP}.URL": "?a=%2"}, "app-url-form", "percent-encoded once"),
        ({f"{APP}.URL": "?" + "x" * 65_536}, "app-url-length", "measures 65,537 bytes"),
        ({f"{APP}.appIcon": "a-_="}, "base64", "no standard Base64"),
        ({f"{APP}.appIcon": make_icon(15_360)}, "app-icon-size", "15,360 bytes"),
        ({f"{APP}.appIcon": JPEG}, "app-icon-png", "convert it to PNG"),
        ({RECEIVED: ...}, "key-missing", "receivedMessage is missing"),
        ({f"{RECEIVED}.title": ...}, "key-missing", "receivedMessage.title is missing"),
        ({f"{RECEIVED}.imageTitle": "x" * 201}, "text-length", "imageTitle measures 201"),
        ({f"{APP}.replyMessage": {"subtitle": "x"}}, "key-missing", "replyMessage.title"),
        ({f"{APP}.useLiveLayout": 1}, "key-type", "useLiveLayout is 1"),
    ],
)
def test_app_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("custom_app", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {f"{APP}.appId": "987654321"},
        {f"{APP}.appIcon": ...},
        {f"{APP}.appIcon": make_icon(15_359)},
        {f"{APP}.URL": "?" + "x" * 65_535},
        {f"{APP}.URL": "?"},
        {f"{APP}.appName": "x" * 200},
        {f"{APP}.replyMessage": {"title": "Delivered"}},
        {f"{APP}.data": {"anything": "is not looked at"}},
        {f"{APP}.sessionIdentifier": ..., f"{APP}.useLiveLayout": ...},
    ],
)
def test_app_on_the_edge_is_accepted(samples, changes):
    samples.accept("custom_app", changes)


@pytest.mark.parametrize("icon", [make_icon(15_360), JPEG])
def test_icon_may_be_anything_without_vendor_limits(samples, icon):
    samples.set_switches(check_vendor_limits=False)

    samples.accept("custom_app", {f"{APP}.appIcon": icon})


def test_address_over_apples_limit_is_refused_without_vendor_limits(samples):
    samples.set_switches(check_vendor_limits=False)

    rule, _ = samples.refuse("custom_app", {f"{APP}.URL": "?" + "x" * 65_536})

    assert rule == "app-url-length"


def test_app_is_shown_by_every_device(samples):
    samples.sender.web.patch(
        f"{samples.emulator.url}/customers/ava", json={"capabilities": []}, timeout=5
    )

    samples.accept("custom_app")
