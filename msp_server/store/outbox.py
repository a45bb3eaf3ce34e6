"""The outbox: messages to be sent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from msp_server.errors import ConversationClosed, ConversationElsewhere, PostDiffers
from msp_server.messages.content import kind_name
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.interactive import MESSAGE, Interactive
from msp_server.messages.invitation import Invitation
from msp_server.messages.outgoing_file import files_from_json, files_to_json
from msp_server.messages.raw import JsonObject, object_in
from msp_server.store.base import Database, Entries, Entry, fit, lock_conversation
from msp_server.store.conversations import change, lock_or_make
from msp_server.store.pace import gates, note_acceptance, refusals, take_place
from msp_server.store.payments import put_payments
from msp_server.store.schema import CONVERSATIONS, INBOX, OUTBOX, Author, OutboxState
from msp_server.store.sign_ins import put_sign_ins

_INSERT: Final = insert(OUTBOX)
#: How long the message after one waits, and how often the gateway has refused us.
_PAUSE: Final = select(OUTBOX.c.pause_s, refusals()).where(OUTBOX.c.seq == bindparam("which"))
#: What was received last in a conversation.
_HEARD: Final = select(func.max(INBOX.c.seq)).where(INBOX.c.conversation_id == bindparam("which"))
#: Why a message is buried that was under way when its customer left.
CLOSED: Final = "the customer closed the conversation"


@dataclass(frozen=True)
class Post:
    """What an author elsewhere calls one post of messages, so that it counts once."""

    key: str
    #: The same for the same content, and for no other.
    fingerprint: str


@dataclass(frozen=True)
class SentMessage:
    """What a response is joined to."""

    #: What its author called it.
    name: str | None
    #: Its `interactiveData`; empty for other kinds.
    data: JsonObject


@dataclass(frozen=True)
class ReusableMessage:
    """What the gateway keeps, to be sent again."""

    #: The gateway's `dataRef`.
    data_ref: JsonObject
    #: What a response to it names.
    answer_key: str
    #: Name of its kind.
    kind: str


class Outbox(Entries):
    """Messages to be sent, oldest first within their conversation."""

    table = OUTBOX
    due = CONVERSATIONS.c.send_at
    waiting_state = OutboxState.PENDING
    claimed_state = OutboxState.CLAIMED
    buried_state = OutboxState.BURIED

    def __init__(self, database: Database, sends_per_s: float = 0.0) -> None:
        """Make an outbox.

        Args:
            database: where it is.
            sends_per_s: how many messages all workers together claim a second; 0: no limit.
        """
        super().__init__(database)
        self._interval_s = 1 / sends_per_s if sends_per_s else None

    def put(
        self,
        messages: Sequence[OutboundMessage],
        now: float,
        offer: str | None = None,
        *,
        author: Author = Author.DESK,
        post: Post | None = None,
    ) -> Sequence[str]:
        """Commit messages of one conversation that answer nothing, to be sent in this order.

        Args:
            messages: what is to be sent.
            now: seconds since 1970.
            offer: choices that one of them writes out as a text, as JSON.
            author: who wrote them.
            post: what their author calls them; the same again changes nothing.

        Returns:
            Their ids; those of the first time if they were posted before.

        Raises:
            ContentInvalid: one of them cannot be sent as it stands.
            ConversationClosed: the customer has left.
            ConversationElsewhere: an agent wrote them, and a desk has the conversation.
            PostDiffers: something else was posted under that name.
        """
        if not messages:
            return ()
        rows = [row_of(message, now) for message in messages]
        with self._database.write() as connection:
            first = messages[0]
            conversation = lock_or_make(connection, first.business_id, first.customer_id)
            posted = None if post is None else _posted(connection, conversation.id, post)
            if posted is not None:
                return posted
            if conversation.closed:
                problem = f"{CLOSED}: nothing can be sent until the customer writes"
                raise ConversationClosed(problem)
            if author is Author.AGENT and conversation.desk is not None:
                raise ConversationElsewhere
            heard_seq = connection.scalar(_HEARD, {"which": conversation.id})
            written = {"author": author, "heard_seq": heard_seq, **_named(post)}
            put_rows(connection, conversation, [{**row, **written} for row in rows], now)
            put_openings(connection, conversation, messages, now)
            if offer is not None:
                change(connection, conversation.id, {"offer": offer})
        return [message.id for message in messages]

    def complete(self, entry: Entry, packed: bytes) -> bool:
        """Note a message's bytes once its files are uploaded: those go from now on.

        Returns:
            False when the claim had been lost meanwhile; then nothing was changed.
        """
        with self._database.write() as connection:
            return self._change(connection, entry, {"packed": packed, "uploaded": True})

    def finish(self, entry: Entry, now: float, data_ref: str | None = None) -> bool:
        """Note that the gateway accepted a message, and let the next one go after its pause.

        Args:
            entry: what was accepted.
            now: seconds since 1970.
            data_ref: by which it can be sent again, as JSON, if the gateway gave that.

        Returns:
            False when the claim had been lost meanwhile; then nothing was changed.
        """

        def finish(connection: Connection) -> bool:
            lock_conversation(connection, entry.conversation_id)
            if data_ref is not None:
                self._change(connection, entry, {"data_ref": data_ref})
            pause_s, refused = connection.execute(_PAUSE, {"which": entry.seq}).one()
            if refused:
                note_acceptance(connection, now)
            next_at = now + pause_s
            return self._finish(connection, entry, OutboxState.SENT, now, None, next_at=next_at)

        return self._database.do(finish)

    def doubt(self, entry: Entry) -> Entry:
        """Note that an attempt ended without an answer: nobody knows whether it was accepted.

        Returns:
            The entry with that noted.
        """
        with self._database.write() as connection:
            self._change(connection, entry, {"unsure": entry.unsure + 1})
        return replace(entry, unsure=entry.unsure + 1)

    def find_reusable(self, business_id: str, name: str) -> ReusableMessage | None:
        """Find what was last sent under a name and can be sent again by reference."""
        statement = (
            select(OUTBOX.c.data_ref, OUTBOX.c.answer_key, OUTBOX.c.kind)
            .join(CONVERSATIONS, CONVERSATIONS.c.id == OUTBOX.c.conversation_id)
            .where(
                CONVERSATIONS.c.business_id == business_id,
                OUTBOX.c.name == name,
                OUTBOX.c.data_ref.isnot(None),
            )
            .order_by(OUTBOX.c.seq.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        if row is None:
            return None
        return ReusableMessage(json.loads(row.data_ref), row.answer_key, row.kind)

    def spooled(self) -> set[str]:
        """Give our own names of all files that are still to be sent, or may be once more.

        Those of a buried message are kept as long as it is, for it can be sent again.
        """
        waiting = [_literal(OutboxState.PENDING), _literal(OutboxState.CLAIMED)]
        again = (OUTBOX.c.uploaded.is_(False), OUTBOX.c.reason.is_distinct_from(CLOSED))
        kept = (
            select(OUTBOX.c.files).where(OUTBOX.c.state.in_(waiting)),
            select(OUTBOX.c.files).where(OUTBOX.c.state == _literal(OutboxState.BURIED), *again),
        )
        with self._database.read() as connection:
            return {
                file.file
                for files in connection.scalars(union_all(*kept))
                for file in files_from_json(files)
            }

    def _take(self, connection: Connection, row: Row[Any]) -> Entry:
        entry = super()._take(connection, row)
        return replace(
            entry,
            files=row.files,
            uploaded=row.uploaded,
            endpoint=row.endpoint,
            unsure=row.unsure + (row.state == OutboxState.CLAIMED),
        )

    def _gates(self, now: "BindParameter[float]") -> Sequence[ColumnElement[bool]]:
        return gates(now, limited=self._interval_s is not None)

    def _admits(self, connection: Connection, now: float) -> bool:
        return self._interval_s is None or take_place(connection, now, self._interval_s)

    def _without_word(self) -> dict[str, Any]:
        return {"unsure": OUTBOX.c.unsure + 1}

    def find_sent(
        self,
        conversation_id: str,
        *,
        answer_key: str | None = None,
        session_id: str | None = None,
        message_id: str | None = None,
    ) -> SentMessage | None:
        """Find what a response answers: by what it names, else by its session, or by message id.

        An invitation is found from the conversation of the same business that it led to.
        """
        for name, value in (
            ("answer_key", answer_key),
            ("session_id", session_id),
            ("message_id", message_id),
        ):
            if value is None or value != fit(value):
                continue  # a device may name what no column can hold: not of ours
            found = self._find(conversation_id, name, value)
            if found is not None:
                return found
        return None

    def release(self, entry: Entry, reason: str, now: float, delay_s: float) -> None:
        """Let an entry be tried again after `delay_s`; it fails since `now`, or for longer."""
        since = min(now, now if entry.failing_since is None else entry.failing_since)
        self._give_back(entry, {"reason": fit(reason), "failing_since": since}, now, delay_s)

    def hold(self, entry: Entry, reason: str, now: float, delay_s: float) -> None:
        """Let an entry be tried again after `delay_s`: not it has failed, we have."""
        self._give_back(entry, {"reason": fit(reason), "failing_since": None}, now, delay_s)

    def state(self, message_id: str) -> tuple[OutboxState, str | None]:
        """Give how far a message has come, and the reason noted with it.

        Raises:
            KeyError: there is no such message.
        """
        wanted = select(OUTBOX.c.state, OUTBOX.c.reason).where(OUTBOX.c.message_id == message_id)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            raise KeyError(message_id)
        return OutboxState(row.state), row.reason

    def _find(self, conversation_id: str, name: str, value: str) -> SentMessage | None:
        own, sent_in = CONVERSATIONS.alias(), CONVERSATIONS.alias()
        invited = (OUTBOX.c.kind == Invitation.__name__) & (
            own.c.business_id == sent_in.c.business_id
        )
        statement = (
            select(OUTBOX.c.name, OUTBOX.c.packed)
            .join(sent_in, sent_in.c.id == OUTBOX.c.conversation_id)
            .join(own, own.c.id == conversation_id)
            .where(OUTBOX.c[name] == value, (own.c.id == sent_in.c.id) | invited)
            .order_by(OUTBOX.c.seq.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        if row is None:
            return None
        return SentMessage(row.name, object_in(json.loads(row.packed), "interactiveData"))

    def _give_back(self, entry: Entry, values: dict[str, Any], now: float, delay_s: float) -> None:
        with self._database.write() as connection:
            lock_conversation(connection, entry.conversation_id)
            noted = connection.scalar(select(OUTBOX.c.reason).where(OUTBOX.c.seq == entry.seq))
            if noted == CLOSED:
                self._finish(connection, entry, OutboxState.BURIED, now, CLOSED)
                return
            values = {"state": OutboxState.PENDING, "claim": None, **values}
            if self._change(connection, entry, values):
                self._set_due(connection, entry.conversation_id, now + delay_s)

    def _drop_abandoned(
        self, connection: Connection, now: float, conversation_id: str | None = None
    ) -> None:
        """Bury what was under way when its customer left, and whose sender has died."""
        abandoned = [OUTBOX.c.state == OutboxState.CLAIMED, OUTBOX.c.reason == CLOSED]
        if conversation_id is not None:
            abandoned.append(OUTBOX.c.conversation_id == conversation_id)
        connection.execute(
            update(OUTBOX)
            .where(*abandoned)
            .values(state=OutboxState.BURIED, claim=None, finished_at=now, **self._without_word())
        )


def row_of(message: OutboundMessage, now: float, answers: str | None = None) -> dict[str, Any]:
    """Lay a message out as a row: its bytes are made here, once, for every attempt to send it.

    Raises:
        ContentInvalid: it cannot be sent as it stands.
    """
    headers, packed = message.to_wire()
    joined = message.content if isinstance(message.content, Interactive) else None
    return {
        "message_id": message.id,
        "answers": answers,
        "kind": kind_name(message.content),
        "headers": json.dumps(headers),
        "packed": packed,
        "endpoint": joined.endpoint if joined else MESSAGE,
        "answer_key": joined.answer_key if joined else None,
        "session_id": joined.session_id if joined else None,
        "name": joined.name if joined else None,
        "pause_s": message.pause_s,
        "files": files_to_json(message.files),
        "uploaded": not message.files,
        "state": OutboxState.PENDING,
        "attempts": 0,
        "created_at": now,
    }


def put_rows(
    connection: Connection, conversation: Row[Any], rows: Sequence[dict[str, Any]], now: float
) -> None:
    """Insert rows of one conversation, which is locked, and let them be sent."""
    if not rows:
        return
    _insert(connection, conversation, rows)
    if conversation.send_at is None:
        change(connection, conversation.id, {"send_at": now})


def put_openings(
    connection: Connection, conversation: Row[Any], messages: Sequence[OutboundMessage], now: float
) -> None:
    """Insert what messages open at this server for the customer's device."""
    put_payments(connection, messages, conversation.id, now)
    put_sign_ins(connection, messages, conversation.id, now)


def put_buried_rows(
    connection: Connection, conversation: Row[Any], rows: Sequence[dict[str, Any]], now: float
) -> None:
    """Insert rows that come too late to be sent: their customer has left."""
    buried = {"state": OutboxState.BURIED, "reason": CLOSED, "finished_at": now}
    if rows:
        _insert(connection, conversation, [{**row, **buried} for row in rows])


def bury_closed(connection: Connection, conversation_id: str, now: float) -> None:
    """Bury what waits to be sent in a conversation, and mark what is under way."""
    of_conversation = OUTBOX.c.conversation_id == conversation_id
    under_way = connection.execute(
        update(OUTBOX)
        .where(of_conversation, OUTBOX.c.state == OutboxState.CLAIMED)
        .values(reason=CLOSED)
    )
    if not under_way.rowcount:
        connection.execute(
            update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id).values(send_at=None)
        )
    connection.execute(
        update(OUTBOX)
        .where(of_conversation, OUTBOX.c.state == OutboxState.PENDING)
        .values(state=OutboxState.BURIED, reason=CLOSED, finished_at=now)
    )


def _posted(connection: Connection, conversation_id: str, post: Post) -> list[str] | None:
    """Give the ids of what was posted before under a name; None if nothing was.

    Raises:
        PostDiffers: it was something else.
    """
    rows = connection.execute(
        select(OUTBOX.c.message_id, OUTBOX.c.post_print)
        .where(OUTBOX.c.conversation_id == conversation_id, OUTBOX.c.post_key == post.key)
        .order_by(OUTBOX.c.seq)
    ).all()
    if any(row.post_print != post.fingerprint for row in rows):
        raise PostDiffers
    return [row.message_id for row in rows] or None


def _named(post: Post | None) -> dict[str, Any]:
    return {} if post is None else {"post_key": post.key, "post_print": post.fingerprint}


def _literal(state: OutboxState) -> ColumnElement[str]:
    """Write a state out, or the database does not see that the index on it fits."""
    return literal(str(state), literal_execute=True)


def _insert(connection: Connection, conversation: Row[Any], rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(_INSERT, [{**row, "conversation_id": conversation.id} for row in rows])
