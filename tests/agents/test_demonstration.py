"""What stands in while the gateway is the emulator."""

from decimal import Decimal

import pytest

from msp_server.agents.demonstration import CREDIT_CARD, FAR_AWAY, linker, processor
from msp_server.agents.linker import Landing, load_linker
from msp_server.agents.processor import load_processor
from msp_server.messages.apple_pay import LineItem, ShippingMethod
from msp_server.messages.payment import Authorisation, Card, Contact, Payment, PaymentStatus
from msp_server.settings import Settings

PAYMENT = Payment(
    key="payment-1",
    request_id="order",
    name="kettle",
    business_id="0f0e0d0c-0b0a-0908-0706-050403020100",
    customer_id="urn:mbid:alice",
    message_id="1",
    country="DE",
    currency="EUR",
    lines=(LineItem("Kettle", Decimal("39.00")),),
    total=Decimal("39.00"),
    shipping_method=None,
)


def test_every_authorisation_is_a_success():
    authorisation = Authorisation({"paymentData": {}}, Card("credit"))

    assert processor.authorise(PAYMENT, authorisation) is PaymentStatus.SUCCESS


@pytest.mark.parametrize(
    ("kind", "lines"), [("credit", [CREDIT_CARD]), ("debit", []), ("store", []), ("", [])]
)
def test_a_credit_card_costs_more(kind, lines):
    assert list(processor.change_card(PAYMENT, Card(kind))) == lines


@pytest.mark.parametrize(
    ("code", "lines"), [("90210", [FAR_AWAY]), ("10115", []), ("", []), ("902100", [])]
)
def test_one_far_away_place_costs_more(code, lines):
    assert list(processor.change_address(PAYMENT, Contact(postal_code=code))) == lines


def test_a_shipping_method_costs_its_own_amount_alone():
    assert list(processor.change_shipping(PAYMENT, ShippingMethod("Fast", Decimal(5)))) == []


def test_what_is_charged_can_be_written_in_every_currency_with_cents():
    assert [line.to_wire("EUR")["amount"] for line in (CREDIT_CARD, FAR_AWAY)] == ["0.50", "3.99"]


def test_everybody_is_believed():
    landing = Landing("0f0e0d0c-0b0a-0908-0706-050403020100", "Shop")

    assert linker.link(landing, "ava", "marzipan") is None


def test_nothing_that_was_entered_is_kept():
    landing = Landing("0f0e0d0c-0b0a-0908-0706-050403020100", "Shop")

    linker.link(landing, "ava", "marzipan")

    assert vars(linker) == {}


def test_the_settings_of_the_emulator_name_them(tmp_path):
    settings = Settings.from_environment({"MSP_DATA_DIR": str(tmp_path)})

    assert load_processor(settings.payment_processor) is processor
    assert load_linker(settings.account_linker) is linker
