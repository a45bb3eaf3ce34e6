import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given
from hypothesis import settings as many
from hypothesis import strategies as st

from msp_server.emulator.app import Parts, create_app

BACK = "http://127.0.0.1:8002/oauth/callback"
ASKED = {
    "response_type": "code",
    "client_id": "emulator",
    "redirect_uri": BACK,
    "scope": "openid email",
    "state": "a-state",
}
SECRET = "emulator-client-secret"


@pytest.fixture
def call(emulator, web):
    def call(method, path, **kwargs):
        return web.request(
            method, f"{emulator.url}/oauth/{path}", allow_redirects=False, timeout=5, **kwargs
        )

    return call


@pytest.fixture
def decide(call):
    """Send the consent form, and give what the business is told."""

    def decide(**changes):
        answer = call("POST", "authorize", data=ASKED | {"decision": "allow"} | changes)
        assert answer.status_code == 302, answer.text
        address, _, query = answer.headers["Location"].partition("?")
        assert address == BACK
        return {name: value for name, (value,) in parse_qs(query).items()}

    return decide


@pytest.fixture
def exchange(call, decide):
    def exchange(code=None, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code or decide()["code"],
            "redirect_uri": BACK,
            "client_id": "emulator",
            "client_secret": SECRET,
        }
        form = {name: text for name, text in (form | changes).items() if text is not None}
        return call("POST", "token", data=form)

    return exchange


def test_page_asks_for_consent_without_a_script(call):
    answer = call("GET", "authorize", params=ASKED)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "openid" in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_business_gets_a_page_and_no_redirect(call, method):
    asked = ASKED | {"client_id": "<b>", "decision": "allow"}

    answer = call(method, "authorize", **{"params" if method == "GET" else "data": asked})

    assert answer.status_code == 400
    assert "client_id is not" in answer.text
    assert "form-action 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_fault_of_the_business_is_told_to_it(call, method):
    asked = ASKED | {"response_type": "token", "decision": "allow"}

    answer = call(method, "authorize", **{"params" if method == "GET" else "data": asked})

    told = "error=unsupported_response_type&state=a-state"
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{BACK}?{told}")


def test_only_this_machine_and_the_msp_are_sent_customers(emulator, call):
    asked = ASKED | {"redirect_uri": "https://msp.example.com/callback"}

    assert call("GET", "authorize", params=asked).status_code == 400

    emulator.msp_url = "https://msp.example.com"
    assert call("GET", "authorize", params=asked).status_code == 200


def test_customer_who_denies_sends_an_error_back(decide):
    assert decide(decision="deny") == {"error": "access_denied", "state": "a-state"}


@pytest.mark.parametrize(
    "changes", [{"decision": "maybe"}, {"decision": ""}, {"login": "Mr. X"}, {"login": "x" * 33}]
)
def test_form_of_another_shape_is_refused(call, changes):
    answer = call("POST", "authorize", data=ASKED | {"decision": "allow"} | changes)

    assert answer.status_code == 400
    assert next(iter(changes)) in answer.text


def test_code_becomes_a_token_and_that_a_person(exchange, decide, call):
    code = decide(login="customer-1")["code"]

    token = exchange(code)
    user = call(
        "GET", "userinfo", headers={"Authorization": f"Bearer {token.json()['access_token']}"}
    )

    assert token.json() == {
        "access_token": token.json()["access_token"],
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "openid email",
    }
    assert token.headers["Cache-Control"] == "no-store"
    assert (user.status_code, user.json()["name"]) == (200, "Kim Example")


def test_code_holds_once(exchange, decide):
    code = decide()["code"]

    answers = [exchange(code) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"code": "x"}, 400, "invalid_grant"),
        ({"redirect_uri": BACK + "/"}, 400, "invalid_grant"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_secret": SECRET + "x"}, 401, "invalid_client"),
        ({"client_secret": "é"}, 401, "invalid_client"),
        ({"client_secret": ["a", "b"]}, 400, "invalid_request"),
        ({"client_secret": ""}, 400, "invalid_request"),
    ],
)
def test_exchange_that_does_not_hold_is_refused_as_oauth_does(exchange, changes, status, error):
    answer = exchange(**changes)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize("spoiled", [{"client_secret": "x"}, {"grant_type": "x"}])
def test_code_is_not_used_up_by_who_is_not_the_business(exchange, decide, spoiled):
    code = decide()["code"]
    exchange(code, **spoiled)

    assert exchange(code).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"a=%ff", "application/x-www-form-urlencoded"),
        (b"\xff=a", "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded"),
        (b"&".join([b"a=b"] * 100), "application/x-www-form-urlencoded"),
    ],
)
@pytest.mark.parametrize("path", ["token", "authorize"])
def test_body_that_is_no_form_is_refused(call, path, body, kind):
    answer = call("POST", path, data=body, headers={"Content-Type": kind})

    assert answer.status_code == 400


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic eDp5"])
def test_user_record_needs_a_token(call, authorization):
    answer = call("GET", "userinfo", headers={"Authorization": authorization})

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_user_record_needs_a_token_that_holds(call):
    answer = call("GET", "userinfo", headers={"Authorization": "Bearer x"})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_reset_makes_codes_and_tokens_void(emulator, exchange, decide, call, web):
    code, token = decide()["code"], exchange().json()["access_token"]

    web.post(f"{emulator.url}/emulator/reset", timeout=5)

    assert exchange(code).json()["error"] == "invalid_grant"
    user = call("GET", "userinfo", headers={"Authorization": f"Bearer {token}"})
    assert user.status_code == 401


def test_journal_holds_nothing_private(exchange, decide, call, journal):
    call("GET", "authorize", params=ASKED, headers={"Referer": BACK + "?code=x", "Cookie": "c=d"})
    code = decide()["code"]
    token = exchange(code, extra="hidden").json()["access_token"]
    call("GET", "userinfo", headers={"Authorization": f"Bearer {token}"})

    exchanges = journal(direction="to_provider")

    assert [(e["method"], urlsplit(e["url"]).path, e["status"]) for e in exchanges] == [
        ("GET", "/oauth/authorize", 200),
        ("POST", "/oauth/authorize", 302),
        ("POST", "/oauth/token", 200),
        ("GET", "/oauth/userinfo", 200),
    ]
    assert exchanges[0]["url"].endswith("?…")
    assert exchanges[2]["fields"]["grant_type"] == "authorization_code"
    written = json.dumps(exchanges)
    for private in (code, token, SECRET, "hidden", "a-state", "code=x", "c=d"):
        assert private not in written


def test_refusal_is_in_the_journal_with_its_reason(exchange, journal):
    exchange(client_secret="x")

    noted = journal(direction="to_provider")[-1]

    assert (noted["status"], noted["rule"]) == (401, "invalid_client")
    assert "registered" in noted["reason"]


def test_fault_befalls_the_token_endpoint_and_the_code_still_holds(exchange, decide, order_fault):
    code = decide()["code"]
    order_fault("status", endpoint="token", status=500, retry_after="7")
    order_fault("garble", endpoint="token")

    failed, junk, fine = (exchange(code) for _ in range(3))

    assert (failed.status_code, failed.headers["Retry-After"]) == (500, "7")
    assert junk.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        junk.json()
    assert fine.status_code == 200


def test_fault_befalls_the_user_record(call, order_fault, journal):
    order_fault("status", endpoint="userinfo", status=429)

    assert call("GET", "userinfo").status_code == 429
    assert call("GET", "userinfo").status_code == 401
    assert journal(direction="to_provider")[0]["rule"] == "fault"


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
def test_connection_is_dropped(call, order_fault, endpoint, journal):
    order_fault("drop", endpoint=endpoint)

    with pytest.raises(requests.ConnectionError):
        call("POST" if endpoint == "token" else "GET", endpoint)
    assert journal(direction="to_provider")[-1]["status"] is None


def test_answer_is_delayed(call, order_fault):
    order_fault("delay", endpoint="userinfo", delay_s=0.2)
    started = time.monotonic()

    call("GET", "userinfo")

    assert time.monotonic() - started >= 0.2


NAMES = st.sampled_from([*ASKED, "decision", "login", "grant_type", "code", "client_secret", "x"])
GOOD = st.sampled_from([*ASKED.values(), "allow", "authorization_code", SECRET, "ava"])
PAIRS = st.lists(st.tuples(NAMES, GOOD | st.text(max_size=20)), max_size=10)


@pytest.fixture
def client(settings):
    client = create_app(Parts.from_settings(settings), frozenset({"localhost"})).test_client()
    client.environ_base["HTTP_HOST"] = "localhost"
    return client


@many(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=PAIRS, fixed=st.booleans(), junk=st.binary(max_size=50))
def test_nothing_that_is_sent_gives_a_500(client, pairs, fixed, junk):
    form = {**(ASKED if fixed else {}), **dict(pairs)}
    answers = [
        client.get("/oauth/authorize", query_string=form),
        client.post("/oauth/authorize", data=form),
        client.post("/oauth/token", data=form),
        client.post(
            "/oauth/token", data=junk, headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
        client.get("/oauth/authorize", query_string=junk.decode("latin-1")),
        client.get("/oauth/userinfo", headers={"Authorization": b"Bearer " + junk.hex().encode()}),
    ]

    assert {answer.status_code for answer in answers} <= {200, 302, 400, 401}
