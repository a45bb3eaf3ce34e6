from pathlib import Path
from uuid import uuid4

import pytest

from msp_server.emulator.checks import Refused
from msp_server.emulator.cipher import decrypt, parse_key
from msp_server.emulator.mmcs import Mmcs
from msp_server.emulator.payloads import unpack_payload
from msp_server.emulator.references import References

INTERACTIVE = {"bid": "a:b:c", "data": {"listPicker": {}}, "receivedMessage": {"title": "Menu"}}


@pytest.fixture
def mmcs(tmp_path: Path):
    mmcs = Mmcs(tmp_path)
    yield mmcs
    mmcs.close()


@pytest.fixture
def references(mmcs):
    return References(mmcs)


def refusal_of(references, business_id, data_ref):
    with pytest.raises(Refused) as caught:
        references.resolve(business_id, data_ref)
    return caught.value.status, caught.value.rule


def test_reference_of_a_reply_leads_to_the_payload(mmcs, references):
    reference = references.make_for_msp("shop", INTERACTIVE, None)

    assert reference["bid"] == "a:b:c"
    with mmcs.open(mmcs.find(reference["url"])) as file:
        payload = b"".join(decrypt([file.read()], parse_key(reference["key"])))
    assert len(payload) == reference["size"]
    assert unpack_payload(payload) == INTERACTIVE


def test_data_ref_has_apples_keys_and_no_key_to_the_bytes(references):
    data_ref = references.make_data_ref("shop", INTERACTIVE)

    assert list(data_ref) == [
        "bid",
        "url",
        "owner",
        "size",
        "signature",
        "signature-base64",
        "title",
        "dataRefSig",
    ]
    assert data_ref["title"] == "Menu"
    assert isinstance(data_ref["size"], int)
    assert data_ref["signature"].isupper()


@pytest.mark.parametrize(
    ("interactive", "title"),
    [
        ({"data": {"quick-reply": {"summaryText": "Was it good?"}}}, "Was it good?"),
        ({"data": {}}, "Business Message"),
    ],
)
def test_data_ref_without_bubble_has_a_title_too(references, interactive, title):
    interactive = {"bid": "a:b:c"} | interactive

    assert references.make_data_ref("shop", interactive)["title"] == title


def test_data_ref_leads_back_to_what_was_sent(references):
    data_ref = references.make_data_ref("shop", INTERACTIVE)

    assert references.resolve("shop", data_ref) == INTERACTIVE
    assert references.resolve("shop", dict(reversed(data_ref.items()))) == INTERACTIVE


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Other"},
        {"bid": "x:y:z"},
        {"size": 1},
        {"key": "00" + "a1" * 32},
        {"dataRefSig": "AS1example/signature+value=="},
        {"dataRefSig": ["x"]},
        {"dataRefSig": "\ud800"},
    ],
)
def test_changed_data_ref_is_refused(references, changes):
    data_ref = references.make_data_ref("shop", INTERACTIVE) | changes

    assert refusal_of(references, "shop", data_ref) == (400, "data-ref-changed")


def test_data_ref_of_another_business_is_refused(references):
    data_ref = references.make_data_ref("shop", INTERACTIVE)

    assert refusal_of(references, "other", data_ref) == (400, "data-ref-gone")


def test_data_ref_whose_payload_is_gone_is_refused(mmcs, references):
    data_ref = references.make_data_ref("shop", INTERACTIVE)
    stored = mmcs.find(data_ref["url"])

    stored.path.unlink()
    assert refusal_of(references, "shop", data_ref) == (400, "data-ref-gone")
    mmcs.clear()
    assert refusal_of(references, "shop", data_ref) == (400, "data-ref-gone")


def test_reference_made_by_the_sender_leads_nowhere_here(references):
    assert references.resolve("shop", {"key": "00" + "a1" * 32}) is None


def send(samples, fields, **headers):
    return samples.send("list_picker", fields, **headers)


def test_gateway_gives_a_data_ref_where_it_is_asked_for(samples):
    answer = send(samples, {}, include_data_ref="true")

    assert answer.status_code == 200
    assert answer.json()["dataRef"]["title"] == "Café menu"
    assert answer.headers["cache-control"] == "no-cache, no-store"


@pytest.mark.parametrize("include", ["false", None])
def test_gateway_answers_nothing_where_it_is_not(samples, include):
    answer = send(samples, {}, include_data_ref=include)

    assert (answer.status_code, answer.content) == (200, b"")


def test_text_has_no_data_ref(sender):
    answer = sender.send(headers={"include-data-ref": "true"})

    assert (answer.status_code, answer.content) == (200, b"")


def test_header_that_says_neither_yes_nor_no_is_refused(samples):
    rule, reason = samples.refuse("list_picker", {}, include_data_ref="True")

    assert rule == "include-data-ref"
    assert "true or false in lower case" in reason


def test_data_ref_shows_the_same_bubble_again_and_can_be_answered(samples):
    data_ref = send(samples, {}, include_data_ref="true").json()["dataRef"]
    by_reference = {"interactiveData": None, "interactiveDataRef": data_ref}

    samples.accept("list_picker", by_reference)

    first, second = samples.ava.transcript()["entries"]
    assert second["fields"]["interactiveData"] == first["fields"]["interactiveData"]
    assert (second["shows"], second["answerable"]) == ("list_picker", True)


def test_data_ref_can_be_had_of_a_message_by_reference(samples):
    data_ref = send(samples, {}, include_data_ref="true").json()["dataRef"]
    by_reference = {"interactiveData": None, "interactiveDataRef": data_ref}

    again = send(samples, by_reference, include_data_ref="true").json()["dataRef"]

    assert send(samples, by_reference | {"interactiveDataRef": again}).status_code == 200


def test_changed_data_ref_is_refused_by_the_gateway(samples):
    data_ref = send(samples, {}, include_data_ref="true").json()["dataRef"]
    samples.reset()

    rule, reason = samples.refuse(
        "list_picker",
        {"interactiveData": None, "interactiveDataRef": data_ref | {"title": str(uuid4())}},
    )

    assert rule == "data-ref-changed"
    assert "every key as it came" in reason


def test_what_the_device_lacks_is_refused_by_reference_too(samples):
    data_ref = send(samples, {}, include_data_ref="true").json()["dataRef"]
    samples.ava.change(device="iphone-2018")

    answer = send(samples, {"interactiveData": None, "interactiveDataRef": data_ref})

    assert answer.status_code == 400
    assert "lacks LIST" in answer.headers["X-Emulator-Reason"]
