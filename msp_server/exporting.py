"""Exporting: the history as lines of JSON, in a file that can be gone on with."""

import base64
import json
import os
import re
from pathlib import Path
from typing import Any, BinaryIO, Final

from msp_server.errors import MspError
from msp_server.listing import fetch_record, iso, payment_record
from msp_server.messages.outgoing_file import files_from_json
from msp_server.messages.references import ANSWER_PLACE
from msp_server.store.export import ExportedMessage, Position
from msp_server.store.sign_ins import SignInRecord
from msp_server.wire.packing import UNPACKED_LIMIT_BYTES, unpack

#: How a line begins: by that alone it is known how far an export has come.
_FIRST: Final = b'{"direction": "'
_BEGINNING: Final = re.compile(rb'\{"direction": "(in|out)", "seq": ([0-9]{1,18}), ')


class ExportUnfit(ValueError):
    """The file holds something else than an export."""


def export_line(message: ExportedMessage, attachments_dir: Path) -> bytes:
    """Write a message, and all that belongs to it, as one line."""
    row = message.row
    record = {
        "direction": message.direction,
        "seq": row.seq,
        "message_id": row.message_id,
        "conversation_id": row.conversation_id,
        "business_id": row.business_id,
        "customer_id": row.customer_id,
        "kind": row.kind,
        "state": row.state,
        "reason": row.reason,
        "attempts": row.attempts,
        "created_at": iso(row.created_at),
        "failing_since": _when(row.failing_since),
        "finished_at": _when(row.finished_at),
        "headers": json.loads(row.headers),
        **_body(row.packed),
        **(_received(message, attachments_dir) if message.direction == "in" else _sent(message)),
    }
    return json.dumps(record).encode() + b"\n"


def begin_file(path: Path) -> BinaryIO:
    """Make a file that only its owner can read.

    Raises:
        FileExistsError: it is there already.
    """
    return os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
    )


def go_on_with_file(path: Path) -> tuple[BinaryIO, Position]:
    """Open a file that an export was written to, after its last whole line.

    Returns:
        The file, and how far it has come.

    Raises:
        FileNotFoundError: it is not there.
        ExportUnfit: it holds something else.
    """
    file = path.open("r+b")
    try:
        os.fchmod(file.fileno(), 0o600)
        position, end_bytes = _read_through(file)
        file.seek(end_bytes)
        file.truncate()
    except BaseException:
        file.close()
        raise
    return file, position


def _read_through(file: BinaryIO) -> tuple[Position, int]:
    """Find how far an export has come, and where its last whole line ends."""
    last = {b"in": 0, b"out": 0}
    end_bytes = 0
    for number, line in enumerate(file, 1):
        begins = _BEGINNING.match(line)
        whole = line.endswith(b"\n")
        if begins is None and (whole or not _FIRST.startswith(line[: len(_FIRST)])):
            raise ExportUnfit(f"its line {number} is none of an export")
        if begins is None or not whole:
            break
        last[begins[1]] = int(begins[2])
        end_bytes += len(line)
    return Position(last[b"in"], last[b"out"]), end_bytes


def _body(packed: bytes) -> dict[str, Any]:
    """Give what a body says, or its bytes if they say nothing."""
    try:
        return {"fields": unpack(packed, max(UNPACKED_LIMIT_BYTES, len(packed)))}
    except MspError:
        return {"fields": None, "packed": base64.b64encode(packed).decode()}


def _received(message: ExportedMessage, attachments_dir: Path) -> dict[str, Any]:
    attached = [each for each in message.fetches if each.reference.place != ANSWER_PLACE]
    answers = [each.answer for each in message.fetches if each.answer is not None]
    return {
        "attachments": [fetch_record(each, attachments_dir) for each in attached],
        "answer": json.loads(answers[0]) if answers else None,
    }


def _sent(message: ExportedMessage) -> dict[str, Any]:
    row, payment = message.row, message.payment
    return {
        "answers": row.answers,
        "unsure": row.unsure,
        "endpoint": row.endpoint,
        "name": row.name,
        "answer_key": row.answer_key,
        "session_id": row.session_id,
        "data_ref": None if row.data_ref is None else json.loads(row.data_ref),
        "pause_s": row.pause_s,
        "files": [
            {"name": file.name, "mime_type": file.mime_type, "size_bytes": file.size_bytes}
            for file in files_from_json(row.files)
        ],
        "payment": None if payment is None else payment_record(payment),
        "sign_in": None if message.sign_in is None else _sign_in(message.sign_in),
    }


def _sign_in(sign_in: SignInRecord) -> dict[str, Any]:
    """Give how far a sign-in has come; not who signed in."""
    return {
        "request_id": sign_in.request_id,
        "stage": sign_in.stage,
        "failure": sign_in.failure,
        "told_by": sign_in.told_by,
        "expires_at": _when(sign_in.expires_at),
    }


def _when(at: float | None) -> str | None:
    return None if at is None else iso(at)
