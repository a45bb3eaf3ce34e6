import pytest

from msp_server.messages.presence import Close, TypingEnd, TypingStart


@pytest.mark.parametrize(
    ("kind", "word"),
    [(TypingStart, "typing_start"), (TypingEnd, "typing_end"), (Close, "close")],
)
def test_type_is_the_word_that_apple_has_for_it(kind, word):
    assert kind.type == word


@pytest.mark.parametrize("kind", [TypingStart, TypingEnd])
def test_to_wire_adds_nothing_to_the_envelope(kind):
    assert kind(raw={"type": "close", "new": 1}).to_wire() == {}


def test_close_cannot_be_sent():
    assert not hasattr(Close(), "to_wire")


@pytest.mark.parametrize("kind", [TypingStart, TypingEnd, Close])
def test_raw_keeps_the_fields_as_they_came(kind):
    fields = {"type": kind.type, "referenceIds": ["order-10442"]}

    assert kind(raw=fields).raw is fields


@pytest.mark.parametrize("kind", [TypingStart, TypingEnd, Close])
def test_two_of_a_kind_are_equal(kind):
    assert kind(raw={"id": "1"}) == kind()
