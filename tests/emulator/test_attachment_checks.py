from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEY = "00" + "a1" * 32
BYTES = b"twenty encrypted ..."
OTHER_BUSINESS_ID = "0f0e0d0c-0b0a-0908-0706-0504030201ff"

KEYS = ["name", "mimeType", "size", "key", "url", "owner", "signature-base64", "mmcs-url"]
shapes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([KEY, "01" * 21]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner),
)


@pytest.fixture
def attachment(mover):
    place = mover.store(BYTES)
    return {"name": "invoice.pdf", "mimeType": "application/pdf"} | place | {"key": KEY}


@pytest.fixture
def send(sender):
    return lambda *attachments: sender.send(body="See \ufffc", attachments=list(attachments))


def test_attachment_that_was_uploaded_is_accepted(send, attachment, ava):
    assert send(attachment).status_code == 200
    assert ava.transcript()["entries"][0]["fields"]["attachments"] == [attachment]


@pytest.mark.parametrize("attachments", [None, []])
def test_text_without_attachments_is_accepted(sender, attachments):
    assert sender.send(attachments=attachments).status_code == 200


def test_older_names_are_read(send, attachment):
    older = {
        "mimeType": "mime-type",
        "size": "file-size",
        "key": "decryption-key",
        "url": "mmcs-url",
        "owner": "mmcs-owner",
    }

    assert send({older.get(k, k): v for k, v in attachment.items()}).status_code == 200


def test_key_in_upper_case_is_read(send, attachment):
    assert send(attachment | {"key": KEY.upper()}).status_code == 200


@pytest.mark.parametrize("body", ["", "None here", "Two \ufffc \ufffc"])
def test_number_of_places_in_the_body_is_not_checked(sender, attachment, body):
    assert sender.send(body=body, attachments=[attachment]).status_code == 200


def test_one_upload_serves_several_messages(send, attachment):
    assert [send(attachment).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("key", "value", "refused"),
    [
        ("name", None, ("key-missing", "message.attachments[0].name is missing")),
        ("name", "", ("key-empty", "name is empty")),
        ("mimeType", None, ("key-missing", "mimeType is missing")),
        ("mimeType", 7, ("key-type", "mimeType is 7")),
        ("size", None, ("key-missing", "size is missing")),
        ("size", 20, ("attachment-size", 'size is the number 20: write it as a text, "20"')),
        ("size", "19", ("attachment-size", "20 encrypted bytes were uploaded")),
        ("size", "020", ("attachment-size", 'so write "20"')),
        ("size", 20.0, ("key-type", "size is 20.0")),
        ("key", None, ("key-missing", "key is missing")),
        ("key", KEY[2:], ("attachment-key", "00 and 64 hex digits, 66 characters in all")),
        ("key", "oaGh", ("attachment-key", "is no key")),
        ("url", None, ("key-missing", "url is missing")),
        ("url", "https://p54-content.icloud.com/M01.C01USN00", ("file-unknown", "upload the file")),
        ("url", ["x"], ("key-type", "url is ['x']")),
        ("owner", None, ("key-missing", "owner is missing")),
        ("owner", "M01.C01USN00", ("owner-differs", "give the mmcs-owner that came")),
        ("signature-base64", None, ("key-missing", "signature-base64 is missing")),
        ("signature-base64", "?", ("signature-unreadable", "no standard Base64")),
        ("signature-base64", "01" * 21, ("signature-hex", "is hex: send the same bytes in Base64")),
        (
            "signature-base64",
            "AbQOCfSbuu+6pDuhcaZ7UP/42e1P",
            ("signature-differs", "give the fileChecksum of the upload's answer"),
        ),
    ],
)
def test_attachment_with_one_thing_spoiled_is_refused(
    send, attachment, refused_by, key, value, refused
):
    rule, reason = refused_by(send(attachment | {key: value}), 400)

    assert rule == refused[0]
    assert refused[1] in reason


def test_refused_attachment_is_not_on_the_phone(send, attachment, ava):
    send(attachment | {"key": "x"})

    assert ava.transcript()["entries"] == []


def test_second_attachment_is_checked_too(send, attachment, refused_by):
    _, reason = refused_by(send(attachment, attachment | {"key": "x"}), 400)

    assert reason.startswith("message.attachments[1].key is no key")


@pytest.mark.parametrize("attachments", ["x", {}, [7]])
def test_attachments_that_are_no_list_of_objects_are_refused(sender, refused_by, attachments):
    assert refused_by(sender.send(attachments=attachments), 400)[0] == "key-type"


def test_file_of_another_business_is_refused(mover, send, refused_by):
    place = mover.announce(len(BYTES), Source_Id=OTHER_BUSINESS_ID).json()
    said = mover.upload(place["upload-url"], BYTES).json()["singleFile"]
    attachment = {
        "name": "x",
        "mimeType": "text/plain",
        "size": str(len(BYTES)),
        "key": KEY,
        "url": place["mmcs-url"],
        "owner": place["mmcs-owner"],
        "signature-base64": said["fileChecksum"],
    }

    assert refused_by(send(attachment), 400)[0] == "file-business"


def test_attachments_of_other_types_are_let_pass(samples):
    samples.accept("custom_app", {"attachments": []})
    samples.accept("list_picker", {"attachments": [{"id": str(uuid4())}]})


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shape=shapes, key=st.sampled_from(KEYS))
def test_random_shape_is_answered(sender, attachment, ava, shape, key):
    for attachments in (shape, [shape], [attachment | {key: shape}]):
        assert sender.send(attachments=attachments).status_code in {200, 400}
    raw = {"type": "text", "attachments": [attachment | {key: shape}, shape]}
    ava.do("raw", fields=raw)
    (*_, entry) = ava.transcript()["entries"]
    for shown in entry["attachments"]:
        told = sender.web.get(sender.url + shown["url"], timeout=5)
        assert told.status_code in {200, 400, 404}
