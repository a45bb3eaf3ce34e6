"""From a customer's phone to a conversation's file, and back onto a phone."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from msp_server.emulator.bubbles import tell_shown
from msp_server.emulator.conversation_file import SavedConversation, SavedDeed, SavedMessage
from msp_server.emulator.masking import MASK
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.phones import Customer
from msp_server.emulator.shapes import text_in
from msp_server.emulator.transcript import TYPING, Deed, Entry, Transcript
from msp_server.emulator.withholding import without_secrets

#: What every message has, and what is told of the customer once.
_ENVELOPE: Final = frozenset(
    {"id", "v", "type", "sourceId", "destinationId", "locale", "intent", "group"}
)
#: These headers prove who sends.
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


def save(customer: Customer) -> SavedConversation:
    """Write down a customer's conversation; used under the phones' lock."""
    entries = [entry for entry in customer.transcript.entries if not _goes_along(entry)]
    numbers: dict[str, int] = {}
    messages = []
    for number, entry in enumerate(entries, start=1):
        messages.append(_save_entry(entry, entries[0].at, numbers))
        if entry.sender == "business":
            numbers[entry.message_id] = number
    return SavedConversation(_save_customer(customer), tuple(messages))


def restore(conversation: SavedConversation, ends: datetime | None = None) -> Transcript:
    """Make the transcript that a phone shows of a file; nothing in it can be answered.

    Args:
        conversation: what the file holds.
        ends: when the last message came; now if None.
    """
    transcript = Transcript()
    last = max((message.seconds for message in conversation.messages), default=0.0)
    start = (ends or datetime.now(UTC)) - timedelta(seconds=last)
    ids = [str(uuid4()) for _ in conversation.messages]
    for number, message in enumerate(conversation.messages):
        transcript.entries.append(
            _restore_entry(number, message, ids, start + timedelta(seconds=message.seconds))
        )
    transcript.last_seq = transcript.changes = len(ids)
    return transcript


def _save_customer(customer: Customer) -> JsonObject:
    profile = customer.profile
    device: JsonObject = (
        {"device": profile.device}
        if profile.device is not None
        else {"capabilities": list(profile.capabilities)}
    )
    hints = {name: getattr(profile, name) for name in ("intent", "group")}
    return {
        "name": customer.name,
        "business_id": customer.business_id,
        **device,
        "locale": profile.locale,
        "time_zone": profile.time_zone,
        **{name: hint for name, hint in hints.items() if hint is not None},
    }


def _goes_along(entry: Entry) -> bool:
    """Tell the typing that comes with a text by itself."""
    return entry.sender == "customer" and entry.kind in TYPING and entry.deed is None


def _save_entry(entry: Entry, start: datetime, numbers: dict[str, int]) -> SavedMessage:
    said = {key: value for key, value in entry.fields.items() if key not in _ENVELOPE}
    return SavedMessage(
        sender=entry.sender,
        seconds=round(max(0.0, (entry.at - start).total_seconds()), 3),
        kind=entry.kind,
        fields=without_secrets(said),
        deed=None if entry.deed is None else _save_deed(entry.deed, numbers),
        error=entry.error,
        auto_reply=entry.auto_reply,
        replied=entry.replied and without_secrets(entry.replied),
    )


def _save_deed(deed: Deed, numbers: dict[str, int]) -> SavedDeed:
    fields = without_secrets(_without_headers(deed.fields))
    return SavedDeed(deed.name, fields, None if deed.to is None else numbers.get(deed.to))


def _without_headers(fields: JsonObject) -> JsonObject:
    """Hide the headers that prove who sends."""
    headers = fields.get("headers")
    if not isinstance(headers, dict):
        return fields
    return fields | {
        "headers": {
            name: MASK if name.lower() in _SECRET_HEADERS and value is not None else value
            for name, value in headers.items()
        }
    }


def _restore_entry(number: int, message: SavedMessage, ids: list[str], at: datetime) -> Entry:
    said = {key: value for key, value in message.fields.items() if key not in _ENVELOPE}
    fields: JsonObject = {"id": ids[number], "type": message.kind, **said}
    deed = None
    if message.deed is not None:
        to = None if message.deed.to is None else ids[message.deed.to - 1]
        deed = Deed(message.deed.name, message.deed.fields, to)
        if not said and message.kind is None:
            fields |= {"type": "text", "body": _tell(message.deed)}
        if to is not None and "replyToMessageId" in fields:
            fields["replyToMessageId"] = to
    return Entry(
        seq=number + 1,
        sender=message.sender,
        message_id=ids[number],
        kind=text_in(fields, "type"),
        fields=fields,
        auto_reply=message.auto_reply,
        status="not delivered" if message.error else "accepted",
        error=message.error,
        changed=number + 1,
        at=at,
        shows=tell_shown(fields),
        replied=message.replied,
        deed=deed,
    )


def _tell(deed: SavedDeed) -> str:
    """Tell a deed in words, for a file written by hand that says no more of it."""
    body = deed.fields.get("body")
    return body if isinstance(body, str) else deed.name.replace("_", " ")
