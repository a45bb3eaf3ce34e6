"""What a customer's phone shows: entries in order, and the state of the conversation."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from uuid import uuid4

from msp_server.emulator.packing import JsonObject

Sender: TypeAlias = Literal["customer", "business"]
Status: TypeAlias = Literal["sending", "accepted", "not delivered"]

#: Entries kept for each customer; the oldest go first.
ENTRY_LIMIT = 2_000


@dataclass
class Entry:
    """One message on a phone."""

    seq: int
    sender: Sender
    message_id: str
    #: The message's type; None when a customer's raw message has none.
    kind: str | None
    fields: JsonObject
    auto_reply: bool | None
    status: Status
    #: Why it was not delivered.
    error: str | None = None
    #: The transcript's count of changes when this entry last changed.
    changed: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_json(self) -> JsonObject:
        """Give the entry as the JSON API shows it."""
        shown: JsonObject = {
            "seq": self.seq,
            "at": self.at.isoformat(timespec="milliseconds"),
            "from": self.sender,
            "id": self.message_id,
            "type": self.kind,
            "fields": self.fields,
            "auto_reply": self.auto_reply,
            "status": self.status,
        }
        if isinstance(self.fields.get("body"), str):
            shown["body"] = self.fields["body"]
        if self.error is not None:
            shown["error"] = self.error
        return shown


class Transcript:
    """The conversation of one customer, as the phone has it; used under the phones' lock."""

    def __init__(self) -> None:
        #: Tells this transcript from the one before a reset or restart.
        self.key = str(uuid4())
        #: False after the customer deleted the conversation.
        self.open = True
        #: Whether the business is writing.
        self.typing = False
        #: How many times anything here has changed.
        self.changes = 0
        self.last_seq = 0
        self.entries: deque[Entry] = deque(maxlen=ENTRY_LIMIT)

    def add_sent(self, message_id: str, fields: JsonObject) -> Entry:
        """Enter what the customer is about to send."""
        kind = fields.get("type")
        if kind == "close":
            self.open = False
            self.typing = False
        elif kind not in {"typing_start", "typing_end"}:
            self.open = True
        return self._add("customer", message_id, fields, None, "sending")

    def add_received(self, message_id: str, fields: JsonObject, auto_reply: bool | None) -> None:
        """Enter what the business sent; a repeated id is shown once.

        Source: assumed (repetition).
        """
        if any(e.message_id == message_id and e.sender == "business" for e in self.entries):
            return
        self.typing = fields.get("type") == "typing_start"
        self._add("business", message_id, fields, auto_reply, "accepted")

    def settle(self, entry: Entry, error: str | None) -> None:
        """Note how sending ended: with an error, or accepted by the MSP."""
        entry.status = "not delivered" if error else "accepted"
        entry.error = error
        self._note_change(entry)

    def _add(
        self,
        sender: Sender,
        message_id: str,
        fields: JsonObject,
        auto_reply: bool | None,
        status: Status,
    ) -> Entry:
        self.last_seq += 1
        kind = fields.get("type")
        entry = Entry(
            self.last_seq,
            sender,
            message_id,
            kind if isinstance(kind, str) else None,
            fields,
            auto_reply,
            status,
        )
        self.entries.append(entry)
        self._note_change(entry)
        return entry

    def _note_change(self, entry: Entry) -> None:
        self.changes += 1
        entry.changed = self.changes
