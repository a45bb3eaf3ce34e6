"""Places for what is slow."""

import pytest

from msp_server.errors import ServerBusy
from msp_server.web.slots import Slots


def test_place_is_free_again_after_the_block():
    slots = Slots(1)

    for _ in range(2):
        with slots.taken():
            pass


def test_who_finds_no_place_is_told_at_once():
    slots = Slots(1)

    with slots.taken(), pytest.raises(ServerBusy), slots.taken():
        pass


def test_place_is_free_again_after_an_error():
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError), slots.taken():
        _ = 1 / 0

    with slots.taken():
        pass
