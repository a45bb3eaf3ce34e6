import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.text import Text


def test_to_wire_gives_the_body_and_nothing_else():
    assert Text("Hello", raw={"body": "older", "locale": "en_US"}).to_wire() == {"body": "Hello"}


def test_to_wire_leaves_space_around_the_words():
    assert Text(" Hello \n").to_wire() == {"body": " Hello \n"}


@pytest.mark.parametrize("body", ["", " ", "\n\t", "\u3000"])
def test_to_wire_refuses_a_text_without_words(body):
    with pytest.raises(ContentInvalid, match=r"Text\.body"):
        Text(body).to_wire()


def test_type_is_the_word_that_apple_has_for_it():
    assert Text.type == "text"


@pytest.mark.parametrize("body", [None, 5, ["Hello"]])
def test_text_of_something_else_than_words_cannot_be_made(body):
    with pytest.raises(ContentInvalid):
        Text(body)
