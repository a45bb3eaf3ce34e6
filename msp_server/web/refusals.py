"""Turn errors into answers: one line of JSON that says what is wrong and what to do."""

import logging

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from msp_server import metrics
from msp_server.errors import MspError, StoreError, WebhookError, where

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
        _count(error)
        if error.status in _COME_BACK:
            return *_answer(error.status, str(error)), {"Retry-After": str(RETRY_AFTER_S)}
        return _answer(error.status, str(error))

    @app.errorhandler(StoreError)
    def ask_to_come_back(error: StoreError) -> ResponseReturnValue:
        _count(error)
        log.error("store failed message_id=%.80a error=%s", _message_id(), error)
        answer, status = _answer(503, "the message could not be stored: send it again later")
        return answer, status, {"Retry-After": str(RETRY_AFTER_S)}

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> ResponseReturnValue:
        _count(error)
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
        metrics.REFUSED.labels("Unexpected").inc()
        log.error("failed message_id=%.80a error=%s", _message_id(), where(error))
        return _answer(500, "this server made a mistake: its log says where")


def _count(error: MspError | HTTPException) -> None:
    """Count a refusal by its class, of which there are only so many."""
    metrics.REFUSED.labels(type(error).__name__).inc()


def _answer(status: int, problem: str) -> tuple[dict[str, str], int]:
    log.warning(
        "refused status=%d message_id=%.80a path=%.100s error=%s",
        status,
        _message_id(),
        _path(),
        problem,
    )
    return {"error": problem}, status


def _path() -> str:
    """Give the path for a log, without what stands in it for a token."""
    if request.url_rule:
        return request.url_rule.rule
    return ascii("/" + request.path.lstrip("/").partition("/")[0][:_FIRST_CHARS])


def _message_id() -> str:
    """Give the id in the header, which anybody can send: only `%a` is fit for a log."""
    return request.headers.get("id", "")
