"""What the customer's fingers do, each as the requests an iPhone causes."""

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from msp_server.emulator.attachments import PLACE
from msp_server.emulator.descriptors import describe_file
from msp_server.emulator.faults import Fault, Faults
from msp_server.emulator.invitations import REFUSED, build_refusal
from msp_server.emulator.msp import Msp, Outcome, Overrides, make_envelope
from msp_server.emulator.packets import Packet
from msp_server.emulator.packing import JsonObject, to_json
from msp_server.emulator.phones import Answer, Customer, Phones
from msp_server.emulator.references import References
from msp_server.emulator.replies import Reply, numbers_as_text
from msp_server.emulator.switches import Switches
from msp_server.emulator.transcript import Deed, Entry

#: Interactive data of more than this comes by reference: "10 KB", taken as 10 times 1,024. Source:
#: MSP REST API, "Receiving Messages"; the exact unit is assumed.
INLINE_LIMIT_BYTES: Final = 10 * 1024


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

    def __init__(
        self,
        phones: Phones,
        msp: Msp,
        switches: Switches,
        references: References,
        faults: Faults,
    ) -> None:
        self._phones = phones
        self._msp = msp
        self._switches = switches
        self._references = references
        self._faults = faults

    def text(self, customer: Customer, body: str) -> Receipt:
        """Write a text: typing starts, and once that is answered the text follows.

        Source: MSP REST API, sample "receiving a text message" (two requests), "Sending Messages"
        (wait for the answer, or the order is not certain).
        """
        return self._write(customer, {"body": body}, Deed("text", {"body": body}))

    def reply(self, customer: Customer, body: str, to: str) -> Receipt:
        """Write a text in reply to one message of the business.

        Source: observed.
        """
        words: JsonObject = {"body": body, "replyToMessageId": to}
        return self._write(customer, words, Deed("reply", {"body": body}, to))

    def files(self, customer: Customer, words: str, packets: list[Packet]) -> Receipt:
        """Send files with words or without; only words are typed.

        Source: Business Chat API, "Adding Attachment Metadata to a Message" (a place in the body
        for each file); that their places come before the words is observed.
        """
        attachments = [
            describe_file(
                packet.name,
                packet.mime_type,
                packet.stored,
                self._descriptor_fault("text", customer),
            )
            for packet in packets
        ]
        body = PLACE * len(packets) + words.replace(PLACE, "")
        fields: JsonObject = {"body": body, "attachments": attachments}
        deed = Deed("files", _tell_files(words, packets))
        if words:
            return self._write(customer, fields, deed)
        return self._send(customer, [make_envelope(customer) | {"type": "text"} | fields], deed)

    def tapback(self, customer: Customer, sentence: str, deed: Deed) -> Receipt:
        """Send the sentence of a tapback; nobody types it."""
        fields: JsonObject = {"type": "text", "body": sentence}
        return self._send(customer, [make_envelope(customer) | fields], deed)

    def answer(self, customer: Customer, bubble: Entry, reply: Reply, deed: Deed) -> Receipt:
        """Answer an interactive message.

        Raises:
            DeedUnfit: it cannot be answered, or not any more.
            NotKept: it has to go by reference, and there is no room for it.
        """
        interactive = reply.interactive
        if self._switches.positions.numbers_as_text:
            interactive = numbers_as_text(interactive)
        fields = make_envelope(customer) | {"type": "interactive", "interactiveData": interactive}
        kept_back = None
        if self._goes_by_reference(interactive):
            fault = self._descriptor_fault("interactive", customer)
            fields["interactiveDataRef"] = self._references.make_for_msp(
                customer.business_id, interactive, fault
            )
            if self._switches.positions.reference_reply != "both":
                kept_back = "interactiveData"
        return self._send(
            customer, [fields], deed, answer=Answer(bubble, reply.replied), kept_back=kept_back
        )

    def refuse(self, customer: Customer, invitation: Entry) -> Receipt:
        """Refuse an invitation.

        Raises:
            DeedUnfit: it was answered already.
        """
        refusal = build_refusal(invitation, customer)
        deed = Deed("answer_invitation", {"accept": False}, invitation.message_id)
        return self._send(customer, [refusal], deed, answer=Answer(invitation, REFUSED))

    def event(self, customer: Customer, kind: str) -> Receipt:
        """Send a type that says nothing but itself: typing_start, typing_end or close."""
        name, _, state = kind.partition("_")
        deed = Deed(name, {"state": state} if state else {})
        return self._send(customer, [make_envelope(customer) | {"type": kind}], deed)

    def raw(self, customer: Customer, changes: JsonObject, overrides: Overrides) -> Receipt:
        """Send any fields, laid over the envelope; None takes a key out."""
        merged = make_envelope(customer) | changes
        fields = {key: value for key, value in merged.items() if value is not None}
        told: JsonObject = {"fields": changes}
        if overrides:
            told["headers"] = dict(overrides)
        return self._send(customer, [fields], Deed("raw", told), overrides)

    def _write(self, customer: Customer, words: JsonObject, deed: Deed) -> Receipt:
        start = make_envelope(customer) | {"type": "typing_start"}
        text = make_envelope(customer) | {"type": "text"} | words
        return self._send(customer, [start, text], deed)

    def _send(
        self,
        customer: Customer,
        messages: list[JsonObject],
        deed: Deed,
        overrides: Overrides | None = None,
        answer: Answer | None = None,
        kept_back: str | None = None,
    ) -> Receipt:
        """Enter messages on the phone and send them, but for a key that stays on the phone."""
        named = [(str(fields.get("id", "")), fields) for fields in messages]
        with self._phones.turn(customer, named, answer, deed) as entries:
            for entry in entries:
                sent = {key: value for key, value in entry.fields.items() if key != kept_back}
                outcome = self._msp.send(customer, sent, overrides or {})
                self._phones.settle(customer, entry, outcome.error)
            if answer and entry.shows and self._switches.positions.duplicate_tap:
                # The phone knows of one tap: Apple alone makes two of it.
                self._msp.send(customer, sent | {"id": str(uuid4())}, {})
        return Receipt(named[-1][0], outcome)

    def _goes_by_reference(self, interactive: JsonObject) -> bool:
        match self._switches.positions.reference_reply:
            case "always":
                return True
            case "inline":
                return False
            case "reference" | "both":
                return len(to_json(interactive)) > INLINE_LIMIT_BYTES

    def _descriptor_fault(self, kind: str, customer: Customer) -> Fault | None:
        return self._faults.take("descriptor", kind=kind, customer=customer.name).fault


def _tell_files(words: str, packets: list[Packet]) -> JsonObject:
    """Tell what was sent so that it can be done again, with other bytes."""
    made: list[JsonObject] = [
        {"name": packet.name, "type": packet.mime_type, "size": packet.stored.size_bytes}
        for packet in packets
    ]
    return ({"body": words} if words else {}) | {"make": made}
