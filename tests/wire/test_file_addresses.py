import pytest

from msp_server.errors import FileAddressOver, FileAddressUnknown
from msp_server.wire.file_addresses import FILE_AGE_LIMIT_S, FileAddresses

NOW = 1_700_000_000.25
OLD, NEW = bytes(32), bytes(range(32))


class Clock:
    at = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def addresses(clock):
    return FileAddresses("https://msp.example.com", (OLD,), clock)


def token_of(address):
    base, _, token = address.url.rpartition("/")
    assert base == "https://msp.example.com/files"
    return token


def test_an_address_leads_to_its_file(addresses):
    address = addresses.make("0a" * 16, "image/png")

    assert addresses.read(token_of(address)) == ("0a" * 16, "image/png")
    assert address.expires_at == int(NOW) + FILE_AGE_LIMIT_S


def test_an_address_is_over_after_an_hour(addresses, clock):
    token = token_of(addresses.make("0a" * 16, "image/png"))

    clock.at += FILE_AGE_LIMIT_S + 1

    with pytest.raises(FileAddressOver):
        addresses.read(token)


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "é", "WyIxIl0.x"])
def test_what_we_did_not_sign_leads_nowhere(addresses, token):
    with pytest.raises(FileAddressUnknown):
        addresses.read(token)


def test_an_address_holds_while_the_secret_is_changed(addresses, clock):
    token = token_of(addresses.make("0a" * 16, "image/png"))

    assert FileAddresses("", (NEW, OLD), clock).read(token) == ("0a" * 16, "image/png")
    with pytest.raises(FileAddressUnknown):
        FileAddresses("", (NEW,), clock).read(token)
