"""Amounts of money, which travel as text."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

#: Few enough digits that sums of any message are exact. Source: MSP API Tutorial, exercise 16 (a
#: dot, a minus sign for discounts); how many digits: assumed.
_AMOUNT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
AMOUNT_FORM: Final = 'a string of at most 15 digits, a dot and at most 4 more, such as "10.00"'


def parse_amount(value: object) -> Decimal | None:
    """Read an amount, or give None where there is none."""
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value)
    return None


def add_up(amounts: Iterable[Decimal]) -> Decimal:
    """Give the sum of amounts."""
    return sum(amounts, Decimal(0))
