"""Payment processors: who takes the money."""

from collections.abc import Sequence

from msp_server.agents.loading import load
from msp_server.messages.apple_pay import LineItem, ShippingMethod
from msp_server.messages.payment import Authorisation, Card, Contact, Payment, PaymentStatus


class PaymentProcessor:
    """Takes the money for payments: write a subclass, and name an instance in the settings.

    While the customer's sheet is open, what a change costs is asked of it; the server adds up. All
    methods are called in threads, several at a time, and the customer waits for each: the device
    gives up after about half a minute.
    """

    def authorise(self, payment: Payment, authorisation: Authorisation) -> PaymentStatus:
        """Take the money, and say how that ended.

        It is called once for each authorisation, and not again after `PaymentStatus.SUCCESS`. After
        a refusal the customer may try another card. If it raises, or the process ends in it, nobody
        knows whether money was taken: the payment becomes UNCLEAR, and is not charged any more.

        Args:
            payment: what is to be paid; its `total` is what the customer saw and confirmed.
            authorisation: whose card; its `payment_token` is for your payment provider.
        """
        raise NotImplementedError

    def change_card(self, _payment: Payment, _card: Card) -> Sequence[LineItem]:
        """Give the lines that come to the bill for another card; none by default.

        Of the card nothing is known yet but its type. What this gave for a card before, goes.
        """
        return ()

    def change_address(self, _payment: Payment, _address: Contact) -> Sequence[LineItem]:
        """Give the lines that come to the bill for an address, known without names and street."""
        return ()

    def change_shipping(self, _payment: Payment, _method: ShippingMethod) -> Sequence[LineItem]:
        """Give the lines that come to the bill for a shipping method, beside its own amount."""
        return ()

    def track_order(self, _payment: Payment) -> None:
        """Take note that the order is to be tracked in the merchant's system from now on."""

    def find_web_page(self, _payment: Payment) -> str | None:
        """Give the https address where the same can be paid in a browser; None if nowhere."""
        return None


def load_processor(reference: str) -> PaymentProcessor:
    """Import the payment processor that a setting names.

    Args:
        reference: `module:attribute`.

    Raises:
        ConfigurationError: it cannot be imported, or is something else.
    """
    return load(reference, "MSP_PAYMENT_PROCESSOR", PaymentProcessor)
