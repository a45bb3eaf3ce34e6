from threading import Event

import pytest

from msp_server.emulator.browser import ANSWER_LIMIT_BYTES, LOCATION_LIMIT, Browser, find_form
from msp_server.emulator.consent import ALLOW, DENY


@pytest.fixture
def browser():
    with Browser(lambda: ()) as browser:
        yield browser


def test_page_is_fetched(browser, site):
    site.pages["/a"] = ("200 OK", {}, b"Hello")

    page = browser.get(f"{site.url}/a?x=1")

    assert (page.status, page.location, page.text, page.error) == (200, None, "Hello", None)
    assert site.asked == [("GET", "/a", "x=1", "")]


def test_form_is_sent(browser, site):
    site.pages["/a"] = ("200 OK", {}, b"")

    browser.post(f"{site.url}/a", {"x": "1 2", "y": "&"})

    assert site.asked == [("POST", "/a", "", "x=1+2&y=%26")]


def test_redirect_is_told_and_not_followed(browser, site):
    site.redirect("/a", "messages-auth://?status=success")

    page = browser.get(f"{site.url}/a")

    assert (page.status, page.location) == (302, "messages-auth://?status=success")
    assert len(site.asked) == 1


def test_location_without_a_redirect_says_nothing(browser, site):
    site.pages["/a"] = ("200 OK", {"Location": "messages-auth://?status=success"}, b"")

    assert browser.get(f"{site.url}/a").location is None


def test_endless_location_is_not_taken(browser, site):
    site.redirect("/a", "http://127.0.0.1/" + "x" * LOCATION_LIMIT)

    page = browser.get(f"{site.url}/a")

    assert page.location is None
    assert "too long" in page.error


def test_cookie_comes_back(browser, site):
    site.pages["/a"] = ("200 OK", {"Set-Cookie": "a=1; Path=/"}, b"")

    browser.get(f"{site.url}/a")

    assert browser._session.cookies["a"] == "1"


def test_other_hosts_are_not_called(browser):
    page = browser.get("http://192.0.2.1/a?code=secret")

    assert page.status is None
    assert page.error.startswith("Not called: ")
    assert "secret" not in str(page.to_json())


def test_nobody_there_is_told(browser):
    page = browser.get("http://127.0.0.1:1/")

    assert page.status is None
    assert "Connection refused" in page.error


@pytest.mark.parametrize("endless", [False, True])
def test_slow_answer_is_given_up(site, endless):
    held = Event()

    def drip():
        yield b"x"
        while endless and not held.wait(0.05):
            yield b"x"
        held.wait(5)

    site.pages["/a"] = ("200 OK", {"Content-Length": "1000"}, drip())
    with Browser(lambda: (), timeout_s=0.3) as browser:
        page = browser.get(f"{site.url}/a")
    held.set()

    assert (page.status, page.error) == (None, "Not answered in 0.3 s")


def test_endless_answer_is_read_up_to_the_limit(browser, site):
    size = 50 * ANSWER_LIMIT_BYTES
    site.pages["/a"] = ("200 OK", {"Content-Length": str(size)}, (b"x" * 1024,) * (size // 1024))

    assert len(browser.get(f"{site.url}/a").text) == ANSWER_LIMIT_BYTES


@pytest.mark.parametrize("text", [b"\xff\xfe", b"<form", b"<![x", b"&#xfffffffff;", b""])
def test_any_bytes_are_a_page(browser, site, text):
    site.pages["/a"] = ("200 OK", {}, text)

    assert find_form(browser.get(f"{site.url}/a").text, ALLOW) is None


PAGE = """<form action="/go"><input name="a" value="1&amp;2"><input name=b><input type=submit>
<button name="d" value="allow">Yes</button><button name="d" value="deny">No</button></form>
<form action="/other"><input name="c" value="3"><button name="d" value="other"></button></form>"""


@pytest.mark.parametrize("button", [ALLOW, DENY])
def test_form_is_filled_in_as_its_button_does(button):
    form = find_form(PAGE, button)

    assert form.action == "/go"
    assert form.fields == {"a": "1&2", "b": "", "d": button}


@pytest.mark.parametrize("text", [PAGE.replace("allow", "yes"), "allow", "<form></form>"])
def test_page_without_that_button_has_no_form(text):
    assert find_form(text, ALLOW) is None


def test_button_of_another_form_is_not_pressed():
    assert find_form(PAGE, "other") is None
