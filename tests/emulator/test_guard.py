from dataclasses import replace

import pytest

from msp_server.emulator import Emulator
from msp_server.emulator.guard import own_names


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_own_names_are_let_in(emulator, name, web):
    host = f"{name}:{emulator.port}"

    answer = web.get(
        f"{emulator.url}/customers", headers={"Host": host, "Origin": f"http://{host}"}, timeout=5
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/customers", "/emulator/", "/v1/message"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost"},
        {"Host": "localhost:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_strangers_are_refused_with_a_sentence(emulator, path, headers, web):
    answer = web.get(emulator.url + path, headers=headers, timeout=5)

    assert answer.status_code == 403
    assert answer.json()["error"]


FOLLOWED_LINK = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


def test_link_from_another_site_to_the_phone_may_be_followed(emulator, web):
    answer = web.get(f"{emulator.url}/", headers=FOLLOWED_LINK, timeout=5)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "changes"),
    [("/customers", {}), ("/", {"Sec-Fetch-Dest": "iframe"}), ("/", {"Sec-Fetch-Mode": "no-cors"})],
)
def test_nothing_else_is_reached_from_another_site(emulator, web, path, changes):
    answer = web.get(emulator.url + path, headers=FOLLOWED_LINK | changes, timeout=5)

    assert answer.status_code == 403


@pytest.fixture
def open_house(settings):
    """An emulator that others may reach by two names."""
    names = ("phone.example.test", "Desk.example.test:9000")
    with Emulator(replace(settings, host="0.0.0.0", allowed_hosts=names)) as emulator:  # noqa: S104
        yield emulator


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("phone.example.test:{port}", 200),
        ("PHONE.example.test:{port}", 200),
        ("desk.example.test:9000", 200),
        ("localhost:{port}", 200),
        ("phone.example.test", 403),
        ("phone.example.test:1", 403),
        ("desk.example.test:{port}", 403),
        ("0.0.0.0:{port}", 403),
        ("other.example.test:{port}", 403),
    ],
)
def test_others_come_in_by_the_names_that_were_allowed(open_house, web, host, status):
    name = host.format(port=open_house.port)

    headers = {"Host": name, "Origin": f"http://{name}"}
    answer = web.get(f"{open_house.url}/customers", headers=headers, timeout=5)

    assert answer.status_code == status


def test_page_of_another_may_not_use_it_by_a_name_that_was_allowed(open_house, web):
    headers = {"Host": f"phone.example.test:{open_house.port}", "Origin": "http://evil.example"}

    answer = web.get(f"{open_house.url}/customers", headers=headers, timeout=5)

    assert answer.status_code == 403


def test_name_on_the_port_of_the_web_needs_no_port():
    assert {"phone.example.test", "[::1]", "[fd00::1]:7"} <= own_names(
        "::1", 80, ("phone.example.test", "[fd00::1]:7")
    )
