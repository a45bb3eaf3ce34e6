"""A server for Apple Messages for Business, and all that an agent's author needs of it."""

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation, Said
from msp_server.agents.predicates import says
from msp_server.agents.router import Router
from msp_server.errors import AttachmentError, CapabilityMissing, ContentInvalid
from msp_server.messages.attachment import Attachment
from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability
from msp_server.messages.content import InboundContent, OutboundContent, ResponseLost, Unknown
from msp_server.messages.custom_app import CustomApp, CustomAppResponse
from msp_server.messages.form import Form, Splash
from msp_server.messages.form_pages import (
    DatePage,
    InputPage,
    Keyboard,
    Option,
    PickerPage,
    SelectPage,
)
from msp_server.messages.form_response import FormResponse
from msp_server.messages.image import Image
from msp_server.messages.interactive import Bubble, Style
from msp_server.messages.invitation import Invitation, InvitationResponse
from msp_server.messages.list_picker import Item, ListPicker, ListPickerResponse, Section
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.quick_reply import Choice, QuickReply, QuickReplyResponse
from msp_server.messages.raw_interactive import RawInteractive
from msp_server.messages.reaction import InlineReply, Tapback
from msp_server.messages.rich_link import RichLink, Video
from msp_server.messages.text import Text
from msp_server.messages.time_picker import Location, TimePicker, TimePickerResponse, Timeslot

__all__ = [
    "Agent",
    "Attachment",
    "AttachmentError",
    "Bubble",
    "ByReference",
    "Capability",
    "CapabilityMissing",
    "Choice",
    "Close",
    "ContentInvalid",
    "Conversation",
    "CustomApp",
    "CustomAppResponse",
    "DatePage",
    "Form",
    "FormResponse",
    "Image",
    "InboundContent",
    "InlineReply",
    "InputPage",
    "Invitation",
    "InvitationResponse",
    "Item",
    "Keyboard",
    "ListPicker",
    "ListPickerResponse",
    "Location",
    "Option",
    "OutboundContent",
    "PickerPage",
    "QuickReply",
    "QuickReplyResponse",
    "RawInteractive",
    "ResponseLost",
    "RichLink",
    "Router",
    "Said",
    "Section",
    "SelectPage",
    "Splash",
    "Style",
    "Tapback",
    "Text",
    "TimePicker",
    "TimePickerResponse",
    "Timeslot",
    "TypingEnd",
    "TypingStart",
    "Unknown",
    "Video",
    "says",
]
