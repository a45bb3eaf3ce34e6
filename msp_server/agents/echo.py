"""An agent that answers a text with the same text."""

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.messages.text import Text

agent = Agent("echo")


@agent.on(Text, where=lambda text, _conversation: bool(text.body.strip()))
def echo(text: Text, _conversation: Conversation) -> Text:
    """Give the words back."""
    return Text(text.body)
