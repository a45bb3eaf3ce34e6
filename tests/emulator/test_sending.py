from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest


def test_text_reaches_the_msp_as_typing_and_then_text(ava, msp, settings):
    answer = ava.do("text", body="Grüße 👋")

    first, second = msp.next(), msp.next()
    assert (first.fields["type"], second.fields["type"]) == ("typing_start", "text")
    assert answer.status_code == 200
    assert answer.json()["status"] == 200
    assert answer.json()["error"] is None
    assert answer.json()["id"] == second.fields["id"] == second.headers["id"]
    assert UUID(second.fields["id"]).version == 4
    assert second.fields == {
        "type": "text",
        "id": answer.json()["id"],
        "v": 1,
        "sourceId": ava.profile()["id"],
        "destinationId": settings.business_ids[0],
        "locale": "en_US",
        "body": "Grüße 👋",
    }


def test_raw_lays_fields_over_the_envelope_and_takes_nulls_out(ava, msp):
    answer = ava.do("raw", fields={"type": "poem", "locale": None, "id": "the-same", "x": [1]})

    received = msp.next()
    assert answer.json()["id"] == "the-same"
    assert received.fields["type"] == "poem"
    assert received.fields["x"] == [1]
    assert "locale" not in received.fields
    assert received.headers["id"] == "the-same"


def test_raw_replaces_and_removes_headers(ava, msp):
    ava.do("raw", fields={"type": "text"}, headers={"Authorization": None, "ID": "other"})

    received = msp.next()
    assert "authorization" not in received.headers
    assert received.headers["id"] == "other"


def test_messages_of_one_customer_go_out_in_the_order_of_the_phone(ava, msp):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ava.do("text", body=str(n)), range(16)))

    sent = [msp.next().fields for _ in range(32)]
    shown = [entry["id"] for entry in ava.transcript()["entries"]]
    assert [fields["id"] for fields in sent] == shown
    assert [fields["type"] for fields in sent] == ["typing_start", "text"] * 16


def test_half_a_surrogate_pair_travels(ava, msp):
    assert ava.do("raw", fields={"type": "text", "body": "\ud800"}).status_code == 200
    assert msp.next().fields["body"] == "\ud800"
    assert ava.transcript()["entries"][0]["body"] == "\ud800"


LARGE = "x" * 10_300


@pytest.fixture
def choose(offer, interactive, ava, msp):
    """Offer a list, choose in it, and give the fields that reach the MSP."""

    def do(note="", **headers):
        sections = [{"title": "S", "items": [{"identifier": "tea", "title": "Tea", "note": note}]}]
        offer(interactive({"listPicker": {"sections": sections}}))
        assert ava.do("choose", titles=["Tea"]).status_code == 200
        return msp.next().fields

    return do


def test_large_reply_comes_by_reference_that_leads_to_the_same(choose, mover, ava):
    fields = choose(LARGE)

    assert "interactiveData" not in fields
    reference = fields["interactiveDataRef"]
    assert sorted(reference) == sorted(
        ["bid", "url", "owner", "key", "signature", "signature-base64", "size"]
    )
    assert reference["key"] == reference["key"].lower()
    assert reference["signature"] == reference["signature"].lower()
    payload = mover.read(reference)
    assert (len(payload), payload[:2]) == (reference["size"], b"\x1f\x8b")
    told = mover.decode(payload, bid=reference["bid"]).json()
    assert told["data"]["listPicker"]["sections"][0]["items"][0]["note"] == LARGE
    assert ava.transcript()["entries"][-1]["fields"]["interactiveData"] == told


@pytest.mark.parametrize(
    ("position", "note", "keys"),
    [
        ("reference", "", {"interactiveData"}),
        ("reference", LARGE, {"interactiveDataRef"}),
        ("both", "", {"interactiveData"}),
        ("both", LARGE, {"interactiveData", "interactiveDataRef"}),
        ("inline", LARGE, {"interactiveData"}),
        ("always", "", {"interactiveDataRef"}),
    ],
)
def test_switch_says_what_goes_by_reference(choose, set_switches, position, note, keys):
    set_switches(reference_reply=position)

    fields = choose(note)

    assert {key for key in fields if key.startswith("interactive")} == keys


def test_second_of_two_taps_has_the_same_reference(choose, set_switches, msp):
    set_switches(reference_reply="always", duplicate_tap=True)

    first = choose()
    second = msp.next().fields

    assert first.pop("id") != second.pop("id")
    assert first == second


def test_answer_of_an_app_goes_by_reference_too(ava, answered, put_on_phone, mover, set_switches):
    set_switches(reference_reply="always")
    bid = "com.apple.messages.MSMessageExtensionBalloonPlugin:ABCDE12345:com.example.app"
    put_on_phone({"type": "interactive", "interactiveData": {"bid": bid, "URL": "?a=1"}})

    reference = answered("open_app", url="?a=2")["interactiveDataRef"]

    told = mover.decode(mover.read(reference), bid=bid).json()
    assert (told["bid"], told["URL"]) == (bid, "?a=2")


@pytest.mark.parametrize(("do", "spoiled"), [("wrong_key", True), ("wrong_size", False)])
def test_fault_spoils_the_reference_of_a_reply(choose, order_fault, mover, do, spoiled):
    order_fault(do, type="interactive")

    reference = choose(LARGE)["interactiveDataRef"]

    payload = mover.read(reference)
    assert (mover.decode(payload).status_code == 400) is spoiled
    assert (reference["size"] == len(payload)) is spoiled


def test_fault_of_texts_leaves_references_alone(choose, order_fault, mover):
    order_fault("wrong_key", type="text")

    assert mover.decode(mover.read(choose(LARGE)["interactiveDataRef"])).status_code == 200


def test_reply_that_finds_no_room_is_told(emulator, choose, monkeypatch, ava):
    choose(LARGE)
    monkeypatch.setattr(emulator._parts.mmcs, "_limit_bytes", 10)

    answer = ava.do("choose", titles=["Tea"])

    assert answer.status_code == 507


@pytest.mark.parametrize(
    ("deed", "fields"),
    [
        ("text", {"body": "Hello"}),
        ("typing", {"state": "end"}),
        ("close", {}),
        ("raw", {"fields": {"type": "text", "body": "x"}}),
        ("raw", {"fields": {"type": "text"}, "headers": {"X-Other": "7", "id": None}}),
        ("files", {"make": [{"name": "a", "type": "image/png", "size": 7}]}),
        ("files", {"body": "See", "make": [{"name": "a", "type": "a/b", "size": 7}] * 2}),
    ],
)
def test_file_tells_what_was_done(ava, deed, fields):
    assert ava.do(deed, **fields).status_code == 200

    (done,) = ava.saved()

    assert (done["does"], done["with"]) == (deed, fields)
