"""Fetches: what a received message only points at, and has to be fetched at once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from msp_server.messages.content import InboundContent, fingerprint, kind_name
from msp_server.messages.envelope import InboundMessage
from msp_server.messages.references import Reference
from msp_server.store.base import Database, bring_forward, fit, lock_conversation
from msp_server.store.schema import CONVERSATIONS, FETCHES, INBOX, FetchState, InboxState
from msp_server.store.taps import REPEATED, find_same_tap


@dataclass(frozen=True)
class Fetch:
    """One reference, claimed by whoever holds this value."""

    seq: int
    inbox_seq: int
    message_id: str
    conversation_id: str
    business_id: str
    reference: Reference
    #: How often it was claimed, this time included.
    attempts: int
    created_at: float
    #: Since when it fails, in seconds since 1970; None before its first failure.
    failing_since: float | None
    claim: str
    #: Whether something else was due when it was claimed.
    more_due: bool


@dataclass(frozen=True)
class FetchRecord:
    """What became of one reference."""

    message_id: str
    conversation_id: str
    reference: Reference
    state: FetchState
    reason: str | None
    #: Our own name of the file that was fetched.
    file: str | None
    #: The decoded answer that was fetched, as JSON.
    answer: bytes | None
    created_at: float


_FIRST_DUE: Final = (
    select(FETCHES).where(FETCHES.c.due_at <= bindparam("now")).order_by(FETCHES.c.due_at).limit(1)
)
_FIRST_FREE: Final = _FIRST_DUE.with_for_update(skip_locked=True)
_UNFETCHED: Final = (
    select(FETCHES.c.seq)
    .where(FETCHES.c.inbox_seq == bindparam("which"), FETCHES.c.due_at.isnot(None))
    .limit(1)
)


class Fetches:
    """References, each fetched for itself: none waits for another, nor for its conversation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, now: float, lease_s: float) -> Fetch | None:
        """Claim the reference that has been due for longest; None when nothing is due."""
        at = {"now": now}
        if self._database.first(_FIRST_DUE, at) is None:
            return None
        with self._database.write() as connection:
            row = connection.execute(_FIRST_FREE, at).first()
            if row is None:
                return None
            claim = uuid.uuid4().hex
            values = {"claim": claim, "attempts": row.attempts + 1, "due_at": now + lease_s}
            connection.execute(update(FETCHES).where(FETCHES.c.seq == row.seq).values(values))
            return Fetch(
                seq=row.seq,
                inbox_seq=row.inbox_seq,
                message_id=row.message_id,
                conversation_id=row.conversation_id,
                business_id=row.business_id,
                reference=Reference.from_json(row.reference),
                attempts=row.attempts + 1,
                created_at=row.created_at,
                failing_since=row.failing_since,
                claim=claim,
                more_due=connection.execute(_FIRST_DUE, at).first() is not None,
            )

    def extend(self, fetch: Fetch, now: float, lease_s: float) -> None:
        """Keep a claim for another `lease_s` seconds."""
        with self._database.write() as connection:
            _change(connection, fetch, {"due_at": now + lease_s})

    def release(self, fetch: Fetch, reason: str, now: float, delay_s: float) -> None:
        """Let a reference be fetched again after `delay_s`."""
        since = min(now, now if fetch.failing_since is None else fetch.failing_since)
        values = {
            "claim": None,
            "reason": fit(reason),
            "failing_since": since,
            "due_at": now + delay_s,
        }
        with self._database.write() as connection:
            _change(connection, fetch, values)

    def finish_file(self, fetch: Fetch, file: str, now: float) -> bool:
        """Note that a file was fetched.

        Returns:
            False when the claim had been lost meanwhile; then nothing was changed.
        """
        values = {"state": FetchState.FETCHED, "file": file, "reason": None}
        return self._finish(fetch, values, now)

    def finish_answer(
        self, fetch: Fetch, answer: bytes, content: InboundContent, now: float
    ) -> bool:
        """Note that an answer was fetched and decoded; from now on it is one like any other.

        Returns:
            False when the claim had been lost meanwhile; then nothing was changed.
        """
        values = {"state": FetchState.FETCHED, "answer": answer, "reason": None}
        return self._finish(fetch, values, now, content)

    def fail(self, fetch: Fetch, reason: str, now: float) -> bool:
        """Note that a reference cannot be fetched; the agent is told."""
        return self._finish(fetch, {"state": FetchState.FAILED, "reason": fit(reason)}, now)

    def bring_forward(self, now: float) -> int:
        """Make due what is due so late that our clock must have been set back; see `Entries`."""
        return bring_forward(self._database, FETCHES.c.seq, FETCHES.c.due_at, now)

    def recover(self, now: float) -> None:
        """Take back every claim; only for the one worker that runs, before it starts."""
        with self._database.write() as connection:
            connection.execute(
                update(FETCHES).where(FETCHES.c.due_at.isnot(None)).values(due_at=now, claim=None)
            )

    def of(self, inbox_seq: int) -> Sequence[FetchRecord]:
        """Give the references of one message, in order."""
        wanted = select(FETCHES).where(FETCHES.c.inbox_seq == inbox_seq).order_by(FETCHES.c.place)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(wanted)]

    def of_several(self, inbox_seqs: Sequence[int]) -> dict[int, list[FetchRecord]]:
        """Give the references of several messages, in order, by the message; many have none."""
        wanted = select(FETCHES).where(FETCHES.c.inbox_seq.in_(inbox_seqs))
        found: dict[int, list[FetchRecord]] = {}
        with self._database.read() as connection:
            for row in connection.execute(wanted.order_by(FETCHES.c.place)):
                found.setdefault(row.inbox_seq, []).append(_record(row))
        return found

    def newest(self, limit: int, conversation_id: str | None = None) -> Sequence[FetchRecord]:
        """Give the newest references, oldest of them first."""
        wanted = select(FETCHES).order_by(FETCHES.c.seq.desc()).limit(limit)
        if conversation_id is not None:
            wanted = wanted.where(FETCHES.c.conversation_id == conversation_id)
        with self._database.read() as connection:
            return [_record(row) for row in reversed(connection.execute(wanted).all())]

    def files(self) -> set[str]:
        """Give our own names of all files that were fetched."""
        wanted = select(FETCHES.c.file).where(FETCHES.c.file.isnot(None))
        with self._database.read() as connection:
            return set(connection.scalars(wanted))

    def _finish(
        self,
        fetch: Fetch,
        values: dict[str, Any],
        now: float,
        content: InboundContent | None = None,
    ) -> bool:
        ended = {**values, "claim": None, "due_at": None, "finished_at": now}
        with self._database.write() as connection:
            conversation = lock_conversation(connection, fetch.conversation_id)
            if not _change(connection, fetch, ended):
                return False
            if content is not None:
                _note_answer(connection, fetch, content, now)
            if conversation.answer_at is None and not unfetched(connection, fetch.inbox_seq):
                connection.execute(
                    update(CONVERSATIONS)
                    .where(CONVERSATIONS.c.id == fetch.conversation_id)
                    .values(answer_at=now)
                )
            return True


def put_fetches(
    connection: Connection,
    message: InboundMessage,
    inbox_seq: int,
    conversation_id: str,
    now: float,
) -> None:
    """Insert the references of a message that was just put in."""
    rows = [
        {
            "inbox_seq": inbox_seq,
            "message_id": message.id,
            "conversation_id": conversation_id,
            "business_id": message.business_id,
            "place": reference.place,
            "reference": reference.to_json(),
            "state": FetchState.WAITING,
            "attempts": 0,
            "created_at": now,
            "due_at": now,
        }
        for reference in message.references
    ]
    if rows:
        connection.execute(insert(FETCHES), rows)


def unfetched(connection: Connection, inbox_seq: int) -> bool:
    """Tell whether something of a message is still to be fetched."""
    return connection.execute(_UNFETCHED, {"which": inbox_seq}).first() is not None


def _change(connection: Connection, fetch: Fetch, values: dict[str, Any]) -> bool:
    held = (FETCHES.c.seq == fetch.seq, FETCHES.c.claim == fetch.claim)
    return connection.execute(update(FETCHES).where(*held).values(values)).rowcount == 1


def _note_answer(connection: Connection, fetch: Fetch, content: InboundContent, now: float) -> None:
    """Note what an answer says, and that it is answered if the same tap was before it."""
    tap = fingerprint(content)
    values: dict[str, Any] = {"kind": kind_name(content), "tap": tap}
    first = find_same_tap(
        connection, fetch.conversation_id, tap, fetch.created_at, fetch.message_id
    )
    if first is not None:
        reason = fit(REPEATED.format(first))
        values |= {"state": InboxState.ANSWERED, "reason": reason, "finished_at": now}
    waits = INBOX.c.state.in_([InboxState.RECEIVED, InboxState.HELD])
    waiting = (INBOX.c.seq == fetch.inbox_seq, waits)
    connection.execute(update(INBOX).where(*waiting).values(values))


def _record(row: Row[Any]) -> FetchRecord:
    return FetchRecord(
        message_id=row.message_id,
        conversation_id=row.conversation_id,
        reference=Reference.from_json(row.reference),
        state=FetchState(row.state),
        reason=row.reason,
        file=row.file,
        answer=row.answer,
        created_at=row.created_at,
    )
