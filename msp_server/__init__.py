"""A server for Apple Messages for Business, and all that an agent's author needs of it."""

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation, Said
from msp_server.agents.linker import AccountLinker, Landing
from msp_server.agents.predicates import says
from msp_server.agents.processor import PaymentProcessor
from msp_server.agents.router import Router
from msp_server.errors import AttachmentError, CapabilityMissing, ContentInvalid, LinkRefused
from msp_server.messages.apple_pay import (
    ApplePay,
    ApplePayResponse,
    ContactField,
    LineItem,
    MerchantCapability,
    Network,
    PaymentEndpoints,
    ShippingMethod,
)
from msp_server.messages.attachment import Attachment
from msp_server.messages.authenticate import (
    Authenticate,
    AuthenticateResponse,
    ResponseType,
    SignInFailure,
)
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
from msp_server.messages.payment import Authorisation, Card, Contact, Payment, PaymentStatus
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.quick_reply import Choice, QuickReply, QuickReplyResponse
from msp_server.messages.raw_interactive import RawInteractive
from msp_server.messages.reaction import InlineReply, Tapback
from msp_server.messages.rich_link import RichLink, Video
from msp_server.messages.text import Text
from msp_server.messages.time_picker import Location, TimePicker, TimePickerResponse, Timeslot

__all__ = [
    "AccountLinker",
    "Agent",
    "ApplePay",
    "ApplePayResponse",
    "Attachment",
    "AttachmentError",
    "Authenticate",
    "AuthenticateResponse",
    "Authorisation",
    "Bubble",
    "ByReference",
    "Capability",
    "CapabilityMissing",
    "Card",
    "Choice",
    "Close",
    "Contact",
    "ContactField",
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
    "Landing",
    "LineItem",
    "LinkRefused",
    "ListPicker",
    "ListPickerResponse",
    "Location",
    "MerchantCapability",
    "Network",
    "Option",
    "OutboundContent",
    "Payment",
    "PaymentEndpoints",
    "PaymentProcessor",
    "PaymentStatus",
    "PickerPage",
    "QuickReply",
    "QuickReplyResponse",
    "RawInteractive",
    "ResponseLost",
    "ResponseType",
    "RichLink",
    "Router",
    "Said",
    "Section",
    "SelectPage",
    "ShippingMethod",
    "SignInFailure",
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
