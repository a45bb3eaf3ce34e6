import pytest


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
