import socket
import threading

import pytest

from msp_server.errors import AddressRefused, RemoteUnreachable
from msp_server.remote.addresses import find_objection, is_public, same_loopback_origin, split
from msp_server.remote.http import HttpClient

HOSTS = ("icloud.com", "apple.com")
NAMED = "https://p54-content.icloud.com/upload/opaque?token=abc"
GATEWAY = "http://127.0.0.1:8081/v1"


# What is public


@pytest.mark.parametrize(
    "address",
    [
        "17.253.144.10",
        "8.8.8.8",
        "2620:149:af0::10",
        "2606:4700::1111",
        "::ffff:17.253.144.10",
        "64:ff9b::17.253.144.10",
        "2002:11fd:900a::1",
    ],
)
def test_address_of_the_internet_is_public(address):
    assert is_public(address) is True


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - nobody listens here
        "255.255.255.255",
        "224.0.0.1",
        "198.18.0.1",
        "192.0.2.1",
    ],
)
@pytest.mark.parametrize("shape", ["{}", "::ffff:{}", "64:ff9b::{}", "::{}"])
def test_address_inside_is_not_public_however_it_is_written(address, shape):
    assert is_public(shape.format(address)) is False


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "64:ff9b:1::1",
        "100::1",
        "::ffff:0:10.0.0.1",
    ],
)
def test_ipv6_address_inside_is_not_public(address):
    assert is_public(address) is False


@pytest.mark.parametrize("text", ["", "icloud.com", "1", "127.1", "0x7f.1", "8.8.8.8/32", "::1::"])
def test_what_is_no_address_is_not_public(text):
    assert is_public(text) is False


# What may be named


@pytest.mark.parametrize(
    "address",
    [
        NAMED,
        "https://icloud.com/x",
        "https://ICLOUD.com/x",
        "https://icloud.com./x",
        "https://a.b.c.icloud.com/x",
        "https://p54-content.icloud.com:443/x",
        "https://mzstatic.apple.com",
    ],
)
def test_nothing_speaks_against_an_allowed_host(address):
    assert find_objection(address, HOSTS) is None


@pytest.mark.parametrize(
    ("address", "objection"),
    [
        (NAMED.replace("https", "http"), "it is not https"),
        (NAMED.replace("https", "ftp"), "it is not https"),
        (NAMED.replace("https", "file"), "it is not https"),
        (NAMED.removeprefix("https:"), "it is not https"),
        ("https://p54-content.icloud.com:8443/x", "it is not https on port 443"),
        ("https://p54-content.icloud.com:0/x", "it is not https on port 443"),
        ("https://evilicloud.com/", "evilicloud.com is none of MSP_CONTENT_HOSTS"),
        ("https://icloud.com.evil.example/", "icloud.com.evil.example is none of"),
        ("https://evil.example/.icloud.com", "evil.example is none of"),
        ("https://evil.example?.icloud.com", "evil.example is none of"),
        ("https://evil.example#.icloud.com", "evil.example is none of"),
        ("https://evil.example#@icloud.com", "evil.example is none of"),
        ("https://127.0.0.1/", "127.0.0.1 is none of"),
        ("https://[::1]/", "its host is no name"),
        ("https://com/", "com is none of"),
        ("https://evil.example@icloud.com/", "it holds a user name"),
        ("https://me:word@icloud.com/", "it holds a user name"),
        ("https://@icloud.com/", "it holds a user name"),
        ("https://evil.example%2f.icloud.com/", "its host is no name"),
        ("https://evil.example;.icloud.com/", "its host is no name"),
        ("https://evil.example&.icloud.com/", "its host is no name"),
        ("https://evil.example\\.icloud.com/", "it is no address"),
        ("https://evil.example\r\n.icloud.com/", "it is no address"),
        ("https://evil.example\t.icloud.com/", "it is no address"),
        ("https://evil.example .icloud.com/", "it is no address"),
        ("https://p54\u3002icloud.com/", "it is no address"),
        ("https://icloud.com:99999/", "it is no address"),
        ("https://icloud.com:x/", "it is no address"),
        ("https://[::1/", "it is no address"),
        ("https:///icloud.com", "it is no address"),
        ("icloud.com", "it is no address"),
        ("", "it is no address"),
    ],
)
def test_objection_tells_what_is_wrong(address, objection):
    found = find_objection(address, HOSTS)

    assert found is not None
    assert objection in found


def test_objection_to_a_host_names_the_setting_and_its_value():
    assert find_objection("https://evil.example/", HOSTS) == (
        "evil.example is none of MSP_CONTENT_HOSTS (icloud.com, apple.com)"
    )


def test_no_host_is_allowed_where_none_is_listed():
    assert find_objection(NAMED, ()) is not None


def test_split_gives_the_parts_of_an_address():
    parts = split(NAMED)

    assert (parts.scheme, parts.hostname, parts.port) == ("https", "p54-content.icloud.com", None)


# The emulator


@pytest.mark.parametrize("address", ["https://[::1].icloud.com/", "https://[::1]icloud.com/"])
def test_an_address_between_brackets_is_not_part_of_a_name(address):
    assert find_objection(address, HOSTS) is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_the_gateways_own_address_on_this_machine_is_the_same(host):
    assert same_loopback_origin(f"http://{host}:8081/mmcs/1", f"http://{host}:8081/v1") is True


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8082/mmcs/1",
        "http://127.0.0.1/mmcs/1",
        "https://127.0.0.1:8081/mmcs/1",
        "http://127.0.0.2:8081/mmcs/1",
        "http://localhost:8081/mmcs/1",
        "http://me@127.0.0.1:8081/mmcs/1",
        "http://127.0.0.1:8081@evil.example/mmcs/1",
        "http://127.0.0.1:8081\\@evil.example/mmcs/1",
        "//127.0.0.1:8081/mmcs/1",
        "",
    ],
)
def test_another_address_on_this_machine_is_not_the_same(address):
    assert same_loopback_origin(address, GATEWAY) is False


@pytest.mark.parametrize("host", ["192.168.1.5", "mspgw.push.apple.com", "127.0.0.2"])
def test_a_gateway_elsewhere_has_no_address_on_this_machine(host):
    assert same_loopback_origin(f"http://{host}/x", f"http://{host}/v1") is False


# Where a connection leads


class Door:
    """A port that counts who comes in, and what they say."""

    def __init__(self, family, host):
        self.heard = b""
        self.visits = 0
        self._socket = socket.socket(family)
        self._socket.bind((host, 0))
        self._socket.listen()
        self.host, self.port = self._socket.getsockname()[:2]
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        while True:
            visitor, _ = self._socket.accept()
            with visitor:
                visitor.settimeout(5)
                said = visitor.recv(65536)
                if said == b"over":
                    return
                self.visits += 1
                self.heard += said

    def close(self):
        with socket.create_connection((self.host, self.port)) as last:
            last.sendall(b"over")
        self._thread.join()
        self._socket.close()


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["4", "6"])
def door(request):
    door = Door(*request.param)
    yield door
    door.close()


@pytest.fixture
def resolve(monkeypatch):
    """Give a function that lets every name lead to one door."""

    def lead_to(door):
        family = socket.AF_INET6 if ":" in door.host else socket.AF_INET
        found = [(family, socket.SOCK_STREAM, 6, "", (door.host, door.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)

    return lead_to


def test_allowed_name_that_leads_to_this_machine_is_refused(door, resolve):
    resolve(door)

    with pytest.raises(AddressRefused, match=r"p54-content\.icloud\.com is at .*MSP_CONTENT_HOSTS"):
        HttpClient(public_only=True).request("POST", NAMED, {}, b"secret")


def test_nothing_is_said_to_an_address_that_is_refused(door, resolve, monkeypatch):
    resolve(door)
    client = HttpClient(public_only=True)

    with pytest.raises(AddressRefused):
        client.request("POST", NAMED, {"Authorization": "Bearer a.b.c"}, b"secret")
    with pytest.raises(AddressRefused), client.stream("GET", NAMED):
        pass

    monkeypatch.undo()
    door.close()
    assert door.heard == b""
    door.close = lambda: None


def test_a_name_is_looked_at_again_with_every_connection(door, resolve):
    client = HttpClient(public_only=True)
    resolve(door)
    for _ in range(2):
        with pytest.raises(AddressRefused):
            client.request("GET", NAMED)


def test_client_that_may_go_anywhere_speaks_to_this_machine(door, resolve, monkeypatch):
    resolve(door)

    with pytest.raises(RemoteUnreachable):
        HttpClient().request("POST", NAMED)

    monkeypatch.undo()
    assert door.heard != b""


def test_refusal_does_not_tell_the_token_of_the_address(door, resolve):
    resolve(door)

    with pytest.raises(AddressRefused) as refused:
        HttpClient(public_only=True).request("GET", NAMED)

    assert "token=abc" not in str(refused.value)
