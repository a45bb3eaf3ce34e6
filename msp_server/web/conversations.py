"""Conversations, for programs and desks elsewhere: what was said, and what they say. JSON.

The routes are there only where `MSP_AGENT_TOKEN` is set, and open to nobody without it.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from msp_server.agents.asked import read_messages
from msp_server.errors import (
    CapabilityMissing,
    ContentInvalid,
    ConversationClosed,
    ConversationElsewhere,
    ConversationUnknown,
    PostDiffers,
    RequestUnreadable,
    TokenMissing,
    TokenRefused,
    WebhookError,
)
from msp_server.messages.content import OutboundContent
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.raw import JsonObject
from msp_server.messages.summary import summary
from msp_server.store.conversations import ConversationRecord
from msp_server.store.history import HistoryEntry
from msp_server.store.opening import Store
from msp_server.store.outbox import Post
from msp_server.store.schema import Author
from msp_server.web.desk_session import DeskSessions
from msp_server.web.openapi import openapi
from msp_server.wire.packing import UNPACKED_LIMIT_BYTES, read_bounded, unpack

#: The most that one post may measure: pictures are in it, as Base64.
BODY_LIMIT_BYTES: Final = 4 * 1024 * 1024
#: How many messages of a conversation are given at a time, at most.
HISTORY_LIMIT: Final = 100
#: The most of a message that is given as it came; of what measures more, the words alone.
FIELDS_LIMIT_CHARS: Final = 16 * 1024
#: The longest name of a post.
KEY_LIMIT_CHARS: Final = 200

_CONFLICTS: Final = (ConversationClosed, ConversationElsewhere, PostDiffers)
#: Makes messages that a customer's device can show of contents, and the offer among them.
Prepare = Callable[
    [list[OutboundContent], ConversationRecord, bool], tuple[list[OutboundMessage], str | None]
]


def blueprint(
    store: Store, prepare: Prepare, agent_token: str, sessions: DeskSessions
) -> Blueprint:
    """Make the routes.

    Args:
        store: where conversations are.
        prepare: makes messages of contents.
        agent_token: who shows it may see and say everything.
        sessions: of people who did so on the desk's page.
    """
    bp = Blueprint("conversations", __name__, url_prefix="/conversations")
    _answer_conflicts(bp)
    _add_reading(bp, store)
    _add_saying(bp, store, prepare)
    _add_desk(bp, store)

    @bp.before_request
    def require_token() -> None:
        session = sessions.find(request)
        if session is not None and "Authorization" not in request.headers:
            if request.method not in ("GET", "HEAD"):
                sessions.require_mark(session, request)
            return
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not shown:
            raise TokenMissing("no bearer token: send the header 'Authorization: Bearer TOKEN'")
        if not hmac.compare_digest(shown.strip().encode(), agent_token.encode()):
            raise TokenRefused("the token is not MSP_AGENT_TOKEN")

    return bp


def _add_reading(bp: Blueprint, store: Store) -> None:
    description = openapi()

    @bp.get("/openapi.json")
    def describe() -> ResponseReturnValue:
        return description

    @bp.get("")
    def tell_latest() -> ResponseReturnValue:
        at_desk = request.args.get("at_desk", "") in ("1", "true")
        found = store.conversations.latest(_read_limit(), at_desk=at_desk)
        return {"conversations": [_describe(each) for each in found]}

    @bp.get("/<conversation_id>")
    def tell(conversation_id: str) -> ResponseReturnValue:
        record = _find(store, conversation_id)
        said = [_tell(each) for each in store.history.newest(_read_limit(), record.id)]
        return {"conversation": _describe(record), "messages": said}


def _add_saying(bp: Blueprint, store: Store, prepare: Prepare) -> None:
    @bp.post("/<conversation_id>/messages")
    def say(conversation_id: str) -> ResponseReturnValue:
        fields = _read_body()
        post, author = _read_post(fields)
        contents = read_messages(fields.get("messages"))
        if not contents:
            raise ContentInvalid("is empty", field="messages", limit="say something")
        record = _find(store, conversation_id)
        messages, offer = prepare(contents, record, author is Author.AGENT)
        ids = store.outbox.put(messages, time.time(), offer, author=author, post=post)
        store.ring()
        return {"message_ids": list(ids)}, 202


def _add_desk(bp: Blueprint, store: Store) -> None:
    @bp.post("/<conversation_id>/take_over")
    def take_over(conversation_id: str) -> ResponseReturnValue:
        fields = _read_body()
        desk, note = fields.get("desk"), fields.get("note", "")
        if not isinstance(desk, str) or not desk.strip() or not isinstance(note, str):
            raise ContentInvalid("names no desk", field="desk", limit="a text, such as billing")
        record = _find(store, conversation_id)
        store.inbox.take_over(record.id, desk, note, time.time())
        return {"conversation": _describe(_find(store, conversation_id))}

    @bp.post("/<conversation_id>/give_back")
    def give_back(conversation_id: str) -> ResponseReturnValue:
        record = _find(store, conversation_id)
        waiting = store.inbox.give_back(record.id, time.time())
        store.ring()
        return {"waiting": waiting}


def _answer_conflicts(bp: Blueprint) -> None:
    @bp.errorhandler(ContentInvalid)
    def refuse_content(error: ContentInvalid) -> ResponseReturnValue:
        status = 409 if isinstance(error, _CONFLICTS) else 422
        return {"error": str(error), "field": error.field}, status

    @bp.errorhandler(CapabilityMissing)
    def refuse_kind(error: CapabilityMissing) -> ResponseReturnValue:
        return {"error": str(error), "field": "messages"}, 422

    @bp.errorhandler(ConversationElsewhere)
    @bp.errorhandler(PostDiffers)
    def refuse_post(error: ConversationElsewhere | PostDiffers) -> ResponseReturnValue:
        return {"error": str(error)}, 409


def _find(store: Store, conversation_id: str) -> ConversationRecord:
    """Give a conversation by our own id of it; a customer's opaque ID is none.

    Raises:
        ConversationUnknown: there is none.
    """
    try:
        return store.conversations.get(conversation_id.lower())
    except KeyError as error:
        raise ConversationUnknown from error


def _read_body() -> JsonObject:
    return unpack(read_bounded(request.stream, BODY_LIMIT_BYTES), BODY_LIMIT_BYTES)


def _read_limit() -> int:
    text = request.args.get("limit", "100")
    if not re.fullmatch("[0-9]{1,3}", text) or not 0 < int(text) <= HISTORY_LIMIT:
        raise RequestUnreadable(f"limit is no number from 1 to {HISTORY_LIMIT}")
    return int(text)


def _read_post(fields: JsonObject) -> tuple[Post, Author]:
    unknown = sorted(fields.keys() - {"id", "as", "messages"})
    if unknown:
        raise ContentInvalid("is no field there is", field=ascii(unknown[0])[1:-1][:64])
    key = fields.get("id")
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LIMIT_CHARS or not key.isprintable():
        limit = f"1 to {KEY_LIMIT_CHARS} characters, the same when the post is repeated"
        raise ContentInvalid("names no post", field="id", limit=limit)
    try:
        author = Author(fields.get("as", Author.AGENT))
    except ValueError:
        raise ContentInvalid("is nobody", field="as", limit="agent or desk") from None
    said = json.dumps([author, fields.get("messages")], sort_keys=True)
    return Post(key, hashlib.sha256(said.encode()).hexdigest()), author


def _describe(record: ConversationRecord) -> JsonObject:
    return {
        "id": record.id,
        "business_id": record.business_id,
        "customer_id": record.customer_id,
        "locale": record.locale,
        "intent": record.intent,
        "group": record.group,
        "capabilities": None if record.capabilities is None else sorted(record.capabilities),
        "closed": record.closed,
        "desk": record.desk,
        "note": record.note,
    }


def _tell(entry: HistoryEntry) -> JsonObject:
    try:
        fields = unpack(entry.packed, UNPACKED_LIMIT_BYTES)
    except WebhookError:
        fields = {}
    return {
        "message_id": entry.message_id,
        "by": "customer" if entry.direction == "in" else "business",
        "kind": entry.kind,
        "words": summary(fields),
        "at": datetime.fromtimestamp(entry.created_at, UTC).isoformat(),
        "state": entry.state,
        "reason": entry.reason,
        "fields": fields if len(json.dumps(fields)) <= FIELDS_LIMIT_CHARS else None,
    }
