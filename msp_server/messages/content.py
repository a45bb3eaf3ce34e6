"""Content: the union of everything that can be said."""

from typing import TypeAlias, TypeGuard

from pydantic import SkipValidation
from pydantic.dataclasses import dataclass

from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.raw import JsonObject, raw_fields
from msp_server.messages.text import Text


@dataclass(frozen=True)
class Unknown:
    """Something of a kind that this server does not know yet, or not in this shape."""

    #: Apple's word for it, cut after 64 characters.
    type: str
    raw: SkipValidation[JsonObject] = raw_fields()


#: What a customer can say.
InboundContent: TypeAlias = Text | TypingStart | TypingEnd | Close | Unknown
#: What a customer can say that asks for an answer; typing never does.
AnswerableContent: TypeAlias = Text | Close | Unknown
#: What a business can say.
OutboundContent: TypeAlias = Text | TypingStart | TypingEnd


def parse_content(kind: str, fields: JsonObject) -> InboundContent:
    """Read what a message says; what is not understood becomes `Unknown`, never an error."""
    match kind:
        case "text":
            return Text.parse(fields) or Unknown(kind, raw=fields)
        case "typing_start":
            return TypingStart(raw=fields)
        case "typing_end":
            return TypingEnd(raw=fields)
        case "close":
            return Close(raw=fields)
        case _:
            return Unknown(kind[:64], raw=fields)


def asks_for_answer(content: InboundContent) -> TypeGuard[AnswerableContent]:
    """Tell whether an agent is asked what to say to this."""
    return isinstance(content, AnswerableContent)


def kind_name(content: InboundContent | OutboundContent) -> str:
    """Give the name of a content's kind, as in code, logs and the store."""
    return type(content).__name__
