"""Content: the union of everything that can be said."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeGuard, get_args

from pydantic import SkipValidation
from pydantic.dataclasses import dataclass

from msp_server.errors import ContentInvalid
from msp_server.messages.apple_pay import ApplePay, ApplePayResponse, parse_apple_pay
from msp_server.messages.authenticate import (
    Authenticate,
    AuthenticateResponse,
    parse_authenticate,
)
from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability
from msp_server.messages.checked import build
from msp_server.messages.custom_app import CustomApp, CustomAppResponse
from msp_server.messages.form import Form
from msp_server.messages.form_response import FormResponse, parse_form
from msp_server.messages.interactive import Interactive, Response
from msp_server.messages.invitation import Invitation, InvitationResponse
from msp_server.messages.list_picker import ListPicker, ListPickerResponse, parse_list_picker
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.quick_reply import QuickReply, QuickReplyResponse, parse_quick_reply
from msp_server.messages.raw import JsonObject, object_in, raw_fields
from msp_server.messages.raw_interactive import RawInteractive
from msp_server.messages.reaction import InlineReply, Tapback, parse_text
from msp_server.messages.rich_link import RichLink
from msp_server.messages.text import Text
from msp_server.messages.time_picker import TimePicker, TimePickerResponse, parse_time_picker


@dataclass(frozen=True)
class Unknown:
    """Something of a kind that this server does not know yet, or not in this shape."""

    #: Apple's word for it, cut after 64 characters.
    type: str
    raw: SkipValidation[JsonObject] = raw_fields()


@dataclass(frozen=True)
class DataRef:
    """A pointer to an answer that was too large to come by itself; no handler sees it.

    Source: MSP REST API, "Messages Received": over 10 KB.
    """

    raw: SkipValidation[JsonObject] = raw_fields()


@dataclass(frozen=True)
class ResponseLost:
    """The customer answered an interactive message, and what they answered cannot be fetched.

    Source: observed: references live for seconds.
    """

    #: Why, in words.
    problem: str
    raw: SkipValidation[JsonObject] = raw_fields()


#: What a customer answers to an interactive message.
InteractiveResponse: TypeAlias = (
    QuickReplyResponse
    | ListPickerResponse
    | TimePickerResponse
    | FormResponse
    | ApplePayResponse
    | AuthenticateResponse
    | CustomAppResponse
    | InvitationResponse
)
#: What a customer can say that asks for an answer; typing never does.
AnswerableContent: TypeAlias = (
    Text | Tapback | InlineReply | InteractiveResponse | ResponseLost | Close | Unknown
)
#: What a customer can say.
InboundContent: TypeAlias = AnswerableContent | DataRef | TypingStart | TypingEnd
#: What a business can say.
OutboundContent: TypeAlias = (
    Text
    | RichLink
    | QuickReply
    | ListPicker
    | TimePicker
    | Form
    | ApplePay
    | Authenticate
    | CustomApp
    | Invitation
    | RawInteractive
    | ByReference
    | TypingStart
    | TypingEnd
)

_SENDABLE: Final[Mapping[str, type[OutboundContent]]] = {
    kind.__name__: kind for kind in get_args(OutboundContent)
}
#: How a response is told from the others: the key in `data` that it alone has, in this order.
#: Source: as the shapes require it.
_RESPONSES: Final[tuple[tuple[str, Callable[[JsonObject], InteractiveResponse | None]], ...]] = (
    ("quick-reply", parse_quick_reply),
    ("listPicker", parse_list_picker),
    ("event", parse_time_picker),
    ("timePicker", parse_time_picker),
    ("dynamic", parse_form),
    ("payment", parse_apple_pay),
    ("authenticate", parse_authenticate),
    ("notification", InvitationResponse.parse),
)


def parse_content(kind: str, fields: JsonObject) -> InboundContent:
    """Read what a message says; what is not understood becomes `Unknown`, never an error."""
    match kind:
        case "text":
            return parse_text(fields) or Unknown(kind, raw=fields)
        case "interactive":
            return parse_response(fields) or _unresolved(fields)
        case "typing_start":
            return TypingStart(raw=fields)
        case "typing_end":
            return TypingEnd(raw=fields)
        case "close":
            return InvitationResponse.parse_refusal(fields) or Close(raw=fields)
        case _:
            return Unknown(kind[:64], raw=fields)


def _unresolved(fields: JsonObject) -> DataRef | Unknown:
    """Tell a reference to an answer from an answer that is not understood."""
    if object_in(fields, "interactiveDataRef") and not object_in(fields, "interactiveData"):
        return DataRef(raw=fields)
    return Unknown("interactive", raw=fields)


def parse_response(raw: JsonObject) -> InteractiveResponse | None:
    """Read what a customer answered to an interactive message; None if it is nothing known."""
    data = object_in(object_in(raw, "interactiveData"), "data")
    for key, parse in _RESPONSES:
        if key in data:
            return parse(raw)
    return CustomAppResponse.parse(raw)


def parse_outbound(fields: JsonObject) -> OutboundContent:
    """Read what is to be sent from JSON: `kind` names the class, the rest are its fields.

    Apple's own JSON of an interactive message, with `interactiveData`, is taken as it is.

    Raises:
        ContentInvalid: with the path to the field at fault.
    """
    if isinstance(fields.get("interactiveData"), dict) and "kind" not in fields:
        return RawInteractive(fields["interactiveData"])
    values = dict(fields)
    name = values.pop("kind", None)
    kind = _SENDABLE.get(name) if isinstance(name, str) else None
    if kind is None:
        known = ", ".join(_SENDABLE)
        raise ContentInvalid("names no kind", field="kind", value=name, limit=f"there are {known}")
    if isinstance(values.get("fallback"), dict):
        if "fallback" in values["fallback"]:
            raise ContentInvalid("has none of its own", field=f"{name}.fallback.fallback")
        try:
            values["fallback"] = parse_outbound(values["fallback"])
        except ContentInvalid as error:
            raise error.inside(f"{name}.fallback") from None
    return build(kind, values)


def asks_for_answer(content: InboundContent) -> TypeGuard[AnswerableContent]:
    """Tell whether an agent is asked what to say to this."""
    return isinstance(content, AnswerableContent)


def needs_answer(content: InboundContent) -> bool:
    """Tell whether something is to be answered, now or once it was fetched."""
    return asks_for_answer(content) or isinstance(content, DataRef)


def closes(content: InboundContent) -> bool:
    """Tell whether nothing may be sent to the customer after this, until the customer writes."""
    match content:
        case Close():
            return True
        case InvitationResponse():
            return content.closes
        case _:
            return False


def kind_name(content: InboundContent | OutboundContent) -> str:
    """Give the name of a content's kind, as in code, logs and the store."""
    return type(content).__name__


def fingerprint(content: InboundContent) -> str | None:
    """Give what two deliveries of the same tap have in common; None for all but responses.

    Source: observed: the same tap comes twice, within 2 s, under different message ids.
    """
    if not isinstance(content, Response):
        return None
    session = content.session_id or content.request_id
    if session is None:
        return None
    said = json.dumps([kind_name(content), session, content.request_id, content.selection])
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def capability_of(kind: str) -> Capability | None:
    """Give what a device must have to show a kind, named as by `kind_name`."""
    found = _SENDABLE.get(kind)
    return getattr(found, "capability", None)


def identified(content: OutboundContent, message_id: str) -> OutboundContent:
    """Give the same with every id filled in that its author left out."""
    return content.identified(message_id) if isinstance(content, Interactive) else content
