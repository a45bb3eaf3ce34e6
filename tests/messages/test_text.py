import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.attachment import Attachment
from msp_server.messages.text import Text

TEA = Attachment(b"tea", "tea.png")
CAKE = Attachment(b"cake", "cake.png")


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


@pytest.mark.parametrize(
    ("body", "attachments", "sent"),
    [
        ("Look", [TEA], "Look\ufffc"),
        ("", [TEA], "\ufffc"),
        (" ", [TEA], " \ufffc"),
        ("a \ufffc b", [TEA], "a \ufffc b"),
        ("a \ufffc b", [TEA, CAKE], "a \ufffc b\ufffc"),
        ("a \ufffc b \ufffc", [TEA], "a \ufffc b \ufffc"),
        ("Look", [], "Look"),
    ],
)
def test_to_wire_gives_every_file_its_place_in_the_words(body, attachments, sent):
    assert Text(body, attachments).to_wire() == {"body": sent}


def test_the_files_of_a_text_cannot_be_changed_afterwards():
    files = [TEA]
    text = Text("Look", files)
    files.append(CAKE)

    assert text.attachments == (TEA,)


@pytest.mark.parametrize("attachments", [["tea.png"], [b"tea"], "tea.png", 5])
def test_a_text_has_no_other_files_than_attachments(attachments):
    with pytest.raises(ContentInvalid, match=r"Text\.attachments"):
        Text("Look", attachments)
