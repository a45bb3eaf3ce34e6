import json
import math
import socket
import traceback
from dataclasses import replace

import pytest

from msp_server.errors import (
    AnswerUnreadable,
    RemoteBusy,
    RemoteError,
    RemoteRefused,
    RemoteUnreachable,
)
from msp_server.remote.http import HttpClient
from msp_server.remote.merchant import SESSION_LIMIT_BYTES, Merchant, expires_at
from msp_server.settings import ApplePaySettings

#: As in the samples of the tutorial.
SESSION = {
    "epochTimestamp": 1924992000000,
    "expiresAt": 1924999200000,
    "merchantSessionIdentifier": "SSH0EXAMPLE",
    "nonce": "0a1b2c3d",
    "merchantIdentifier": "5B0EXAMPLE",
    "displayName": "Käthes Laden",
    "initiative": "messaging",
    "initiativeContext": "https://pay.example.com/paymentGateway/t0ken",
    "signature": "308006092a" + "ab" * 4000,
    "signedFields": ["merchantIdentifier", "nonce"],
    "unknownToUs": {"deep": [1, 2.5, None, True]},
}
ASKED = ("Käthes Laden", "https://pay.example.com/paymentGateway/t0ken", "m1")


@pytest.fixture
def settings(peer):
    return ApplePaySettings(
        merchant_id="merchant.com.example.shop",
        domain="shop.example.com",
        session_url=f"{peer.url}/paymentservices/paymentSession",
    )


@pytest.fixture
def merchant(settings):
    return Merchant(settings, HttpClient(read_timeout_s=5))


def failure(merchant):
    with pytest.raises(RemoteError) as failed:
        merchant.open_session(*ASKED)
    return failed.value


# What is asked


def test_session_is_asked_for_as_the_tutorial_does(merchant, peer):
    merchant.open_session(*ASKED)

    [asked] = peer.asked
    assert (asked.method, asked.path) == ("POST", "/paymentservices/paymentSession")
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == {
        "merchantIdentifier": "merchant.com.example.shop",
        "domainName": "shop.example.com",
        "displayName": "Käthes Laden",
        "initiative": "messaging",
        "initiativeContext": "https://pay.example.com/paymentGateway/t0ken",
    }


@pytest.mark.parametrize("missing", ["merchant_id", "domain"])
def test_nobody_asks_for_a_session_without_being_a_merchant(missing, settings, peer):
    merchant = Merchant(replace(settings, **{missing: None}), HttpClient())

    error = failure(merchant)

    assert (type(error), peer.asked) == (RemoteRefused, [])
    assert "MSP_APPLE_PAY_MERCHANT_ID" in str(error)


# What is answered


@pytest.mark.parametrize("status", [200, 201])
def test_session_is_given_on_as_it_came(status, merchant, peer):
    peer.status, peer.body = status, json.dumps(SESSION).encode()

    assert merchant.open_session(*ASKED) == SESSION


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (302, RemoteRefused, False),
        (400, RemoteRefused, False),
        (404, RemoteRefused, False),
        (417, RemoteRefused, False),
        (401, RemoteBusy, True),
        (403, RemoteBusy, True),
        (408, RemoteBusy, True),
        (429, RemoteBusy, True),
        (500, RemoteBusy, True),
        (503, RemoteBusy, True),
    ],
)
def test_status_tells_whether_the_same_attempt_may_succeed_later(
    status, kind, retryable, merchant, peer
):
    peer.status = status

    error = failure(merchant)

    assert (type(error), error.retryable, error.status) == (kind, retryable, status)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_merchant_is_told_which_settings_to_look_at(status, merchant, peer):
    peer.status = status

    assert "MSP_APPLE_PAY_CERTIFICATE" in str(failure(merchant))


def test_busy_answer_tells_how_long_to_wait(merchant, peer):
    peer.status, peer.headers = 429, {"Retry-After": "30"}

    assert failure(merchant).delay_s == 30


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_not_followed(status, merchant, peer):
    peer.status, peer.headers = status, {"Location": f"{peer.url}/elsewhere"}

    error = failure(merchant)

    assert (type(error), len(peer.asked)) == (RemoteRefused, 1)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'"session"', b"{", b"\xff", b"<html>", b'{"a":NaN}']
)
def test_answer_that_is_no_object_is_unreadable(body, merchant, peer):
    peer.body = body

    error = failure(merchant)

    assert (type(error), error.retryable) == (AnswerUnreadable, True)


def test_session_may_measure_its_limit(merchant, peer):
    peer.body = b"{}".ljust(SESSION_LIMIT_BYTES)

    assert merchant.open_session(*ASKED) == {}


def test_larger_session_is_unreadable(merchant, peer):
    peer.body = b"{}".ljust(SESSION_LIMIT_BYTES + 1)

    assert type(failure(merchant)) is AnswerUnreadable


def test_apple_that_hangs_up_is_unreachable(merchant, peer):
    peer.hangs_up = True

    assert type(failure(merchant)) is RemoteUnreachable


def test_apple_that_is_slow_is_unreachable(settings, peer):
    peer.silent = True

    error = failure(Merchant(settings, HttpClient(read_timeout_s=0.05)))

    assert (type(error), error.message_id) == (RemoteUnreachable, "m1")


def test_apple_that_is_not_there_is_unreachable(settings):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/"

        error = failure(Merchant(replace(settings, session_url=address), HttpClient()))

    assert type(error) is RemoteUnreachable


def test_missing_certificate_is_tried_again(settings, peer, tmp_path):
    client = HttpClient(certificate=(tmp_path / "none.pem", None))

    error = failure(Merchant(settings, client))

    assert (type(error), peer.asked) == (RemoteUnreachable, [])
    assert "MSP_APPLE_PAY_CERTIFICATE" in str(error)


@pytest.mark.parametrize("spoil", [lambda body: body[:-1], lambda body: body + b"}"])
def test_error_does_not_tell_the_session(spoil, merchant, peer):
    peer.body = spoil(json.dumps(SESSION).encode())

    error = failure(merchant)

    told = f"{vars(error)} {''.join(traceback.format_exception(error))}"
    assert SESSION["merchantSessionIdentifier"] not in told
    assert SESSION["signature"][:20] not in told


@pytest.mark.parametrize("status", [302, 400, 403, 503])
def test_error_keeps_why_apple_refused_and_does_not_say_it(status, merchant, peer):
    peer.status, peer.body = status, b'{"statusMessage":"not authorized"}' + b" " * 500

    error = failure(merchant)

    assert (error.answer.strip(), len(error.answer)) == ('{"statusMessage":"not authorized"}', 200)
    assert "authorized" not in str(error)


# Its end


def test_session_says_when_it_ends():
    assert expires_at(SESSION) == 1924999200


@pytest.mark.parametrize(
    "value",
    [None, "1924999200000", True, 0, -1, 10**13, 10**400, math.nan, math.inf, -math.inf, [], {}],
    ids=str,
)
def test_session_that_does_not_say_when_it_ends_says_nothing(value):
    assert expires_at({"expiresAt": value}) is None


def test_session_without_an_end_says_nothing():
    assert expires_at({}) is None


@pytest.mark.parametrize("milliseconds", [1, 1500.5, 10**13 - 1])
def test_end_is_given_in_seconds(milliseconds):
    assert expires_at({"expiresAt": milliseconds}) == milliseconds / 1000
