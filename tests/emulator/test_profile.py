import base64
import itertools
import re

import pytest

from msp_server.emulator.profile import (
    Profile,
    ProfileUnfit,
    find_zone,
    make_customer_id,
    make_phone_numbers,
    parse_profile,
)


@pytest.mark.parametrize("name", ["ava", "ben", *map(str, range(20))])
def test_opaque_id_looks_like_apples(name):
    customer_id = make_customer_id("shop", name)

    assert customer_id.startswith("urn:mbid:AQAA")
    assert 160 <= len(customer_id) <= 200
    assert all(sign in customer_id for sign in "/+=")
    assert base64.b64decode(customer_id.removeprefix("urn:mbid:"), validate=True)


def test_opaque_id_is_the_same_again_and_different_for_another_business():
    assert make_customer_id("shop", "ava") == make_customer_id("shop", "ava")
    assert make_customer_id("shop", "ava") != make_customer_id("bank", "ava")


def test_telephone_numbers_belong_to_nobody_and_are_the_same_again():
    numbers = list(itertools.islice(make_phone_numbers("shop", "ava"), 20))

    assert all(re.fullmatch(r"tel:\+1555[0-9]{7}", number) for number in numbers)
    assert len(set(numbers)) == 20
    assert numbers[0] == next(make_phone_numbers("shop", "ava"))
    assert numbers[0] != next(make_phone_numbers("bank", "ava"))


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"])
def test_time_zone_of_this_machine_is_taken(name):
    assert parse_profile({"time_zone": name}, Profile()).time_zone == name
    assert find_zone(name) is not None


@pytest.mark.parametrize(
    "name",
    ["Europe/Nowhere", "", "../etc/passwd", "/etc/passwd", "America", "x" * 65, "é", None, 7, []],
)
def test_unknown_time_zone_is_unfit(name):
    with pytest.raises(ProfileUnfit, match="time_zone has to be an IANA name"):
        parse_profile({"time_zone": name}, Profile())


def test_default_time_zone_needs_no_data_on_the_machine(monkeypatch):
    monkeypatch.setattr("msp_server.emulator.profile.find_zone", lambda _: None)

    assert parse_profile({"locale": "de_DE"}, Profile()).time_zone == "America/New_York"
