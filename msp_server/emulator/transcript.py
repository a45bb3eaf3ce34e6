"""What a customer's phone shows: entries in order, and the state of the conversation."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from uuid import uuid4

from msp_server.emulator.bubbles import ANSWERABLE, Shows, tell_shown
from msp_server.emulator.masking import masked
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.shapes import object_in, text_in

Sender: TypeAlias = Literal["customer", "business"]
Status: TypeAlias = Literal["sending", "accepted", "not delivered"]

#: Entries kept for each customer; the oldest go first.
ENTRY_LIMIT = 2_000
#: What says nothing in words.
TYPING = frozenset({"typing_start", "typing_end"})
#: What can be answered but once. Source: assumed.
ANSWERED_ONCE = frozenset({"quick_reply", "invitation"})


class DeedUnfit(Exception):
    """The phone cannot do what the customer wants; the text is a sentence that says why."""


@dataclass(frozen=True)
class Deed:
    """What the customer did to make a message: a verb of the JSON API, and what it was told."""

    name: str
    fields: JsonObject
    #: The id of the message that it was done to.
    to: str | None = None


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
    #: What an interactive message is; None for any other.
    shows: Shows | None = None
    #: The session of its bubble: the one that was sent, else one the phone made.
    session_id: str | None = None
    #: Whether the customer's device can show it.
    supported: bool = True
    #: Whether the customer can answer it now.
    answerable: bool = False
    #: The replyMessage as the device shows it now, once answered.
    replied: JsonObject | None = None
    #: What the customer did to make it; None where nobody noted that.
    deed: Deed | None = None

    @property
    def interactive(self) -> JsonObject:
        """The interactive data, empty if there is none."""
        return object_in(self.fields, "interactiveData")

    def to_json(self) -> JsonObject:
        """Give the entry as the JSON API shows it."""
        shown: JsonObject = {
            "seq": self.seq,
            "at": self.at.isoformat(timespec="milliseconds"),
            "from": self.sender,
            "id": self.message_id,
            "type": self.kind,
            "fields": masked(self.fields) if self.shows == "sign_in" else self.fields,
            "auto_reply": self.auto_reply,
            "status": self.status,
        }
        if isinstance(self.fields.get("body"), str):
            shown["body"] = self.fields["body"]
        if self.error is not None:
            shown["error"] = self.error
        return shown | self._interactive_to_json()

    def _interactive_to_json(self) -> JsonObject:
        if self.shows is None:
            return {}
        shown: JsonObject = {"shows": self.shows, "answerable": self.answerable}
        if self.replied is not None:
            shown["replied"] = self.replied
        if not self.supported:
            shown["unsupported"] = True
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
        #: All up to this one went when the customer deleted the conversation.
        self._deleted_seq = 0
        self.entries: deque[Entry] = deque(maxlen=ENTRY_LIMIT)

    def add_sent(self, message_id: str, fields: JsonObject) -> Entry:
        """Enter what the customer is about to send."""
        kind = fields.get("type")
        entry = self._add("customer", message_id, fields, None, "sending")
        if kind == "close" and not _is_from_number(fields):
            self._delete(entry)
        elif kind != "close" and kind not in TYPING:
            self.open = True
            self._retire("quick_reply")
        return entry

    def add_received(
        self, message_id: str, fields: JsonObject, auto_reply: bool | None, supported: bool
    ) -> None:
        """Enter what the business sent; a repeated id is shown once.

        Source: assumed (repetition); MSP REST API, "Interactive Data" (the session made here).
        """
        if any(e.message_id == message_id and e.sender == "business" for e in self.entries):
            return
        self.typing = fields.get("type") == "typing_start"
        entry = self._add("business", message_id, fields, auto_reply, "accepted")
        if entry.shows is not None:
            entry.session_id = text_in(entry.interactive, "sessionIdentifier") or str(uuid4())
            entry.supported = supported
            entry.answerable = supported and entry.shows in ANSWERABLE

    def find_received(self, wanted: Callable[[Entry], bool]) -> Entry | None:
        """Give the newest entry of the business that is wanted and was not deleted."""
        return next(
            (
                entry
                for entry in reversed(self.entries)
                if entry.sender == "business" and entry.seq > self._deleted_seq and wanted(entry)
            ),
            None,
        )

    def answer(self, entry: Entry, replied: JsonObject) -> None:
        """Let a bubble show the customer's answer.

        Raises:
            DeedUnfit: it cannot be answered, or not any more.
        """
        if not entry.answerable:
            raise DeedUnfit(_why_unanswerable(entry))
        entry.replied = replied
        entry.answerable = entry.shows not in ANSWERED_ONCE
        self._note_change(entry)

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
            shows=tell_shown(fields),
        )
        self.entries.append(entry)
        self._note_change(entry)
        return entry

    def _delete(self, close: Entry) -> None:
        self.open = False
        self.typing = False
        self._deleted_seq = close.seq
        self._retire(*ANSWERABLE)

    def _retire(self, *kinds: str) -> None:
        """Let bubbles of these kinds be answered no more."""
        for entry in self.entries:
            if entry.answerable and entry.shows in kinds:
                entry.answerable = False
                self._note_change(entry)

    def _note_change(self, entry: Entry) -> None:
        self.changes += 1
        entry.changed = self.changes


def _is_from_number(fields: JsonObject) -> bool:
    """Tell a refused invitation, which leaves the conversation, from a deleted conversation.

    Source: observed.
    """
    return str(fields.get("sourceId")).startswith("tel:")


def _why_unanswerable(entry: Entry) -> str:
    if not entry.supported:
        return f"The customer's device cannot show this {entry.shows}: choose another device"
    if entry.shows == "invitation":
        return "The invitation was answered already, or went with the deleted conversation"
    return (
        f"This {entry.shows} cannot be answered: it was tapped already, the customer wrote "
        "something since, or it went with the deleted conversation"
    )
