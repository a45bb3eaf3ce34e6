import pytest

from msp_server.agents.conversation import Conversation
from msp_server.agents.predicates import says
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.text import Text

CONVERSATION = Conversation(BusinessId("b"), OpaqueId("c"), MessageId("m"))


def is_said(body, *words):
    return says(*words)(Text(body), CONVERSATION)


@pytest.mark.parametrize("body", ["hi", "Hi there!", "HI", "oh, hi.", "(hi)", "hi\nthere", "hi-fi"])
def test_says_holds_for_a_word_of_a_text(body):
    assert is_said(body, "hi")


@pytest.mark.parametrize("body", ["", "this", "high", "chi", "hi_there", "hi5", "hié", "h i"])
def test_says_does_not_hold_for_a_part_of_a_longer_word(body):
    assert not is_said(body, "hi")


def test_says_does_not_regard_the_case_of_its_own_words():
    assert is_said("hallo", "HALLO")


@pytest.mark.parametrize("body", ["ÖFFNUNGSZEITEN?", "öffnungszeiten"])
def test_says_does_not_regard_case_beyond_ascii(body):
    assert is_said(body, "Öffnungszeiten")


@pytest.mark.parametrize("body", ["when do you open?", "your hours please"])
def test_says_holds_for_any_of_several_words(body):
    assert is_said(body, "hours", "open")


def test_says_does_not_hold_for_a_text_with_none_of_the_words():
    assert not is_said("where are you?", "hours", "open")


def test_says_holds_for_a_phrase():
    assert is_said("Good morning, everybody", "good morning")


@pytest.mark.parametrize("body", ["good day this morning", "morning good", "good mornings"])
def test_says_does_not_hold_for_the_words_of_a_phrase_apart(body):
    assert not is_said(body, "good morning")


@pytest.mark.parametrize("word", ["c++", "?", "what?", ".net", "a.c", "(x)", "👋"])
def test_says_takes_punctuation_as_it_stands(word):
    assert is_said(f"I said {word} to you", word)


def test_says_does_not_read_its_words_as_a_pattern():
    assert not is_said("abc", "a.c")
