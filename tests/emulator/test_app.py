import re

import pytest


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "text/html"), ("/phone.css", "text/css"), ("/phone.js", "javascript")]
)
def test_page_is_served_under_a_strict_policy(emulator, path, kind, web):
    answer = web.get(emulator.url + path, timeout=5)

    assert answer.status_code == 200
    assert kind in answer.headers["content-type"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(emulator, web):
    page = web.get(emulator.url, timeout=5).text
    script = web.get(f"{emulator.url}/phone.js", timeout=5).text

    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)
    assert not re.search(r"(src|href)=[\"']https?:", page)
    assert "innerHTML" not in script


def test_unknown_page_is_404_with_a_sentence(emulator, web):
    answer = web.get(f"{emulator.url}/nothing", timeout=5)

    assert answer.status_code == 404
    assert answer.json()["error"]
