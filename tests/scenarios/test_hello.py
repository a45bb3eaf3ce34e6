"""A customer writes, and the agent answers."""

import json
import time


def test_customer_who_writes_gets_the_agents_answer(apple, msp):
    apple.phone().text("hello")

    assert apple.phone().wait_for_bodies(1) == ["hello"]


def test_answer_waits_for_no_poll(apple, start_msp, monkeypatch):
    monkeypatch.setattr("msp_server.app.POLL_S", 1000)

    with start_msp():
        apple.phone().text("hello")

        assert apple.phone().wait_for_bodies(1) == ["hello"]


def test_typing_alone_gets_no_answer(apple, msp):
    apple.phone().typing("start")
    apple.phone().typing("end")
    apple.phone().text("hello")

    assert apple.phone().wait_for_bodies(1) == ["hello"]


def test_answer_is_signed_addressed_and_shaped_as_apple_has_it(apple, msp):
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    (sent,) = apple.sends()

    headers = {name.lower(): value for name, value in sent["headers"].items()}
    fields = sent["fields"]
    customer_id = apple.phone().id
    assert sent["jwt"]["header"] == {"alg": "HS256", "typ": "JWT"}
    assert sent["jwt"]["claims"].keys() == {"iss", "iat"}
    assert sent["jwt"]["claims"]["iss"] == msp.settings.msp_id
    assert abs(sent["jwt"]["claims"]["iat"] - time.time()) < 60
    assert fields == {
        "v": 1,
        "type": "text",
        "id": headers["id"],
        "sourceId": msp.settings.business_ids[0],
        "destinationId": customer_id,
        "body": "hello",
    }
    assert headers["source-id"] == msp.settings.business_ids[0]
    assert headers["destination-id"] == customer_id
    assert headers["content-type"] == "application/json"
    assert headers["auto-reply"] == "true"
    assert headers["msp-agent"].startswith("msp-server/")
    assert "content-encoding" not in headers
    assert sent["status"] == 200


def test_several_customers_are_answered_each_in_order(apple, msp):
    phones = [apple.phone(name) for name in ("ava", "ben", "cleo")]

    for number in range(5):
        for phone in phones:
            phone.text(f"{phone.name} {number}")

    for phone in phones:
        assert phone.wait_for_bodies(5) == [f"{phone.name} {number}" for number in range(5)]


def test_words_of_every_script_come_back_unchanged(apple, msp):
    words = "Grüße 👋 — שלום, 你好 \u0000 \ufffc e\u0301"

    apple.phone().text(words)

    assert apple.phone().wait_for_bodies(1) == [words]


def test_unknown_type_is_acknowledged_and_kept_as_it_came(apple, msp):
    receipt = apple.phone().raw({"type": "hologram", "depth": [1, 2, 3]})

    (kept,) = msp.store.history.newest(10)
    assert receipt["status"] == 200
    assert kept.kind == "Unknown"
    assert b"hologram" not in kept.packed
    assert kept.packed.startswith(b"\x1f\x8b")
    assert json.loads(json.dumps(kept.headers))["id"] == receipt["id"]
