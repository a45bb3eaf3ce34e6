"""How much these tests try: some in every run, far more with `MSP_TEST_SOAK=1`."""

import os

import pytest

SOAKING = os.environ.get("MSP_TEST_SOAK") == "1"


def size(ci: int, soak: int) -> int:
    """Give how many there are to be: `ci` in every run, `soak` when soaking."""
    return soak if SOAKING else ci


@pytest.fixture(name="size", scope="session")
def _size():
    return size


@pytest.fixture(scope="session")
def soaking():
    """Tell whether there are hours."""
    return SOAKING
