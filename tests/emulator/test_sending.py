from concurrent.futures import ThreadPoolExecutor
from uuid import UUID


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
