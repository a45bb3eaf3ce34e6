"""The landing page, from its address to the account that is linked."""

import re
import threading

import pytest
import requests
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as fuzzing
from hypothesis import strategies as st

from msp_server.agents.linker import AccountLinker, Landing
from msp_server.errors import LinkRefused
from msp_server.web import landing
from msp_server.web.refusals import answer_errors
from msp_server.web.slots import Slots

ID = "0f0e0d0c-0b0a-0908-0706-050403020100"
SHOP = {"id": ID, "name": "Example Shop", "logo": "https://shop.example.com/logo.png"}
PASSWORD = "marzipan & tea é"
SECRETS = [bytes(range(32))]
ROUTES = ["/landingPage", "/landingPage_handle", "/landingPage_done"]


class Recorder(AccountLinker):
    """Remembers what it was asked to link; does what a test wants."""

    def __init__(self):
        self.asked = []
        self.problem = None

    def link(self, where, user_name, password):
        self.asked.append((where, user_name, password))
        if self.problem:
            raise self.problem


@pytest.fixture
def linker():
    return Recorder()


@pytest.fixture
def slots():
    return Slots(1)


def make_app(linker, slots):
    app = Flask(__name__)
    app.register_blueprint(landing.blueprint(SECRETS, linker, slots))
    answer_errors(app)
    return app


@pytest.fixture
def browser(linker, slots):
    return make_app(linker, slots).test_client()


def hidden_fields(page):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def open_page(browser, **changes):
    """Open the page, and give the form's fields as a person fills them in."""
    answer = browser.get("/landingPage", query_string={**SHOP, **changes})
    assert answer.status_code == 200, answer.text
    return {**hidden_fields(answer.text), "userName": "ava", "userPassword": PASSWORD}


def send(browser, fields, **rest):
    return browser.post("/landingPage_handle", data=fields, **rest)


def says(answer):
    return re.search(r'<p class="problem" role="alert">(.*)</p>', answer.text)[1]


# What it is for


def test_page_greets_by_name_with_the_logo(browser):
    answer = browser.get("/landingPage", query_string=SHOP)

    assert "Hello, Example Shop" in answer.text
    assert f'<img src="{SHOP["logo"]}" alt=""' in answer.text


def test_page_without_a_logo_has_no_picture(browser):
    answer = browser.get("/landingPage", query_string={"id": ID, "name": "Example Shop"})

    assert answer.status_code == 200
    assert "<img" not in answer.text


def test_what_a_person_enters_is_linked_and_they_are_sent_on(browser, linker):
    answer = send(browser, open_page(browser))

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/landingPage_done"
    assert linker.asked == [
        (Landing(ID, "Example Shop", "https://shop.example.com/logo.png"), "ava", PASSWORD)
    ]


def test_done_page_says_so(browser):
    answer = browser.get("/landingPage_done")

    assert answer.status_code == 200
    assert "Your account is linked" in answer.text


def test_password_comes_as_it_was_entered_and_the_user_name_without_spaces_around(browser, linker):
    fields = open_page(browser)

    send(browser, {**fields, "userName": " ava ", "userPassword": "  a\tb  "})

    assert linker.asked[0][1:] == ("ava", "  a\tb  ")


def test_server_has_the_page_when_a_linker_is_named(start_msp):
    linker = "msp_server.agents.demonstration:linker"

    with start_msp(account_linker=linker) as msp, requests.Session() as web:
        page = web.get(f"{msp.url}/landingPage", params=SHOP)
        fields = {**hidden_fields(page.text), "userName": "ava", "userPassword": PASSWORD}
        linked = web.post(f"{msp.url}/landingPage_handle", data=fields)
        pieces = requests.models.RequestEncodingMixin._encode_params(fields).encode()
        chunked = web.post(
            f"{msp.url}/landingPage_handle",
            data=iter([pieces[:9], pieces[9:]]),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    assert [step.status_code for step in linked.history] == [302]
    assert linked.url == f"{msp.url}/landingPage_done"
    assert chunked.url == linked.url


# Without a linker


@pytest.mark.parametrize("route", ROUTES)
def test_without_a_linker_every_route_names_the_setting(route, slots):
    browser = make_app(None, slots).test_client()

    answer = browser.post(route) if route.endswith("handle") else browser.get(route)

    assert answer.status_code == 404
    assert "set MSP_ACCOUNT_LINKER" in answer.text


# What goes wrong


def test_refusal_of_the_linker_is_shown_in_the_form(browser, linker):
    fields = open_page(browser)
    linker.problem = LinkRefused("Wrong password for <ava>")

    answer = send(browser, fields)

    assert answer.status_code == 422
    assert says(answer) == "Wrong password for &lt;ava&gt;"
    assert 'value="ava"' in answer.text
    assert "marzipan" not in answer.text


def test_form_that_is_shown_again_can_be_sent(browser, linker):
    linker.problem = LinkRefused("Wrong password")
    again = send(browser, open_page(browser))
    linker.problem = None

    answer = send(browser, {**hidden_fields(again.text), "userName": "ava", "userPassword": "x"})

    assert answer.status_code == 302


def test_failure_of_the_linker_asks_to_try_again_and_is_logged_without_words(
    browser, linker, caplog
):
    linker.problem = ConnectionError(f"no answer for {PASSWORD}")

    answer = send(browser, open_page(browser))

    assert answer.status_code == 502
    assert "try again" in says(answer)
    assert "ConnectionError in link" in caplog.text
    assert "marzipan" not in caplog.text + answer.text


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("userName", "", "user name"),
        ("userName", "   ", "user name"),
        ("userName", "a" * 201, "user name"),
        ("userPassword", "", "password"),
        ("userPassword", "a" * 1001, "password"),
    ],
)
def test_what_is_missing_or_too_long_is_told_and_not_linked(browser, linker, field, value, named):
    answer = send(browser, {**open_page(browser), field: value})

    assert answer.status_code == 422
    assert named in says(answer)
    assert linker.asked == []


def test_longest_user_name_and_password_are_linked(browser, linker):
    fields = {**open_page(browser), "userName": "é" * 200, "userPassword": "☕" * 1000}

    assert send(browser, fields).status_code == 302
    assert linker.asked[0][1:] == ("é" * 200, "☕" * 1000)


@pytest.mark.parametrize("field", ["userName", "userPassword"])
def test_form_without_a_field_is_told_so(browser, linker, field):
    fields = open_page(browser)
    del fields[field]

    assert send(browser, fields).status_code == 422
    assert linker.asked == []


@pytest.mark.parametrize(
    ("field", "value"), [("id", "1"), ("name", ""), ("name", "a\0"), ("logo", "http://a/b")]
)
def test_address_that_does_not_hold_is_refused_on_both_ways_in(browser, linker, field, value):
    fields = open_page(browser)

    opened = browser.get("/landingPage", query_string={**SHOP, field: value})
    sent = send(browser, {**fields, field: value})

    assert [opened.status_code, sent.status_code] == [400, 400]
    assert f"{field} has to be" in opened.text
    assert f"{field} has to be" in sent.text
    assert linker.asked == []


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_body_of_another_kind_is_refused(browser, linker, content_type):
    open_page(browser)

    answer = send(browser, b"userName=ava", content_type=content_type)

    assert answer.status_code == 400
    assert "Content-Type has to be" in answer.text


def test_large_form_is_refused(browser, linker):
    fields = open_page(browser)

    answer = send(browser, {**fields, "more": "x" * 16 * 1024})

    assert answer.status_code == 413
    assert linker.asked == []


def test_field_that_is_there_twice_is_refused(browser, linker):
    fields = open_page(browser)

    answer = send(browser, {**fields, "userPassword": ["one", "two"]})

    assert answer.status_code == 400
    assert linker.asked == []


# Forms of others


def test_form_without_a_token_is_refused(browser, linker):
    fields = open_page(browser)
    del fields["token"]

    answer = send(browser, fields)

    assert answer.status_code == 403
    assert "not come from a page of ours" in says(answer)
    assert "marzipan" not in answer.text
    assert linker.asked == []


def test_form_of_another_browser_is_refused(linker, slots):
    app = make_app(linker, slots)
    mallory, ava = app.test_client(), app.test_client()
    open_page(ava)

    answer = send(ava, open_page(mallory))

    assert answer.status_code == 403
    assert linker.asked == []


def test_form_without_the_cookie_is_refused(linker, slots):
    app = make_app(linker, slots)

    answer = send(app.test_client(), open_page(app.test_client()))

    assert answer.status_code == 403
    assert "cookie" in says(answer)
    assert linker.asked == []


def test_form_from_another_site_is_refused(browser, linker):
    fields = open_page(browser)

    answer = send(browser, fields, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert linker.asked == []


def test_form_that_is_shown_again_after_a_refusal_can_be_sent(browser):
    fields = open_page(browser)
    again = send(browser, {**fields, "token": "old"})

    answer = send(browser, {**fields, **hidden_fields(again.text)})

    assert answer.status_code == 302


def test_two_open_pages_of_one_browser_can_both_be_sent(browser):
    first, second = open_page(browser), open_page(browser)

    assert send(browser, first).status_code == 302
    assert send(browser, second).status_code == 302


@pytest.mark.parametrize(
    ("base_url", "beginning", "secure"),
    [
        ("http://localhost", "landing=", False),
        ("http://shop.example.com", "__Host-landing=", True),
        ("https://shop.example.com", "__Host-landing=", True),
    ],
)
def test_cookie_is_for_this_site_alone(browser, base_url, beginning, secure):
    answer = browser.get("/landingPage", query_string=SHOP, base_url=base_url)

    cookie = answer.headers["Set-Cookie"]
    attributes = set(cookie.split("; ")[1:])
    assert cookie.startswith(beginning)
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= attributes
    assert ("Secure" in attributes) is secure
    assert "Domain" not in cookie


# Too many


def test_too_many_attempts_for_one_user_name_have_to_wait(browser, linker):
    fields = open_page(browser)
    burst, refill_s = landing.ATTEMPTS_BY_USER_NAME
    for _ in range(burst):
        assert send(browser, fields).status_code == 302

    answer = send(browser, fields)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= refill_s
    assert len(linker.asked) == burst


def test_neither_spelling_nor_another_id_gives_a_user_name_more_attempts(browser, linker):
    burst, _ = landing.ATTEMPTS_BY_USER_NAME
    for number in range(burst):
        fields = open_page(browser, id=f"{ID[:-1]}{number}")
        send(
            browser,
            {
                **fields,
                "userName": " Ava" if number % 2 else "\N{FULLWIDTH LATIN SMALL LETTER A}VA",
            },
        )

    assert send(browser, open_page(browser)).status_code == 429
    assert len(linker.asked) == burst


def test_another_user_name_need_not_wait(browser):
    fields = open_page(browser)
    for _ in range(landing.ATTEMPTS_BY_USER_NAME[0] + 1):
        send(browser, fields)

    assert send(browser, {**fields, "userName": "ben"}).status_code == 302


def test_too_many_attempts_from_one_address_have_to_wait(browser, linker):
    fields = open_page(browser)
    burst, refill_s = landing.ATTEMPTS_BY_ADDRESS
    codes = [send(browser, {**fields, "userName": f"ava{n}"}).status_code for n in range(burst)]

    answer = send(browser, {**fields, "userName": "ben"})

    assert set(codes) == {302}
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= refill_s
    assert len(linker.asked) == burst


def test_who_finds_no_slot_is_told_to_come_again(browser, linker, slots):
    fields = open_page(browser)

    with slots.taken():
        answer = send(browser, fields)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert linker.asked == []


def test_linker_holds_a_slot_while_it_works(slots):
    begun, finish = threading.Event(), threading.Event()

    class Slow(AccountLinker):
        def link(self, where, user_name, password):
            begun.set()
            finish.wait(10)

    app = make_app(Slow(), slots)
    codes = []

    def link():
        browser = app.test_client()
        codes.append(send(browser, open_page(browser)).status_code)

    thread = threading.Thread(target=link)
    thread.start()
    assert begun.wait(10)
    link()
    finish.set()
    thread.join()

    assert codes == [503, 302]


# What the answers carry


def answers_of_every_kind(browser, linker):
    fields = open_page(browser)
    yield browser.get("/landingPage", query_string=SHOP)
    yield browser.get("/landingPage")
    yield browser.get("/landingPage_done")
    yield send(browser, {**fields, "token": "x"})
    yield send(browser, {**fields, "id": "x"})
    yield send(browser, fields)
    linker.problem = LinkRefused("Wrong password")
    yield send(browser, fields)
    linker.problem = ValueError(PASSWORD)
    yield send(browser, fields)


def test_every_answer_is_guarded_and_never_kept(browser, linker):
    answers = list(answers_of_every_kind(browser, linker))

    assert [answer.status_code for answer in answers] == [200, 400, 200, 403, 400, 302, 422, 502]
    for answer in answers:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_password_and_user_name_are_in_no_log_and_the_password_in_no_answer(
    browser, linker, caplog
):
    answers = list(answers_of_every_kind(browser, linker))

    assert "linked landing_id=" in caplog.text
    assert "ava" not in caplog.text
    assert "marzipan" not in caplog.text + "".join(f"{a.headers}{a.text}" for a in answers)


def test_text_from_outside_cannot_become_html(browser):
    attack = "\"'><script>alert(1)</script>&"
    logo = f"https://a/{attack}"
    answer = browser.get("/landingPage", query_string={"id": ID, "name": attack, "logo": logo})
    again = send(browser, {"id": ID, "name": attack, "logo": logo, "userName": attack})

    for page in (answer.text, again.text):
        assert "alert(1)" in page
        assert "<script" not in page
        assert "\"'>" not in page
    assert hidden_fields(again.text)["logo"] == (
        "https://a/&#34;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;"
    )


# Junk


def junk_browser():
    """Make a browser that has the cookie, at a server that counts no attempts."""
    app = make_app(Recorder(), Slots(1))
    number = iter(range(10**9))
    browser = app.test_client()
    fields = open_page(browser)

    def send_junk(method, route, **rest):
        count = next(number)
        address = f"10.{count >> 16 & 255}.{count >> 8 & 255}.{count & 255}"
        return browser.open(route, method=method, environ_base={"REMOTE_ADDR": address}, **rest)

    return send_junk, fields


send_junk, FORM = junk_browser()
texts = st.text(max_size=300)
names = st.sampled_from([*FORM, "more", "", "token\0"])
methods = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"])
kinds = st.sampled_from(
    ["application/x-www-form-urlencoded", "multipart/form-data", "application/json", "é", "/"]
)
fuzz = fuzzing(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@fuzz
@given(st.sampled_from(ROUTES), methods, st.binary(max_size=400), st.binary(max_size=60), kinds)
def test_bytes_to_any_route_never_make_a_mistake(route, method, body, query, kind):
    answer = send_junk(
        method, route, data=body, query_string=query.decode("latin-1"), content_type=kind
    )

    assert answer.status_code < 500


@fuzz
@given(st.dictionaries(names, st.lists(texts, min_size=1, max_size=2)), kinds)
def test_changed_forms_never_make_a_mistake(changes, kind):
    answer = send_junk("POST", "/landingPage_handle", data={**FORM, **changes})
    opened = send_junk("GET", "/landingPage", query_string={**FORM, **changes})

    assert answer.status_code < 500
    assert opened.status_code < 500


@fuzz
@given(
    st.dictionaries(
        st.sampled_from(
            ["Host", "Origin", "Cookie", "Sec-Fetch-Site", "Content-Type", "Content-Length"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80),
    )
)
def test_junk_in_headers_never_makes_a_mistake(headers):
    answer = send_junk("POST", "/landingPage_handle", data=FORM, headers=headers)
    opened = send_junk("GET", "/landingPage", query_string=SHOP, headers=headers)

    assert answer.status_code < 500
    assert opened.status_code < 500


@pytest.mark.parametrize("route", ROUTES)
def test_huge_bodies_and_addresses_never_make_a_mistake(route):
    for method in ("GET", "POST"):
        huge = send_junk(method, route, data=b"id=" + b"a" * 3_000_000)
        long = send_junk(method, route, query_string="id=" + "a" * 100_000)

        assert huge.status_code < 500
        assert long.status_code < 500


def test_address_in_raw_bytes_is_refused(start_msp):
    linker = "msp_server.agents.demonstration:linker"
    with start_msp(account_linker=linker) as msp, requests.Session() as web:
        request = requests.Request("GET", f"{msp.url}/landingPage").prepare()
        request.url += "?id=\xff&name=%ff%fe"
        answer = web.send(request)

    assert answer.status_code == 400
