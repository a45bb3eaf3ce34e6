"""Payments: what each customer was asked for, and how far that has come."""

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from msp_server.errors import ContentInvalid
from msp_server.messages.apple_pay import (
    ApplePay,
    LineItem,
    ShippingMethod,
    bill,
    line_item_from_wire,
    total_of,
)
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.money import amount_from_wire, amount_to_wire
from msp_server.messages.opening import PaymentOpening
from msp_server.messages.payment import PaymentChange, PaymentStatus
from msp_server.messages.raw import JsonObject
from msp_server.store.base import Database, fit
from msp_server.store.schema import CONVERSATIONS, PAYMENTS, PaymentState

#: How long a payment processor may be at one authorisation, seconds.
BUSY_LIMIT_S: Final = 120.0
#: How many authorisations a payment takes; who tries more cards than that asks anew.
_AUTHORISATIONS_LIMIT: Final = 20
#: How much of a course is kept; of more changes than that, the last ones.
_COURSE_LIMIT: Final = 60

_PAID: Final = (PaymentState.AUTHORISED, PaymentState.TRACKED)
_UNSETTLED: Final = (PaymentState.AUTHORISING, PaymentState.UNCLEAR)
_OPEN: Final = (PaymentState.ASKED, PaymentState.REFUSED)


@dataclass(frozen=True)
class PaymentRecord:
    """What the store knows of one payment."""

    seq: int
    token: str = field(repr=False)
    conversation_id: str
    business_id: str
    customer_id: str
    message_id: str
    request_id: str
    #: What the message's author called it.
    name: str | None
    state: PaymentState
    merchant_name: str
    country: str
    currency: str
    #: The items that were asked for, and what the customer's changes added, by change.
    items: tuple[LineItem, ...]
    further: dict[PaymentChange, tuple[LineItem, ...]]
    #: Every shipping method by its identifier, and the one that is chosen.
    shipping_methods: dict[str, ShippingMethod]
    shipping: str | None
    #: Fingerprint of the newest authorisation, and what it was for.
    authorisation: str | None
    authorised_total: Decimal | None
    #: How each authorisation ended, by its fingerprint.
    settled: dict[str, PaymentStatus]
    #: What happened: when, what, and further words.
    course: tuple[tuple[float, str, str], ...]
    created_at: float
    expires_at: float | None

    @property
    def shipping_method(self) -> ShippingMethod | None:
        """The shipping method that is chosen."""
        return None if self.shipping is None else self.shipping_methods[self.shipping]

    @property
    def lines(self) -> tuple[LineItem, ...]:
        """Every line of the bill as it stands."""
        further = [line for change in PaymentChange for line in self.further.get(change, ())]
        return bill(self.items, self.shipping_method, further)

    @property
    def total(self) -> Decimal:
        """What the lines come to."""
        return total_of(self.lines)

    @property
    def status(self) -> PaymentStatus | None:
        """How the newest authorisation ended; None while it has not."""
        return self.settled.get(self.authorisation or "")

    @property
    def is_paid(self) -> bool:
        """Whether the payment processor has taken the money."""
        return self.state in _PAID

    def takes_changes(self, now: float) -> bool:
        """Tell whether the customer may still change something, or authorise."""
        return self.state in _OPEN and self.expires_at is not None and now < self.expires_at


class Beginning(Enum):
    """Whether an authorisation may go to the payment processor."""

    #: It may, and nobody else does.
    BEGUN = "begun"
    #: The same is there already: its status counts, as soon as there is one.
    SAME = "same"
    #: The payment takes none: it is paid, expired, unclear, or another one is under way.
    OVER = "over"


class Payments:
    """Payments, found by the token of their addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, message_id: str, expires_at: float) -> None:
        """Open the addresses of a payment: it is about to be sent."""
        with self._database.write() as connection:
            connection.execute(
                update(PAYMENTS)
                .where(PAYMENTS.c.message_id == message_id)
                .values(expires_at=expires_at)
            )

    def find(self, token: str) -> PaymentRecord | None:
        """Give the payment whose addresses end so."""
        if token != fit(token):
            return None  # anybody may ask for what no column can hold
        return self._first(PAYMENTS.c.token == token)

    def of_request(self, conversation_id: str, request_id: str) -> PaymentRecord | None:
        """Give the newest payment of a conversation that a response names."""
        if request_id != fit(request_id):
            return None
        return self._first(
            PAYMENTS.c.conversation_id == conversation_id, PAYMENTS.c.request_id == request_id
        )

    def of_messages(self, message_ids: Sequence[str]) -> dict[str, PaymentRecord]:
        """Give the payments that messages ask for, by the message."""
        wanted = _joined().where(PAYMENTS.c.message_id.in_(message_ids))
        with self._database.read() as connection:
            return {row.message_id: _record(row) for row in connection.execute(wanted)}

    def newest(self, limit: int, conversation_id: str | None = None) -> Sequence[PaymentRecord]:
        """Give the newest payments, oldest of them first."""
        wanted = _joined().order_by(PAYMENTS.c.seq.desc()).limit(limit)
        if conversation_id is not None:
            wanted = wanted.where(PAYMENTS.c.conversation_id == conversation_id)
        with self._database.read() as connection:
            return [_record(row) for row in reversed(connection.execute(wanted).all())]

    def change(
        self,
        token: str,
        change: PaymentChange,
        further: Sequence[LineItem],
        now: float,
        shipping: str | None = None,
    ) -> PaymentRecord | None:
        """Note what the customer changed, and what came to the bill for it.

        Args:
            token: of the payment's addresses.
            change: what was changed; what came for the same before, goes.
            further: the lines that come to the bill.
            now: seconds since 1970.
            shipping: identifier of the shipping method, if that was changed.

        Returns:
            The payment as it stands then; None when it takes no changes any more.

        Raises:
            ContentInvalid: an amount cannot be written in the payment's currency, or the bill
                comes to nothing.
        """
        with self._database.write() as connection:
            record = _locked(connection, token)
            if record is None or not record.takes_changes(now):
                return None
            written = {
                **_further_to_json(record.further, record.currency),
                str(change): [line.to_wire(record.currency) for line in further],
            }
            values: dict[str, Any] = {
                "further": json.dumps(written),
                "course": _noted(record, now, "changed", str(change)),
            }
            if shipping is not None:
                values["shipping"] = shipping
            _set(connection, record, values)
            changed = _locked(connection, token)
            if changed is not None and changed.total <= 0:
                raise ContentInvalid(f"the bill comes to {changed.total}", field="line_items")
            return changed

    def begin(self, token: str, authorisation: str, now: float) -> Beginning:
        """Begin an authorisation, unless it is there already or the payment takes none.

        Args:
            token: of the payment's addresses.
            authorisation: its fingerprint.
            now: seconds since 1970.
        """
        with self._database.write() as connection:
            record = _locked(connection, token)
            if record is None:
                return Beginning.OVER
            if authorisation in {record.authorisation, *record.settled}:
                return Beginning.SAME
            if not record.takes_changes(now) or len(record.settled) >= _AUTHORISATIONS_LIMIT:
                return Beginning.OVER
            values = {
                "state": PaymentState.AUTHORISING,
                "authorisation": authorisation,
                "total": amount_to_wire(record.total, record.currency),
                "busy_until": now + BUSY_LIMIT_S,
            }
            _set(connection, record, values)
            return Beginning.BEGUN

    def settle(self, token: str, authorisation: str, status: PaymentStatus, now: float) -> None:
        """Note how an authorisation ended; better late, once it was given up, than never."""
        paid = status is PaymentStatus.SUCCESS
        state = PaymentState.AUTHORISED if paid else PaymentState.REFUSED
        words = "" if paid else str(status)
        self._end(token, authorisation, now, (state, status, words), _UNSETTLED)

    def give_up(self, token: str, authorisation: str, reason: str, now: float) -> None:
        """Note that nobody knows how an authorisation ended: nothing more is charged."""
        self._end(token, authorisation, now, (PaymentState.UNCLEAR, PaymentStatus.FAILURE, reason))

    def track(self, token: str, now: float) -> bool:
        """Note that the order is to be tracked; False if nothing was paid."""
        with self._database.write() as connection:
            record = _locked(connection, token)
            if record is None or not record.is_paid:
                return False
            values = {"state": PaymentState.TRACKED, "course": _noted(record, now, "tracked")}
            _set(connection, record, values)
            return True

    def give_up_abandoned(self, now: float) -> int:
        """Give up authorisations at which a process has died.

        Returns:
            How many there were.
        """
        abandoned = select(PAYMENTS.c.token, PAYMENTS.c.authorisation).where(
            PAYMENTS.c.state == PaymentState.AUTHORISING, PAYMENTS.c.busy_until <= now
        )
        with self._database.read() as connection:
            found = connection.execute(abandoned).all()
        for token, authorisation in found:
            self.give_up(token, authorisation, "cut off while it was being authorised", now)
        return len(found)

    def _end(
        self,
        token: str,
        authorisation: str,
        now: float,
        result: tuple[PaymentState, PaymentStatus, str],
        may_follow: Container[PaymentState] = (PaymentState.AUTHORISING,),
    ) -> None:
        state, status, words = result
        with self._database.write() as connection:
            record = _locked(connection, token)
            if record is None or record.authorisation != authorisation:
                return
            if record.state not in may_follow:
                return
            values = {
                "state": state,
                "settled": json.dumps(record.settled | {authorisation: status}),
                "course": _noted(record, now, str(state).lower(), words),
            }
            _set(connection, record, values)

    def _first(self, *conditions: ColumnElement[bool]) -> PaymentRecord | None:
        wanted = _joined().where(*conditions).order_by(PAYMENTS.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else _record(row)


def put_payments(
    connection: Connection, messages: Sequence[OutboundMessage], conversation_id: str, now: float
) -> None:
    """Insert the payments that messages ask for, which are put into the outbox at the same time."""
    rows = [
        _row_of(message, message.content, message.opening, conversation_id, now)
        for message in messages
        if isinstance(message.content, ApplePay) and isinstance(message.opening, PaymentOpening)
    ]
    if rows:
        connection.execute(insert(PAYMENTS), rows)


def _row_of(
    message: OutboundMessage,
    asked: ApplePay,
    opening: PaymentOpening,
    conversation_id: str,
    now: float,
) -> dict[str, Any]:
    numbered = asked.numbered()
    written = {
        "merchant_name": asked.merchant_name,
        "country": asked.country,
        "currency": asked.currency,
        "items": [item.to_wire(asked.currency) for item in asked.line_items],
        "shipping": [method.to_wire(name, asked.currency) for name, method in numbered],
    }
    return {
        "token": opening.token,
        "conversation_id": conversation_id,
        "message_id": message.id,
        "request_id": asked.request_id,
        "name": asked.name,
        "state": PaymentState.ASKED,
        "asked": json.dumps(written),
        "further": "{}",
        "settled": "{}",
        "shipping": numbered[0][0] if numbered else None,
        "course": json.dumps([[now, "asked", ""]]),
        "created_at": now,
    }


def _joined() -> Any:  # noqa: ANN401 - a select of many columns
    return select(PAYMENTS, CONVERSATIONS.c.business_id, CONVERSATIONS.c.customer_id).join(
        CONVERSATIONS, CONVERSATIONS.c.id == PAYMENTS.c.conversation_id
    )


def _locked(connection: Connection, token: str) -> PaymentRecord | None:
    """Read a payment and keep others from changing it until this transaction ends."""
    wanted = _joined().where(PAYMENTS.c.token == token).with_for_update(of=PAYMENTS)
    row = connection.execute(wanted).first()
    return None if row is None else _record(row)


def _set(connection: Connection, record: PaymentRecord, values: dict[str, Any]) -> None:
    connection.execute(update(PAYMENTS).where(PAYMENTS.c.seq == record.seq).values(values))


def _noted(record: PaymentRecord, now: float, what: str, words: str = "") -> str:
    """Write a course with one more entry; how it began stays in it."""
    begun, *rest = [list(entry) for entry in record.course]
    return json.dumps([begun, *rest[-_COURSE_LIMIT:], [now, what, words]])


def _further_to_json(
    further: dict[PaymentChange, tuple[LineItem, ...]], currency: str
) -> dict[str, list[JsonObject]]:
    return {
        str(change): [line.to_wire(currency) for line in lines] for change, lines in further.items()
    }


def _record(row: Row[Any]) -> PaymentRecord:
    asked = json.loads(row.asked)
    return PaymentRecord(
        seq=row.seq,
        token=row.token,
        conversation_id=row.conversation_id,
        business_id=row.business_id,
        customer_id=row.customer_id,
        message_id=row.message_id,
        request_id=row.request_id,
        name=row.name,
        state=PaymentState(row.state),
        merchant_name=asked["merchant_name"],
        country=asked["country"],
        currency=asked["currency"],
        items=_lines(asked["items"]),
        further={
            PaymentChange(change): _lines(lines)
            for change, lines in json.loads(row.further).items()
        },
        shipping_methods={method["identifier"]: _method(method) for method in asked["shipping"]},
        shipping=row.shipping,
        authorisation=row.authorisation,
        authorised_total=None if row.total is None else amount_from_wire(row.total),
        settled={
            authorisation: PaymentStatus(status)
            for authorisation, status in json.loads(row.settled).items()
        },
        course=tuple((at, what, words) for at, what, words in json.loads(row.course)),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _lines(written: list[JsonObject]) -> tuple[LineItem, ...]:
    return tuple(line_item_from_wire(line) for line in written)


def _method(fields: JsonObject) -> ShippingMethod:
    amount = amount_from_wire(fields["amount"])
    return ShippingMethod(
        fields["label"], amount, fields["detail"], identifier=fields["identifier"]
    )
