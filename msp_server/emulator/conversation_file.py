"""A conversation as one readable JSON file: what stands in it, and reading it back, checked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from msp_server.emulator.packing import DEPTH_LIMIT, JsonObject, Unreadable, unpack
from msp_server.emulator.transcript import ENTRY_LIMIT, Sender

FORMAT: Final = "conversation with the emulator of Apple's Messages for Business gateway"
VERSION: Final = 1
#: The most a file may measure.
FILE_LIMIT_BYTES: Final = 16 * 1024 * 1024
#: How deep a message lies in the file, counted from its own outermost braces.
_MESSAGE_DEPTH: Final = 3
#: The verbs of the JSON API that make a message.
DEEDS: Final = (
    *("text", "reply", "react", "files", "typing", "close", "raw"),
    *("tap", "choose", "pick_time", "answer_form", "open_app", "answer_invitation"),
    *("sign_in", "pay"),
)
_TOP_KEYS: Final = ("format", "version", "customer", "messages")
_CUSTOMER_KEYS: Final = (
    *("name", "business_id", "device", "capabilities", "locale", "time_zone", "intent", "group"),
)
_SENDERS: Final[tuple[Sender, ...]] = ("customer", "business")
#: How far apart the first and the last message may be: ten years, in seconds.
_SECONDS_LIMIT: Final = 10 * 366 * 86_400


class FileUnfit(Exception):
    """A file holds no conversation; the text is a sentence that says where and why."""


@dataclass(frozen=True)
class SavedDeed:
    """What the customer did."""

    name: str
    fields: JsonObject
    #: The number of the message that it was done to.
    to: int | None = None


@dataclass(frozen=True)
class SavedMessage:
    """One message of either side."""

    sender: Sender
    #: When it came, in seconds since the first.
    seconds: float
    kind: str | None
    #: What it says, without its envelope and without secrets.
    fields: JsonObject
    #: What the customer did to make it; None where that is not known.
    deed: SavedDeed | None = None
    #: Why the MSP did not take it.
    error: str | None = None
    auto_reply: bool | None = None
    #: How the bubble looks once it was answered.
    replied: JsonObject | None = None


@dataclass(frozen=True)
class SavedConversation:
    """One customer's conversation with a business."""

    #: The customer as `POST /customers` takes it.
    customer: JsonObject
    messages: tuple[SavedMessage, ...]

    def to_text(self) -> str:
        """Write the file."""
        messages = [
            {"number": number} | _message_to_json(message)
            for number, message in enumerate(self.messages, start=1)
        ]
        fields: JsonObject = {
            "format": FORMAT,
            "version": VERSION,
            "customer": self.customer,
            "messages": messages,
        }
        text = json.dumps(fields, ensure_ascii=False, indent=2)
        # Half of a surrogate pair has no UTF-8, but it has an escape.
        return (text if _is_unicode(text) else json.dumps(fields, indent=2)) + "\n"


def parse_conversation(packed: bytes) -> SavedConversation:
    """Read a file.

    Raises:
        FileUnfit: it is something else.
    """
    if len(packed) > FILE_LIMIT_BYTES:
        raise FileUnfit(f"It measures more than {FILE_LIMIT_BYTES:,} bytes")
    try:
        fields = unpack(packed, DEPTH_LIMIT + _MESSAGE_DEPTH)
    except Unreadable as error:
        raise FileUnfit(f"It has to be a JSON object: {error}") from error
    if fields.get("format") != FORMAT or fields.get("version") != VERSION:
        raise FileUnfit(f"It has to begin with format {FORMAT!r} and version {VERSION}")
    _check_keys(fields, _TOP_KEYS, "The file")
    customer, messages = fields.get("customer", {}), fields.get("messages")
    if not isinstance(customer, dict):
        raise FileUnfit("customer has to be an object")
    _check_keys(customer, _CUSTOMER_KEYS, "customer")
    if not isinstance(messages, list) or not 1 <= len(messages) <= ENTRY_LIMIT:
        raise FileUnfit(f"messages has to be a list of 1 to {ENTRY_LIMIT:,} messages")
    return SavedConversation(customer, tuple(_read_messages(messages)))


def _message_to_json(message: SavedMessage) -> JsonObject:
    shown: JsonObject = {"from": message.sender, "seconds": message.seconds}
    if message.deed is not None:
        shown["does"] = message.deed.name
        if message.deed.to is not None:
            shown["to"] = message.deed.to
        shown["with"] = message.deed.fields
    shown |= {"type": message.kind, "fields": message.fields}
    others = {
        "error": message.error,
        "auto_reply": message.auto_reply,
        "replied": message.replied,
    }
    return shown | {key: value for key, value in others.items() if value is not None}


def _read_messages(messages: list[object]) -> Iterable[SavedMessage]:
    read: list[SavedMessage] = []
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            raise FileUnfit(f"Message {number} has to be an object")
        read.append(_Reader(message, number).read(read))
    return read


@dataclass(frozen=True)
class _Reader:
    """Reads one message; every complaint names it."""

    fields: JsonObject
    number: int

    def read(self, before: list[SavedMessage]) -> SavedMessage:
        if self.fields.get("number", self.number) != self.number:
            raise self._unfit("number", f"has to be {self.number}: messages count from 1")
        sender = next((each for each in _SENDERS if each == self.fields.get("from")), None)
        if sender is None:
            raise self._unfit("from", "has to be customer or business")
        known = {"number", "from", "seconds", "does", "to", "with", "type", "fields"}
        _check_keys(
            self.fields, (*known, "error", "auto_reply", "replied"), f"Message {self.number}"
        )
        fields = self._object("fields")
        deed = self._read_deed(before) if sender == "customer" else None
        if sender == "business" and (not fields or self._text("type") is None):
            raise self._unfit("fields", "and type have to say what the business sent")
        return SavedMessage(
            sender=sender,
            seconds=self._read_seconds(before[-1].seconds if before else 0.0),
            kind=self._text("type"),
            fields=fields,
            deed=deed,
            error=self._text("error"),
            auto_reply=self._read_auto_reply(),
            replied=self._object("replied") or None,
        )

    def _read_deed(self, before: list[SavedMessage]) -> SavedDeed | None:
        name, to = self.fields.get("does"), self.fields.get("to")
        if name is None:
            if not self.fields.get("fields"):
                raise self._unfit("does", "or fields has to say what the customer sent")
            return None
        if name not in DEEDS:
            raise self._unfit("does", f"has to be one of {', '.join(DEEDS)}")
        if to is not None and not (
            isinstance(to, int)
            and not isinstance(to, bool)
            and 1 <= to < self.number
            and before[to - 1].sender == "business"
        ):
            raise self._unfit("to", "has to be the number of an earlier message of the business")
        return SavedDeed(str(name), self._object("with"), to)

    def _read_seconds(self, default: float) -> float:
        seconds = self.fields.get("seconds", default)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            seconds = -1.0
        if 0 <= seconds <= _SECONDS_LIMIT:
            return float(seconds)
        raise self._unfit("seconds", f"has to be a number from 0 to {_SECONDS_LIMIT:,}")

    def _read_auto_reply(self) -> bool | None:
        auto_reply = self.fields.get("auto_reply")
        if auto_reply is None or isinstance(auto_reply, bool):
            return auto_reply
        raise self._unfit("auto_reply", "has to be true or false, or absent")

    def _text(self, key: str) -> str | None:
        value = self.fields.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self._unfit(key, "has to be a text, or absent")

    def _object(self, key: str) -> JsonObject:
        value = self.fields.get(key)
        if value is None or isinstance(value, dict):
            return value or {}
        raise self._unfit(key, "has to be an object, or absent")

    def _unfit(self, key: str, what: str) -> FileUnfit:
        return FileUnfit(f"Message {self.number}: {key} {what}")


def _check_keys(fields: JsonObject, known: Iterable[str], where: str) -> None:
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise FileUnfit(f"{where} has {unknown[0][:64]!r}, which is not known here")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
