import pytest

from msp_server.emulator.browser import Browser
from msp_server.emulator.consent import ALLOW
from msp_server.emulator.sign_in_sheet import (
    WORDS_LIMIT,
    Closing,
    Sheet,
    make_address,
    read_query,
    with_state,
)

FORM = b"""<form method=post action="go"><input type=hidden name=a value=1><input name=login>
<button name=decision value=allow>Allow</button></form>"""


@pytest.fixture
def noted():
    return []


@pytest.fixture
def sheet(noted):
    with Browser(lambda: ()) as browser:
        yield Sheet(browser, "ava", noted.append)


def shown(sheet):
    return [(page.method, page.to_json()["address"], page.status) for page in sheet.pages]


def test_form_is_sent_and_leads_back_to_the_business(sheet, site, noted):
    back = f"{site.url}/callback"
    site.pages["/login/page"] = ("200 OK", {}, FORM)
    site.redirect("/login/go", f"{back}?code=c")

    returned = sheet.decide(sheet.open(f"{site.url}/login/page?x=1"), ALLOW, back)

    assert returned == f"{back}?code=c"
    assert site.asked[1] == ("POST", "/login/go", "", "a=1&login=ava&decision=allow")
    assert shown(sheet) == [
        ("GET", f"{site.url}/login/page", 200),
        ("POST", f"{site.url}/login/go", 302),
    ]
    assert noted == []  # nothing of it is for the business


def test_redirects_of_the_provider_are_followed_one_by_one(sheet, site):
    back = f"{site.url}/callback"
    site.redirect("/start", "/login")
    site.pages["/login"] = ("200 OK", {}, FORM)
    site.redirect("/go", "next")
    site.redirect("/next", back)

    assert sheet.decide(sheet.open(f"{site.url}/start"), ALLOW, back) == back
    assert [path for _, path, *_ in site.asked] == ["/start", "/login", "/go", "/next"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (("200 OK", {}, b"Log in with a fingerprint"), "no form with a button"),
        (("500 Internal Server Error", {}, FORM), "no form with a button"),
        (("200 OK", {}, FORM.replace(b'"go"', b'"http://[/"')), "no absolute http"),
        (("302 Found", {"Location": "/login"}, b""), "more than 10 times"),
        (("302 Found", {"Location": "http://192.0.2.1/"}, b""), "Not called"),
        (("302 Found", {"Location": "http://[/"}, b""), "cannot be read"),
    ],
)
def test_provider_that_leads_nowhere_is_told(sheet, site, answer, problem):
    site.pages["/login"] = answer

    assert sheet.decide(sheet.open(f"{site.url}/login"), ALLOW, f"{site.url}/callback") is None
    assert problem in sheet.pages[-1].error


@pytest.mark.parametrize(
    ("location", "closing"),
    [
        ("messages-auth://?status=success", Closing("success", None)),
        ("Messages-Auth://?status=success", Closing("success", None)),
        ("messages-auth://?status=error&error=no%20way%26", Closing("error", "no way&")),
        ("messages-auth://?status=error", Closing("error", None)),
        ("messages-auth://", Closing("", None)),
        ("messages-auth://?status=" + "x" * 2_000, Closing("x" * WORDS_LIMIT, None)),
        ("messages-auth://?" + "a=b&" * 100, Closing("", None)),
    ],
)
def test_redirect_that_closes_the_sheet_is_read(sheet, site, noted, location, closing):
    site.redirect("/callback", location)

    assert sheet.call_back(f"{site.url}/callback?code=c") == closing
    assert noted == sheet.pages


def test_redirects_up_to_the_closing_are_followed(sheet, site):
    site.redirect("/callback", "/more")
    site.redirect("/more", "messages-auth://?status=success")

    assert sheet.call_back(f"{site.url}/callback") == Closing("success", None)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (("200 OK", {}, b"Done"), "the sheet stays open"),
        (("400 Bad Request", {}, b"Unknown"), "the sheet stays open"),
        (("302 Found", {"Location": "/callback"}, b""), "more than 10 times"),
        (("302 Found", {"Location": "http://192.0.2.1/"}, b""), "Not called"),
        (("302 Found", {"Location": "http://[/"}, b""), "cannot be read"),
    ],
)
def test_callback_that_does_not_close_the_sheet_is_told(sheet, site, answer, problem):
    site.pages["/callback"] = answer

    assert sheet.call_back(f"{site.url}/callback") is None
    assert problem in sheet.pages[-1].error


@pytest.mark.parametrize(
    ("closing", "told"),
    [
        (Closing("success", None), {"status": "success"}),
        (Closing("error", "x"), {"status": "failure", "error_code": "x"}),
        (Closing("error", None), {"status": "failure"}),
        (Closing("SUCCESS", None), {"status": "unknown"}),
        (Closing("", "x"), {"status": "unknown"}),
    ],
)
def test_closing_becomes_the_status_of_the_message(closing, told):
    assert closing.to_answer() == told


OAUTH = {"state": "a+b/c==", "scope": ["openid", "r email", 7]}


@pytest.mark.parametrize(
    ("url", "more", "ends"),
    [
        ("http://a/x", None, ""),
        ("http://a/x", "", ""),
        ("http://a/x", "prompt=login&a=b", "&prompt=login&a=b"),
        ("http://a/x", "?prompt=login", "&prompt=login"),
        ("http://a/x?tenant=1", "&prompt=login", "&prompt=login"),
        ("http://a/x", 7, ""),
    ],
)
def test_address_asks_for_consent(url, more, ends):
    address = make_address(url, OAUTH | {"additionalParameters": more}, "me & you", "http://b/?c=d")

    sign = "&" if "?" in url else "?"
    assert address == (
        f"{url}{sign}response_type=code&client_id=me%20%26%20you&redirect_uri=http%3A%2F%2Fb%2F%3Fc"
        f"%3Dd&scope=openid%20r%20email&state=a%2Bb%2Fc%3D%3D{ends}"
    )


def test_state_that_is_no_text_harms_nothing():
    assert make_address("http://a/", {"state": "\ud800"}, "c", "http://b/").endswith("&state=%3F")
    assert with_state("http://a/x?state=a", "\ud800") == "http://a/x?state=%3F"


def test_another_state_is_put_in_and_the_rest_stays():
    address = with_state("http://a/x?y=1%2B&code=c&state=good", "forged&x=")

    assert read_query(address) == {"y": "1+", "code": "c", "state": "forged&x="}
