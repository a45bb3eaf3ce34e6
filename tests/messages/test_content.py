import json
from pathlib import Path

import pytest

from msp_server.messages.content import Unknown, asks_for_answer, kind_name, parse_content
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.text import Text

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
KINDS = {"text": Text, "typing_start": TypingStart, "typing_end": TypingEnd, "close": Close}


def sample(kind):
    return json.loads((SAMPLES / f"{kind}.json").read_text("utf-8"))


@pytest.mark.parametrize(("kind", "content"), KINDS.items())
def test_parse_content_knows_the_kind_of_a_sample(kind, content):
    assert type(parse_content(kind, sample(kind))) is content


@pytest.mark.parametrize("kind", KINDS)
def test_parse_content_keeps_the_fields_of_a_sample(kind):
    fields = sample(kind)

    assert parse_content(kind, fields).raw is fields


def test_parse_content_reads_the_words_of_a_text():
    assert parse_content("text", sample("text")) == Text("Grüße 👋 do you ship to Québec?")


@pytest.mark.parametrize("kind", ["interactive", "richLink", "TEXT", "text ", "tapback"])
def test_parse_content_gives_unknown_for_a_kind_that_is_not_known(kind):
    assert parse_content(kind, sample("text")) == Unknown(kind)


@pytest.mark.parametrize("body", [None, 5, [], {}])
def test_parse_content_gives_unknown_for_a_text_in_another_shape(body):
    assert parse_content("text", {**sample("text"), "body": body}) == Unknown("text")


@pytest.mark.parametrize(
    ("kind", "changes"), [("interactive", {"interactiveData": {"bid": "x"}}), ("text", {"body": 5})]
)
def test_parse_content_keeps_the_fields_of_what_is_unknown(kind, changes):
    fields = {**sample("text"), **changes}

    assert parse_content(kind, fields).raw is fields


@pytest.mark.parametrize(("length", "kept"), [(64, 64), (65, 64), (10_000, 64)])
def test_parse_content_cuts_the_word_for_an_unknown_kind_after_64_characters(length, kept):
    content = parse_content("x" * length, {})

    assert content == Unknown("x" * kept)


@pytest.mark.parametrize("content", [Text("Hello"), Text(""), Close(), Unknown("interactive")])
def test_asks_for_answer_holds_for_what_an_agent_can_answer(content):
    assert asks_for_answer(content)


@pytest.mark.parametrize("content", [TypingStart(), TypingEnd()])
def test_asks_for_answer_does_not_hold_for_typing(content):
    assert not asks_for_answer(content)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (Text("Hello"), "Text"),
        (TypingStart(), "TypingStart"),
        (TypingEnd(), "TypingEnd"),
        (Close(), "Close"),
        (Unknown("interactive"), "Unknown"),
    ],
)
def test_kind_name_is_the_name_of_the_class(content, name):
    assert kind_name(content) == name
