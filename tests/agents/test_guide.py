from dataclasses import replace

import pytest

from msp_server.agents.conversation import Conversation
from msp_server.agents.guide import agent, say_back, show_tour, show_typing, tell_who
from msp_server.messages.capability import Capability
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.presence import Close, TypingStart
from msp_server.messages.text import Text

CONVERSATION = Conversation(
    business_id=BusinessId("b"),
    customer_id=OpaqueId("c"),
    message_id=MessageId("m"),
    capabilities=frozenset({Capability.TIME, Capability.LIST}),
    locale="en_US",
    intent="billing",
    group="vip",
)


def said_to(body, conversation=CONVERSATION):
    return [content.body for content in agent.answer(Text(body), conversation)]


@pytest.mark.parametrize(
    "body", ["Hello", "hi!", "Hey you", "hallo", "Good morning", "good evening, all"]
)
def test_guide_greets(body):
    [answer] = said_to(body)

    assert answer.startswith("Hello! I am the guide")


@pytest.mark.parametrize("word", ["help", "typing", "who"])
@pytest.mark.parametrize("asked", ["hello", "help"])
def test_guide_names_all_that_one_can_write(asked, word):
    [answer] = said_to(asked)

    assert f"\n{word}: " in answer


def test_guide_shows_the_tour_when_asked_for_help():
    assert agent.answer(Text("HELP"), CONVERSATION) == [show_tour(Text("HELP"), CONVERSATION)]


def test_guide_is_seen_typing_before_it_answers():
    contents = agent.answer(Text("typing"), CONVERSATION)

    assert [type(content) for content in contents] == [TypingStart, Text]


def test_show_typing_gives_its_contents_one_by_one():
    assert next(iter(show_typing(Text("typing"), CONVERSATION))) == TypingStart()


def test_guide_tells_what_the_phone_told():
    assert said_to("who am I?") == [
        "Your phone speaks en_US and can show: LIST, TIME. You came with intent billing "
        "and group vip."
    ]


@pytest.mark.parametrize("capabilities", [None, frozenset()])
def test_guide_tells_that_the_phone_named_no_capability(capabilities):
    conversation = replace(CONVERSATION, capabilities=capabilities)

    assert "can show: nothing it told" in tell_who(Text("who"), conversation).body


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("locale", "speaks a language it did not tell"),
        ("intent", "intent none"),
        ("group", "group none"),
    ],
)
def test_guide_tells_what_the_phone_did_not_tell(name, told):
    conversation = replace(CONVERSATION, **{name: None})

    assert told in tell_who(Text("who"), conversation).body


def test_guide_says_anything_else_back():
    assert said_to("Which way?") == [
        "You wrote: Which way?\n(Write help to see what else I can do.)"
    ]


def test_guide_answers_a_text_without_words_too():
    assert agent.answer(Text(""), CONVERSATION) == [say_back(Text(""), CONVERSATION)]


def test_guide_says_nothing_to_a_customer_who_left():
    assert agent.answer(Close(), CONVERSATION) == []


@pytest.mark.parametrize("body", ["hello", "help", "typing", "who", "anything"])
def test_guide_gives_nothing_that_cannot_be_sent(body):
    wires = [content.to_wire() for content in agent.answer(Text(body), CONVERSATION)]

    assert wires
