"""Asked: how a program elsewhere is asked, and how it answers; version 1 of both.

`asked.schema.json` and `answered.schema.json` beside this file say the same for other languages.
What is added later is optional: a program leaves out of account what it does not know.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic_core import to_jsonable_python

from msp_server.agents.conversation import Conversation
from msp_server.errors import ContentInvalid
from msp_server.messages.attachment import Attachment
from msp_server.messages.content import (
    AnswerableContent,
    OutboundContent,
    Unknown,
    kind_name,
    parse_outbound,
)
from msp_server.messages.custom_app import CustomAppResponse
from msp_server.messages.raw import JsonObject, present

VERSION: Final = 1
#: The most messages that one answer may hold.
MESSAGES_LIMIT: Final = 20

_FILE_FIELDS: Final = ("data", "name", "type")
#: What a program is told of a file, beside its name and type: where it is, or why it cannot be had.
FileAddress = Callable[[int], JsonObject]


@dataclass(frozen=True)
class Answered:
    """What a program answered."""

    contents: Sequence[OutboundContent] = ()
    #: What it wants remembered of the conversation; None when it says nothing of that.
    state: JsonObject | None = None
    #: Who has the conversation from now on; None when nobody else does.
    desk: str | None = None
    note: str = ""


def ask(
    content: AnswerableContent, conversation: Conversation, at: float, file_address: FileAddress
) -> JsonObject:
    """Write what a customer said, for a program.

    Args:
        content: what was said.
        conversation: as it stands with this message.
        at: when it came, seconds since 1970.
        file_address: gives `url` and `expires_at` of an attachment, by its place among them.
    """
    files = [
        {
            "name": each.name,
            "type": each.mime_type,
            **(
                {"problem": each.problem}
                if each.problem is not None
                else {**present(size_bytes=each.size_bytes), **file_address(place)}
            ),
        }
        for place, each in enumerate(getattr(content, "attachments", ()))
    ]
    return {
        "version": VERSION,
        "message_id": conversation.message_id,
        "at": datetime.fromtimestamp(at, UTC).isoformat(),
        "conversation": {
            "id": conversation.id,
            "business_id": conversation.business_id,
            "customer_id": conversation.customer_id,
            "locale": conversation.locale,
            "intent": conversation.intent,
            "group": conversation.group,
            "capabilities": None
            if conversation.capabilities is None
            else sorted(conversation.capabilities),
            "state": conversation.state,
        },
        "content": {"kind": kind_name(content), **_said(content), "attachments": files},
    }


def read_answer(answer: JsonObject) -> Answered:
    """Read what a program answered; an empty object says nothing for now.

    Raises:
        ContentInvalid: with the path to the field at fault.
    """
    unknown = sorted(answer.keys() - {"messages", "state", "hand_over"})
    if unknown:
        raise ContentInvalid("is no field there is", field=_fit(unknown[0]))
    state = answer.get("state")
    if state is not None and not isinstance(state, dict):
        raise ContentInvalid("is no object", field="state")
    desk, note = _read_hand_over(answer.get("hand_over"))
    return Answered(read_messages(answer.get("messages", [])), state, desk, note)


def read_messages(given: object) -> list[OutboundContent]:
    """Read what is to be said, in order.

    Raises:
        ContentInvalid: with the path to the field at fault.
    """
    if not isinstance(given, list):
        raise ContentInvalid("is no list", field="messages")
    if len(given) > MESSAGES_LIMIT:
        limit = f"at most {MESSAGES_LIMIT} at a time"
        raise ContentInvalid(f"has {len(given)} messages", field="messages", limit=limit)
    contents = []
    for place, each in enumerate(given):
        path = f"messages[{place}]"
        if not isinstance(each, dict):
            raise ContentInvalid("is no object", field=path)
        try:
            contents.append(parse_outbound(_with_files(each)))
        except ContentInvalid as error:
            raise error.inside(path) from None
    return contents


def _with_files(message: JsonObject) -> JsonObject:
    """Make files of what says so: their bytes are in it, for from JSON no path is taken.

    Raises:
        ContentInvalid: one of them is no file.
    """
    given = message.get("attachments")
    if not isinstance(given, list):
        return message
    return {**message, "attachments": [_read_file(each, n) for n, each in enumerate(given)]}


def _read_file(given: object, place: int) -> Attachment:
    path = f"Text.attachments[{place}]"
    limit = 'give {"name": "invoice.pdf", "data": "its bytes as Base64"}, and "type" if you like'
    fields = given if isinstance(given, dict) else {}
    values = [fields.get(name, "") for name in _FILE_FIELDS]
    if fields.keys() - {*_FILE_FIELDS} or not all(isinstance(each, str) for each in values):
        raise ContentInvalid("is no file", field=path, limit=limit)
    data, name, mime_type = values
    try:
        decoded = base64.b64decode(data, validate=True)
    except ValueError:
        raise ContentInvalid("is no Base64", field=f"{path}.data", limit=limit) from None
    return Attachment(decoded, name, mime_type)


def _read_hand_over(given: object) -> tuple[str | None, str]:
    if given is None:
        return None, ""
    desk, note = (given.get("desk"), given.get("note", "")) if isinstance(given, dict) else ("", "")
    if not isinstance(desk, str) or not desk.strip() or not isinstance(note, str):
        limit = 'give {"desk": "billing desk", "note": "what it should know"}'
        raise ContentInvalid("names no desk", field="hand_over", limit=limit)
    return desk, note


def _said(content: AnswerableContent) -> JsonObject:
    """Give the fields of a content by their names in Python."""
    shown: JsonObject = to_jsonable_python(content, exclude={"raw", "attachments", "token"})
    if isinstance(content, CustomAppResponse):
        shown["parameters"] = dict(content.parameters)
    if isinstance(content, Unknown):
        shown["raw"] = content.raw
    return shown


def _fit(name: str) -> str:
    return ascii(name)[1:-1][:64]
