"""Messages of a customer once more: as they were, under another id, changed, or the other way."""

from dataclasses import dataclass
from uuid import uuid4

from msp_server.emulator.api import ApiMistake
from msp_server.emulator.customer import parse_overrides
from msp_server.emulator.journal import Exchange, Journal, Original
from msp_server.emulator.masking import unmasked
from msp_server.emulator.msp import Msp, Overrides
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.phones import Customer, Phones
from msp_server.emulator.sending import Receipt


@dataclass(frozen=True)
class Wish:
    """How a message is to be sent again."""

    #: Whether it gets another id.
    new_id: bool
    #: What it says instead; what was masked in it is as it was.
    fields: JsonObject | None
    #: What is laid over that; None takes a key out.
    changes: JsonObject
    #: Headers to be others, or with None left out.
    overrides: Overrides
    #: The number of an exchange that goes in the same breath, the newer of both first.
    other: int | None


@dataclass(frozen=True)
class Resending:
    """Sends what the journal has; the phone shows nothing of it."""

    phones: Phones
    msp: Msp
    journal: Journal

    def resend(self, exchange: Exchange, other: Exchange | None, wish: Wish) -> list[JsonObject]:
        """Send one exchange again, or two in the other order, and give the receipts.

        Raises:
            ApiMistake: 409, it cannot be sent again.
        """
        exchanges = [exchange]
        if other is not None:
            exchanges = sorted((exchange, other), key=lambda each: each.seq, reverse=True)
        ready = [(each, self._customer_of(each), _original_of(each)) for each in exchanges]
        return [self._send(*each, wish) for each in ready]

    def _send(
        self, exchange: Exchange, customer: Customer, original: Original, wish: Wish
    ) -> JsonObject:
        made = original.fields if wish.fields is None else unmasked(wish.fields, original.fields)
        made = {key: value for key, value in (made | wish.changes).items() if value is not None}
        # The device may be another one by now, and it is the same message.
        capabilities = exchange.headers.get("capability-list")
        overrides = {"capability-list": capabilities, **original.overrides}
        if wish.new_id:
            made["id"] = str(uuid4())
            overrides = {name: text for name, text in overrides.items() if name.lower() != "id"}
        with self.phones.turn(customer, []):
            outcome = self.msp.send(
                customer, made, {**overrides, **wish.overrides}, repeats=exchange.seq
            )
        receipt = Receipt(str(made.get("id", "")), outcome).to_json()
        return receipt | {"seq": outcome.seq, "repeats": exchange.seq}

    def _customer_of(self, exchange: Exchange) -> Customer:
        customer = self.phones.find(exchange.customer or "")
        if customer is None:
            raise ApiMistake(409, f"The customer {exchange.customer!r} is gone")
        return customer


def parse_wish(fields: JsonObject) -> Wish:
    """Read how a message is to be sent again.

    Raises:
        ApiMistake: 400, it cannot be understood.
    """
    new_id, other = fields.get("new_id", "with" in fields), fields.get("with")
    if not isinstance(new_id, bool):
        raise ApiMistake(400, "new_id has to be true or false")
    if other is not None and (isinstance(other, bool) or not isinstance(other, int)):
        raise ApiMistake(400, "with has to be the seq of another exchange")
    if fields.get("order") not in (None, "reversed") or ("order" in fields) != (other is not None):
        raise ApiMistake(400, "order has to be reversed, and goes together with `with`")
    if other is not None and ("fields" in fields or "changes" in fields):
        raise ApiMistake(400, "fields and changes are for one message, not for two")
    return Wish(
        new_id,
        None if fields.get("fields") is None else _object(fields, "fields"),
        _object(fields, "changes"),
        parse_overrides(fields.get("headers")),
        other,
    )


def _object(fields: JsonObject, name: str) -> JsonObject:
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise ApiMistake(400, f"{name} has to be an object: the JSON of the message")
    return value


def _original_of(exchange: Exchange) -> Original:
    if exchange.original is None:
        raise ApiMistake(
            409, f"Exchange {exchange.seq} is no message of a customer: only those are sent again"
        )
    return exchange.original
