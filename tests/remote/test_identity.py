import json
import logging
import socket
import traceback
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from msp_server.errors import (
    AnswerUnreadable,
    RemoteBusy,
    RemoteError,
    RemoteRefused,
    RemoteUnreachable,
)
from msp_server.remote.http import HttpClient
from msp_server.remote.identity import TOKEN_LIMIT_BYTES, USER_LIMIT_BYTES, IdentityProvider
from msp_server.settings import SignInSettings

CODE = "c0de+/=&planted"
CLIENT_SECRET = "client&secret=planted"
ACCESS_TOKEN = "AQX.access-token_planted~+/=="
REDIRECT_URI = "https://msp.example.com/oauth/callback"
USER = {"sub": "42", "name": "Käthe", "email": "kaethe@example.com", "email_verified": True}
TOKEN = {"access_token": ACCESS_TOKEN, "expires_in": 5184000, "token_type": "Bearer"}
CALLS = {
    "exchange": lambda provider: provider.exchange(CODE, REDIRECT_URI, "m1"),
    "user": lambda provider: provider.user(ACCESS_TOKEN, "m1"),
}


@pytest.fixture
def settings(peer):
    return SignInSettings(
        token_url=f"{peer.url}/token?tenant=1",
        user_url=f"{peer.url}/userinfo",
        client_id="client",
        client_secret=CLIENT_SECRET,
    )


@pytest.fixture
def provider(settings):
    return IdentityProvider(settings, HttpClient(read_timeout_s=5))


@pytest.fixture(params=list(CALLS))
def call(request):
    """Give a call of either kind."""
    return CALLS[request.param]


def failure(call, provider):
    with pytest.raises(RemoteError) as failed:
        call(provider)
    return failed.value


def told(error):
    """Give everything that an error tells, to a log and to whoever looks inside."""
    return f"{vars(error)} {error!r} {''.join(traceback.format_exception(error))}"


# Exchange


def test_code_is_exchanged_as_a_form(provider, peer):
    peer.body = json.dumps(TOKEN).encode()

    provider.exchange(CODE, REDIRECT_URI, "m1")

    [asked] = peer.asked
    assert (asked.method, asked.path) == ("POST", "/token?tenant=1")
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.headers["Accept"] == "application/json"
    assert parse_qs(asked.body.decode(), strict_parsing=True) == {
        "grant_type": ["authorization_code"],
        "code": [CODE],
        "redirect_uri": [REDIRECT_URI],
        "client_id": ["client"],
        "client_secret": [CLIENT_SECRET],
    }


@pytest.mark.parametrize("code", ["\ud800", "Käthe\x00\r\n", "x" * 100_000])
def test_code_may_hold_anything(code, provider, peer):
    peer.body = json.dumps(TOKEN).encode()

    provider.exchange(code, REDIRECT_URI, "m1")

    [sent] = parse_qs(peer.asked[0].body.decode())["code"]
    assert sent == code.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("token", [ACCESS_TOKEN, "a", "x" * 16_000])
def test_exchange_gives_the_access_token(token, provider, peer):
    peer.body = json.dumps({**TOKEN, "access_token": token}).encode()

    assert provider.exchange(CODE, REDIRECT_URI, "m1") == token


@pytest.mark.parametrize(
    "token",
    [None, "", " ", "a b", "a\r\nb: c", "a\n", "Käthe", "\x7f", 1, True, [], {}, "x" * 16_001],
    ids=ascii,
)
def test_access_token_that_cannot_stand_in_a_header_is_unreadable(token, provider, peer):
    peer.body = json.dumps({"access_token": token}).encode()

    assert type(failure(CALLS["exchange"], provider)) is AnswerUnreadable


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("name", ["invalid_grant", "invalid_client", "invalid_request"])
def test_refusal_names_the_error_of_oauth(name, status, provider, peer):
    peer.status = status
    peer.body = json.dumps({"error": name, "error_description": f"{CODE} is used"}).encode()

    error = failure(CALLS["exchange"], provider)

    assert type(error) is RemoteRefused
    assert str(error) == f"POST {peer.url}/token: answered {status}: {name}"


@pytest.mark.parametrize("name", [CODE, ["invalid_grant"], {"invalid_grant": 1}, None, 7, ""])
def test_refusal_does_not_name_what_is_no_error_of_oauth(name, provider, peer):
    peer.status, peer.body = 400, json.dumps({"error": name}).encode()

    error = failure(CALLS["exchange"], provider)

    assert str(error) == f"POST {peer.url}/token: answered 400"


@pytest.mark.parametrize(
    ("body", "said"),
    [({"error": "invalid_grant"}, ": invalid_grant"), ({"error": "bad_verification_code"}, "")],
)
def test_error_with_a_good_status_is_a_refusal(body, said, provider, peer):
    peer.body = json.dumps(body).encode()

    error = failure(CALLS["exchange"], provider)

    assert type(error) is RemoteRefused
    assert str(error) == f"POST {peer.url}/token: answered 200{said}"


# User


def test_user_is_asked_for_with_the_access_token(provider, peer):
    provider.user(ACCESS_TOKEN, "m1")

    [asked] = peer.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/userinfo", b"")
    assert asked.headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert asked.headers["Accept"] == "application/json"


def test_user_is_given_as_the_provider_tells(provider, peer):
    peer.body = json.dumps(USER).encode()

    assert provider.user(ACCESS_TOKEN, "m1") == USER


def test_user_record_may_measure_its_limit(provider, peer):
    peer.body = b"{}".ljust(USER_LIMIT_BYTES)

    assert provider.user(ACCESS_TOKEN, "m1") == {}


@pytest.mark.parametrize("token", ["", "a b", "a\r\nb: c", "a\n", "Käthe", "\ud800", "x" * 16_001])
def test_user_is_not_asked_for_with_what_cannot_stand_in_a_header(token, provider, peer):
    error = failure(lambda provider: provider.user(token, "m1"), provider)

    assert (type(error), peer.asked) == (AnswerUnreadable, [])


# Both


@pytest.mark.parametrize("missing", ["token_url", "user_url"])
def test_provider_that_is_not_set_is_not_asked(missing, settings, peer):
    provider = IdentityProvider(replace(settings, **{missing: None}), HttpClient())
    call = CALLS["exchange" if missing == "token_url" else "user"]

    error = failure(call, provider)

    assert (type(error), peer.asked) == (RemoteRefused, [])
    assert f"MSP_OAUTH_{missing.upper()}" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, RemoteRefused),
        (400, RemoteRefused),
        (401, RemoteRefused),
        (403, RemoteRefused),
        (404, RemoteRefused),
        (408, RemoteBusy),
        (429, RemoteBusy),
        (500, RemoteBusy),
        (503, RemoteBusy),
    ],
)
def test_status_means_refused_or_busy(status, kind, call, provider, peer):
    peer.status = status

    error = failure(call, provider)

    assert (type(error), error.status, error.message_id) == (kind, status, "m1")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_not_followed(status, call, provider, peer):
    peer.status, peer.headers = status, {"Location": f"{peer.url}/elsewhere"}

    error = failure(call, provider)

    assert (type(error), len(peer.asked)) == (RemoteRefused, 1)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff", b"access_token=a&token_type=bearer", b'{"a":NaN}'],
)
def test_junk_is_unreadable(body, call, provider, peer):
    peer.body = body

    assert type(failure(call, provider)) is AnswerUnreadable


@pytest.mark.parametrize(
    ("name", "limit_bytes"), [("exchange", TOKEN_LIMIT_BYTES), ("user", USER_LIMIT_BYTES)]
)
def test_answer_larger_than_its_limit_is_unreadable(name, limit_bytes, provider, peer):
    peer.body = json.dumps(TOKEN).encode().ljust(limit_bytes + 1)

    assert type(failure(CALLS[name], provider)) is AnswerUnreadable


def test_answer_without_an_end_is_given_up(call, settings, peer):
    peer.body, peer.drips = b"{", True

    error = failure(call, IdentityProvider(settings, HttpClient(read_timeout_s=0.1)))

    assert type(error) is RemoteUnreachable


def test_provider_that_is_slow_is_unreachable(call, settings, peer):
    peer.silent = True

    error = failure(call, IdentityProvider(settings, HttpClient(read_timeout_s=0.05)))

    assert (type(error), error.message_id) == (RemoteUnreachable, "m1")


def test_provider_that_hangs_up_is_unreachable(call, provider, peer):
    peer.hangs_up = True

    assert type(failure(call, provider)) is RemoteUnreachable


def test_provider_that_is_not_there_is_unreachable(call, settings):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        gone = replace(settings, token_url=address, user_url=address)

        error = failure(call, IdentityProvider(gone, HttpClient()))

    assert type(error) is RemoteUnreachable


@pytest.mark.parametrize(
    "change",
    [
        {"status": 400},
        {"status": 401},
        {"status": 503},
        {"status": 302, "headers": {"Location": f"/?{CODE}"}},
        {"body": f'{{"access_token":"{ACCESS_TOKEN}'.encode()},
        {"body": b"\xff" + ACCESS_TOKEN.encode()},
        {"body": json.dumps([USER]).encode()},
        {"hangs_up": True},
    ],
    ids=range(8),
)
def test_nothing_secret_is_told_or_logged(change, call, provider, peer, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = (CODE, CLIENT_SECRET, ACCESS_TOKEN, USER["email"], "planted")
    peer.body = " ".join(secrets).encode()
    for name, value in change.items():
        setattr(peer, name, value)

    error = failure(call, provider)

    said = f"{told(error)} {caplog.text}"
    assert [secret for secret in secrets if secret in said] == []
    assert error.answer == ""


def test_access_token_of_no_use_is_not_told(provider, peer):
    peer.body = json.dumps({"access_token": f"{ACCESS_TOKEN} x", "error": CODE}).encode()

    error = failure(CALLS["exchange"], provider)

    assert type(error) is AnswerUnreadable
    assert "planted" not in told(error)
