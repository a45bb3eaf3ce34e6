"""A server for Apple Messages for Business, and all that an agent's author needs of it."""

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.agents.predicates import says
from msp_server.agents.router import Router
from msp_server.messages.capability import Capability
from msp_server.messages.content import InboundContent, OutboundContent, Unknown
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.text import Text

__all__ = [
    "Agent",
    "Capability",
    "Close",
    "Conversation",
    "InboundContent",
    "OutboundContent",
    "Router",
    "Text",
    "TypingEnd",
    "TypingStart",
    "Unknown",
    "says",
]
