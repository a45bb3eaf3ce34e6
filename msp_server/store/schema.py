"""The tables, written once for SQLite and PostgreSQL.

`conversations.answer_at` and `send_at` say when something is next due in a conversation, and are
null while nothing waits. A claim moves them forward by its lease: so a conversation has one
answer and one send under way at most, and a worker that dies gives its claim back by itself.
Times are seconds since 1970.
"""

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()
#: The number of the newest migration, which leads to what stands here.
SCHEMA_VERSION: Final = "0002"

_Seq = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself on INTEGER alone


class InboxState(StrEnum):
    """How far a received message has come."""

    RECEIVED = "RECEIVED"
    CLAIMED = "CLAIMED"
    #: Kept for the desk that the conversation was handed over to.
    HELD = "HELD"
    ANSWERED = "ANSWERED"
    BURIED = "BURIED"


class FetchState(StrEnum):
    """What became of a reference in a received message."""

    WAITING = "WAITING"
    FETCHED = "FETCHED"
    FAILED = "FAILED"


class OutboxState(StrEnum):
    """How far a message to be sent has come."""

    PENDING = "PENDING"
    CLAIMED = "CLAIMED"
    SENT = "SENT"
    BURIED = "BURIED"


class Author(StrEnum):
    """Who wrote a message."""

    #: A function in this process, or a program elsewhere.
    AGENT = "agent"
    #: A person at a desk: with what they write, what came before counts as answered.
    DESK = "desk"


class PaymentState(StrEnum):
    """How far a payment has come."""

    #: The customer was asked; the sheet may be open.
    ASKED = "ASKED"
    #: The payment processor is at it.
    AUTHORISING = "AUTHORISING"
    AUTHORISED = "AUTHORISED"
    #: The payment processor refused it; another card may do.
    REFUSED = "REFUSED"
    #: Paid, and the customer's device asked for the order to be tracked.
    TRACKED = "TRACKED"
    #: The payment processor failed in the middle: nothing more is charged, a person has to look.
    UNCLEAR = "UNCLEAR"


class SignInState(StrEnum):
    """How far a sign-in has come."""

    ASKED = "ASKED"
    #: The customer came back, and the provider is being asked who that is.
    RETURNED = "RETURNED"
    ENDED = "ENDED"


CONVERSATIONS: Final = Table(
    "conversations",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("business_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("capabilities", Text),
    Column("locale", Text),
    Column("intent", Text),
    Column("group", Text),
    Column("closed", Boolean, nullable=False),
    #: `inbox.seq` of the newest close: what came before it gets no answer any more.
    Column("closed_seq", BigInteger, nullable=False),
    #: When the customer last wrote something; null while only we have.
    Column("heard_at", Float),
    Column("answer_at", Float),
    Column("send_at", Float),
    #: What agents remember, as JSON; null while that is nothing.
    Column("state", Text),
    #: Who the conversation was handed over to, and what that desk was told; null: the agent has it.
    Column("desk", Text),
    Column("note", Text),
    #: Choices that were written out as a text, as JSON; null once a text came.
    Column("offer", Text),
    UniqueConstraint("business_id", "customer_id"),
)

INBOX: Final = Table(
    "inbox",
    METADATA,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("conversation_id", Text, ForeignKey(CONVERSATIONS.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    #: Apple's headers that say something about the message, as JSON.
    Column("headers", Text, nullable=False),
    #: The body as the bytes that came.
    Column("packed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("claim", Text),
    #: What two deliveries of the same tap have in common; null for all but responses.
    Column("tap", Text),
    Column("attempts", Integer, nullable=False),
    #: Why it was buried, or why it is tried again.
    Column("reason", Text),
    Column("created_at", Float, nullable=False),
    #: Since when it could not be worked off; null before its first failure.
    Column("failing_since", Float),
    Column("finished_at", Float),
    sqlite_autoincrement=True,
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("conversation_id", Text, ForeignKey(CONVERSATIONS.c.id), nullable=False),
    #: The received message it answers; null when it answers none.
    Column("answers", Text),
    Column("kind", Text, nullable=False),
    #: The headers that say what it is, as JSON.
    Column("headers", Text, nullable=False),
    #: The body as the bytes that go.
    Column("packed", LargeBinary, nullable=False),
    #: Which of the gateway's endpoints takes it.
    Column("endpoint", Text, nullable=False),
    #: What joins the response to it: what that names, or the session, and its author's name for it.
    Column("answer_key", Text),
    Column("session_id", Text),
    Column("name", Text),
    #: How long the next message waits after this one was accepted, seconds.
    Column("pause_s", Float, nullable=False),
    #: Files that go with it, as JSON; null for none. Until they are uploaded, `packed` lacks them.
    Column("files", Text),
    Column("uploaded", Boolean, nullable=False),
    #: By which it can be sent again, as the gateway gave it; null if it did not.
    Column("data_ref", Text),
    Column("state", Text, nullable=False),
    Column("claim", Text),
    Column("attempts", Integer, nullable=False),
    #: Why it was buried, or why it is tried again.
    Column("reason", Text),
    Column("created_at", Float, nullable=False),
    #: How many attempts ended without an answer: each may have been accepted all the same.
    Column("unsure", Integer, nullable=False, server_default="0"),
    #: Since when the gateway has not accepted it; null before its first failure.
    Column("failing_since", Float),
    Column("finished_at", Float),
    #: Who wrote it, and what had come by then: `inbox.seq` of the newest message received.
    Column("author", Text, nullable=False, server_default="agent"),
    Column("heard_seq", BigInteger),
    #: What its author posted it as, and what else may not be posted as that; null: in this process.
    Column("post_key", Text),
    Column("post_print", Text),
    sqlite_autoincrement=True,
)

#: What received messages point at: attachments, and answers too large to come by themselves.
FETCHES: Final = Table(
    "fetches",
    METADATA,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("inbox_seq", _Seq, ForeignKey(INBOX.c.seq), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("conversation_id", Text, ForeignKey(CONVERSATIONS.c.id), nullable=False),
    Column("business_id", Text, nullable=False),
    Column("place", Integer, nullable=False),
    #: Where the bytes rest, as JSON.
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    #: When it is next due; a claim moves it forward by its lease. Null once it has ended.
    Column("due_at", Float),
    Column("claim", Text),
    Column("attempts", Integer, nullable=False),
    #: Why it failed, or why it is tried again.
    Column("reason", Text),
    #: Our own name of the file that was fetched.
    Column("file", Text),
    #: Since when it could not be fetched; null before its first failure.
    Column("failing_since", Float),
    #: The decoded answer that was fetched, as JSON.
    Column("answer", LargeBinary),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    sqlite_autoincrement=True,
)

#: Payments that customers were asked for. Nothing of cards, tokens or contacts is in here.
PAYMENTS: Final = Table(
    "payments",
    METADATA,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    #: Stands at the end of each address of the payment, and lets in who knows it.
    Column("token", Text, nullable=False, unique=True),
    Column("conversation_id", Text, ForeignKey(CONVERSATIONS.c.id), nullable=False),
    Column("message_id", Text, nullable=False, unique=True),
    Column("request_id", Text, nullable=False),
    Column("name", Text),
    Column("state", Text, nullable=False),
    #: The bill as it was sent, as JSON.
    Column("asked", Text, nullable=False),
    #: Lines that came to it, as JSON: by what the customer changed.
    Column("further", Text, nullable=False),
    #: The shipping method that is chosen.
    Column("shipping", Text),
    #: Fingerprint of the newest authorisation, and what it was for.
    Column("authorisation", Text),
    Column("total", Text),
    #: How each authorisation ended, by its fingerprint, as JSON.
    Column("settled", Text, nullable=False),
    #: Until when the payment processor may be at it.
    Column("busy_until", Float),
    #: What happened and when, as JSON.
    Column("course", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    #: When its addresses close; null until it is sent.
    Column("expires_at", Float),
    sqlite_autoincrement=True,
)

#: Customers that were asked to sign in. Neither codes nor tokens are in here.
SIGN_INS: Final = Table(
    "sign_ins",
    METADATA,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    #: Binds who comes back from the provider to the request.
    Column("state", Text, nullable=False, unique=True),
    Column("conversation_id", Text, ForeignKey(CONVERSATIONS.c.id), nullable=False),
    Column("message_id", Text, nullable=False, unique=True),
    Column("request_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    #: Old flow: our private key, encrypted; null once it was used.
    Column("sealed_key", LargeBinary),
    #: Who signed in, as JSON, until the agent is told; or why nobody did.
    Column("user", Text),
    Column("failure", Text),
    #: The received message that the agent was told with.
    Column("told_by", Text),
    Column("created_at", Float, nullable=False),
    #: When the way back closes; null until it is sent.
    Column("expires_at", Float),
    sqlite_autoincrement=True,
)

#: One row: how fast all workers send together.
PACE: Final = Table(
    "pace",
    METADATA,
    Column("id", Integer, primary_key=True),
    #: When the next message may go, while there is a limit to how many go a second.
    Column("next_at", Float, nullable=False),
    #: Until when nothing is sent, and how often the gateway has refused us since it last accepted.
    Column("held_until", Float, nullable=False),
    Column("refusals", Integer, nullable=False),
)

#: Processes that answer and send, on machines that share a PostgreSQL.
WORKERS: Final = Table(
    "workers",
    METADATA,
    #: Names a file that the process has made in its data directory.
    Column("token", Text, primary_key=True),
    #: Machine and process, for people.
    Column("name", Text, nullable=False),
    #: When it last said that it lives.
    Column("seen_at", Float, nullable=False),
)

#: A row that `check` rewrites, to see whether the store can commit.
PULSE: Final = Table(
    "pulse", METADATA, Column("id", Integer, primary_key=True), Column("at", Float, nullable=False)
)


def _where_waiting(name: str, table: Table, waiting: tuple[str, ...]) -> None:
    condition = table.c.state.in_(waiting)
    Index(
        name,
        table.c.conversation_id,
        table.c.seq,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _where_buried(name: str, table: Table, buried: str) -> None:
    condition = table.c.state == buried
    Index(name, table.c.seq, sqlite_where=condition, postgresql_where=condition)


def _where_due(name: str, column: "Column[float]") -> None:
    condition = column.isnot(None)
    Index(name, column, sqlite_where=condition, postgresql_where=condition)


def _where_set(name: str, column: "Column[str]", *others: "Column[Any]") -> None:
    condition = column.isnot(None)
    Index(name, *others, column, sqlite_where=condition, postgresql_where=condition)


_where_due("conversations_answer_at", CONVERSATIONS.c.answer_at)
_where_due("conversations_send_at", CONVERSATIONS.c.send_at)
_where_set("conversations_desk", CONVERSATIONS.c.desk, CONVERSATIONS.c.heard_at)
Index("conversations_heard_at", CONVERSATIONS.c.heard_at)
_where_waiting("inbox_waiting", INBOX, (InboxState.RECEIVED, InboxState.CLAIMED))
_where_waiting("outbox_waiting", OUTBOX, (OutboxState.PENDING, OutboxState.CLAIMED))
_where_buried("inbox_buried", INBOX, InboxState.BURIED)
_where_buried("outbox_buried", OUTBOX, OutboxState.BURIED)
_where_set("inbox_tap", INBOX.c.tap, INBOX.c.conversation_id)
_where_set("outbox_answer_key", OUTBOX.c.answer_key)
_where_set("outbox_session", OUTBOX.c.session_id)
_where_set("outbox_post", OUTBOX.c.post_key, OUTBOX.c.conversation_id)
Index(
    "outbox_reusable",
    OUTBOX.c.name,
    OUTBOX.c.seq,
    sqlite_where=OUTBOX.c.data_ref.isnot(None),
    postgresql_where=OUTBOX.c.data_ref.isnot(None),
)
Index("inbox_history", INBOX.c.conversation_id, INBOX.c.created_at)
Index("outbox_history", OUTBOX.c.conversation_id, OUTBOX.c.created_at)
_where_due("fetches_due_at", FETCHES.c.due_at)
Index("fetches_inbox", FETCHES.c.inbox_seq)
Index("fetches_conversation", FETCHES.c.conversation_id)
Index("payments_request", PAYMENTS.c.conversation_id, PAYMENTS.c.request_id)
_where_due("sign_ins_expires_at", SIGN_INS.c.expires_at)
Index("sign_ins_request", SIGN_INS.c.conversation_id, SIGN_INS.c.request_id)
