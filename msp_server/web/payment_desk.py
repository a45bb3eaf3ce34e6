"""The payment desk: asks the payment processor, once for what costs money, and notes the course."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from msp_server.agents.processor import PaymentProcessor
from msp_server.errors import (
    ContentInvalid,
    PaymentOver,
    PaymentUnknown,
    ProcessorFailed,
    where,
)
from msp_server.messages.apple_pay import LineItem
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.payment import Authorisation, Payment, PaymentChange, PaymentStatus
from msp_server.store.payments import Beginning, PaymentRecord, Payments
from msp_server.web.slots import Slots

log = logging.getLogger(__name__)

#: How long the second of two equal authorisations waits for the result of the first, seconds.
RESULT_LIMIT_S: Final = 25.0
_LOOK_AGAIN_S: Final = 0.05

T = TypeVar("T")


class PaymentDesk:
    """Finds payments, asks the processor, and notes what came of it."""

    def __init__(
        self, payments: Payments, processor: PaymentProcessor | None, slots: Slots
    ) -> None:
        self._payments = payments
        self._processor = processor
        self._slots = slots

    def find(self, token: str) -> PaymentRecord:
        """Find the payment of an address.

        Raises:
            PaymentUnknown: there is none.
        """
        record = None if self._processor is None else self._payments.find(token)
        if record is None or record.expires_at is None:
            raise PaymentUnknown
        return record

    def change(
        self,
        record: PaymentRecord,
        change: PaymentChange,
        price: Callable[[PaymentProcessor, Payment], Sequence[LineItem]],
        shipping: str | None = None,
    ) -> PaymentRecord:
        """Note a change, and give the payment as it stands after it.

        Raises:
            PaymentOver: nothing can be changed any more.
            ProcessorFailed: the processor gave no lines.
        """
        now = time.time()
        if not record.takes_changes(now):
            raise PaymentOver
        try:
            further = self.ask(lambda asked: _lines(price(asked, payment_of(record))))
            changed = self._payments.change(record.token, change, further, now, shipping)
        except ContentInvalid as error:
            log.error("processor gave unfit lines error=%s", error.without_value)  # noqa: TRY400 - the traceback shows nothing more
            raise ProcessorFailed from error
        if changed is None:
            raise PaymentOver
        log.info("payment changed message_id=%.80r change=%s", record.message_id, change)
        return changed

    def authorise(self, record: PaymentRecord, authorisation: Authorisation) -> PaymentStatus:
        """Have the money taken once, and give how that ended.

        Raises:
            PaymentOver: the payment takes no authorisation any more.
        """
        with self._slots.taken():
            match self._payments.begin(record.token, authorisation.fingerprint, time.time()):
                case Beginning.BEGUN:
                    return self._take_money(record.token, authorisation)
                case Beginning.SAME:
                    return self._await_status(record.token, authorisation.fingerprint)
                case Beginning.OVER:
                    raise PaymentOver

    def track(self, record: PaymentRecord) -> None:
        """Have the order tracked.

        Raises:
            PaymentOver: nothing was paid.
        """
        if not self._payments.track(record.token, time.time()):
            raise PaymentOver("nothing was paid: there is no order to track")
        self.ask(lambda asked: asked.track_order(payment_of(record)))

    def ask(self, question: Callable[[PaymentProcessor], T]) -> T:
        """Ask the processor something that costs nothing.

        Raises:
            ProcessorFailed: it raised.
            PaymentUnknown: there is none.
        """
        if self._processor is None:
            raise PaymentUnknown
        with self._slots.taken():
            try:
                return question(self._processor)
            except Exception as error:
                log.error("processor raised error=%s", where(error))  # noqa: TRY400 - may quote a customer
                raise ProcessorFailed from error

    def _take_money(self, token: str, authorisation: Authorisation) -> PaymentStatus:
        """Ask the processor for the money; whatever happens, it is noted."""
        record = self.find(token)  # as it was begun: with what the customer changed just before
        assert self._processor is not None  # noqa: S101 - `find` has seen it
        try:
            status = PaymentStatus(self._processor.authorise(payment_of(record), authorisation))
        except Exception as error:  # noqa: BLE001 - nobody knows now whether money was taken
            log.error(  # noqa: TRY400 - may quote a customer
                "payment unclear message_id=%.80r error=%s", record.message_id, where(error)
            )
            reason = f"the processor raised {type(error).__name__}"
            self._payments.give_up(token, authorisation.fingerprint, reason, time.time())
            return PaymentStatus.FAILURE
        self._payments.settle(token, authorisation.fingerprint, status, time.time())
        log.info("payment authorised message_id=%.80r status=%s", record.message_id, status)
        return status

    def _await_status(self, token: str, authorisation: str) -> PaymentStatus:
        """Give the status of the authorisation that was there first, once there is one."""
        deadline = time.monotonic() + RESULT_LIMIT_S
        while time.monotonic() < deadline:
            status = self.find(token).settled.get(authorisation)
            if status is not None:
                return status
            self._payments.give_up_abandoned(time.time())
            threading.Event().wait(_LOOK_AGAIN_S)
        return PaymentStatus.FAILURE


def _lines(given: Iterable[LineItem]) -> tuple[LineItem, ...]:
    lines = tuple(given)
    if not all(isinstance(line, LineItem) for line in lines):
        raise TypeError("a processor gives LineItems")
    return lines


def payment_of(record: PaymentRecord) -> Payment:
    """Show a payment to the processor."""
    return Payment(
        key=f"payment-{record.message_id}",
        request_id=record.request_id,
        name=record.name,
        business_id=BusinessId(record.business_id),
        customer_id=OpaqueId(record.customer_id),
        message_id=MessageId(record.message_id),
        country=record.country,
        currency=record.currency,
        lines=record.lines,
        total=record.total,
        shipping_method=record.shipping_method,
    )
