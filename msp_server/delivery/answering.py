"""Answering: takes messages from the inbox to an agent, and its answers to the outbox."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from msp_server.agents.conversation import Conversation
from msp_server.agents.router import Router
from msp_server.errors import ContentError, HandlerError, StoreError, WebhookError, where
from msp_server.messages.content import asks_for_answer
from msp_server.messages.envelope import InboundMessage, OutboundMessage, parse_message
from msp_server.messages.ids import MessageId, short
from msp_server.store.base import Entry
from msp_server.store.conversations import ConversationRecord
from msp_server.store.opening import Store
from msp_server.wire.packing import UNPACKED_LIMIT_BYTES, unpack

log = logging.getLogger(__name__)

#: How often a message may be claimed before we believe that its handler ends the process.
ATTEMPTS_LIMIT: Final = 5
#: How long to wait after the store did not take an answer.
STORE_DELAY_S: Final = 1.0


@dataclass(frozen=True)
class Answering:
    """Answers one entry of the inbox at a time."""

    store: Store
    router: Router
    #: Gives seconds since 1970.
    now: Callable[[], float]
    #: Makes the id of an answer.
    new_id: Callable[[], MessageId]
    #: Called when there is something to send.
    on_answers: Callable[[], None]

    def claim(self, lease_s: float) -> Entry | None:
        """Claim the next entry that is due."""
        return self.store.inbox.claim(self.now(), lease_s)

    def extend(self, entry: Entry, lease_s: float) -> None:
        """Keep a claim."""
        self.store.inbox.extend(entry, self.now(), lease_s)

    def work(self, entry: Entry) -> None:
        """Answer a claimed entry, or bury it.

        Raises:
            StoreError: the store did not take the answers; the entry is tried again.
        """
        if entry.attempts > ATTEMPTS_LIMIT:
            self._bury(entry, f"cut off {ATTEMPTS_LIMIT} times while it was being answered")
            return
        try:
            self._answer(entry)
        except HandlerError as error:
            # What a handler raised may quote its customer: the log says where, the store what.
            log.error(  # noqa: TRY400 - the traceback's last line would be the quotation
                "handler raised message_id=%.80r agent=%r handler=%s error=%s",
                entry.message_id,
                error.agent,
                error.handler,
                where(error.__cause__),
            )
            self._bury(entry, str(error))
        except StoreError:
            self._release(entry)
            raise
        except (ContentError, WebhookError) as error:
            self._bury(entry, f"{type(error).__name__}: {error}")

    def answer_next(self, lease_s: float = 60) -> bool:
        """Answer the next entry that is due; False when there is none."""
        entry = self.claim(lease_s)
        if entry is not None:
            self.work(entry)
        return entry is not None

    def _answer(self, entry: Entry) -> None:
        message = parse_message(entry.headers, unpack(entry.packed, UNPACKED_LIMIT_BYTES))
        record = self.store.conversations.get(entry.conversation_id)
        answers = self._ask(message, _conversation(record, message))
        if self.store.inbox.finish(entry, answers, self.now()):
            log.info(
                "answered message_id=%.80r kind=%s customer=%s answers=%s",
                entry.message_id,
                entry.kind,
                short(message.customer_id),
                [answer.id for answer in answers],
            )
            self.on_answers()
        else:
            log.warning("answered too late, claim lost message_id=%.80r", entry.message_id)

    def _ask(self, message: InboundMessage, conversation: Conversation) -> list[OutboundMessage]:
        if not asks_for_answer(message.content):
            return []
        agent = self.router.choose(conversation)
        log.debug("asked message_id=%.80r agent=%r", message.id, agent.name)
        return [
            OutboundMessage(
                id=self.new_id(),
                business_id=message.business_id,
                customer_id=message.customer_id,
                content=content,
                automated=agent.automated,
            )
            for content in agent.answer(message.content, conversation)
        ]

    def _release(self, entry: Entry) -> None:
        """Let an entry be tried again soon; if the store fails at that too, its lease runs out."""
        with contextlib.suppress(StoreError):
            self.store.inbox.release(entry, "the store failed", self.now(), STORE_DELAY_S)

    def _bury(self, entry: Entry, reason: str) -> None:
        if self.store.inbox.bury(entry, reason, self.now()):
            log.error(
                "buried message_id=%.80r kind=%s, its reason is in: python -m msp_server messages",
                entry.message_id,
                entry.kind,
            )


def _conversation(record: ConversationRecord, message: InboundMessage) -> Conversation:
    return Conversation(
        business_id=record.business_id,
        customer_id=record.customer_id,
        message_id=message.id,
        capabilities=record.capabilities,
        locale=record.locale,
        intent=record.intent,
        group=record.group,
    )
