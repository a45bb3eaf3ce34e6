import pytest

from msp_server.agents.conversation import Conversation
from msp_server.agents.echo import agent, echo
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.text import Text

CONVERSATION = Conversation(BusinessId("b"), OpaqueId("c"), MessageId("m"))


@pytest.mark.parametrize("body", ["Hello", " Hello ", "Grüße 👋", "\ufffc"])
def test_echo_gives_the_words_back(body):
    assert agent.answer(Text(body), CONVERSATION) == [Text(body)]


@pytest.mark.parametrize("body", ["", " ", "\n"])
def test_echo_says_nothing_to_a_text_without_words(body):
    assert agent.answer(Text(body), CONVERSATION) == []


def test_echo_is_a_plain_function():
    assert echo(Text("Hello"), CONVERSATION) == Text("Hello")


def test_echo_does_not_give_back_what_came_with_the_words():
    assert echo(Text("Hello", raw={"locale": "en_US"}), CONVERSATION).raw == {}
