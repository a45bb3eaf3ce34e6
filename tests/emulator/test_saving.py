from dataclasses import replace
from datetime import UTC, datetime

import pytest

from msp_server.emulator.conversation_file import SavedDeed
from msp_server.emulator.phones import Phones
from msp_server.emulator.profile import Profile
from msp_server.emulator.saving import restore, save
from msp_server.emulator.transcript import Deed

ASKED = {
    "type": "interactive",
    "id": "m1",
    "v": 1,
    "sourceId": "shop",
    "interactiveData": {"data": {"quick-reply": {"items": [{"identifier": "y"}]}}},
}


@pytest.fixture
def phones():
    return Phones(("shop",))


@pytest.fixture
def ava(phones):
    """A customer who wrote, was asked, and tapped."""
    ava = phones.find("ava")
    typing, text = ("1", {"type": "typing_start"}), ("2", {"type": "text", "body": "Hi"})
    with phones.turn(ava, [typing, text], deed=Deed("text", {"body": "Hi"})):
        pass
    phones.receive(ava, "m1", ASKED, True)
    with phones.turn(ava, [("3", ASKED)], deed=Deed("tap", {"identifier": "y"}, "m1")):
        pass
    return ava


def test_typing_that_comes_with_a_text_is_no_message_of_its_own(ava):
    assert [message.kind for message in save(ava).messages] == [
        "text",
        "interactive",
        "interactive",
    ]


def test_typing_alone_is_one(phones):
    ava = phones.find("ava")
    with phones.turn(ava, [("1", {"type": "typing_end"})], deed=Deed("typing", {"state": "end"})):
        pass

    assert [message.deed for message in save(ava).messages] == [
        SavedDeed("typing", {"state": "end"})
    ]


def test_deed_names_its_message_by_its_place(ava):
    assert save(ava).messages[2].deed == SavedDeed("tap", {"identifier": "y"}, to=2)


def test_envelope_is_left_out(ava):
    assert save(ava).messages[1].fields == {"interactiveData": ASKED["interactiveData"]}


def test_headers_that_prove_who_sends_are_hidden(phones):
    ava = phones.find("ava")
    headers = {"Authorization": "Bearer a.b.c", "X-Other": "7", "Cookie": None}
    deed = Deed("raw", {"fields": {}, "headers": headers})
    with phones.turn(ava, [("1", {"type": "text"})], deed=deed):
        pass

    (message,) = save(ava).messages

    assert message.deed.fields["headers"] == {"Authorization": "…", "X-Other": "7", "Cookie": None}


def test_customer_is_as_one_can_be_made(phones):
    profile = Profile(device=None, capabilities=("LIST",), locale=None, intent="buy")
    bea = phones.add("bea", "shop", profile)

    assert save(bea).customer == {
        "name": "bea",
        "business_id": "shop",
        "capabilities": ["LIST"],
        "locale": None,
        "time_zone": "America/New_York",
        "intent": "buy",
    }


def test_what_is_restored_is_saved_the_same(phones, ava):
    saved = save(ava)

    bea = phones.add_reader("bea", "shop", ava.profile, restore(saved))

    assert replace(save(bea), customer=saved.customer) == saved


def test_restored_messages_stand_in_order_of_time_and_end_now(ava):
    ends = datetime(2031, 3, 22, 12, 0, tzinfo=UTC)
    messages = save(ava).messages
    last = replace(messages[2], seconds=60.0)

    entries = restore(replace(save(ava), messages=(*messages[:2], last)), ends).entries

    assert entries[2].at == ends
    assert (ends - entries[0].at).total_seconds() == 60
    assert [entry.answerable for entry in entries] == [False] * 3
    assert len({entry.message_id for entry in entries}) == 3


def test_reply_names_its_message_again(ava):
    saved = save(ava)
    reply = replace(
        saved.messages[2],
        kind="text",
        fields={"body": "Yes", "replyToMessageId": "m1"},
        deed=SavedDeed("reply", {"body": "Yes"}, to=2),
    )

    entries = restore(replace(saved, messages=(*saved.messages[:2], reply))).entries

    assert entries[2].fields["replyToMessageId"] == entries[1].message_id


@pytest.mark.parametrize(
    ("deed", "words"), [(SavedDeed("text", {"body": "Hi"}), "Hi"), (SavedDeed("pay", {}), "pay")]
)
def test_deed_written_by_hand_is_shown_in_words(ava, deed, words):
    saved = save(ava)
    message = replace(saved.messages[0], kind=None, fields={}, deed=deed)

    (entry,) = restore(replace(saved, messages=(message,))).entries

    assert (entry.kind, entry.fields["body"]) == ("text", words)
