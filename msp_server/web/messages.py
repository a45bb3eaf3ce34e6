"""The route on which Apple delivers messages."""

import logging
import time
from collections.abc import Callable, Collection

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers

from msp_server import metrics
from msp_server.errors import BusinessUnknown, RequestUnreadable
from msp_server.messages.content import Unknown, kind_name
from msp_server.messages.envelope import INBOUND_HEADERS, InboundMessage, parse_message
from msp_server.messages.ids import parse_business_id
from msp_server.settings import Settings
from msp_server.store.opening import Store
from msp_server.wire.packing import (
    PACKED_LIMIT_BYTES,
    UNPACKED_LIMIT_BYTES,
    read_bounded,
    unpack,
)
from msp_server.wire.tokens import bearer_token, verify

log = logging.getLogger(__name__)


def blueprint(
    settings: Settings, store: Store, on_stored: Callable[[InboundMessage], None]
) -> Blueprint:
    """Make the route on which Apple delivers messages.

    Args:
        settings: who we are.
        store: where messages go.
        on_stored: called with a new message once it is committed; must neither wait nor fail.

    Source: MSP REST API, "Messages Received".
    """
    bp = Blueprint("messages", __name__)

    @bp.post("/message")
    def receive_message() -> ResponseReturnValue:
        now = time.time()
        read_at = request.environ.get(metrics.READ_AT) or time.perf_counter()
        token = bearer_token(request.headers.get("Authorization"))
        verify(token, settings.api_secrets, settings.msp_id, now, settings.token_max_age_s)
        require_known(request.headers.get("destination-id"), settings.business_ids)
        require_one_length(request.headers)
        packed = read_bounded(request.stream, PACKED_LIMIT_BYTES)
        headers = inbound_headers(request.headers)
        message = parse_message(headers, unpack(packed, UNPACKED_LIMIT_BYTES))
        new = store.inbox.put(message, headers, packed, now)  # a repeated id is kept once
        if new:
            on_stored(message)
        kind = kind_name(message.content)
        told = (kind, new, type_of(message))
        log.info("stored message_id=%.80r kind=%s new=%s%s", message.id, *told)
        took_s = time.perf_counter() - read_at
        metrics.count_acknowledged(kind, took_s, new=new)
        return "", 200

    @bp.get("/message")
    def explain_message() -> ResponseReturnValue:
        sentence = "Apple posts customers' messages here: use POST, not GET"
        return {"error": sentence}, 405, {"Allow": "POST"}

    return bp


def require_known(destination_id: str | None, business_ids: Collection[str]) -> None:
    """Refuse what is not for a business of ours.

    Raises:
        BusinessUnknown: no header `destination-id`, or a business that is not in the settings.
    """
    if destination_id is None:
        raise BusinessUnknown("no header destination-id: Apple names the business in it")
    if parse_business_id(destination_id) not in business_ids:
        raise BusinessUnknown("destination-id is no business of ours: compare MSP_BUSINESS_ID")


def require_one_length(headers: Headers) -> None:
    """Refuse a body whose end two headers place differently.

    Raises:
        RequestUnreadable: there is a `Content-Length` and a `Transfer-Encoding`.

    Source: RFC 9112, section 6.3.
    """
    if "Transfer-Encoding" in headers and "Content-Length" in headers:
        raise RequestUnreadable("both Content-Length and Transfer-Encoding: send one of them")


def inbound_headers(headers: Headers) -> dict[str, str]:
    """Take the headers that say something about a message, by name in lower case."""
    return {name: headers[name] for name in INBOUND_HEADERS if name in headers}


def type_of(message: InboundMessage) -> str:
    """Say for a log what Apple calls a message whose kind we do not know."""
    content = message.content
    return f" type={content.type!a}" if isinstance(content, Unknown) else ""
