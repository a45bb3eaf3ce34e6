"""Answering: takes messages from the inbox to an agent, and its answers to the outbox."""

import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from msp_server import metrics
from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation, Said
from msp_server.agents.router import Router
from msp_server.delivery.asking import Asking
from msp_server.delivery.cut_offs import CUT_OFFS_LIMIT, CutOffs
from msp_server.delivery.joining import Joining
from msp_server.delivery.preparing import Prepared, Preparing
from msp_server.delivery.resolving import Resolving
from msp_server.delivery.sending import FIRST_DELAY_S, LONGEST_DELAY_S, delay_after_s, fails_for_s
from msp_server.delivery.signing_in import LOOK_AGAIN_S, SigningIn
from msp_server.errors import (
    AttachmentError,
    ContentError,
    ContentInvalid,
    CredentialsRefused,
    DiskRefused,
    HandlerError,
    RemoteBusy,
    RemoteError,
    StoreError,
    StoreUnavailable,
    WebhookError,
    where,
)
from msp_server.messages.authenticate import AuthenticateResponse
from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability
from msp_server.messages.content import AnswerableContent, capability_of
from msp_server.messages.envelope import InboundMessage, parse_message
from msp_server.messages.ids import short
from msp_server.messages.summary import summary
from msp_server.store.base import Entry
from msp_server.store.conversations import Changes, ConversationRecord
from msp_server.store.history import HistoryEntry
from msp_server.store.opening import Store
from msp_server.wire.packing import UNPACKED_LIMIT_BYTES, unpack

log = logging.getLogger(__name__)

#: How long to wait after the store did not take an answer; the double each further time.
STORE_DELAY_S: Final = 1.0
#: How long the store may not take a message's answer.
GIVE_UP_S: Final = 3600.0
#: The most that `conversation.state` may measure as JSON.
STATE_LIMIT_BYTES: Final = 16 * 1024


@dataclass(frozen=True)
class Answering:
    """Answers one entry of the inbox at a time."""

    store: Store
    router: Router
    #: Gives messages what was fetched for them.
    resolving: Resolving
    #: Tells who signed in.
    signing_in: SigningIn
    #: Asks agents, here or elsewhere.
    asking: Asking
    #: Makes messages of what agents say.
    preparing: Preparing
    #: Tells messages whose handler ends the process.
    cut_offs: CutOffs
    #: Gives seconds since 1970.
    now: Callable[[], float]
    #: Called when there is something to send.
    on_answers: Callable[[], None]
    #: How long an agent elsewhere may fail before its message is buried.
    give_up_s: float

    def claim(self, lease_s: float) -> Entry | None:
        """Claim the next entry that is due."""
        return self.store.inbox.claim(self.now(), lease_s)

    def extend(self, entry: Entry, lease_s: float) -> None:
        """Keep a claim."""
        self.store.inbox.extend(entry, self.now(), lease_s)

    def bring_forward(self) -> int:
        """Make due what a clock that was set back would keep waiting."""
        return self.store.inbox.bring_forward(self.now())

    def work(self, entry: Entry) -> None:
        """Answer a claimed entry, or bury it.

        Raises:
            StoreError: the store did not take the answers; the entry is tried again.
        """
        if self.cut_offs.count(entry) >= CUT_OFFS_LIMIT:
            self._bury(entry, f"cut off {CUT_OFFS_LIMIT} times while it was being answered")
            self.cut_offs.forget(entry)
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
        except StoreError as error:
            self._release(entry, error)
            raise
        except ContentInvalid as error:
            log.error(  # noqa: TRY400 - the traceback's last line would show the value
                "answer unfit message_id=%.80r error=%s", entry.message_id, error.without_value
            )
            self._bury(entry, f"{type(error).__name__}: {error}")
        except (AttachmentError, ContentError, WebhookError) as error:
            self._bury(entry, f"{type(error).__name__}: {error}")
        except RemoteError as error:
            self._ask_again(entry, error)

    def answer_next(self, lease_s: float = 60) -> bool:
        """Answer the next entry that is due; False when there is none."""
        entry = self.claim(lease_s)
        if entry is not None:
            self.work(entry)
        return entry is not None

    def _answer(self, entry: Entry) -> None:
        message = parse_message(entry.headers, unpack(entry.packed, UNPACKED_LIMIT_BYTES))
        record = self.store.conversations.get(entry.conversation_id)
        fetched = self.store.fetches.of(entry.seq) if message.references else ()
        content = self.resolving.resolve(message.content, fetched)
        if content is None:
            self._finish_with_nothing(entry)
            return
        told_sign_in = None
        if isinstance(content, AuthenticateResponse):
            signed_in = self.signing_in.join(content, record.id, entry)
            if signed_in is None:
                self.store.inbox.postpone(entry, self.now(), LOOK_AGAIN_S)
                return
            if signed_in.response is None:
                self._finish_with_nothing(entry)
                return
            content, told_sign_in = signed_in.response, signed_in.sign_in
        joined = Joining(self.store).join(content, record, entry.created_at)
        conversation = self._conversation(record, message, entry)
        agent = self.router.choose(conversation)
        pause_s = self.asking.pause_s(agent)
        if pause_s:
            self.store.inbox.postpone(entry, self.now(), pause_s)
            return
        with self.cut_offs.noted(entry):
            prepared = self._ask(agent, joined.content, conversation, entry)
        changes = Changes(
            state=_changed_state(record.state, conversation.state),
            desk=conversation.desk,
            note=conversation.note,
            offer=prepared.offer,
            ended_offer=joined.ended_offer,
            told_sign_in=told_sign_in,
        )
        if self.store.inbox.finish(entry, prepared.messages, self.now(), changes):
            log.info(
                "answered message_id=%.80r kind=%s customer=%s answers=%s handed_over=%s",
                entry.message_id,
                entry.kind,
                short(message.customer_id),
                [answer.id for answer in prepared.messages],
                conversation.desk is not None,
            )
            self.on_answers()
        else:
            log.warning("answered too late, claim lost message_id=%.80r", entry.message_id)

    def _finish_with_nothing(self, entry: Entry) -> None:
        self.store.inbox.finish(entry, [], self.now())
        log.info("answered message_id=%.80r kind=%s with nothing", entry.message_id, entry.kind)

    def _ask(
        self,
        agent: Agent,
        content: AnswerableContent,
        conversation: Conversation,
        entry: Entry,
    ) -> Prepared:
        log.debug("asked message_id=%.80r agent=%r", conversation.message_id, agent.name)
        answered = self.asking.ask(agent, content, conversation, entry.created_at)
        try:
            return self.preparing.prepare(
                answered.contents,
                (conversation.business_id, conversation.customer_id),
                conversation.capabilities,
                automated=agent.automated,
                typing_s=agent.typing_s,
            )
        except DiskRefused as error:  # the files of an answer are stored like the answer
            raise StoreUnavailable(f"a file of the answer {error}") from error

    def _conversation(
        self, record: ConversationRecord, message: InboundMessage, entry: Entry
    ) -> Conversation:
        def read_history(count: int) -> Sequence[Said]:
            found = self.store.history.newest(max(0, count), record.id, before=entry)
            return [_said(each) for each in found]

        def find_sent_before(name: str) -> ByReference | None:
            found = self.store.outbox.find_reusable(record.business_id, name)
            needs = None if found is None else capability_of(found.kind)
            lacks = needs is not None and not _shows(record, needs)
            if found is None or lacks:
                return None
            return ByReference(
                found.data_ref, name=name, request_id=found.answer_key, requires=needs
            )

        return Conversation(
            business_id=record.business_id,
            customer_id=record.customer_id,
            message_id=message.id,
            capabilities=record.capabilities,
            locale=record.locale,
            intent=record.intent,
            group=record.group,
            id=record.id,
            state=json.loads(record.state),
            read_history=read_history,
            find_sent_before=find_sent_before,
        )

    def _release(self, entry: Entry, error: StoreError) -> None:
        """Let an entry be tried again soon; if the store fails at that too, its lease runs out."""
        now = self.now()
        doubled_s = STORE_DELAY_S * 2.0 ** min(entry.attempts, 32)
        failing_s = fails_for_s(entry.failing_since, now, doubled_s)
        with contextlib.suppress(StoreError):
            if failing_s >= GIVE_UP_S:
                self._bury(entry, f"given up after {failing_s:.0f} s: {error}")
            else:
                metrics.RETRIES.labels("answering").inc()
                delay_s = min(LONGEST_DELAY_S, STORE_DELAY_S + failing_s)
                self.store.inbox.release(entry, str(error), now, delay_s)

    def _ask_again(self, entry: Entry, error: RemoteError) -> None:
        """Let an agent elsewhere be asked again, unless it never will accept this message."""
        now = self.now()
        if isinstance(error, CredentialsRefused):  # our fault, not the message's: it is not over
            metrics.RETRIES.labels("answering").inc()
            self.store.inbox.postpone(entry, now, FIRST_DELAY_S)
            return
        doubled_s = FIRST_DELAY_S * 2.0 ** min(entry.attempts, 32)
        failing_s = fails_for_s(entry.failing_since, now, doubled_s)
        delay_s = delay_after_s(failing_s)
        if isinstance(error, RemoteBusy) and error.delay_s is not None:
            delay_s = max(delay_s, error.delay_s)
        delay_s = min(delay_s, self.give_up_s - failing_s)  # one last time when time is up
        if not error.retryable or delay_s <= 0:
            said = f", which said: {error.answer}" if error.answer else ""
            self._bury(entry, f"the agent did not answer: {error}{said}")
            return
        metrics.RETRIES.labels("answering").inc()
        self.store.inbox.release(entry, str(error), now, delay_s)
        log.warning(
            "asked again message_id=%.80r attempts=%d again_in_s=%.1f error=%s",
            entry.message_id,
            entry.attempts,
            delay_s,
            error,
        )

    def _bury(self, entry: Entry, reason: str) -> None:
        if self.store.inbox.bury(entry, reason, self.now()):
            log.error(
                "buried message_id=%.80r kind=%s, its reason is in: python -m msp_server messages",
                entry.message_id,
                entry.kind,
            )


def _shows(record: ConversationRecord, capability: Capability) -> bool:
    return record.capabilities is None or capability in record.capabilities


def _changed_state(before: str, state: object) -> str | None:
    """Write what agents remember as JSON; None when it is as it was before.

    Raises:
        ContentInvalid: it is no JSON object, or too large.
    """
    try:
        written = json.dumps(state, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise _unfit_state(f"cannot be written as JSON ({type(error).__name__})") from error
    if not isinstance(state, dict):
        raise _unfit_state("is no dictionary")
    if len(written) > STATE_LIMIT_BYTES:
        raise _unfit_state(f"measures {len(written)} bytes")
    return None if written == before else written


def _unfit_state(problem: str) -> ContentInvalid:
    limit = f"a dictionary that JSON can hold, of at most {STATE_LIMIT_BYTES} bytes"
    return ContentInvalid(problem, field="conversation.state", limit=limit)


def _said(entry: HistoryEntry) -> Said:
    try:
        fields = unpack(entry.packed, UNPACKED_LIMIT_BYTES)
    except WebhookError:
        fields = {}
    return Said(
        by="customer" if entry.direction == "in" else "business",
        kind=entry.kind,
        body=summary(fields),
        at=datetime.fromtimestamp(entry.created_at, UTC),
        fields=fields,
    )
