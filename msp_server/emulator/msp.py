"""Requests to the MSP under test, as Apple makes them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Event
from typing import TypeAlias
from uuid import uuid4

from msp_server.emulator.faults import Faults, Misfortune
from msp_server.emulator.journal import (
    Exchange,
    Journal,
    Original,
    fingerprint,
    shown_headers,
    shown_token,
)
from msp_server.emulator.packing import JsonObject, pack, to_json
from msp_server.emulator.phones import Customer
from msp_server.emulator.posting import Poster
from msp_server.emulator.spoilt_requests import TOKEN_FAULTS, Draft, Signer, spoil, tell_spoilt

#: Headers to replace, or with None to leave out.
Overrides: TypeAlias = Mapping[str, str | None]


@dataclass(frozen=True)
class Outcome:
    """How one request to the MSP ended."""

    #: The answer's HTTP status; None when there was no answer.
    status: int | None
    #: Why the message counts as not delivered; None when the MSP answered 200.
    error: str | None
    seconds: float
    #: The number of the exchange in the journal.
    seq: int = 0


class Msp:
    """The MSP under test.

    Args:
        url: base address.
        msp_id: for whom tokens are made.
        api_secret: what signs them.
        journal: where every exchange is noted.
        faults: what is to go wrong on the way.
        stopping: set when the emulator is to stop.
    """

    def __init__(
        self,
        url: str,
        msp_id: str,
        api_secret: bytes,
        journal: Journal,
        faults: Faults | None = None,
        stopping: Event | None = None,
    ) -> None:
        #: Base address; may be set at any time.
        self.url = url
        self._msp_id = msp_id
        self._api_secret = api_secret
        self._journal = journal
        self._faults = faults or Faults()
        self._stopping = stopping or Event()
        self._poster = Poster()

    def send(
        self,
        customer: Customer,
        fields: JsonObject,
        overrides: Overrides,
        repeats: int | None = None,
    ) -> Outcome:
        """POST one message of a customer and note the exchange in the journal.

        Args:
            customer: who sends it.
            fields: what it says.
            overrides: headers that are to be others than Apple's.
            repeats: the number of the exchange that is sent again, in the journal.
        """
        misfortune = self._meet_fault(customer, fields)
        draft = Draft(self._headers(customer, fields, overrides), pack(fields), to_json(fields))
        if misfortune.fault:
            draft = spoil(draft, misfortune.fault, self.signer())
        exchange = self._begin_exchange(draft, Original(fields, overrides))
        exchange.customer, exchange.repeats = customer.name, repeats
        _note_misfortune(exchange, misfortune)
        outcome = self._post(draft, replace(exchange))
        if misfortune.fault and misfortune.fault.do == "repeat":
            self._post(draft, exchange)
        return outcome

    def signer(self) -> Signer:
        """Give what makes tokens that hold now."""
        return Signer(self._msp_id, self._api_secret, int(time.time()))

    def close(self) -> None:
        """Close the idle connections."""
        self._poster.close()

    def _meet_fault(self, customer: Customer, fields: JsonObject) -> Misfortune:
        kind = fields.get("type")
        misfortune = self._faults.take(
            "msp", kind=kind if isinstance(kind, str) else None, customer=customer.name
        )
        if misfortune.delay_s:
            self._stopping.wait(misfortune.delay_s)
        return misfortune

    def _begin_exchange(self, draft: Draft, original: Original) -> Exchange:
        replaced = "authorization" in {name.lower() for name in original.overrides}
        return Exchange(
            direction="to_msp",
            method="POST",
            url=f"{self.url.rstrip('/')}/message",
            headers=shown_headers(draft.headers.items()),
            jwt=shown_token(
                draft.headers.get("authorization"), "replaced by the sender" if replaced else "good"
            ),
            body_sha256=fingerprint(draft.packed),
            packed_bytes=len(draft.packed),
            unpacked_bytes=draft.unpacked_bytes,
            fields=original.fields,
            message_id=draft.headers.get("id"),
            original=original,
        )

    def _post(self, draft: Draft, exchange: Exchange) -> Outcome:
        posted = self._poster.post(exchange.url, draft)
        exchange.status, exchange.answer, exchange.seconds = (
            posted.status,
            posted.answer,
            posted.seconds,
        )
        exchange.reason = "; ".join(filter(None, (exchange.reason, posted.error))) or None
        self._journal.add(exchange)
        return Outcome(posted.status, posted.error, posted.seconds, exchange.seq)

    def _headers(
        self, customer: Customer, fields: JsonObject, overrides: Overrides
    ) -> dict[str, str]:
        headers: dict[str, str | None] = {
            "authorization": f"Bearer {self.signer().make_token()}",
            "id": _text(fields.get("id")),
            "source-id": _text(fields.get("sourceId")),
            "destination-id": _text(fields.get("destinationId")),
            "capability-list": ",".join(customer.profile.capabilities),
            "content-encoding": "gzip",
            "content-type": "application/json",
        } | {name.lower(): value for name, value in overrides.items()}
        return {name: value for name, value in headers.items() if value is not None}


def make_envelope(customer: Customer) -> JsonObject:
    """Make the fields every message of a customer has, with a new id.

    Source: MSP REST API, "Incoming Messages".
    """
    fields: JsonObject = {
        "id": str(uuid4()),
        "v": 1,
        "sourceId": customer.customer_id,
        "destinationId": customer.business_id,
    }
    hints = {name: getattr(customer.profile, name) for name in ("locale", "intent", "group")}
    return fields | {name: hint for name, hint in hints.items() if hint is not None}


def _note_misfortune(exchange: Exchange, misfortune: Misfortune) -> None:
    if misfortune.fault:
        exchange.rule, exchange.reason = "fault", tell_spoilt(misfortune.fault)
        if misfortune.fault.do in TOKEN_FAULTS and exchange.jwt:
            exchange.jwt["verdict"] = exchange.reason
    elif misfortune.delay_s:
        exchange.rule, exchange.reason = "fault", f"A fault delayed it {misfortune.delay_s} s"


def _text(value: object) -> str | None:
    """Give a field as a header's value, or None where it cannot be one."""
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return value
    return None
