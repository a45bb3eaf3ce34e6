"""An agent that shows what this server can do."""

from collections.abc import Iterator

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.agents.predicates import says
from msp_server.messages.content import OutboundContent
from msp_server.messages.presence import TypingStart
from msp_server.messages.text import Text

agent = Agent("guide")

_TOUR = """\
help: this list
typing: I am seen writing before I answer
who: what your phone told me about you
Anything else I say back to you."""


@agent.on(Text, where=says("hello", "hi", "hey", "hallo", "good morning", "good evening"))
def greet(_text: Text, _conversation: Conversation) -> Text:
    """Greet, and say what one can try."""
    return Text(f"Hello! I am the guide of this server. You can write:\n{_TOUR}")


@agent.on(Text, where=says("help"))
def show_tour(_text: Text, _conversation: Conversation) -> Text:
    """Say what one can try."""
    return Text(f"You can write:\n{_TOUR}")


@agent.on(Text, where=says("typing"))
def show_typing(_text: Text, _conversation: Conversation) -> Iterator[OutboundContent]:
    """Be seen writing first."""
    yield TypingStart()
    yield Text("Before this text I sent that I was typing.")


@agent.on(Text, where=says("who"))
def tell_who(_text: Text, conversation: Conversation) -> Text:
    """Tell customers what their phone said about them."""
    capabilities = ", ".join(sorted(conversation.capabilities or ())) or "nothing it told"
    return Text(
        f"Your phone speaks {conversation.locale or 'a language it did not tell'} and can show: "
        f"{capabilities}. You came with intent {conversation.intent or 'none'} "
        f"and group {conversation.group or 'none'}."
    )


@agent.on(Text)
def say_back(text: Text, _conversation: Conversation) -> Text:
    """Say what was said."""
    return Text(f"You wrote: {text.body}\n(Write help to see what else I can do.)")
