import base64
import hashlib
import json
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from Crypto.Cipher import AES
from Crypto.PublicKey import ECC
from hypothesis import HealthCheck, given
from hypothesis import settings as many
from hypothesis import strategies as st

from msp_server.emulator import Emulator
from msp_server.emulator.app import Parts, create_app

STATE = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJ"
SECRET = "emulator-client-secret"
PRIVATE = ECC.generate(curve="p384")
CRYPTOR = "com.apple.icloud.messages.business.cryptor"


def public_key():
    x, y = (int(number).to_bytes(48) for number in (PRIVATE.pointQ.x, PRIVATE.pointQ.y))
    return base64.b64encode(b"\x04" + x + y).decode()


def decrypt(token):
    """Open what was encrypted to the key pair of these tests."""
    raw = base64.b64decode(token, validate=True)
    point, encrypted, tag = raw[:97], raw[97:-16], raw[-16:]
    x, y = int.from_bytes(point[1:49]), int.from_bytes(point[49:])
    theirs = ECC.construct(curve="p384", point_x=x, point_y=y)
    shared = int((theirs.pointQ * PRIVATE.d).x).to_bytes(48)
    derived = b"".join(
        hashlib.sha256(shared + counter.to_bytes(4) + point).digest() for counter in (1, 2)
    )
    cipher = AES.new(derived[:32], AES.MODE_GCM, nonce=derived[32:48])
    return cipher.decrypt_and_verify(encrypted, tag).decode()


@pytest.fixture
def ask(site, offer, interactive):
    """Ask to sign in, the newer way; the business's callback closes the sheet."""
    site.redirect("/callback", "messages-auth://?status=success")

    def ask(bubbles=None, **changes):
        oauth = {
            "responseType": "code",
            "scope": ["openid", "email"],
            "state": STATE,
            "redirectURI": f"{site.url}/callback",
        }
        return offer(interactive({"authenticate": {"oauth2": oauth | changes}}, **bubbles or {}))

    return ask


@pytest.fixture
def ask_older(offer, interactive):
    def ask(**changes):
        oauth = {
            "responseType": "code",
            "scope": ["openid"],
            "state": STATE,
            "clientSecret": SECRET,
            "responseEncryptionKey": public_key(),
        }
        return offer(interactive({"authenticate": {"oauth2": oauth | changes}}))

    return ask


@pytest.fixture
def sign_in(ava):
    """Sign in, and give what the emulator tells of it."""

    def sign_in(**fields):
        answer = ava.do("sign_in", **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return sign_in


def callbacks(site):
    return [query for method, path, query, _ in site.asked if path == "/callback"]


def told(msp):
    """Give the data of the message that reaches the MSP."""
    return msp.next().fields["interactiveData"]["data"]


def test_sign_in_goes_from_consent_to_callback_to_message(ask, sign_in, site, msp, emulator):
    ask()

    signed_in = sign_in()

    own = f"{emulator.url}/oauth/authorize"
    assert signed_in == {
        "flow": "AUTH2",
        "steps": [
            {"method": "GET", "address": own, "status": 200, "error": None},
            {"method": "POST", "address": own, "status": 302, "error": None},
            {"method": "GET", "address": f"{site.url}/callback", "status": 302, "error": None},
        ],
        "result": {"status": "success", "error": None},
        "authenticate": {"status": "success"},
        "message": signed_in["message"],
    }
    (query,) = callbacks(site)
    assert query.endswith(f"&state={STATE}")
    assert query.startswith("code=")
    received = msp.next()
    assert received.fields["id"] == signed_in["message"]["id"]
    data = received.fields["interactiveData"]["data"]
    assert data["authenticate"] == {"status": "success"}
    assert data["requestIdentifier"] == "c0ffee00-0000-4000-8000-000000000006"
    assert data["replyMessage"]["title"] == "Thank you"


def test_code_of_the_callback_leads_to_the_customers_record(ask, sign_in, site, emulator, web):
    ask()
    sign_in()
    code = callbacks(site)[0].partition("code=")[2].partition("&")[0]

    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{site.url}/callback",
        "client_id": "emulator",
        "client_secret": SECRET,
    }
    token = web.post(f"{emulator.url}/oauth/token", data=form, timeout=5).json()["access_token"]
    user = web.get(
        f"{emulator.url}/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=5
    )

    assert user.json()["given_name"] == "Ava"


def test_bubble_shows_the_answer(ask, sign_in, ava):
    ask()
    assert ava.transcript()["entries"][0]["shows"] == "sign_in"
    assert ava.transcript()["entries"][0]["answerable"] is True

    sign_in()

    bubble, reply = ava.transcript()["entries"]
    assert bubble["replied"]["title"] == "Thank you"
    assert (reply["shows"], reply["status"]) == ("sign_in", "accepted")


def test_failure_is_titled_so(ask, sign_in, ava, msp):
    ask()

    sign_in(do="close")

    assert ava.transcript()["entries"][0]["replied"]["title"] == "Authentication Failed"
    assert told(msp)["replyMessage"]["title"] == "Authentication Failed"


def test_success_without_a_bubble_of_its_own_is_titled(ask, sign_in, msp, set_switches):
    set_switches(check_vendor_limits=False)
    ask(bubbles={"replyMessage": None})

    sign_in()

    assert told(msp)["replyMessage"]["title"] == "Signed In"


def test_customer_who_denies_is_told_to_the_callback(ask, sign_in, site, msp):
    ask()
    site.redirect("/callback", "messages-auth://?status=error&error=access_denied")

    signed_in = sign_in(do="deny")

    assert callbacks(site) == [f"error=access_denied&state={STATE}"]
    assert signed_in["result"] == {"status": "error", "error": "access_denied"}
    assert told(msp)["authenticate"] == {"status": "failure", "error_code": "access_denied"}


UNDECIDED = {"close": "cancel", "give_up": "unknown"}


@pytest.mark.parametrize("do", UNDECIDED)
@pytest.mark.parametrize("order", ["callback_first", "message_first", "message_only"])
def test_customer_who_decides_nothing_calls_nothing_back(ask, sign_in, site, msp, do, order):
    ask()

    signed_in = sign_in(do=do, order=order)

    assert callbacks(site) == []
    assert [step["method"] for step in signed_in["steps"]] == ["GET"]
    assert signed_in["result"] is None
    assert told(msp)["authenticate"] == {"status": UNDECIDED[do]}


@pytest.mark.parametrize(
    "answer",
    [
        ("200 OK", {}, b"Signed in"),
        ("500 Internal Server Error", {}, b""),
        ("302 Found", {"Location": "messages-auth://?status=odd"}, b""),
        ("302 Found", {"Location": "http://192.0.2.1/"}, b""),
    ],
)
def test_sheet_that_does_not_close_properly_is_unknown(ask, sign_in, site, msp, answer):
    ask()
    site.pages["/callback"] = answer

    sign_in()

    assert told(msp)["authenticate"] == {"status": "unknown"}


def test_message_can_come_before_the_callback(ask, sign_in, site, msp):
    ask()
    seen = []

    def answer(query):
        seen.append(msp.received.qsize())
        return "302 Found", {"Location": "messages-auth://?status=error&error=late"}, b""

    site.pages["/callback"] = answer

    signed_in = sign_in(order="message_first")

    assert seen == [1]
    assert told(msp)["authenticate"] == {"status": "success"}
    assert signed_in["result"] == {"status": "error", "error": "late"}


def test_callback_comes_before_the_message_otherwise(ask, sign_in, site, msp):
    ask()
    seen = []

    def answer(query):
        seen.append(msp.received.qsize())
        return "302 Found", {"Location": "messages-auth://?status=success"}, b""

    site.pages["/callback"] = answer

    sign_in()

    assert (seen, msp.received.qsize()) == ([0], 1)


def test_callback_can_come_alone(ask, sign_in, site, msp):
    ask()

    signed_in = sign_in(order="callback_only")

    assert len(callbacks(site)) == 1
    assert signed_in["message"] is None
    assert msp.received.qsize() == 0


@pytest.mark.parametrize(
    ("do", "answer"),
    [
        ("allow", {"status": "success"}),
        ("deny", {"status": "failure", "error_code": "access_denied"}),
    ],
)
def test_message_can_come_alone(ask, sign_in, site, msp, do, answer):
    ask()

    sign_in(order="message_only", do=do)

    assert callbacks(site) == []
    assert told(msp)["authenticate"] == answer


def test_state_can_be_forged(ask, sign_in, site):
    ask()

    sign_in(state="some other&x=y")

    (query,) = callbacks(site)
    assert "state=some+other%26x%3Dy" in query
    assert STATE not in query
    assert "code=" in query


def test_callback_can_be_called_twice_and_the_first_answer_counts(ask, sign_in, site, msp):
    ask()
    closings = iter(["status=success", "status=error&error=again"])
    site.pages["/callback"] = lambda _: (
        "302 Found",
        {"Location": f"messages-auth://?{next(closings)}"},
        b"",
    )

    signed_in = sign_in(repeat=True)

    first, second = callbacks(site)
    assert first == second
    assert len(signed_in["steps"]) == 4
    assert told(msp)["authenticate"] == {"status": "success"}


def test_newest_request_is_meant_unless_one_is_named(ask, sign_in, site, ava):
    older = ask(state="the-older-state")
    ask()

    sign_in()
    sign_in(to=older)

    assert ["the-older-state" in query for query in callbacks(site)] == [False, True]


def test_more_parameters_reach_the_provider(ask, sign_in, msp):
    ask(additionalParameters="client_id=twice")

    signed_in = sign_in()

    assert signed_in["steps"][0]["status"] == 400
    assert "no form" in signed_in["steps"][0]["error"]
    assert told(msp)["authenticate"] == {"status": "unknown"}


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "maybe"},
        {"order": "any"},
        {"repeat": 1},
        {"state": 7},
        {"state": "x" * 5_000},
        {"to": 7},
        {"x": 1},
    ],
)
def test_wish_of_another_shape_is_refused(ask, ava, site, fields):
    ask()

    answer = ava.do("sign_in", **fields)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert site.asked == []


def test_nothing_to_sign_in_to_is_404(ava):
    assert ava.do("sign_in").status_code == 404


def test_device_that_cannot_show_it_calls_nobody(ask, ava, site, set_switches):
    set_switches(check_capabilities=False)
    ava.change(device="iphone-2018")
    ask()

    answer = ava.do("sign_in")

    assert answer.status_code == 400
    assert "another device" in answer.json()["error"]
    assert site.asked == []


def test_callback_elsewhere_is_not_called(ask, ava, msp):
    ask(redirectURI="https://msp.example.com/callback")

    answer = ava.do("sign_in")

    assert answer.status_code == 400
    assert "redirectURI is not called" in answer.json()["error"]
    assert msp.received.qsize() == 0


def test_msp_that_is_not_there_is_502(ask, ava, emulator):
    ask()
    emulator.msp_url = "http://127.0.0.1:1"

    answer = ava.do("sign_in")

    assert answer.status_code == 502
    assert answer.json()["result"]["status"] == "success"
    assert answer.json()["message"]["status"] is None


def test_callback_is_in_the_journal_without_its_query(ask, sign_in, site, journal):
    ask()
    sign_in()

    callback = journal(direction="to_msp")[0]

    assert (callback["method"], callback["status"]) == ("GET", 302)
    assert callback["url"] == f"{site.url}/callback?…"
    assert callback["customer"] == "ava"
    code = callbacks(site)[0].partition("code=")[2].partition("&")[0]
    assert code not in json.dumps(journal())


# The older flow.


def test_older_flow_ends_with_a_token_that_the_business_can_open(
    ask_older, sign_in, msp, emulator, web
):
    ask_older()

    signed_in = sign_in()

    assert signed_in["flow"] == "AUTH"
    own = f"{emulator.url}/oauth"
    assert [(step["method"], step["address"], step["status"]) for step in signed_in["steps"]] == [
        ("GET", f"{own}/authorize", 200),
        ("POST", f"{own}/authorize", 302),
        ("POST", f"{own}/token", 200),
    ]
    authenticate = told(msp)["authenticate"]
    assert authenticate.keys() == {"status", "token"}
    assert authenticate["status"] == "authenticated"
    token = decrypt(authenticate["token"])
    user = web.get(
        f"{own}/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=5
    ).json()
    assert user["given_name"] == "Ava"


def test_response_type_token_ends_the_same(ask_older, sign_in, msp):
    ask_older(responseType="token")

    sign_in()

    assert decrypt(told(msp)["authenticate"]["token"])


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("-----BEGIN", {"code": 1, "domain": CRYPTOR, "message": "Key is not UTF8"}),
        ("BAEC", {"code": 2, "domain": CRYPTOR, "message": "Failed creating key"}),
    ],
)
def test_unfit_key_is_accepted_and_fails_on_the_device(ask_older, sign_in, msp, key, error):
    ask_older(responseEncryptionKey=key)

    signed_in = sign_in()

    failed = {"status": "failed", "errors": [error]}
    assert signed_in["authenticate"] == failed
    data = told(msp)
    assert data["authenticate"] == failed
    assert data["replyMessage"]["title"] == "Authentication Failed"


@pytest.mark.parametrize("do", ["deny", "close", "give_up"])
def test_older_flow_fails_when_the_customer_does_not_allow(ask_older, sign_in, msp, do):
    ask_older()

    sign_in(do=do)

    authenticate = told(msp)["authenticate"]
    assert authenticate["status"] == "failed"
    assert authenticate["errors"][0]["message"]


def test_wrong_client_secret_fails(ask_older, sign_in, msp):
    ask_older(clientSecret="another")

    signed_in = sign_in()

    assert signed_in["steps"][-1]["status"] == 401
    assert told(msp)["authenticate"]["errors"][0]["message"] == "Failed getting token"


def test_junk_of_the_token_endpoint_fails(ask_older, sign_in, msp, order_fault):
    ask_older()
    order_fault("garble", endpoint="token")

    sign_in()

    assert told(msp)["authenticate"]["status"] == "failed"


@pytest.mark.parametrize("fields", [{"order": "message_first"}, {"state": "x"}, {"repeat": True}])
def test_older_flow_has_no_callback_to_play_with(ask_older, ava, fields, msp):
    ask_older()

    answer = ava.do("sign_in", **fields)

    assert answer.status_code == 400
    assert "older flow" in answer.json()["error"]
    assert msp.received.qsize() == 0


def test_client_secret_and_token_are_shown_nowhere(ask_older, sign_in, ava, msp, journal):
    ask_older()
    signed_in = sign_in()
    token = told(msp)["authenticate"]["token"]

    transcript = ava.transcript()
    assert signed_in["authenticate"] == {"status": "authenticated", "token": "…"}
    sent = transcript["entries"][0]["fields"]["interactiveData"]["data"]["authenticate"]
    assert sent["oauth2"]["clientSecret"] == "…"
    shown = json.dumps([signed_in, transcript, journal()])
    for private in (SECRET, token, decrypt(token)):
        assert private not in shown


LOGIN_PAGE = b"<form method=post><button name=ok value=allow></button></form>"


@pytest.fixture
def sign_in_at_site(settings, site, web, msp, interactive):
    """Sign in, the older way, at a provider that is registered; it sends a state back."""
    site.pages["/token"] = ("200 OK", {}, b'{"access_token": "theirs"}')
    oauth = {
        "responseType": "code",
        "state": STATE,
        "clientSecret": "s",
        "responseEncryptionKey": public_key(),
    }
    sent = interactive({"authenticate": {"oauth2": oauth}})
    registered = replace(
        settings,
        msp_url=msp.url,
        oauth_client_id="registered",
        oauth_url=f"{site.url}/login",
        oauth_token_url=f"{site.url}/token",
    )

    def sign_in(state):
        def log_in(query):
            if site.asked[-1][0] == "GET":
                return "200 OK", {}, LOGIN_PAGE
            back = parse_qs(query)["redirect_uri"][0]
            return "302 Found", {"Location": f"{back}?code=c&state={state}"}, b""

        site.pages["/login"] = log_in
        with Emulator(registered) as emulator:
            phones = emulator._parts.phones
            fields = {"type": "interactive", "interactiveData": sent}
            phones.receive(phones.find("ava"), "x", fields, None)
            url = f"{emulator.url}/customers/ava/sign_in"
            answer = web.post(url, json={}, timeout=5)
        assert answer.status_code == 200, answer.text
        return told(msp)["authenticate"]

    return sign_in


def test_another_provider_is_asked_where_one_is_registered(sign_in_at_site, site):
    authenticate = sign_in_at_site(STATE)

    assert decrypt(authenticate["token"]) == "theirs"
    assert "client_id=registered" in site.asked[0][2]
    assert "client_id=registered&client_secret=s" in site.asked[-1][3]


def test_state_of_another_ends_the_older_flow(sign_in_at_site, site):
    authenticate = sign_in_at_site("another")

    assert authenticate["status"] == "failed"
    assert "/token" not in [path for _, path, *_ in site.asked]


ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(STATE)
OAUTH = st.dictionaries(
    st.sampled_from(
        [
            *("responseType", "scope", "state", "redirectURI", "clientSecret"),
            *("responseEncryptionKey", "additionalParameters"),
        ]
    ),
    ANYTHING | st.lists(ANYTHING, max_size=2) | st.just("http://127.0.0.1:1/"),
)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "do": st.sampled_from(["allow", "deny", "close", "give_up"]),
        "order": st.sampled_from(["callback_first", "message_first", "callback_only"]),
        "state": st.text(max_size=5) | st.just("\ud800"),
        "repeat": st.booleans(),
    },
)


@many(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(oauth=OAUTH, wish=WISHES)
def test_no_shape_of_a_request_gives_a_500(settings, msp, interactive, oauth, wish):
    parts = Parts.from_settings(settings)
    parts.msp.url = msp.url
    client = create_app(parts, frozenset({"localhost", "127.0.0.1:1"})).test_client()
    fields = {
        "type": "interactive",
        "interactiveData": interactive({"authenticate": {"oauth2": oauth}}),
    }
    parts.phones.receive(parts.phones.find("ava"), "x", fields, None)

    answer = client.post(
        "/customers/ava/sign_in", data=json.dumps(wish), headers={"Host": "127.0.0.1:1"}
    )

    assert answer.status_code in {200, 400}
    assert client.get("/customers/ava/transcript", headers={"Host": "localhost"}).status_code == 200
    parts.mmcs.close()


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({}, {"do": "allow"}),
        ({"do": "deny", "repeat": True}, {"do": "deny", "repeat": True}),
        (
            {"order": "message_first", "state": "x"},
            {"do": "allow", "order": "message_first", "state": "x"},
        ),
    ],
)
def test_file_tells_how_it_was_signed_in(ask, ava, site, wish, told):
    ask()
    assert ava.do("sign_in", **wish).status_code == 200

    *_, done = ava.saved()

    assert (done["does"], done["to"], done["with"]) == ("sign_in", 1, told)


def test_older_flow_is_told_the_same(ask_older, ava):
    ask_older()
    ava.do("sign_in", do="deny")

    assert ava.saved()[-1]["with"] == {"do": "deny"}
