"""Calls of the addresses that a payment names, as the customer's device and Apple make them."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Final
from urllib.parse import urlsplit

import requests

from msp_server.emulator.answers import Answer, note_answer
from msp_server.emulator.journal import Exchange, Journal, fingerprint
from msp_server.emulator.masking import MASK
from msp_server.emulator.msp import Msp
from msp_server.emulator.packing import JsonObject, Unreadable, to_json, unpack
from msp_server.emulator.posting import ANSWER_LIMIT_BYTES, QUOTE_LIMIT, TIMEOUT_S
from msp_server.emulator.reachable import find_objection, without_query
from msp_server.emulator.shapes import object_in

#: What of `payment` nobody but the MSP may read.
_SECRET_KEYS: Final = ("paymentToken", "billingContact", "shippingContact")
#: How much of an address's last part is shown: it opens a payment.
_SHOWN_CHARACTERS: Final = 4
_CHUNK_BYTES: Final = 16
_HEADERS: Final = {"content-type": "application/json"}


@dataclass(frozen=True)
class Call:
    """How one call ended."""

    #: The path of the address, its last part cut.
    path: str
    #: The answer's HTTP status; None when there was no answer.
    status: int | None = None
    #: What was answered: an object, or the beginning of what is none.
    answer: JsonObject | str | None = None
    #: Why there is no answer that could be read.
    error: str | None = None
    #: False where the address is not one to call.
    tried: bool = True
    #: The answer as the journal keeps it.
    noted: Answer | None = None


class _TooMuch(Exception):
    """An answer measures more than `ANSWER_LIMIT_BYTES`, or takes too long."""


@dataclass(frozen=True)
class PaymentCalls:
    """Calls the MSP's addresses, without a token, and notes it in the journal.

    Source: MSP API Tutorial, exercise 15 (no token); JSON that is not compressed assumed.
    """

    msp: Msp
    journal: Journal

    def post(self, customer: str, address: str, fields: JsonObject) -> Call:
        """POST something to one address.

        Args:
            customer: the customer's name.
            address: as the message names it.
            fields: what is told.
        """
        objection = find_objection(address, (self.msp.url,))
        if objection is not None:
            return Call(
                _path_of(address), error=f"The address is not called: {objection}", tried=False
            )
        packed, started = to_json(fields), time.perf_counter()
        call = _post(address, packed)
        self.journal.add(
            Exchange(
                direction="to_msp",
                method="POST",
                url=shown_address(address),
                headers=dict(_HEADERS),
                jwt=None,
                body_sha256=fingerprint(packed),
                packed_bytes=len(packed),
                unpacked_bytes=len(packed),
                fields=masked(fields),
                kind="payment",
                status=call.status,
                reason=call.error,
                answer=call.noted,
                seconds=round(time.perf_counter() - started, 6),
                customer=customer,
            )
        )
        return call

    def post_at_once(
        self, customer: str, address: str, fields: JsonObject, times: int
    ) -> list[Call]:
        """POST the same several times at the same moment."""
        start = Barrier(times)

        def post() -> Call:
            start.wait()
            return self.post(customer, address, fields)

        with ThreadPoolExecutor(times) as pool:
            calls = [pool.submit(post) for _ in range(times)]
            return [call.result() for call in calls]


def masked(fields: JsonObject) -> JsonObject:
    """Give what was told as the journal may show it."""
    payment = object_in(fields, "payment")
    return fields | {
        "payment": {key: MASK if key in _SECRET_KEYS else told for key, told in payment.items()}
    }


def shown_address(address: str) -> str:
    """Give an address as it may be shown: without query, its last part cut."""
    start, slash, last = without_query(address).rpartition("/")
    return f"{start}{slash}{last[:_SHOWN_CHARACTERS]}{MASK}"


def _path_of(address: str) -> str:
    try:
        return urlsplit(shown_address(address)).path
    except ValueError:  # brackets that belong to no number
        return MASK


def _post(address: str, packed: bytes) -> Call:
    path = _path_of(address)
    try:
        status, noted, said = _fetch(address, packed)
    except _TooMuch:
        limits = f"{ANSWER_LIMIT_BYTES:,} bytes and {TIMEOUT_S:.0f} s"
        return Call(path, error=f"The MSP's answer has no end within {limits}")
    except (requests.RequestException, OSError, ValueError) as failure:
        return Call(path, error=f"The MSP did not answer at {path}: {_cause(failure)}")
    error = None if status == 200 else f"The MSP answered {status}"
    return Call(path, status, _parse(said), error, noted=noted)


def _fetch(address: str, packed: bytes) -> tuple[int, Answer, bytes]:
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc between us and the MSP
        session.headers.clear()
        with session.post(
            address,
            data=packed,
            headers=_HEADERS,
            timeout=TIMEOUT_S,
            allow_redirects=False,
            stream=True,
        ) as answer:
            said = _read(answer)
            return answer.status_code, note_answer(answer.headers.items(), said), said


def _read(answer: requests.Response) -> bytes:
    """Read an answer, neither endlessly much nor endlessly long."""
    said, end = bytearray(), time.monotonic() + TIMEOUT_S
    for chunk in answer.iter_content(_CHUNK_BYTES):
        said += chunk
        if len(said) > ANSWER_LIMIT_BYTES or time.monotonic() > end:
            raise _TooMuch
    return bytes(said)


def _parse(said: bytes) -> JsonObject | str | None:
    try:
        return unpack(said)
    except Unreadable:
        return said.decode(errors="replace").strip()[:QUOTE_LIMIT] or None


def _cause(failure: Exception) -> str:
    match failure:
        case requests.Timeout():
            return f"nothing came for {TIMEOUT_S:.0f} s"
        case requests.ConnectionError() if "refused" in str(failure).lower():
            return "connection refused; is it running?"
        case requests.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return "the connection was closed or could not be made"
        case _:
            return type(failure).__name__
