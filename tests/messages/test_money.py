import re
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msp_server.errors import ContentInvalid
from msp_server.messages.checked import build, checked
from msp_server.messages.money import (
    AMOUNT_LIMIT,
    COUNTRIES,
    CURRENCIES,
    Amount,
    amount_from_wire,
    amount_to_wire,
)


@checked
class Price:
    amount: Amount


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        (Decimal("10.00"), "10.00"),
        (Decimal("-4"), "-4"),
        (Decimal(0), "0"),
        (Decimal("1E+3"), "1000"),
        ("10.00", "10.00"),
        ("-4.5", "-4.5"),
        (10, "10"),
        (AMOUNT_LIMIT, "1000000000000"),
        (-AMOUNT_LIMIT, "-1000000000000"),
    ],
)
def test_an_amount_is_a_decimal_or_reads_as_one(given, amount):
    made = Price(given).amount

    assert type(made) is Decimal
    assert made == Decimal(amount)


def test_a_text_in_json_becomes_exactly_what_it_says():
    assert str(build(Price, {"amount": "0.10"}).amount) == "0.10"


@pytest.mark.parametrize("given", [10.0, 0.1, float("nan"), float("inf"), True, False])
def test_what_is_no_exact_amount_is_refused_with_the_way_to_write_it(given):
    with pytest.raises(ContentInvalid, match=r"Price\.amount is no exact amount") as raised:
        Price(given)

    assert 'Decimal("10.00")' in raised.value.limit


@pytest.mark.parametrize(
    "given", [None, "", "ten", "10,00", "10 EUR", "0x10", [], {}, b"10", "nan", "inf", "-Infinity"]
)
def test_what_does_not_read_as_an_amount_is_refused(given):
    with pytest.raises(ContentInvalid) as raised:
        Price(given)

    assert raised.value.field == "Price.amount"


@pytest.mark.parametrize("given", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_decimal_that_is_no_number_is_refused(given):
    with pytest.raises(ContentInvalid, match="finite"):
        Price(Decimal(given))


@pytest.mark.parametrize(
    "given",
    [
        AMOUNT_LIMIT + Decimal("0.01"),
        -AMOUNT_LIMIT - 1,
        Decimal("1e999999"),
        Decimal("-1e999999"),
        "1e999999",
        "9" * 100_000,
    ],
)
def test_an_amount_that_is_too_large_is_refused_at_once(given):
    before = time.monotonic()

    with pytest.raises(ContentInvalid) as raised:
        Price(given)

    assert time.monotonic() - before < 1
    assert raised.value.problem == "is too large"
    assert len(str(raised.value)) < 200


def test_a_whole_number_of_thousands_of_digits_is_refused():
    with pytest.raises(ContentInvalid):
        Price(10**5000)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("10", "EUR", "10.00"),
        ("10.5", "EUR", "10.50"),
        ("10.50000", "EUR", "10.50"),
        ("-4", "EUR", "-4.00"),
        ("0", "EUR", "0.00"),
        ("-0", "EUR", "0.00"),
        ("-0.00", "JPY", "0"),
        ("1e3", "EUR", "1000.00"),
        ("390", "JPY", "390"),
        ("390.00", "JPY", "390"),
        ("0.125", "KWD", "0.125"),
        ("1", "KWD", "1.000"),
        ("1000000000000", "KWD", "1000000000000.000"),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency(amount, currency, written):
    assert amount_to_wire(Decimal(amount), currency) == written


@pytest.mark.parametrize(
    ("amount", "currency", "decimals"),
    [
        ("0.001", "EUR", 2),
        ("10.005", "EUR", 2),
        ("0.5", "JPY", 0),
        ("0.0001", "KWD", 3),
        ("1e-999999", "EUR", 2),
        ("-0.004", "EUR", 2),
    ],
)
def test_an_amount_is_never_rounded(amount, currency, decimals):
    with pytest.raises(ContentInvalid, match="has too many decimals") as raised:
        amount_to_wire(Decimal(amount), currency)

    assert raised.value.limit == f"{currency} has {decimals}"


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(CURRENCIES)))
def test_every_amount_comes_back_as_it_was_written(units, currency):
    amount = Decimal(units).scaleb(-CURRENCIES[currency])

    written = amount_to_wire(amount, currency)

    assert re.fullmatch(r"-?[0-9]+(\.[0-9]{2,3})?", written)
    assert amount_from_wire(written) == amount


@pytest.mark.parametrize(
    ("code", "decimals"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("TND", 3)]
)
def test_a_currency_has_its_decimals(code, decimals):
    assert CURRENCIES[code] == decimals


@pytest.mark.parametrize("code", ["eur", "EURO", "", "XXX", "XTS", "DEM"])
def test_what_is_no_currency_is_not_among_them(code):
    assert code not in CURRENCIES


def test_every_currency_is_three_capitals():
    assert all(re.fullmatch("[A-Z]{3}", code) for code in CURRENCIES)
    assert len(CURRENCIES) > 140


@pytest.mark.parametrize("code", ["DE", "US", "GB", "JP", "KW", "AQ"])
def test_a_country_is_known_by_its_two_letters(code):
    assert code in COUNTRIES


@pytest.mark.parametrize("code", ["de", "DEU", "UK", "EU", "XX", ""])
def test_what_is_no_country_is_not_among_them(code):
    assert code not in COUNTRIES


def test_there_are_as_many_countries_as_in_the_standard():
    assert len(COUNTRIES) == 249
    assert all(re.fullmatch("[A-Z]{2}", code) for code in COUNTRIES)
