import json

import pytest

from msp_server.emulator.conversation_file import (
    FILE_LIMIT_BYTES,
    FORMAT,
    FileUnfit,
    SavedConversation,
    SavedDeed,
    SavedMessage,
    parse_conversation,
)

WRITTEN = SavedConversation(
    {"name": "ava", "device": "iphone"},
    (
        SavedMessage(
            "customer", 0.0, "text", {"body": "Grüß Gott"}, SavedDeed("text", {"body": "x"})
        ),
        SavedMessage("business", 0.25, "interactive", {"interactiveData": {}}, auto_reply=True),
        SavedMessage(
            "customer",
            3.0,
            "interactive",
            {"interactiveData": {}},
            SavedDeed("tap", {"title": "Yes"}, to=2),
            error="The MSP answered 500",
        ),
    ),
)


def written(*messages, **changes):
    whole = {"format": FORMAT, "version": 1, "customer": {}, "messages": list(messages)}
    return json.dumps(whole | changes).encode()


SAYS = {"from": "customer", "does": "text", "with": {"body": "Hello"}}
ANSWERS = {"from": "business", "type": "text", "fields": {"body": "Hello"}}


def test_what_is_written_is_read_again():
    text = WRITTEN.to_text()

    assert parse_conversation(text.encode()) == WRITTEN
    assert "Grüß Gott" in text
    assert [each["number"] for each in json.loads(text)["messages"]] == [1, 2, 3]


def test_half_of_a_surrogate_pair_is_written_as_an_escape():
    fields = {"body": "\ud83d"}
    conversation = SavedConversation({}, (SavedMessage("business", 0.0, "text", fields),))

    assert parse_conversation(conversation.to_text().encode()) == conversation


def test_message_as_deep_as_the_gateway_takes_it_is_read_again():
    fields = {"a": 1}
    for _ in range(98):
        fields = {"a": fields}
    conversation = SavedConversation({}, (SavedMessage("business", 0.0, "text", fields),))

    assert parse_conversation(conversation.to_text().encode()) == conversation


def test_file_written_by_hand_needs_no_more_than_who_does_what():
    conversation = parse_conversation(written(SAYS, ANSWERS))

    assert conversation.messages[0].deed == SavedDeed("text", {"body": "Hello"})
    assert [message.seconds for message in conversation.messages] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("packed", "sentence"),
    [
        (b"", "JSON object"),
        (b"[]", "JSON object"),
        (b'{"format": "other"}', "begin with format"),
        (written(SAYS, version=2), "version 1"),
        (written(SAYS, colour="blue"), "'colour'"),
        (written(SAYS, customer=7), "customer has to be an object"),
        (written(SAYS, customer={"age": 7}), "'age'"),
        (written(), "1 to 2,000"),
        (written(SAYS, messages=7), "1 to 2,000"),
        (written(*[SAYS] * 2001), "1 to 2,000"),
        (written(SAYS, 7), "Message 2 has to be an object"),
        (written(SAYS | {"number": 2}), "Message 1: number has to be 1"),
        (written(SAYS | {"from": "eve"}), "Message 1: from"),
        (written(SAYS | {"colour": "blue"}), "'colour'"),
        (written(SAYS | {"does": "dance"}), "Message 1: does has to be one of text"),
        (written(SAYS | {"does": ["text"]}), "Message 1: does"),
        (written(SAYS | {"with": 7}), "Message 1: with has to be an object"),
        (written({"from": "customer"}), "Message 1: does or fields"),
        (written(SAYS | {"to": 1}), "Message 1: to"),
        (written(SAYS, SAYS | {"to": 1}), "Message 2: to"),
        (written(SAYS, ANSWERS, SAYS | {"to": True}), "Message 3: to"),
        (written({"from": "business", "type": "text"}), "Message 1: fields"),
        (written({"from": "business", "fields": {"a": 1}}), "Message 1: fields and type"),
        (written(ANSWERS | {"fields": []}), "Message 1: fields has to be an object"),
        (written(ANSWERS | {"type": 7}), "Message 1: type has to be a text"),
        (written(ANSWERS | {"seconds": -1}), "Message 1: seconds"),
        (written(ANSWERS | {"seconds": True}), "Message 1: seconds"),
        (written(ANSWERS | {"auto_reply": 1}), "Message 1: auto_reply"),
        (b" " * (FILE_LIMIT_BYTES + 1), "bytes"),
    ],
)
def test_anything_else_is_refused_with_its_place(packed, sentence):
    with pytest.raises(FileUnfit, match=sentence):
        parse_conversation(packed)
