"""Turn errors into answers: one line of JSON that says what is wrong and what to do."""

import logging

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from msp_server.errors import StoreError, WebhookError, where

log = logging.getLogger(__name__)

#: When a sender may come back after the store failed, seconds.
RETRY_AFTER_S = 5
#: How much of a path that leads nowhere is logged: a token that was misspelt would be in the rest.
_FIRST_CHARS = 20
_COME_BACK = (429, 503)


def answer_errors(app: Flask) -> None:
    """Register what the app answers to each kind of error."""

    @app.errorhandler(WebhookError)
    def refuse(error: WebhookError) -> ResponseReturnValue:
        if error.status in _COME_BACK:
            return *_answer(error.status, str(error)), {"Retry-After": str(RETRY_AFTER_S)}
        return _answer(error.status, str(error))

    @app.errorhandler(StoreError)
    def ask_to_come_back(error: StoreError) -> ResponseReturnValue:
        log.error("store failed message_id=%s error=%s", _message_id(), error)
        answer, status = _answer(503, "the message could not be stored: send it again later")
        return answer, status, {"Retry-After": str(RETRY_AFTER_S)}

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        allowed = ", ".join(getattr(error, "valid_methods", None) or ())
        problem = error.name
        if status == 404:
            problem = "no such route: Apple posts to /message"
        elif allowed:
            problem = f"not with {request.method}: use {allowed}"
        return *_answer(status, problem), {"Allow": allowed} if allowed else {}

    @app.errorhandler(Exception)
    def admit(error: Exception) -> ResponseReturnValue:
        log.error("failed message_id=%s error=%s", _message_id(), where(error))
        return _answer(500, "this server made a mistake: its log says where")


def _answer(status: int, problem: str) -> tuple[dict[str, str], int]:
    log.warning(
        "refused status=%d message_id=%s path=%.100s error=%s",
        status,
        _message_id(),
        _path(),
        problem,
    )
    return {"error": problem}, status


def _path() -> str:
    """Give the path for a log, without what stands in it for a token."""
    return request.url_rule.rule if request.url_rule else ascii(request.path[:_FIRST_CHARS])


def _message_id() -> str:
    """Give the id in the header, which anybody can send, fit for a log."""
    return ascii(request.headers.get("id", "")[:80])
