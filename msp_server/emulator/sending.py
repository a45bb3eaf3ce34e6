"""What the customer's fingers do, each as the requests an iPhone causes."""

from dataclasses import dataclass

from msp_server.emulator.msp import Msp, Outcome, Overrides, make_envelope
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.phones import Customer, Phones


@dataclass(frozen=True)
class Receipt:
    """What became of a message the customer sent."""

    message_id: str
    outcome: Outcome

    def to_json(self) -> JsonObject:
        """Give the receipt as the JSON API shows it."""
        return {
            "id": self.message_id,
            "status": self.outcome.status,
            "error": self.outcome.error,
            "seconds": self.outcome.seconds,
        }


class Sending:
    """Sends for the customers, one after another for each."""

    def __init__(self, phones: Phones, msp: Msp) -> None:
        self._phones = phones
        self._msp = msp

    def text(self, customer: Customer, body: str) -> Receipt:
        """Write a text: typing starts, and once that is answered the text follows.

        Source: MSP REST API, sample "receiving a text message" (two requests), "Sending Messages"
        (wait for the answer, or the order is not certain).
        """
        start = make_envelope(customer) | {"type": "typing_start"}
        return self._send(
            customer, [start, make_envelope(customer) | {"type": "text", "body": body}]
        )

    def event(self, customer: Customer, kind: str) -> Receipt:
        """Send a type that says nothing but itself: typing_start, typing_end or close."""
        return self._send(customer, [make_envelope(customer) | {"type": kind}])

    def raw(self, customer: Customer, changes: JsonObject, overrides: Overrides) -> Receipt:
        """Send any fields, laid over the envelope; None takes a key out."""
        merged = make_envelope(customer) | changes
        fields = {key: value for key, value in merged.items() if value is not None}
        return self._send(customer, [fields], overrides)

    def _send(
        self, customer: Customer, messages: list[JsonObject], overrides: Overrides | None = None
    ) -> Receipt:
        named = [(str(fields.get("id", "")), fields) for fields in messages]
        with self._phones.turn(customer, named) as entries:
            for entry in entries:
                outcome = self._msp.send(customer, entry.fields, overrides or {})
                self._phones.settle(customer, entry, outcome.error)
        return Receipt(named[-1][0], outcome)
