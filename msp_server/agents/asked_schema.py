"""The shapes of `asked.py` as JSON Schema: for programs in other languages, and for tools.

What is sent is described by the classes of contents themselves; the files beside this one are
written by `python -m msp_server.agents.asked_schema`, and a test holds them to it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import TypeAdapter

from msp_server.agents.asked import MESSAGES_LIMIT, VERSION
from msp_server.messages.capability import Capability
from msp_server.messages.content import AnswerableContent, OutboundContent
from msp_server.messages.raw import JsonObject

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT_OR_NULL: Final[JsonObject] = {"type": ["string", "null"]}
#: Of no use from elsewhere.
_NOT_GIVEN: Final = frozenset({"raw"})


def sayable_schemas() -> JsonObject:
    """Describe every content that can be sent, and what it is made of, each by its name."""
    kinds = get_args(OutboundContent)
    mode: Literal["validation"] = "validation"
    adapters = [(kind.__name__, mode, TypeAdapter(kind)) for kind in kinds]
    _, described = TypeAdapter.json_schemas(adapters, ref_template="#/$defs/{model}")
    schemas: JsonObject = described["$defs"]
    for kind in kinds:
        schema = schemas[kind.__name__]
        given = {n: each for n, each in schema["properties"].items() if n not in _NOT_GIVEN}
        schema["properties"] = {"kind": {"const": kind.__name__}, **given}
        schema["required"] = ["kind", *schema.get("required", [])]
    return schemas


def answered_schema() -> JsonObject:
    """Describe what a program answers."""
    kinds = [{"$ref": f"#/$defs/{kind.__name__}"} for kind in get_args(OutboundContent)]
    return {
        "$schema": _DIALECT,
        "title": f"What a program answers, version {VERSION}",
        "type": "object",
        "properties": {
            "messages": {
                "description": "what is said to the customer, in order",
                "type": "array",
                "maxItems": MESSAGES_LIMIT,
                "items": {"oneOf": kinds},
            },
            "state": {
                "description": "what is remembered of the conversation, at most 16 KB",
                "type": ["object", "null"],
            },
            "hand_over": {
                "description": "gives the conversation to a desk",
                "type": ["object", "null"],
                "properties": {
                    "desk": {"type": "string", "minLength": 1},
                    "note": {"type": "string"},
                },
                "required": ["desk"],
            },
        },
        "additionalProperties": False,
        "$defs": sayable_schemas(),
    }


def asked_schema() -> JsonObject:
    """Describe what a program is asked."""
    return {
        "$schema": _DIALECT,
        "title": f"What a program is asked, version {VERSION}",
        "type": "object",
        "properties": {
            "version": {"const": VERSION},
            "message_id": {"type": "string", "description": "the same when it is asked again"},
            "at": {"type": "string", "format": "date-time"},
            "conversation": _conversation(),
            "content": {
                "description": "further properties are the fields of the class of that name",
                "type": "object",
                "properties": {
                    "kind": {"enum": sorted(kind.__name__ for kind in get_args(AnswerableContent))},
                    "attachments": {"type": "array", "items": _file()},
                },
                "required": ["kind", "attachments"],
            },
        },
        "required": ["version", "message_id", "at", "conversation", "content"],
    }


def _conversation() -> JsonObject:
    properties: JsonObject = {
        "id": {"type": "string", "format": "uuid"},
        "business_id": {"type": "string", "format": "uuid"},
        "customer_id": {"type": "string"},
        "locale": _TEXT_OR_NULL,
        "intent": _TEXT_OR_NULL,
        "group": _TEXT_OR_NULL,
        "capabilities": {
            "description": "what the device can show; null when it never said",
            "type": ["array", "null"],
            "items": {"enum": [str(each) for each in Capability]},
        },
        "state": {"description": "what was remembered last", "type": "object"},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _file() -> JsonObject:
    return {
        "description": "a file that can be had from its address, or why it cannot",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "type": {"type": "string"},
            "size_bytes": {"type": "integer"},
            "url": {"type": "string", "format": "uri"},
            "expires_at": {"type": "string", "format": "date-time"},
            "problem": {"type": "string"},
        },
        "required": ["name", "type"],
    }


def files() -> Iterator[tuple[Path, str]]:
    """Give each file beside this one with what has to be in it."""
    schemas: dict[str, Any] = {"asked": asked_schema(), "answered": answered_schema()}
    for name, schema in schemas.items():
        path = Path(__file__).with_name(f"{name}.schema.json")
        yield path, json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    for file, text in files():
        file.write_text(text)
