import pytest


@pytest.fixture
def resend(emulator, web):
    def resend(seq, **wish):
        address = f"{emulator.url}/emulator/journal/{seq}/resend"
        return web.post(address, json=wish or None, timeout=5)

    return resend


@pytest.fixture
def sent(ava, msp):
    """Send a text and give what reached the MSP: the typing, whose seq is 1, and the text."""
    ava.do("text", body="Hello")
    return msp.next(), msp.next()


def test_message_is_sent_again_as_it_was(sent, resend, msp, journal, ava):
    _, text = sent
    before = ava.transcript()["entries"]

    answer = resend(2)

    again = msp.next()
    assert (again.fields, again.packed) == (text.fields, text.packed)
    assert again.headers["id"] == text.headers["id"]
    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["id"], receipt["status"]) == (text.fields["id"], 200)
    assert (receipt["seq"], receipt["repeats"]) == (3, 2)
    assert journal()[-1]["repeats"] == 2
    assert ava.transcript()["entries"] == before


def test_message_is_sent_again_as_the_device_was_then(sent, resend, msp, ava):
    ava.change(device="mac")

    resend(2)

    assert msp.next().headers["capability-list"] == sent[1].headers["capability-list"]


def test_message_is_sent_again_under_a_new_id(sent, resend, msp):
    _, text = sent

    receipt = resend(2, new_id=True).json()

    again = msp.next()
    assert again.fields["id"] == again.headers["id"] == receipt["id"] != text.fields["id"]
    assert again.fields | {"id": ""} == text.fields | {"id": ""}


def test_message_is_edited(sent, resend, msp):
    _, text = sent

    resend(2, fields=text.fields | {"body": "Goodbye"})
    resend(2, changes={"body": None, "locale": "de_DE"}, headers={"Source-Id": None})

    assert msp.next().fields == text.fields | {"body": "Goodbye"}
    changed = msp.next()
    assert changed.fields == {k: v for k, v in text.fields.items() if k != "body"} | {
        "locale": "de_DE"
    }
    assert "source-id" not in changed.headers


def test_edited_message_keeps_its_secrets(ava, resend, msp, journal):
    secret = {"authenticate": {"status": "authenticated", "token": "s3cret"}}
    ava.do("raw", fields={"type": "interactive", "interactiveData": {"data": secret}})
    first = msp.next()
    (shown,) = journal()
    assert "s3cret" not in str(shown)

    resend(1, fields=shown["fields"], new_id=True)

    assert msp.next().fields["interactiveData"] == first.fields["interactiveData"]


def test_replaced_headers_are_replaced_again(ava, resend, msp):
    ava.do("raw", fields={"type": "text"}, headers={"ID": "another", "Authorization": "Bearer x"})
    msp.next()

    resend(1)
    resend(1, new_id=True)

    again, renamed = msp.next(), msp.next()
    assert (again.headers["id"], again.headers["authorization"]) == ("another", "Bearer x")
    assert renamed.headers["id"] == renamed.fields["id"]


def test_tap_is_sent_again_under_a_new_id(ava, offer, interactive, resend, msp, journal):
    items = [{"identifier": str(n), "title": f"Item {n}"} for n in range(2)]
    offer(interactive({"quick-reply": {"summaryText": "Which?", "items": items}}, bubbles=False))
    ava.do("tap", title="Item 1")
    first = msp.next()
    seq = journal(kind="quick_reply", direction="to_msp")[-1]["seq"]

    resend(seq, new_id=True)

    again = msp.next()
    assert again.fields["interactiveData"] == first.fields["interactiveData"]
    assert again.fields["id"] != first.fields["id"]


def test_two_messages_go_in_the_other_order_under_new_ids(sent, resend, msp, journal):
    typing, text = sent

    answer = resend(1, order="reversed", **{"with": 2}).json()

    first, second = msp.next(), msp.next()
    assert [first.fields["type"], second.fields["type"]] == ["text", "typing_start"]
    assert {first.fields["id"], second.fields["id"]}.isdisjoint(
        {typing.fields["id"], text.fields["id"]}
    )
    assert [receipt["repeats"] for receipt in answer["sent"]] == [2, 1]
    assert [exchange["repeats"] for exchange in journal(after=2)] == [2, 1]


def test_ids_stay_in_the_other_order_where_that_is_wanted(sent, resend, msp):
    resend(2, order="reversed", new_id=False, **{"with": 1})

    assert [msp.next().fields["id"], msp.next().fields["id"]] == [
        sent[1].fields["id"],
        sent[0].fields["id"],
    ]


def test_msp_that_is_not_there_is_502(sent, resend, emulator):
    emulator.msp_url = "http://127.0.0.1:1"

    answer = resend(2)

    assert answer.status_code == 502
    assert answer.json()["status"] is None


def test_what_is_no_message_of_a_customer_is_409(sender, resend):
    sender.send()

    answer = resend(1)

    assert answer.status_code == 409
    assert "no message of a customer" in answer.json()["error"]


def test_message_of_a_customer_who_is_gone_is_409(emulator, web, resend, msp):
    web.post(f"{emulator.url}/customers", json={"name": "ben"}, timeout=5)
    web.post(f"{emulator.url}/customers/ben/close", json={}, timeout=5)
    emulator._parts.phones.reset()

    assert resend(1).status_code == 409


@pytest.mark.parametrize(
    "wish",
    [
        {"new_id": 1},
        {"fields": []},
        {"changes": "x"},
        {"headers": {"content-length": "3"}},
        {"order": "reversed"},
        {"order": "sideways", "with": 1},
        {"with": 1},
        {"order": "reversed", "with": True},
        {"order": "reversed", "with": 1, "fields": {}},
        {"colour": "blue"},
    ],
)
def test_wish_that_cannot_be_understood_is_400(sent, resend, wish):
    answer = resend(2, **wish)

    assert answer.status_code == 400
    assert answer.json()["error"]
