"""For show: a payment processor that takes no money, and an account linker that links nothing.

They stand in while the gateway is the emulator. What is charged for which change is the tutorial's.

Source: MSP API Tutorial, exercises 15 and 21.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msp_server.agents.linker import AccountLinker, Landing
from msp_server.agents.processor import PaymentProcessor
from msp_server.messages.apple_pay import LineItem
from msp_server.messages.payment import Authorisation, Card, Contact, Payment, PaymentStatus

CREDIT_CARD: Final = LineItem("Credit card", Decimal("0.50"))
FAR_AWAY: Final = LineItem("Delivery to Beverly Hills", Decimal("3.99"))
_FAR_AWAY_CODE: Final = "90210"


class DemonstrationProcessor(PaymentProcessor):
    """Says yes to every authorisation."""

    def authorise(self, _payment: Payment, _authorisation: Authorisation) -> PaymentStatus:
        """Take no money, and say that it was taken."""
        return PaymentStatus.SUCCESS

    def change_card(self, _payment: Payment, card: Card) -> Sequence[LineItem]:
        """Charge for credit cards."""
        return (CREDIT_CARD,) if card.type == "credit" else ()

    def change_address(self, _payment: Payment, address: Contact) -> Sequence[LineItem]:
        """Charge for one far away place."""
        return (FAR_AWAY,) if address.postal_code == _FAR_AWAY_CODE else ()


class DemonstrationLinker(AccountLinker):
    """Believes everybody, and keeps nothing."""

    def link(self, _landing: Landing, _user_name: str, _password: str) -> None:
        """Link nothing."""


processor: Final = DemonstrationProcessor()
linker: Final = DemonstrationLinker()
