import pytest

from msp_server.agents.program import Program


def test_a_program_is_called_by_its_host():
    assert Program("https://agent.example.com/hook").name == "agent.example.com"


def test_a_program_has_the_name_that_it_is_given():
    assert Program("https://agent.example.com/hook", name="billing").name == "billing"


@pytest.mark.parametrize(
    "address", ["http://localhost:8010/", "http://127.0.0.1/x", "http://[::1]:80"]
)
def test_a_program_on_this_machine_needs_no_tls(address):
    assert Program(address).address == address


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://agent.example.com/", "https"),
        ("agent.example.com", "https://host/path"),
        ("ftp://agent.example.com", "https://host/path"),
        ("https://", "https://host/path"),
        ("https://agent.example.com:port/", "cannot be read"),
        ("https://me:hidden@agent.example.com/", "no user"),
        ("https://agent.example.com/#part", "no user"),
    ],
)
def test_what_is_no_address_of_a_program_is_refused_and_not_quoted(address, problem):
    with pytest.raises(ValueError, match=problem) as refused:
        Program(address)

    assert "hidden" not in str(refused.value)
