import hashlib

import pytest

from msp_server.emulator.checks import Refused
from msp_server.emulator.merchant_sessions import (
    SESSION_LIMIT,
    MerchantRequest,
    MerchantSessions,
)
from msp_server.emulator.pieces import Piece

ADDRESS = "https://pay.example.com/paymentGateway"
ASKED = MerchantRequest("merchant.com.example.shop", "Example Shop", ADDRESS)
NOON_S = 1_924_992_000.5


class Clock:
    now_s = NOON_S

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock):
    return MerchantSessions(clock)


def payment(session, address=ADDRESS):
    fields = {"merchantSession": session, "endpoints": {"paymentGatewayUrl": address}}
    return Piece(fields, "payment", "a page", vendor_limits=True)


def rule_of(sessions, *args):
    with pytest.raises(Refused) as caught:
        sessions.check(payment(*args))
    assert caught.value.status == 400
    return caught.value.rule


def test_session_says_who_asked_and_holds_for_two_hours(sessions):
    session = sessions.issue(ASKED)

    assert session["epochTimestamp"] == 1_924_992_000_500
    assert session["expiresAt"] == 1_924_999_200_500
    assert session["displayName"] == "Example Shop"
    assert session["initiative"] == "messaging"
    assert session["initiativeContext"] == ADDRESS
    digest = hashlib.sha256(b"merchant.com.example.shop").hexdigest()
    assert session["merchantIdentifier"].lower() == digest
    assert set(session["signedFields"]) < set(session)


def test_no_two_sessions_are_the_same(sessions):
    first, second = sessions.issue(ASKED), sessions.issue(ASKED)

    for key in ("nonce", "signature", "merchantSessionIdentifier"):
        assert first[key] != second[key]


def test_session_holds_until_it_expires(sessions, clock):
    session = sessions.issue(ASKED)

    clock.now_s = NOON_S + 7_199.999
    sessions.check(payment(dict(reversed(session.items()))))
    clock.now_s = NOON_S + 7_200
    assert rule_of(sessions, session) == "merchant-session-expired"


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "308006092a"},
        {"signature": ["x"]},
        {"expiresAt": 1},
        {"nonce": None},
        {"more": 1},
    ],
)
def test_changed_session_is_refused(sessions, changes):
    session = sessions.issue(ASKED) | changes

    assert rule_of(sessions, session) == "merchant-session-unknown"


def test_session_for_another_address_is_refused(sessions):
    session = sessions.issue(ASKED)

    assert rule_of(sessions, session, f"{ADDRESS}/other") == "merchant-session-context"


def test_cleared_and_oldest_sessions_are_void(sessions):
    first = sessions.issue(ASKED)
    later = [sessions.issue(ASKED) for _ in range(SESSION_LIMIT)]

    assert rule_of(sessions, first) == "merchant-session-unknown"
    sessions.check(payment(later[0]))
    sessions.clear()
    assert rule_of(sessions, later[0]) == "merchant-session-unknown"
