import re
from dataclasses import replace
from pathlib import Path

import pytest

from msp_server.emulator import Emulator

PAGE = Path(__file__).parents[2] / "msp_server" / "emulator" / "page"
PAGE_FILES = sorted(path.name for path in PAGE.iterdir() if path.name != "index.html")
KINDS = {".css": "text/css", ".js": "javascript"}


@pytest.mark.parametrize(
    ("path", "kind"),
    [("", "text/html"), *((name, KINDS[Path(name).suffix]) for name in PAGE_FILES)],
)
def test_every_file_of_the_page_is_served_under_a_strict_policy(emulator, path, kind, web):
    answer = web.get(f"{emulator.url}/{path}", timeout=5)

    assert answer.status_code == 200
    assert kind in answer.headers["content-type"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(emulator, web):
    page = web.get(emulator.url, timeout=5).text

    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)
    assert not re.search(r"(src|href)=[\"']https?:", page)


@pytest.mark.parametrize("name", PAGE_FILES)
def test_page_file_loads_only_its_neighbours_and_makes_nothing_from_markup(emulator, name, web):
    text = web.get(f"{emulator.url}/{name}", timeout=5).text
    loaded = re.findall(r"\bfrom \"([^\"]*)\"|\bimport\(?\s*\"([^\"]*)\"|url\(([^)]*)\)", text)

    assert {"".join(each) for each in loaded} <= {f"./{neighbour}" for neighbour in PAGE_FILES}
    assert not re.search(r"(inner|outer)HTML|insertAdjacentHTML|document\.write|@import", text)


def test_unknown_page_is_404_with_a_sentence(emulator, web):
    answer = web.get(f"{emulator.url}/nothing", timeout=5)

    assert answer.status_code == 404
    assert answer.json()["error"]


def test_page_may_show_pictures_and_play_what_its_own_emulator_gives(emulator, web):
    policy = web.get(emulator.url, timeout=5).headers["content-security-policy"]

    assert "img-src 'self' data:; media-src 'self';" in policy


def test_emulator_on_every_address_is_reached_by_loopback(settings, web):
    everywhere = replace(settings, host="0.0.0.0", allowed_hosts=("phone.example.test",))  # noqa: S104

    with Emulator(everywhere) as emulator:
        assert emulator.url == f"http://127.0.0.1:{emulator.port}"
        assert web.get(emulator.url, timeout=5).status_code == 200
