import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.errors import HandlerError
from msp_server.messages.content import Unknown
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.list_picker import ListPickerResponse, PickedItem
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.quick_reply import QuickReplyResponse
from msp_server.messages.reaction import InlineReply, Tapback
from msp_server.messages.text import Text

CONVERSATION = Conversation(BusinessId("b"), OpaqueId("c"), MessageId("m"))
HELLO = Text("Hello")
PICKED = ListPickerResponse(to="menu", items=(PickedItem("1", "Apple"),))


def agent_giving(answer):
    """Make an agent whose one handler gives back what is given here."""
    agent = Agent("front desk")

    @agent.on(Text)
    def give(_text, _conversation):
        return answer

    return agent


def agent_raising(error):
    agent = Agent("front desk")

    @agent.on(Text)
    def fall_over(_text, _conversation):
        raise error

    return agent


# Adding handlers


def test_on_gives_the_function_back_unchanged():
    def give(_text, _conversation):
        return None

    assert Agent("front desk").on(Text)(give) is give


@pytest.mark.parametrize("kind", [TypingStart, TypingEnd, str, object])
def test_on_refuses_a_kind_that_nobody_can_answer(kind):
    with pytest.raises(TypeError, match=kind.__name__):
        Agent("front desk").on(kind)


@pytest.mark.parametrize("content", [HELLO, Close(), Unknown("interactive")])
def test_on_takes_every_kind_that_can_be_answered(content):
    agent = Agent("front desk")
    agent.on(type(content))(lambda _content, _conversation: Text("answered"))

    assert agent.answer(content, CONVERSATION) == [Text("answered")]


def test_agent_is_a_machine_unless_it_is_said_otherwise():
    assert Agent("front desk").automated


def test_agent_can_be_a_person():
    assert not Agent("front desk", automated=False).automated


def test_agent_keeps_its_name():
    assert Agent("front desk").name == "front desk"


def test_agent_shows_no_typing_unless_it_is_said_otherwise():
    assert Agent("front desk").typing_s == 0


def test_agent_can_show_typing():
    assert Agent("front desk", typing_s=1.5).typing_s == 1.5


@pytest.mark.parametrize("typing_s", [-0.1, 60.1, float("nan")])
def test_an_agent_is_shown_typing_for_a_minute_at_most(typing_s):
    with pytest.raises(ValueError, match="give 0 to 60 seconds"):
        Agent("front desk", typing_s=typing_s)


# Choosing a handler


def test_answer_lets_the_first_handler_that_matches_answer():
    agent = Agent("front desk")
    agent.on(Text)(lambda _text, _conversation: Text("first"))
    agent.on(Text)(lambda _text, _conversation: Text("second"))

    assert agent.answer(HELLO, CONVERSATION) == [Text("first")]


def test_answer_passes_over_handlers_of_other_kinds():
    agent = Agent("front desk")
    agent.on(Close)(lambda _close, _conversation: Text("closed"))
    agent.on(Text)(lambda _text, _conversation: Text("text"))

    assert agent.answer(HELLO, CONVERSATION) == [Text("text")]


def test_answer_passes_over_handlers_whose_predicate_does_not_hold():
    agent = Agent("front desk")
    agent.on(Text, where=lambda _text, _conversation: False)(lambda _t, _c: Text("first"))
    agent.on(Text, where=lambda _text, _conversation: True)(lambda _t, _c: Text("second"))

    assert agent.answer(HELLO, CONVERSATION) == [Text("second")]


def test_answer_does_not_ask_the_predicates_of_other_kinds():
    asked = []
    agent = Agent("front desk")
    agent.on(Close, where=lambda close, _conversation: asked.append(close))(lambda _c, _v: None)
    agent.on(Text)(lambda _text, _conversation: None)

    agent.answer(HELLO, CONVERSATION)

    assert asked == []


def test_answer_gives_content_and_conversation_to_predicate_and_handler():
    given = []
    agent = Agent("front desk")
    agent.on(Text, where=lambda *arguments: given.append(arguments) or True)(
        lambda *arguments: given.append(arguments)
    )

    agent.answer(HELLO, CONVERSATION)

    assert given == [(HELLO, CONVERSATION), (HELLO, CONVERSATION)]


def test_handlers_of_one_agent_are_not_those_of_another():
    Agent("another").on(Text)(lambda _text, _conversation: Text("another"))

    assert Agent("front desk").answer(HELLO, CONVERSATION) == []


# Answers to one message of ours


def to_menu(agent, kind=ListPickerResponse, to="menu"):
    """Bind a handler to what answers a message of that name, and one to all the rest."""
    agent.on(kind, to=to)(lambda _content, _conversation: Text("to it"))
    agent.on(kind)(lambda _content, _conversation: Text("to something"))
    return agent


def test_answer_lets_a_handler_answer_what_answers_its_message():
    assert to_menu(Agent("front desk")).answer(PICKED, CONVERSATION) == [Text("to it")]


@pytest.mark.parametrize("name", ["lunch", "Menu", "", None])
def test_answer_passes_over_a_handler_whose_message_is_another(name):
    picked = replace(PICKED, to=name)

    assert to_menu(Agent("front desk")).answer(picked, CONVERSATION) == [Text("to something")]


def test_answer_passes_over_a_handler_of_another_kind_to_the_same_message():
    tapped = QuickReplyResponse(to="menu", identifier="1")
    agent = to_menu(Agent("front desk"))
    agent.on(QuickReplyResponse)(lambda _tapped, _conversation: Text("tapped"))

    assert agent.answer(tapped, CONVERSATION) == [Text("tapped")]


def test_answer_binds_inline_replies_to_a_message_too():
    agent = to_menu(Agent("front desk"), InlineReply)
    reply = InlineReply("Which?", reply_to="m", to="menu")

    assert agent.answer(reply, CONVERSATION) == [Text("to it")]


@pytest.mark.parametrize("holds", [True, False])
def test_answer_asks_the_predicate_of_a_handler_bound_to_a_message(holds):
    agent = Agent("front desk")
    agent.on(ListPickerResponse, where=lambda _p, _c: holds, to="menu")(
        lambda _picked, _conversation: Text("to it")
    )

    assert agent.answer(PICKED, CONVERSATION) == ([Text("to it")] if holds else [])


def test_answer_does_not_ask_the_predicate_where_the_message_is_another():
    asked = []
    agent = Agent("front desk")
    agent.on(ListPickerResponse, where=lambda picked, _c: asked.append(picked), to="lunch")(
        lambda _picked, _conversation: None
    )

    agent.answer(PICKED, CONVERSATION)

    assert asked == []


@pytest.mark.parametrize("kind", [Text, Tapback, Close, Unknown])
def test_on_refuses_to_bind_what_answers_no_message_of_ours(kind):
    with pytest.raises(TypeError, match=f"{kind.__name__} answers no message.*'menu'"):
        Agent("front desk").on(kind, to="menu")


@pytest.mark.parametrize(
    "content", [Tapback("Loved “Hi”", emoji="❤️"), InlineReply("Which?", reply_to="m")]
)
def test_a_handler_of_texts_answers_every_kind_of_text(content):
    assert agent_giving(Text("answered")).answer(content, CONVERSATION) == [Text("answered")]


# What a handler gives back


@pytest.mark.parametrize(
    ("answer", "contents"),
    [
        (None, []),
        ([], []),
        (Text("one"), [Text("one")]),
        (TypingStart(), [TypingStart()]),
        ([Text("one"), Text("two")], [Text("one"), Text("two")]),
        ((TypingStart(), Text("one")), [TypingStart(), Text("one")]),
    ],
)
def test_answer_gives_a_list_of_contents_in_their_order(answer, contents):
    assert agent_giving(answer).answer(HELLO, CONVERSATION) == contents


def test_answer_takes_all_that_a_generator_gives():
    agent = Agent("front desk")

    @agent.on(Text)
    def give(_text: Text, _conversation: Conversation) -> Iterator[Text | TypingStart]:
        yield TypingStart()
        yield Text("one")

    assert agent.answer(HELLO, CONVERSATION) == [TypingStart(), Text("one")]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (["Hello"], "str"),
        ("Hello", "str"),
        ([Text("one"), None], "NoneType"),
        (Close(), "Close"),
        ([Close()], "Close"),
        (Unknown("interactive"), "Unknown"),
        (object(), "object"),
        (5, "int"),
        ({"body": "Hello"}, "dict"),
        ("", "str"),
        ({}, "dict"),
    ],
)
def test_answer_refuses_what_cannot_be_sent(answer, kind):
    with pytest.raises(HandlerError, match=rf"agent='front desk' handler=.*give .*{kind}"):
        agent_giving(answer).answer(HELLO, CONVERSATION)


def test_answer_refuses_a_text_that_is_made_of_no_words():
    agent = Agent("front desk")
    agent.on(Text)(lambda _text, _conversation: Text(5))

    with pytest.raises(HandlerError, match="ContentInvalid"):
        agent.answer(HELLO, CONVERSATION)


# What a handler raises


def test_answer_names_agent_and_handler_that_raised():
    with pytest.raises(HandlerError) as raised:
        agent_raising(KeyError("x")).answer(HELLO, CONVERSATION)

    assert (raised.value.agent, raised.value.handler.split(".")[-1]) == ("front desk", "fall_over")


def test_answer_keeps_what_a_handler_raised_as_the_cause():
    error = KeyError("x")

    with pytest.raises(HandlerError, match="KeyError") as raised:
        agent_raising(error).answer(HELLO, CONVERSATION)

    assert raised.value.__cause__ is error


def test_answer_names_agent_and_handler_whose_predicate_raised():
    agent = Agent("front desk")

    @agent.on(Text, where=lambda text, _conversation: text.nothing)
    def give(_text, _conversation):
        return None

    with pytest.raises(HandlerError, match=r"agent='front desk' handler=.*give .*AttributeError"):
        agent.answer(HELLO, CONVERSATION)


def test_answer_names_a_handler_that_raised_after_its_first_content():
    agent = Agent("front desk")

    @agent.on(Text)
    def give(_text, _conversation):
        yield Text("one")
        raise KeyError("x")

    with pytest.raises(HandlerError, match=r"handler=.*give .*KeyError"):
        agent.answer(HELLO, CONVERSATION)


def test_answer_names_a_handler_that_is_no_function_by_its_class():
    class Clerk:
        def __call__(self, _text, _conversation):
            raise KeyError("x")

    agent = Agent("front desk")
    agent.on(Text)(Clerk())

    with pytest.raises(HandlerError, match="handler=Clerk "):
        agent.answer(HELLO, CONVERSATION)


def test_answer_lets_the_end_of_the_program_pass():
    with pytest.raises(KeyboardInterrupt):
        agent_raising(KeyboardInterrupt()).answer(HELLO, CONVERSATION)


def test_a_handler_that_raised_is_not_replaced_by_the_next():
    agent = agent_raising(KeyError("x"))
    agent.on(Text)(lambda _text, _conversation: Text("next"))

    with pytest.raises(HandlerError):
        agent.answer(HELLO, CONVERSATION)


# Advice


def test_a_message_that_nobody_answers_has_no_answer():
    assert Agent("front desk").answer(HELLO, CONVERSATION) == []


@pytest.mark.parametrize(
    ("content", "kind"), [(HELLO, "Text"), (Unknown("interactive"), "Unknown")]
)
def test_a_message_that_nobody_answers_is_logged_with_the_lines_that_would_answer(
    content, kind, caplog
):
    Agent("front desk").answer(content, CONVERSATION)

    assert caplog.messages == [
        f"agent='front desk' has no handler for kind={kind}; this would answer it:\n"
        f"    @agent.on({kind})\n"
        f"    def answer(content: {kind}, conversation: Conversation) -> Text:\n"
        '        return Text("…")'
    ]


def test_advice_is_a_warning(caplog):
    Agent("front desk").answer(HELLO, CONVERSATION)

    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_advice_is_given_once_for_each_kind(caplog):
    agent = Agent("front desk")

    for content in (HELLO, Text("again"), Unknown("interactive"), Unknown("richLink")):
        agent.answer(content, CONVERSATION)

    assert [message.split(";")[0].split("=")[-1] for message in caplog.messages] == [
        "Text",
        "Unknown",
    ]


def test_no_advice_is_given_about_a_customer_who_left(caplog):
    Agent("front desk").answer(Close(), CONVERSATION)

    assert caplog.messages == []


def test_no_advice_is_given_about_a_message_that_was_answered_with_nothing(caplog):
    agent_giving(None).answer(HELLO, CONVERSATION)

    assert caplog.messages == []


def test_advice_does_not_say_what_the_customer_said(caplog):
    Agent("front desk").answer(Text("my private words"), CONVERSATION)

    assert "private" not in caplog.text
