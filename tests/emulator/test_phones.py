from concurrent.futures import ThreadPoolExecutor

import pytest

from msp_server.emulator.phones import NameTaken, Phones
from msp_server.emulator.profile import Profile


@pytest.fixture
def phones():
    return Phones(("shop",))


def test_waiting_reader_goes_when_a_reset_takes_the_customer_away(phones):
    customer = phones.find("ava")

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(phones.read, customer, lambda _: True, 30)
        phones.reset()

        assert reading.result(timeout=5).entries == []


def test_next_turn_waits_for_the_one_before(phones):
    customer = phones.find("ava")

    def take_turn():
        with phones.turn(customer, [("2", {"type": "text"})]):
            return [entry.status for entry in customer.transcript.entries]

    with ThreadPoolExecutor() as pool:
        with phones.turn(customer, [("1", {"type": "text"})]) as (entry,):
            second = pool.submit(take_turn)
            phones.settle(customer, entry, None)

        assert second.result(timeout=5) == ["accepted", "sending"]


def test_taken_name_is_refused(phones):
    with pytest.raises(NameTaken):
        phones.add("ava", "shop", Profile())
