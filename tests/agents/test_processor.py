"""Who takes the money."""

import itertools
from decimal import Decimal

import pytest

from msp_server.agents.processor import PaymentProcessor, load_processor
from msp_server.errors import ConfigurationError
from msp_server.messages.apple_pay import LineItem, ShippingMethod
from msp_server.messages.payment import Authorisation, Card, Contact, Payment

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

GOOD = """
from msp_server.agents.processor import PaymentProcessor

class ShopProcessor(PaymentProcessor):
    pass

processor = ShopProcessor()
"""

numbers = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Give a function that writes a module anew and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source):
        name = f"processor_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
        return name

    return write


def test_load_processor_gives_the_instance(module):
    processor = load_processor(f"{module(GOOD)}:processor")

    assert type(processor).__name__ == "ShopProcessor"
    assert isinstance(processor, PaymentProcessor)


@pytest.mark.parametrize("reference", ["no_such_module:processor", ":processor", "", "a b:c"])
def test_load_processor_refuses_a_module_that_is_not_there(reference):
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        load_processor(reference)


@pytest.mark.parametrize("attribute", [":nobody", ":", ""])
def test_load_processor_refuses_an_attribute_that_is_not_there(attribute, module):
    with pytest.raises(ConfigurationError, match="cannot be imported: AttributeError"):
        load_processor(f"{module(GOOD)}{attribute}")


@pytest.mark.parametrize("source", ["raise KeyError('x')\n", "processor =\n"])
def test_load_processor_refuses_a_module_that_raises(source, module):
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        load_processor(f"{module(source)}:processor")


def test_load_processor_refuses_the_class_and_names_the_setting(module):
    with pytest.raises(ConfigurationError) as refused:
        load_processor(f"{module(GOOD)}:ShopProcessor")

    assert [(fault.name, bool(fault.cure)) for fault in refused.value.faults] == [
        ("MSP_PAYMENT_PROCESSOR", True)
    ]
    assert "no PaymentProcessor" in str(refused.value)


def test_a_processor_has_to_say_how_money_is_taken():
    with pytest.raises(NotImplementedError):
        PaymentProcessor().authorise(PAYMENT, Authorisation({"paymentData": {}}, Card("credit")))


@pytest.mark.parametrize(
    "ask",
    [
        lambda processor: processor.change_card(PAYMENT, Card("credit")),
        lambda processor: processor.change_address(PAYMENT, Contact(postal_code="90210")),
        lambda processor: processor.change_shipping(PAYMENT, ShippingMethod("Fast", Decimal(5))),
    ],
    ids=["card", "address", "shipping"],
)
def test_a_change_costs_nothing_unless_a_processor_says_so(ask):
    assert list(ask(PaymentProcessor())) == []


def test_an_order_may_be_tracked_without_anything_to_do():
    assert PaymentProcessor().track_order(PAYMENT) is None


def test_there_is_no_web_page_unless_a_processor_names_one():
    assert PaymentProcessor().find_web_page(PAYMENT) is None
