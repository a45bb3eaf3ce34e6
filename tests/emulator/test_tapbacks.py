import pytest

from msp_server.emulator.tapbacks import tell_tapback
from msp_server.emulator.transcript import Transcript


def message(**fields):
    """Give a message of the business as the phone has it."""
    transcript = Transcript()
    transcript.add_received("1", {"type": "text", **fields}, None, True)
    return transcript.entries[0]


@pytest.mark.parametrize(
    ("reaction", "sentence", "removal"),
    [
        ("loved", "Loved “Hello”", "Removed a heart from “Hello”"),
        ("liked", "Liked “Hello”", "Removed a like from “Hello”"),
        ("disliked", "Disliked “Hello”", "Removed a dislike from “Hello”"),
        ("laughed", "Laughed at “Hello”", "Removed a laugh from “Hello”"),
        ("emphasized", "Emphasized “Hello”", "Removed an exclamation from “Hello”"),
        ("questioned", "Questioned “Hello”", "Removed a question mark from “Hello”"),
        ("😀", "Reacted 😀 to “Hello”", "Removed 😀 from “Hello”"),
        ("👍🏽", "Reacted 👍🏽 to “Hello”", "Removed 👍🏽 from “Hello”"),
        ("👨‍👩‍👧‍👦", "Reacted 👨‍👩‍👧‍👦 to “Hello”", "Removed 👨‍👩‍👧‍👦 from “Hello”"),
        ("1️⃣", "Reacted 1️⃣ to “Hello”", "Removed 1️⃣ from “Hello”"),
        ("sticker", "Reacted with a sticker to “Hello”", "Removed a sticker from “Hello”"),
    ],
)
def test_sentence_of_a_tapback_and_of_its_removal(reaction, sentence, removal):
    assert tell_tapback(message(body="Hello"), reaction, remove=False) == sentence
    assert tell_tapback(message(body="Hello"), reaction, remove=True) == removal


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"body": ""}, "“”"),
        ({"body": "a “quoted” word"}, "“a “quoted” word”"),
        ({"body": "\ufffc", "attachments": [{"mimeType": "image/png"}]}, "an image"),
        ({"body": "\ufffc", "attachments": [{"mime-type": "video/mp4"}]}, "a video"),
        ({"body": "\ufffc", "attachments": [{"mimeType": "audio/x-caf"}]}, "an audio"),
        ({"body": "\ufffc", "attachments": [{"mimeType": "application/pdf"}]}, "a file"),
        ({"body": "\ufffc", "attachments": [{}]}, "a file"),
        ({"body": "Hello", "attachments": []}, "“Hello”"),
        ({"type": "richLink", "body": "https://a.example"}, "“https://a.example”"),
        ({"type": "richLink", "richLinkData": {"url": "https://b.example"}}, "“https://b.example”"),
        ({"type": "interactive"}, "1 Business Message"),
    ],
)
def test_sentence_tells_what_it_is_on(fields, words):
    assert tell_tapback(message(**fields), "liked", remove=False) == f"Liked {words}"


def test_reaction_reaches_the_msp_as_a_text_that_nobody_typed(ava, answered, sender):
    sender.send()

    fields = answered("react", **{"with": "loved"})

    assert (fields["type"], fields["body"]) == ("text", "Loved “Good morning”")
    assert [entry["type"] for entry in ava.transcript()["entries"]] == ["text", "text"]


def test_reaction_is_on_the_message_that_is_named(answered, sender):
    sender.send(body="First", id="7f0c2a52-5b7e-4a6e-9d54-0a1b2c3d4e61")
    sender.send(body="Second")

    body = answered(
        "react", **{"with": "😀", "remove": True}, to="7f0c2a52-5b7e-4a6e-9d54-0a1b2c3d4e61"
    )["body"]

    assert body == "Removed 😀 from “First”"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"with": "adored"},
        {"with": ""},
        {"with": "ok 😀"},
        {"with": "😀" * 20},
        {"with": ["loved"]},
        {"with": "!"},
        {"with": "loved", "remove": "yes"},
        {"with": "loved", "to": 7},
    ],
)
def test_unfit_reaction_is_400_with_a_sentence(ava, sender, fields):
    sender.send()

    answer = ava.do("react", **fields)

    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 20
