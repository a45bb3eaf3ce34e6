"""The routes for programs and desks, described as OpenAPI 3.1."""

from typing import Final

from msp_server.agents.asked import MESSAGES_LIMIT
from msp_server.agents.asked_schema import sayable_schemas
from msp_server.messages.raw import JsonObject
from msp_server.store.schema import Author

_SCHEMAS: Final = "#/components/schemas"
_ID: Final[JsonObject] = {
    "name": "conversation_id",
    "in": "path",
    "required": True,
    "description": "our own id of the conversation, a UUID",
    "schema": {"type": "string"},
}


def openapi() -> JsonObject:
    """Describe the routes and all that they take."""
    schemas = _renamed(sayable_schemas())
    contents = [name for name, each in schemas.items() if "kind" in each.get("properties", {})]
    schemas["Post"] = {
        "type": "object",
        "properties": {
            "id": {
                "description": "the same when the post is repeated: then it counts once",
                "type": "string",
                "minLength": 1,
            },
            "as": {
                "description": "who speaks; what a desk says answers all that came before it",
                "enum": [str(author) for author in Author],
                "default": str(Author.AGENT),
            },
            "messages": {
                "type": "array",
                "minItems": 1,
                "maxItems": MESSAGES_LIMIT,
                "items": {"oneOf": [{"$ref": f"{_SCHEMAS}/{name}"} for name in contents]},
            },
        },
        "required": ["id", "messages"],
        "additionalProperties": False,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Conversations of Apple Messages for Business", "version": "1"},
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "MSP_AGENT_TOKEN"}
            },
        },
    }


def _paths() -> JsonObject:
    refused = {
        "401": {"description": "no token"},
        "403": {"description": "another token"},
        "404": {"description": "no such conversation"},
    }
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}
    named = {"type": "object", "properties": {"desk": {"type": "string"}}, "required": ["desk"]}
    desk = {"application/json": {"schema": named}}
    post = {"application/json": {"schema": {"$ref": f"{_SCHEMAS}/Post"}}}
    return {
        "/conversations": {
            "get": {
                "summary": "Give the conversations in which customers wrote last",
                "parameters": [
                    limit,
                    {"name": "at_desk", "in": "query", "schema": {"enum": ["1"]}},
                ],
                "responses": {"200": {"description": "newest first"}, **refused},
            },
        },
        "/conversations/{conversation_id}/take_over": {
            "parameters": [_ID],
            "post": {
                "summary": "Give a conversation to a desk: what customers say is held for it",
                "requestBody": {"required": True, "content": desk},
                "responses": {"200": {"description": "the desk has it"}, **refused},
            },
        },
        "/conversations/{conversation_id}": {
            "parameters": [_ID],
            "get": {
                "summary": "Give a conversation and what was said last in it",
                "parameters": [limit],
                "responses": {"200": {"description": "oldest first"}, **refused},
            },
        },
        "/conversations/{conversation_id}/messages": {
            "parameters": [_ID],
            "post": {
                "summary": "Say something to the customer",
                "requestBody": {"required": True, "content": post},
                "responses": {
                    "202": {"description": "it is stored, and is sent in order"},
                    **refused,
                    "409": {
                        "description": "the customer has left, a desk has the conversation, or "
                        "something else was posted under this id"
                    },
                    "422": {"description": "a field does not hold; `field` names it"},
                },
            },
        },
        "/conversations/{conversation_id}/give_back": {
            "parameters": [_ID],
            "post": {
                "summary": "Give a conversation back from its desk to the agent",
                "responses": {"200": {"description": "how many messages wait for it"}, **refused},
            },
        },
    }


def _renamed(value: JsonObject) -> JsonObject:
    """Give schemas with references to where they stand in this description."""

    def rename(each: object) -> object:
        if isinstance(each, dict):
            return {name: rename(inner) for name, inner in each.items()}
        if isinstance(each, list):
            return [rename(inner) for inner in each]
        return each.replace("#/$defs", _SCHEMAS) if isinstance(each, str) else each

    renamed = rename(value)
    assert isinstance(renamed, dict)  # noqa: S101 - for the type checker
    return renamed
