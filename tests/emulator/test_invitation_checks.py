import base64

import pytest

NOTIFICATION = "interactiveData.data.notification"
PARAMETERS = f"{NOTIFICATION}.parameters"


def make_logo(size, head=b"\x89PNG\r\n\x1a\n"):
    return base64.b64encode(head.ljust(size, b".")).decode()


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({f"{NOTIFICATION}.templateId": ...}, "key-missing", "templateId is missing"),
        ({f"{NOTIFICATION}.referenceId": ...}, "key-missing", "referenceId is missing"),
        ({f"{NOTIFICATION}.referenceId": ""}, "key-empty", "referenceId is empty"),
        ({f"{NOTIFICATION}.referenceId": "x" * 1_001}, "reference-id-length", "1,001"),
        ({f"{NOTIFICATION}.referenceId": 'a"b'}, "reference-id-quotes", "take out quotes"),
        ({f"{NOTIFICATION}.referenceId": "a'b"}, "reference-id-quotes", "apostrophes"),
        ({f"{NOTIFICATION}.referenceId": "a\u2019b"}, "reference-id-quotes", "apostrophes"),
        ({f"{NOTIFICATION}.locale": ...}, "key-missing", "locale is missing"),
        ({PARAMETERS: ...}, "key-missing", "parameters is missing"),
        ({f"{PARAMETERS}.brandName": ...}, "key-missing", "brandName is missing"),
        ({f"{PARAMETERS}.brandName": ""}, "key-empty", "brandName is empty"),
        ({f"{PARAMETERS}.brandName": "x" * 256}, "brand-name-length", "256"),
        ({f"{PARAMETERS}.brandLogo": ...}, "brand-logo", "brandLogo is missing"),
        (
            {f"{NOTIFICATION}.templateId": "binaryChoice.engage.noImage"},
            "brand-logo",
            "leave it out",
        ),
        ({f"{PARAMETERS}.brandLogo": "a-_="}, "base64", "no standard Base64"),
        ({f"{PARAMETERS}.brandLogo": make_logo(200_001)}, "image-size", "200,001 bytes"),
        ({f"{PARAMETERS}.brandLogo": make_logo(9, b"GIF89a")}, "image-png", "convert it"),
    ],
)
def test_invitation_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("invitation", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {f"{NOTIFICATION}.referenceId": "x" * 1_000},
        {f"{PARAMETERS}.brandName": "x" * 255},
        {f"{PARAMETERS}.brandLogo": make_logo(200_000)},
        {
            f"{NOTIFICATION}.templateId": "binaryChoice.engage.noImage",
            f"{PARAMETERS}.brandLogo": ...,
        },
        {f"{NOTIFICATION}.templateId": "a.template.to.come"},
    ],
)
def test_invitation_on_the_edge_is_accepted(samples, changes):
    samples.accept("invitation", changes)


@pytest.mark.parametrize(
    "changes",
    [
        {f"{NOTIFICATION}.referenceId": "x" * 1_001},
        {f"{NOTIFICATION}.referenceId": "a'b"},
        {f"{PARAMETERS}.brandName": "x" * 256},
        {f"{PARAMETERS}.brandLogo": make_logo(200_001)},
    ],
)
def test_without_vendor_limits_more_is_accepted(samples, changes):
    samples.set_switches(check_vendor_limits=False)

    samples.accept("invitation", changes)


@pytest.mark.parametrize("message_type", [None, "Notification", "text"])
def test_invitation_without_its_header_is_refused(samples, message_type):
    rule, reason = samples.refuse("invitation", {}, message_type=message_type)

    assert rule == "invitation-header"
    assert "goes out with notification" in reason


def test_header_of_an_invitation_on_something_else_is_refused(samples):
    rule, reason = samples.refuse("list_picker", {}, message_type="notification")

    assert rule == "invitation-header"
    assert "leave the header out" in reason


@pytest.mark.parametrize("number", ["tel:5551234567", "tel:+1", "tel:+0123456789", "tel:+1555x"])
def test_invitation_to_what_is_no_number_is_refused(samples, number):
    assert samples.refuse("invitation", {"destinationId": number})[0] == "invitation-address"


def test_invitation_to_an_opaque_id_is_refused(samples):
    customer_id = samples.sender.customer_id

    rule, reason = samples.refuse("invitation", {"destinationId": customer_id})

    assert rule == "invitation-address"
    assert "goes to a number" in reason


@pytest.mark.parametrize("kind", ["list_picker", "rich_link", "custom_app"])
def test_anything_else_to_a_number_is_refused(samples, kind):
    number = samples.ava.profile()["phone_number"]

    rule, reason = samples.refuse(kind, {"destinationId": number})

    assert rule == "number-address"
    assert "only an invitation" in reason


def test_text_to_a_number_is_refused(samples):
    answer = samples.sender.send(destinationId=samples.ava.profile()["phone_number"])

    assert answer.status_code == 400
    assert "only an invitation" in answer.headers["X-Emulator-Reason"]
