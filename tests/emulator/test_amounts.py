from decimal import Decimal

import pytest

from msp_server.emulator.amounts import add_up, parse_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("10.00", "10.00"),
        ("10", "10"),
        ("-4.5", "-4.5"),
        ("0", "0"),
        ("999999999999999.9999", "999999999999999.9999"),
    ],
)
def test_amount_is_read(text, amount):
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "10,00",
        ".5",
        "5.",
        "1e3",
        "+1",
        "1 000",
        "١٢",
        "10.00\n",
        "NaN",
        "1" * 16,
        "1.00001",
        10.0,
        10,
        None,
        True,
        [],
    ],
)
def test_anything_else_is_no_amount(value):
    assert parse_amount(value) is None


def test_sum_of_cents_is_exact():
    assert add_up([Decimal("0.10")] * 3) == Decimal("0.30")
    assert add_up([]) == 0


def test_sum_of_the_largest_amounts_is_exact():
    largest = Decimal("999999999999999.9999")

    assert add_up([largest] * 10_000) == largest * 10_000
