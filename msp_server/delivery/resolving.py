"""Resolving: gives a message what was fetched for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from msp_server.delivery.files import UNKEPT, Files
from msp_server.errors import DiskRefused, WebhookError
from msp_server.messages.attachment import Attachment
from msp_server.messages.content import (
    AnswerableContent,
    DataRef,
    InboundContent,
    ResponseLost,
    Unknown,
    asks_for_answer,
    parse_content,
)
from msp_server.messages.interactive import Response
from msp_server.messages.raw import JsonObject, object_in
from msp_server.messages.references import ANSWER_PLACE
from msp_server.messages.text import Text
from msp_server.store.fetches import FetchRecord
from msp_server.store.schema import FetchState
from msp_server.wire.packing import unpack

#: The most that a decoded answer may measure. Assumed: the gateway names none.
ANSWER_LIMIT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Resolving:
    """Replaces what only points at something by what it points at."""

    #: Where fetched attachments are.
    attachments: Files

    def resolve(
        self, content: InboundContent, fetched: Sequence[FetchRecord]
    ) -> AnswerableContent | None:
        """Give a content with its attachments, and of a large answer what it says.

        Args:
            content: what came.
            fetched: what became of each reference in it.

        Returns:
            None for what asks for no answer.

        Raises:
            DiskRefused: this machine could not write a file: the message is not answered
                as if the customer had sent less.
        """
        for record in fetched:
            if record.reason is not None and record.reason.startswith(UNKEPT):
                raise DiskRefused(record.reason)
        files = tuple(
            self._attachment(each) for each in fetched if each.reference.place != ANSWER_PLACE
        )
        if isinstance(content, DataRef):
            content = _resolved(content, fetched)
        if not asks_for_answer(content):
            return None
        if files and isinstance(content, Text | Response):
            return replace(content, attachments=files)
        return content

    def _attachment(self, record: FetchRecord) -> Attachment:
        reference = record.reference
        there = record.state is FetchState.FETCHED and record.file is not None
        return Attachment(
            self.attachments.path(record.file or ""),
            reference.name,
            reference.mime_type,
            problem=None if there else record.reason or "was not fetched",
        )


def read_answer(raw: JsonObject, answer: bytes) -> InboundContent:
    """Read a decoded answer as if it had come by itself.

    The gateway was seen to give `interactiveData`, or what stands in it.

    Args:
        raw: the message that points at it.
        answer: JSON, as the gateway decoded it.

    Raises:
        RequestUnreadable, RequestTooLarge: it is no JSON object, or too large.

    Source: MSP API Tutorial, exercise 12; both shapes: observed.
    """
    decoded = unpack(answer, ANSWER_LIMIT_BYTES)
    interactive = object_in(decoded, "interactiveData") or decoded
    bid = object_in(raw, "interactiveDataRef").get("bid")
    return parse_content("interactive", {**raw, "interactiveData": {"bid": bid, **interactive}})


def _resolved(content: DataRef, fetched: Sequence[FetchRecord]) -> InboundContent:
    record = next((each for each in fetched if each.reference.place == ANSWER_PLACE), None)
    if record is None or record.answer is None:
        problem = "it was not fetched" if record is None else record.reason or "was not fetched"
        return ResponseLost(problem, raw=content.raw)
    try:
        return read_answer(content.raw, record.answer)
    except WebhookError:
        return Unknown("interactive", raw=content.raw)
