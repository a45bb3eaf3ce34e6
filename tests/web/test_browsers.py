"""What a request tells of its browser."""

import pytest
from flask import Flask

from msp_server.errors import FormRefused
from msp_server.web.browsers import client_network, is_secure, require_same_origin

app = Flask(__name__)


def asked(base_url="http://shop.example.com", address="127.0.0.1", **headers):
    return app.test_request_context(
        base_url=base_url,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        environ_base={"REMOTE_ADDR": address},
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://shop.example.com"},
        {"Sec_Fetch_Site": "same-origin", "Origin": "null"},
        {"Sec_Fetch_Site": "same-origin", "Origin": "https://before-a-proxy.example.com"},
    ],
)
def test_request_of_our_own_page_is_let_through(headers):
    with asked(**headers):
        require_same_origin()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site", "Origin": "null"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "junk", "Origin": "https://shop.example.com"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "https://shop.example.com.evil.example.com"},
        {"Origin": "https://shop.example.com:8443"},
        {"Origin": "junk"},
        {"Origin": ""},
    ],
)
def test_request_of_another_site_is_refused(headers):
    with asked(**headers), pytest.raises(FormRefused):
        require_same_origin()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("junk", "", True),
    ],
)
def test_client_network_tells_clients_apart(one, other, same):
    with asked(address=one):
        first = client_network()
    with asked(address=other):
        second = client_network()

    assert (first == second) is same


@pytest.mark.parametrize(
    ("base_url", "secure"),
    [
        ("http://localhost:8002", False),
        ("http://localhost", False),
        ("http://127.0.0.1:8002", False),
        ("http://[::1]:8002", False),
        ("http://[::1]", False),
        ("https://localhost:8002", True),
        ("https://shop.example.com", True),
        ("http://shop.example.com", True),
        ("http://localhost.example.com:80", True),
        ("http://192.168.1.2:8002", True),
    ],
)
def test_only_loopback_is_reached_without_https(base_url, secure):
    with asked(base_url):
        assert is_secure() is secure
