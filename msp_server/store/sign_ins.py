"""Sign-ins: customers that were asked to sign in, until the agent is told who did."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from msp_server.messages.authenticate import Authenticate, SignInFailure
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.opening import SignInOpening
from msp_server.messages.raw import JsonObject
from msp_server.store.base import Database, fit
from msp_server.store.schema import SIGN_INS, SignInState

#: How long it is kept who signed in, if the device never says that somebody did, seconds after the
#: request's time is up.
USER_LIMIT_S: Final = 86_400.0


@dataclass(frozen=True)
class SignInRecord:
    """What the store knows of one sign-in."""

    seq: int
    conversation_id: str
    message_id: str
    request_id: str
    stage: SignInState
    #: Old flow: our private key, encrypted; None once it was used, and in the new flow.
    sealed_key: bytes | None = field(repr=False)
    #: Who signed in; None once the agent was told, or when nobody did.
    user: JsonObject | None = field(repr=False)
    #: Why nobody did.
    failure: SignInFailure | None
    #: The received message that the agent was told with.
    told_by: str | None
    expires_at: float | None


class Return(Enum):
    """What becomes of a customer who comes back from the provider."""

    #: The first time, and in time.
    GOOD = "good"
    #: The state was used before, or the sign-in has ended otherwise.
    USED = "used"
    EXPIRED = "expired"


class SignIns:
    """Sign-ins, found by their state when the customer comes back, and by their request after it.

    A state is good for one return, and the first result counts.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, message_id: str, expires_at: float) -> None:
        """Open the way back: the request is about to be sent."""
        with self._database.write() as connection:
            connection.execute(
                update(SIGN_INS)
                .where(SIGN_INS.c.message_id == message_id)
                .values(expires_at=expires_at)
            )

    def take_back(self, state: str, now: float) -> tuple[SignInRecord, Return] | None:
        """Use a state up.

        Returns:
            The sign-in it belongs to, and whether it is good; None when there is none.
        """
        if state != fit(state):
            return None  # anybody may ask for what no column can hold
        with self._database.write() as connection:
            row = connection.execute(
                select(SIGN_INS).where(SIGN_INS.c.state == state).with_for_update()
            ).first()
            if row is None:
                return None
            record = _record(row)
            if record.stage is not SignInState.ASKED:
                return record, Return.USED
            if record.expires_at is None or now >= record.expires_at:
                _end(connection, record.seq, None, SignInFailure.EXPIRED)
                return record, Return.EXPIRED
            returned = {"stage": SignInState.RETURNED}
            connection.execute(
                update(SIGN_INS).where(SIGN_INS.c.seq == record.seq).values(returned)
            )
            return record, Return.GOOD

    def end(
        self, record: SignInRecord, user: JsonObject | None, failure: SignInFailure | None
    ) -> SignInRecord:
        """Note who signed in, or why nobody did, and forget the key; the first result counts.

        Returns:
            The sign-in as it has ended.
        """
        with self._database.write() as connection:
            _end(connection, record.seq, user, failure)
            row = connection.execute(select(SIGN_INS).where(SIGN_INS.c.seq == record.seq)).one()
            return _record(row)

    def of_request(self, conversation_id: str, request_id: str | None) -> SignInRecord | None:
        """Give the newest sign-in of a conversation that a response names."""
        if request_id is None or request_id != fit(request_id):
            return None
        return self._first(
            SIGN_INS.c.conversation_id == conversation_id, SIGN_INS.c.request_id == request_id
        )

    def of_messages(self, message_ids: Sequence[str]) -> dict[str, SignInRecord]:
        """Give the sign-ins that messages ask for, by the message."""
        wanted = select(SIGN_INS).where(SIGN_INS.c.message_id.in_(message_ids))
        with self._database.read() as connection:
            return {row.message_id: _record(row) for row in connection.execute(wanted)}

    def forget(self, now: float) -> None:
        """Forget keys whose time is up, and who signed in where nobody asked for it."""
        with self._database.write() as connection:
            _forget(connection, now)

    def _first(self, *conditions: ColumnElement[bool]) -> SignInRecord | None:
        wanted = select(SIGN_INS).where(*conditions).order_by(SIGN_INS.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else _record(row)


def put_sign_ins(
    connection: Connection, messages: Sequence[OutboundMessage], conversation_id: str, now: float
) -> None:
    """Insert the sign-ins that messages ask for, put into the outbox at the same time."""
    rows = [
        {
            "state": message.opening.state,
            "conversation_id": conversation_id,
            "message_id": message.id,
            "request_id": message.content.request_id,
            "stage": SignInState.ASKED,
            "sealed_key": message.opening.sealed_key,
            "created_at": now,
        }
        for message in messages
        if isinstance(message.content, Authenticate) and isinstance(message.opening, SignInOpening)
    ]
    if rows:
        _forget(connection, now)
        connection.execute(insert(SIGN_INS), rows)


def tell(connection: Connection, seq: int, message_id: str) -> None:
    """Note that the agent was told: who signed in is not kept any longer."""
    told = {"told_by": message_id, "user": None}
    connection.execute(update(SIGN_INS).where(SIGN_INS.c.seq == seq).values(told))


def _forget(connection: Connection, now: float) -> None:
    key_over = (SIGN_INS.c.sealed_key.isnot(None), SIGN_INS.c.expires_at <= now)
    connection.execute(update(SIGN_INS).where(*key_over).values(sealed_key=None))
    user_over = (SIGN_INS.c.user.isnot(None), SIGN_INS.c.expires_at <= now - USER_LIMIT_S)
    connection.execute(update(SIGN_INS).where(*user_over).values(user=None))


def _end(
    connection: Connection, seq: int, user: JsonObject | None, failure: SignInFailure | None
) -> None:
    written = None if user is None else json.dumps(user)
    values = {
        "stage": SignInState.ENDED,
        "user": written,
        "failure": failure,
        "sealed_key": None,
    }
    first = (SIGN_INS.c.seq == seq, SIGN_INS.c.stage != SignInState.ENDED)
    connection.execute(update(SIGN_INS).where(*first).values(values))


def _record(row: Row[Any]) -> SignInRecord:
    return SignInRecord(
        seq=row.seq,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        request_id=row.request_id,
        stage=SignInState(row.stage),
        sealed_key=row.sealed_key,
        user=None if row.user is None else json.loads(row.user),
        failure=None if row.failure is None else SignInFailure(row.failure),
        told_by=row.told_by,
        expires_at=row.expires_at,
    )
