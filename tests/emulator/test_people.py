import pytest

from msp_server.emulator.people import make_person


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("ava", "Ava Example"),
        ("customer-1", "Kim Example"),
        ("customer-2", "Alex Example"),
        ("ava-2", "Alex Example"),
    ],
)
def test_customer_is_a_person_with_a_plausible_name(login, name):
    person = make_person(login)

    assert person["name"] == name
    assert f"{person['given_name']} {person['family_name']}" == name
    assert person["email"] == f"{login}@example.com"


@pytest.mark.parametrize("login", ["-", "0", "customer-0", "a--b", "9" * 32])
def test_every_name_makes_a_person(login):
    assert make_person(login)["given_name"]


def test_person_stays_the_same_and_is_nobody_else():
    assert make_person("ava") == make_person("ava")
    assert make_person("ava")["sub"] != make_person("ben")["sub"]
