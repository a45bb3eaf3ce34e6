"""The course of a payment: what is told to the MSP, in the order in which a device does it."""

from dataclasses import dataclass, field
from typing import Final

from msp_server.emulator.packing import JsonObject
from msp_server.emulator.payment_answers import (
    FAILURE,
    SUCCESS,
    AnswerUnfit,
    find_flaw,
    read_status,
    read_update,
)
from msp_server.emulator.payment_bodies import (
    payment_of,
    tell_address,
    tell_authorisation,
    tell_card,
    tell_completion,
    tell_shipping,
)
from msp_server.emulator.payment_calls import Call, PaymentCalls
from msp_server.emulator.payment_sheets import Sheet, Sheets
from msp_server.emulator.phones import Customer
from msp_server.emulator.replies import Reply, frame
from msp_server.emulator.sending import Sending
from msp_server.emulator.shapes import object_in, text_in
from msp_server.emulator.transcript import Deed, Entry

#: Every step that may be the last, in order; all but the first call the address of that name.
#: Source: Business Chat API, "ApplePayPaymentRequest" (which calls there are); the order assumed.
STEPS: Final = (
    "open",
    "paymentMethodUpdate",
    "shippingContactUpdate",
    "shippingMethodUpdate",
    "paymentGateway",
    "orderTracking",
)
OPEN, CARD, ADDRESS, SHIPPING, AUTHORISE, TRACK = STEPS
CLOSE: Final = "message"
#: What the bubble says where the message does not. Source: assumed.
_PAID: Final[JsonObject] = {"title": "Paid", "style": "icon"}
_NOT_PAID: Final = "Not paid"


@dataclass(frozen=True)
class Step:
    """One call, with what is to be said of its answer."""

    name: str
    call: Call
    #: What a merchant would want to know though the device goes on.
    finding: str | None = None
    #: Of the closing message.
    message_id: str | None = None

    @property
    def unanswered(self) -> bool:
        """Whether the MSP was called, and gave no answer at all."""
        return self.call.tried and self.call.status is None

    def to_json(self) -> JsonObject:
        """Give the step as the JSON API shows it."""
        shown: JsonObject = {
            "step": self.name,
            "path": self.call.path,
            "status": self.call.status,
            "answer": self.call.answer,
            "error": self.call.error,
            "finding": self.finding,
        }
        return shown if self.message_id is None else shown | {"id": self.message_id}


@dataclass
class Course:
    """What one customer does with one sheet; collects the steps of it."""

    customer: Customer
    sheet: Sheet
    sheets: Sheets
    calls: PaymentCalls
    sending: Sending
    steps: list[Step] = field(default_factory=list)

    def run(self, stop_after: str | None, times: int, *, cancel: bool) -> None:
        """Go through all of it.

        It ends early where the MSP's answer is not understood; the sheet stays open then.

        Args:
            stop_after: the step after which nothing more happens, one of `STEPS`.
            times: how often the authorisation is told, all at the same moment.
            cancel: whether the customer closes the sheet instead of authorising.
        """
        if stop_after == OPEN:
            return
        for name, tell in (
            (CARD, self.tell_card),
            (ADDRESS, self.tell_address),
            (SHIPPING, self.tell_shipping),
        ):
            if not tell() or stop_after == name:
                return
        if cancel:
            self.cancel()
        else:
            self.authorise(times, stop_after)

    def tell_card(self) -> bool:
        """Tell which card was chosen, and give whether the sheet is usable then."""
        return self._update(CARD, tell_card(self.sheet.bubble, self.sheet.card))

    def tell_address(self) -> bool:
        """Tell where it is to be shipped to, if anything is.

        Source: assumed (that nobody is asked where nothing is shipped).
        """
        if not self.sheet.ships:
            return True
        return self._update(ADDRESS, tell_address(self.sheet.bubble, self.sheet.contact))

    def tell_shipping(self) -> bool:
        """Tell which shipping method was chosen, if there are any."""
        if self.sheet.shipping is None:
            return True
        return self._update(SHIPPING, tell_shipping(self.sheet.bubble, self.sheet.shipping))

    def authorise(self, times: int, stop_after: str | None) -> None:
        """Tell that the customer authorised the payment, then how it ended.

        The sheet stays open where no answer is understood, or after an early end: then the same
        authorisation can be told again.

        Source: Business Chat API, "ApplePayPaymentRequest"; that the order is tracked after a
        success only, and before the closing message, is assumed.
        """
        status = self._authorise(times)
        if status is None or stop_after == AUTHORISE:
            return
        address = self._address_of(TRACK)
        if status == SUCCESS and address is not None:
            told = tell_completion(self.sheet.bubble)
            self.steps.append(Step(TRACK, self.calls.post(self.customer.name, address, told)))
        if stop_after != TRACK:
            self._close(status, {"times": times} if times > 1 else {})

    def cancel(self) -> None:
        """Close the sheet without paying: nobody but the MSP's inbox is told.

        Source: assumed, the status too.
        """
        self._close(FAILURE, {"cancel": True})

    def _authorise(self, times: int) -> str | None:
        sheet, address = self.sheet, self._address_of(AUTHORISE)
        if address is None:
            error = "The message names no paymentGatewayUrl"
            self.steps.append(Step(AUTHORISE, Call("", error=error, tried=False)))
            return None
        told = tell_authorisation(sheet.bubble, sheet.token, sheet.contact)
        calls = self.calls.post_at_once(self.customer.name, address, told, times)
        statuses = [self._note_status(call) for call in calls]
        sheet.status = next((status for status in statuses if status is not None), None)
        return sheet.status

    def _note_status(self, call: Call) -> str | None:
        """Note the answer to an authorisation, and give its status."""
        if call.error is not None:
            self.steps.append(Step(AUTHORISE, call))
            return None
        try:
            status = read_status(call.answer)
        except AnswerUnfit as unfit:
            self.steps.append(Step(AUTHORISE, _unread(call, unfit)))
            return None
        before = next((s for s in self._told_statuses() if s != status), None)
        finding = before and f"The same authorisation was answered {before} and {status}"
        self.steps.append(Step(AUTHORISE, call, finding))
        return status

    def _told_statuses(self) -> list[str]:
        answers = [step.call.answer for step in self.steps if step.name == AUTHORISE]
        told = [text_in(answer, "status") for answer in answers if isinstance(answer, dict)]
        return [status for status in told if status is not None]

    def _update(self, name: str, told: JsonObject) -> bool:
        """Tell of a change and show the bill that comes back; give whether that worked."""
        address = self._address_of(name)
        if address is None:
            return True
        call = self.calls.post(self.customer.name, address, told)
        if call.error is not None:
            self.steps.append(Step(name, call))
            return False
        before = self.sheet.bill
        try:
            self.sheet.bill = read_update(call.answer, before)
        except AnswerUnfit as unfit:
            self.steps.append(Step(name, _unread(call, unfit)))
            return False
        flaw = None if self.sheet.bill is before else find_flaw(self.sheet.bill)
        self.steps.append(Step(name, call, flaw))
        return True

    def _address_of(self, name: str) -> str | None:
        return text_in(object_in(payment_of(self.sheet.bubble), "endpoints"), f"{name}Url")

    def _close(self, status: str, done: JsonObject) -> None:
        """Close the sheet; what was done last is noted with all that was chosen before."""
        self.sheet.status = status
        deed = Deed("pay", self.sheet.choices() | done, self.sheet.bubble.message_id)
        self.sheets.close(self.customer, self.sheet)
        receipt = self.sending.answer(
            self.customer, self.sheet.bubble, build_closing(self.sheet.bubble, status), deed
        )
        call = Call("/message", receipt.outcome.status, None, receipt.outcome.error)
        self.steps.append(Step(CLOSE, call, message_id=receipt.message_id))


def build_closing(bubble: Entry, status: str) -> Reply:
    """Tell the MSP that the sheet is closed, and how.

    Source: Business Chat API, "ApplePayPaymentRequest" (that it is told); that the status is all
    that `payment` holds, and what the bubble says, is a guess.
    """
    replied = object_in(bubble.interactive, "replyMessage") or _PAID
    if status != SUCCESS:
        replied = replied | {"title": _NOT_PAID, "alternateTitle": _NOT_PAID}
    return frame(bubble, {"payment": {"status": status}}, replied)


def _unread(call: Call, unfit: AnswerUnfit) -> Call:
    return Call(call.path, call.status, call.answer, f"The answer cannot be understood: {unfit}")
