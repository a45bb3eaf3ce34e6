"""Listing: what the store holds, for a person at a terminal, and as JSON for programs."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msp_server.errors import MspError
from msp_server.messages.apple_pay import sums_to_wire
from msp_server.messages.money import amount_to_wire
from msp_server.messages.references import ANSWER_PLACE
from msp_server.messages.summary import summary
from msp_server.store.conversations import ConversationRecord
from msp_server.store.fetches import FetchRecord
from msp_server.store.history import HistoryEntry
from msp_server.store.payments import PaymentRecord
from msp_server.store.schema import OutboxState
from msp_server.store.upkeep import BuriedMessage
from msp_server.wire.packing import UNPACKED_LIMIT_BYTES, unpack

_SHOWN_CHARS: Final = 60


def conversation_heading(record: ConversationRecord) -> str:
    """Say whose a conversation is, above its messages."""
    lines = [f"conversation {record.id}", f"customer     {record.customer_id}"]
    if record.desk is not None:
        lines.append(f"held for     {record.desk}  {record.note or ''}")
    return "\n".join([*map(printable, lines), ""])


def message_line(entry: HistoryEntry) -> str:
    """Give a message as a line."""
    arrow = "←" if entry.direction == "in" else "→"
    words = summary(_fields(entry))[:_SHOWN_CHARS]
    notes = "; ".join(filter(None, (_doubt(entry.unsure, entry.state), entry.reason)))
    return printable(
        f"{iso(entry.created_at)} {arrow} …{entry.customer_id[-8:]} "
        f"{entry.state:<8} {entry.kind:<18} {words}{f'  ({notes})' if notes else ''}"
    )


def message_record(entry: HistoryEntry) -> dict[str, Any]:
    """Give a message as JSON for programs."""
    return {
        "direction": entry.direction,
        "message_id": entry.message_id,
        "conversation_id": entry.conversation_id,
        "business_id": entry.business_id,
        "customer_id": entry.customer_id,
        "kind": entry.kind,
        "state": entry.state,
        "reason": entry.reason,
        "attempts": entry.attempts,
        "unsure": entry.unsure,
        "created_at": iso(entry.created_at),
        "finished_at": None if entry.finished_at is None else iso(entry.finished_at),
        "headers": entry.headers,
        "fields": _fields(entry),
    }


def fetch_line(fetch: FetchRecord, attachments_dir: Path) -> str:
    """Give a reference in a received message as a line."""
    record = fetch_record(fetch, attachments_dir)
    what = "a large answer" if fetch.reference.place == ANSWER_PLACE else fetch.reference.name
    size = "" if record["size_bytes"] is None else f" {record['size_bytes']} bytes"
    where = record["file"] or f"({fetch.reason})" if fetch.reason or record["file"] else ""
    return printable(f"{record['created_at']} {fetch.state:<8} {what}{size}  {where}")


def fetch_record(fetch: FetchRecord, attachments_dir: Path) -> dict[str, Any]:
    """Give a reference in a received message as JSON for programs."""
    reference = fetch.reference
    return {
        "message_id": fetch.message_id,
        "conversation_id": fetch.conversation_id,
        "place": reference.place,
        "name": reference.name,
        "mime_type": reference.mime_type,
        "size_bytes": reference.size_bytes,
        "state": fetch.state,
        "reason": fetch.reason,
        "file": str(attachments_dir / fetch.file) if fetch.file else None,
        "created_at": iso(fetch.created_at),
    }


def payment_lines(payment: PaymentRecord) -> str:
    """Give a payment as a line, and its course as one more for each step."""
    total = payment.authorised_total if payment.is_paid else payment.total
    head = (
        f"{iso(payment.created_at)} {payment.state:<11} …{payment.customer_id[-8:]} "
        f"{total} {payment.currency}  {payment.merchant_name}  {payment.request_id}"
    )
    steps = [f"  {iso(at)} {what:<11} {words}".rstrip() for at, what, words in payment.course]
    return "\n".join(map(printable, [head, *steps]))


def payment_record(payment: PaymentRecord) -> dict[str, Any]:
    """Give a payment as JSON for programs."""
    total, lines = sums_to_wire(payment.lines, payment.merchant_name, payment.currency)
    paid = payment.authorised_total if payment.is_paid else None
    return {
        "message_id": payment.message_id,
        "request_id": payment.request_id,
        "name": payment.name,
        "conversation_id": payment.conversation_id,
        "business_id": payment.business_id,
        "customer_id": payment.customer_id,
        "state": payment.state,
        "status": payment.status,
        "total": total["amount"],
        "paid": None if paid is None else amount_to_wire(paid, payment.currency),
        "currency": payment.currency,
        "line_items": lines,
        "shipping": payment.shipping,
        "course": [
            {"at": iso(at), "what": what, "words": words} for at, what, words in payment.course
        ],
        "expires_at": None if payment.expires_at is None else iso(payment.expires_at),
    }


def buried_line(buried: BuriedMessage) -> str:
    """Give what was given up as a line."""
    arrow = "←" if buried.direction == "in" else "→"
    notes = "; ".join(filter(None, (_doubt(buried.unsure, OutboxState.BURIED), buried.reason)))
    what = f"{buried.message_id} {buried.kind:<18} {notes}"
    return printable(f"{iso(buried.buried_at)} {arrow} {what}")


def buried_record(buried: BuriedMessage) -> dict[str, Any]:
    """Give what was given up as JSON for programs."""
    return {
        **asdict(buried),
        "created_at": iso(buried.created_at),
        "buried_at": iso(buried.buried_at),
    }


def iso(at: float) -> str:
    """Write a time as one reads it, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def printable(words: str) -> str:
    """Give words that a terminal shows and does not obey."""
    return "".join(c if c.isprintable() else " " for c in words)


def _doubt(unsure: int, state: str) -> str | None:
    """Say what nobody knows about a message, because an attempt to send it had no answer."""
    if not unsure:
        return None
    match state:
        case OutboxState.SENT:
            return "sent, perhaps more than once"
        case OutboxState.BURIED:
            return "buried, may have been accepted"
        case _:
            return "may have been accepted"


def _fields(entry: HistoryEntry) -> dict[str, Any]:
    try:
        return unpack(entry.packed, UNPACKED_LIMIT_BYTES)
    except MspError:
        return {}
