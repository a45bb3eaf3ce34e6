from concurrent.futures import ThreadPoolExecutor

import pytest

from msp_server.emulator.phones import READER_LIMIT, NameTaken, Phones, TooManyCustomers
from msp_server.emulator.profile import Profile, make_phone_numbers
from msp_server.emulator.transcript import Deed, Transcript


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


def test_customer_is_found_by_telephone_number(phones):
    customer = phones.find("ava")

    assert phones.find_by_number(customer.phone_number) is customer
    assert phones.find_by_number("tel:+15550000000") is None


def test_telephone_number_stays_over_a_reset(phones):
    before = phones.find("ava").phone_number

    phones.reset()

    assert phones.find("ava").phone_number == before


def two_names_of_one_number():
    first_of = {}
    for name in map(str, range(100_000)):
        number = next(make_phone_numbers("shop", name))
        if number in first_of:
            return first_of[number], name
        first_of[number] = name
    raise AssertionError("no two names have the same first number")


def test_no_two_customers_have_one_telephone_number(phones):
    customers = [phones.add(name, "shop", Profile()) for name in two_names_of_one_number()]

    assert customers[0].phone_number != customers[1].phone_number
    assert [phones.find_by_number(c.phone_number) for c in customers] == customers


def test_message_counts_as_unsupported_for_the_device_it_came_to(phones):
    customer = phones.find("ava")
    customer.profile = Profile(device=None, capabilities=())
    fields = {"type": "interactive", "interactiveData": {"data": {"listPicker": {}}}}

    phones.receive(customer, "1", fields, None)
    customer.profile = Profile()

    assert customer.transcript.entries[0].to_json()["unsupported"] is True


def test_conversation_of_a_file_is_out_of_reach(phones):
    kept = phones.add_reader("kept", "shop", Profile(), Transcript())

    assert phones.find("kept") is kept
    assert phones.find_by_id(kept.customer_id) is None
    assert phones.find_by_number(kept.phone_number) is None
    assert kept.to_json()["read_only"] is True


def test_only_so_many_files_are_open_and_a_taken_name_takes_none(phones):
    for number in range(READER_LIMIT - 1):
        phones.add_reader(f"kept-{number}", "shop", Profile(), Transcript())
    with pytest.raises(NameTaken):
        phones.add_reader("ava", "shop", Profile(), Transcript())
    phones.add_reader("last", "shop", Profile(), Transcript())

    with pytest.raises(TooManyCustomers):
        phones.add_reader("more", "shop", Profile(), Transcript())


def test_another_seed_makes_strangers_of_the_same_names():
    ours, theirs = (Phones(("shop",), seed).find("ava") for seed in ("", "other"))

    assert ours.customer_id != theirs.customer_id
    assert ours.phone_number != theirs.phone_number


def test_deed_is_noted_with_the_message_that_it_made(phones):
    ava, deed = phones.find("ava"), Deed("text", {"body": "Hi"})

    with phones.turn(ava, [("1", {"type": "typing_start"}), ("2", {"type": "text"})], deed=deed):
        pass

    assert [entry.deed for entry in ava.transcript.entries] == [None, deed]
