import json

import pytest

from msp_server.emulator.browser import Browser, Page
from msp_server.emulator.token_exchange import (
    DOMAIN,
    TOKEN_LIMIT,
    exchange_code,
    read_token,
    tell_failure,
    tell_token,
)


def page(text, status=200):
    return Page("POST", "http://127.0.0.1/token", status, text=text)


def test_token_is_read():
    assert read_token(page('{"access_token": "abc", "token_type": "Bearer"}')) == "abc"


@pytest.mark.parametrize(
    "answer",
    [
        page('{"access_token": "abc"}', 400),
        page('{"access_token": "abc"}', None),
        page("access_token=abc"),
        page(""),
        page("[]"),
        page('{"access_token": ""}'),
        page('{"access_token": 7}'),
        page('{"access_token": "\\ud800"}'),
        page('{"access_token": "a\\nb"}'),
        page('{"error": "invalid_grant"}'),
        page(json.dumps({"access_token": "x" * (TOKEN_LIMIT + 1)})),
        page("[" * 100_000),
    ],
)
def test_what_is_no_token_is_not_taken_for_one(answer):
    assert read_token(answer) is None


def test_code_goes_to_the_token_url_in_a_form(site):
    site.pages["/token"] = ("200 OK", {}, b"{}")

    with Browser(lambda: ()) as browser:
        exchange_code(browser, f"{site.url}/token", {"code": "a b", "client_secret": "s"})

    body = "grant_type=authorization_code&code=a+b&client_secret=s"
    assert site.asked == [("POST", "/token", "", body)]


def test_unfit_key_is_told_with_the_errors_that_are_known():
    error = {"code": 2, "domain": "com.apple.icloud.messages.business.cryptor"}

    assert tell_token("abc", "BAEC") == {
        "status": "failed",
        "errors": [error | {"message": "Failed creating key"}],
    }


def test_failure_says_what_failed():
    assert tell_failure("access_denied") == {
        "status": "failed",
        "errors": [{"code": 1, "domain": DOMAIN, "message": "access_denied"}],
    }
