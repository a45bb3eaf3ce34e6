import pytest

from msp_server.messages.capability import Capability, parse_capabilities


def test_capabilities_are_the_six_of_apple():
    assert {str(capability) for capability in Capability} == {
        "QUICK",
        "LIST",
        "TIME",
        "AUTH",
        "AUTH2",
        "FORM",
    }


def test_parse_capabilities_reads_all_names():
    assert parse_capabilities("QUICK,LIST,TIME,AUTH,AUTH2,FORM") == frozenset(Capability)


@pytest.mark.parametrize(
    "header", ["LIST,AUTH2", "list,Auth2", " LIST , AUTH2 ", "LIST%2CAUTH2", "list%2cauth2"]
)
def test_parse_capabilities_reads_every_spelling_of_a_list(header):
    assert parse_capabilities(header) == {Capability.LIST, Capability.AUTH2}


def test_parse_capabilities_tells_auth_from_auth2():
    assert parse_capabilities("AUTH2") == {Capability.AUTH2}


@pytest.mark.parametrize("header", ["LIST,HOLOGRAM", "LIST,,", "LIST,LIST", ",LIST", "LIST,LISTS"])
def test_parse_capabilities_leaves_out_what_is_not_known(header):
    assert parse_capabilities(header) == {Capability.LIST}


@pytest.mark.parametrize("header", ["", " ", ",", "%2C", "LIST TIME", "NONE"])
def test_parse_capabilities_finds_none(header):
    assert parse_capabilities(header) == frozenset()
