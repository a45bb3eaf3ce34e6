"""Joining: finds the message that a customer's answer answers."""

from dataclasses import dataclass, replace

from msp_server.messages.apple_pay import ApplePayResponse
from msp_server.messages.content import AnswerableContent, InteractiveResponse, parse_response
from msp_server.messages.interactive import Response
from msp_server.messages.offer import Offer
from msp_server.messages.reaction import InlineReply, Tapback
from msp_server.messages.text import Text
from msp_server.store.conversations import ConversationRecord
from msp_server.store.opening import Store


@dataclass(frozen=True)
class Joined:
    """What a customer said, joined to what it answers."""

    content: AnswerableContent
    #: The offer that was open before, and is not any more; as JSON.
    ended_offer: str | None


@dataclass(frozen=True)
class Joining:
    """Joins responses by what they name, and texts to the choices that were written out."""

    store: Store

    def join(
        self, content: AnswerableContent, record: ConversationRecord, said_at: float
    ) -> Joined:
        """Join what a customer said.

        Args:
            content: what was said.
            record: the conversation it was said in.
            said_at: when it came, seconds since 1970.
        """
        offer = None if record.offer is None else Offer.from_json(record.offer)
        if offer is not None and (said_at < offer.at or isinstance(content, Tapback)):
            offer = None  # said before the choices were written out, or about them
        ended_offer = None if offer is None else record.offer
        if offer is not None and isinstance(content, Text):
            tapped = _tapped(offer, content)
            if tapped is not None:
                return Joined(tapped, ended_offer)
        return Joined(self._to_sent(content, record.id), ended_offer)

    def _to_sent(self, content: AnswerableContent, conversation_id: str) -> AnswerableContent:
        outbox = self.store.outbox
        if isinstance(content, InlineReply):
            answered = outbox.find_sent(conversation_id, message_id=content.reply_to)
            return content if answered is None else replace(content, to=answered.name)
        if not isinstance(content, Response):
            return content
        answered = outbox.find_sent(
            conversation_id, answer_key=content.answer_key, session_id=content.session_id
        )
        if answered is not None:
            content = content.joined(answered.name, answered.data)
        if isinstance(content, ApplePayResponse):
            return self._to_payment(content, conversation_id)
        return content

    def _to_payment(self, closed: ApplePayResponse, conversation_id: str) -> ApplePayResponse:
        """Join the closing message of a payment to what became of it."""
        request_id = closed.request_id
        found = request_id and self.store.payments.of_request(conversation_id, request_id)
        if not found or not found.is_paid:
            return closed
        return closed.after(found.is_paid, found.authorised_total, found.currency)


def _tapped(offer: Offer, text: Text) -> InteractiveResponse | None:
    """Give the response that a text stands for, if it is exactly a number or a title."""
    picked = offer.pick(text.body)
    if picked is None:
        return None
    response = parse_response({"interactiveData": picked})
    if response is None:
        return None
    return replace(response.joined(offer.name, offer.data), raw=text.raw)
