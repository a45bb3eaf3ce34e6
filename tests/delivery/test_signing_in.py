import json
import logging
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from msp_server.delivery.signing_in import RETURN_LIMIT_S, SignedIn, SigningIn
from msp_server.errors import (
    AnswerUnreadable,
    RemoteBusy,
    RemoteRefused,
    RemoteUnreachable,
    StoreError,
)
from msp_server.messages.authenticate import Authenticate, AuthenticateResponse, SignInFailure
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.opening import SignInOpening
from msp_server.messages.text import Text
from msp_server.store.conversations import Changes
from msp_server.store.opening import open_store
from msp_server.store.schema import SignInState
from msp_server.store.sign_ins import Return
from msp_server.wire.auth_keys import seal

VECTORS = Path(__file__).parents[1] / "data" / "vectors" / "ecies-auth-token.json"
VECTOR, OTHER_VECTOR, *_ = json.loads(VECTORS.read_text("utf-8"))["vectors"]
PRIVATE = b64decode(VECTOR["private_scalar_base64"])
TOKEN, ACCESS_TOKEN = VECTOR["token_base64"], VECTOR["plaintext_utf8"]
BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
OTHER_CUSTOMER = "urn:mbid:bob"
NOW = 1_700_000_000.25
BACK_BY = NOW + 3600
LEASE_S = 60
SEALING_KEY, OLD_SEALING_KEY, OTHER_KEY = bytes(32), bytes(range(32)), b"k" * 32
USER = {"sub": "42", "name": "Ava"}
YES = AuthenticateResponse(status="success", request_id="asked")
YES_OLD = AuthenticateResponse(status="authenticated", request_id="asked", token=TOKEN)
CANCEL = AuthenticateResponse(status="cancel", request_id="asked")


@dataclass
class FakeProvider:
    """Gives the user that a test says, or fails as it says."""

    error: Exception | None = None
    asked: list = field(default_factory=list)

    def user(self, *asked):
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        return USER


@dataclass
class Clock:
    at: float = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file):
    store = open_store(f"sqlite:///{file}")
    yield store
    store.close()


@pytest.fixture
def provider():
    return FakeProvider()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def signing_in(store, provider, clock):
    return SigningIn(store, provider, [SEALING_KEY, OLD_SEALING_KEY], clock)


def ask(store, sealed_key=None, message_id="m"):
    """Ask the customer to sign in, by a message that was sent."""
    content = Authenticate(
        "Sign in", scope=("openid",), state="state", redirect_uri="https://a.example/back"
    )
    message = OutboundMessage(
        message_id,
        BUSINESS,
        CUSTOMER,
        content.identified("asked"),
        True,
        opening=SignInOpening("state", sealed_key),
    )
    store.outbox.put([message], NOW)
    store.sign_ins.open(message_id, BACK_BY)


def come_back(store, user=USER, failure=None):
    """Let the customer have come back from the provider."""
    record, came = store.sign_ins.take_back("state", NOW)
    assert came is Return.GOOD
    store.sign_ins.end(record, user, failure)


@pytest.fixture
def join(store, signing_in):
    """Give a function that joins a response which came at some time."""
    put = iter(range(100))

    def joined(response, customer_id=CUSTOMER, came_at=NOW):
        message_id = f"response {next(put)}"
        message = InboundMessage(message_id, BUSINESS, customer_id, Text("Hi"))
        store.inbox.put(message, {}, b"{}", came_at)
        entry = store.inbox.claim(came_at, LEASE_S)
        assert entry.message_id == message_id
        told = signing_in.join(response, entry.conversation_id, entry)
        changes = Changes(told_sign_in=None if told is None else told.sign_in)
        store.inbox.finish(entry, [], came_at, changes)
        return told

    return joined


def found(store):
    return store.sign_ins.of_request(store.conversations.find(CUSTOMER).id, "asked")


def outcome(told):
    return told.response.user, told.response.failure


# The new flow


def test_who_came_back_before_the_answer_is_told_with_it(store, join):
    ask(store)
    come_back(store)

    told = join(YES)

    assert outcome(told) == (USER, None)
    assert told.sign_in == found(store).seq


def test_what_the_device_said_is_told_too(store, join):
    ask(store)
    come_back(store)

    response = join(AuthenticateResponse(status="success", request_id="asked", title="Signed in"))

    assert (response.response.status, response.response.title) == ("success", "Signed in")


def test_why_nobody_came_back_is_told_with_the_answer(store, join):
    ask(store)
    come_back(store, None, SignInFailure.PROVIDER_REFUSED)

    assert outcome(join(YES)) == (None, SignInFailure.PROVIDER_REFUSED)


def test_an_answer_waits_for_who_is_still_coming_back(store, join):
    ask(store)

    assert join(YES) is None

    assert found(store).stage is SignInState.ASKED


def test_an_answer_waits_while_the_provider_is_asked(store, join):
    ask(store)
    store.sign_ins.take_back("state", NOW)

    assert join(YES) is None

    come_back_later = found(store)
    store.sign_ins.end(come_back_later, USER, None)
    assert outcome(join(YES)) == (USER, None)


@pytest.mark.parametrize("waited_s", [0, RETURN_LIMIT_S - 1, 1 - RETURN_LIMIT_S])
def test_an_answer_waits_no_longer_than_its_limit(store, join, clock, waited_s):
    ask(store)
    clock.at = NOW + waited_s

    assert join(YES) is None


@pytest.mark.parametrize("waited_s", [RETURN_LIMIT_S, 3600, -3600])
def test_who_does_not_come_back_in_time_is_not_waited_for_whatever_the_clock_says(
    store, join, clock, waited_s
):
    ask(store)
    clock.at = NOW + waited_s

    assert outcome(join(YES)) == (None, SignInFailure.NOT_RETURNED)

    assert store.sign_ins.take_back("state", NOW)[1] is Return.USED


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (CANCEL, SignInFailure.CANCELLED),
        (
            AuthenticateResponse(status="failure", detail="access_denied", request_id="asked"),
            SignInFailure.DENIED,
        ),
        (
            AuthenticateResponse(status="failed", detail="no key", request_id="asked"),
            SignInFailure.REPORTED,
        ),
        (AuthenticateResponse(status="", request_id="asked"), SignInFailure.REPORTED),
        (
            AuthenticateResponse(status="failed", token=TOKEN, request_id="asked"),
            SignInFailure.REPORTED,
        ),
    ],
    ids=["cancelled", "denied", "reported", "silent", "with a token"],
)
def test_a_failure_on_the_device_is_told_at_once(store, join, provider, response, failure):
    ask(store)

    assert outcome(join(response)) == (None, failure)

    assert (found(store).failure, provider.asked) == (failure, [])


def test_who_cancelled_cannot_come_back(store, join):
    ask(store)
    join(CANCEL)

    assert store.sign_ins.take_back("state", NOW)[1] is Return.USED


def test_the_agent_is_told_once(store, join):
    ask(store)
    come_back(store)
    join(YES)

    assert join(YES) == SignedIn(None)


def test_the_agent_is_told_once_of_a_failure(store, join):
    ask(store)
    join(CANCEL)

    assert join(YES) == SignedIn(None)


# Which sign-in it is


@pytest.mark.parametrize("request_id", [None, "never", "", "a\0b", "a" * 100_000])
def test_an_answer_to_what_was_not_asked_is_believed_of_nobody(store, join, request_id):
    ask(store)
    come_back(store)

    told = join(AuthenticateResponse(status="success", request_id=request_id))

    assert outcome(told) == (None, SignInFailure.NOT_ASKED)
    assert told.sign_in is None


def test_an_answer_of_another_customer_is_believed_of_nobody(store, join):
    ask(store)
    come_back(store)

    told = join(YES, OTHER_CUSTOMER)

    assert outcome(told) == (None, SignInFailure.NOT_ASKED)
    assert found(store).told_by is None


def test_a_user_in_the_answer_itself_is_not_believed(store, join):
    ask(store)
    claimed = AuthenticateResponse(status="cancel", request_id="asked", user={"sub": "1"})

    assert outcome(join(claimed)) == (None, SignInFailure.CANCELLED)


# The old flow


def test_the_token_of_the_old_flow_tells_who_signed_in(store, join, provider):
    ask(store, seal(PRIVATE, SEALING_KEY))

    told = join(YES_OLD)

    assert outcome(told) == (USER, None)
    assert provider.asked == [(ACCESS_TOKEN, "m")]


def test_a_key_that_was_used_is_forgotten(store, join):
    ask(store, seal(PRIVATE, SEALING_KEY))

    join(YES_OLD)

    assert found(store).sealed_key is None


def test_a_key_that_an_earlier_secret_encrypted_is_decrypted(store, join):
    ask(store, seal(PRIVATE, OLD_SEALING_KEY))

    assert outcome(join(YES_OLD)) == (USER, None)


def test_a_key_that_no_secret_decrypts_is_no_key(store, join, provider):
    ask(store, seal(PRIVATE, OTHER_KEY))

    assert outcome(join(YES_OLD)) == (None, SignInFailure.TOKEN_UNREADABLE)
    assert provider.asked == []


@pytest.mark.parametrize(
    "token",
    ["", "no Base64", TOKEN[:-8] + "AAAAAAA=", OTHER_VECTOR["token_base64"] + "AAAA", "AAAA"],
    ids=["empty", "text", "changed", "longer", "short"],
)
def test_a_token_that_does_not_hold_is_a_failure(store, join, provider, token):
    ask(store, seal(PRIVATE, SEALING_KEY))
    response = AuthenticateResponse(status="authenticated", request_id="asked", token=token)

    assert outcome(join(response)) == (None, SignInFailure.TOKEN_UNREADABLE)

    assert (provider.asked, found(store).sealed_key) == ([], None)


def test_a_token_after_the_key_was_forgotten_has_expired(store, join, provider):
    ask(store, seal(PRIVATE, SEALING_KEY))
    store.sign_ins.forget(BACK_BY)

    assert outcome(join(YES_OLD)) == (None, SignInFailure.EXPIRED)
    assert provider.asked == []


@pytest.mark.parametrize(
    ("came_at", "expected"),
    [(BACK_BY - 1, (USER, None)), (BACK_BY, (None, SignInFailure.EXPIRED))],
)
def test_a_token_counts_until_its_time_is_up(store, join, came_at, expected):
    ask(store, seal(PRIVATE, SEALING_KEY))

    assert outcome(join(YES_OLD, came_at=came_at)) == expected


def test_a_token_in_an_answer_of_the_new_flow_is_not_looked_at(store, join, provider):
    ask(store)

    assert outcome(join(YES_OLD)) == (None, SignInFailure.EXPIRED)
    assert provider.asked == []


def test_a_token_where_nobody_signs_in_any_more_has_expired(store):
    ask(store, seal(PRIVATE, SEALING_KEY))
    store.inbox.put(InboundMessage("1", BUSINESS, CUSTOMER, Text("Hi")), {}, b"{}", NOW)
    entry = store.inbox.claim(NOW, LEASE_S)
    signing_in = SigningIn(store, None, [SEALING_KEY], lambda: NOW)

    told = signing_in.join(YES_OLD, entry.conversation_id, entry)

    assert outcome(told) == (None, SignInFailure.EXPIRED)


def failed(kind):
    return kind("failed", method="GET", address="https://id.example.com/user")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (failed(RemoteUnreachable), SignInFailure.PROVIDER_UNREACHABLE),
        (failed(RemoteBusy), SignInFailure.PROVIDER_UNREACHABLE),
        (failed(RemoteRefused), SignInFailure.PROVIDER_REFUSED),
        (failed(AnswerUnreadable), SignInFailure.PROVIDER_UNREADABLE),
    ],
    ids=["unreachable", "busy", "refused", "unreadable"],
)
def test_a_provider_that_fails_is_a_failure(store, join, provider, error, failure):
    ask(store, seal(PRIVATE, SEALING_KEY))
    provider.error = error

    assert outcome(join(YES_OLD)) == (None, failure)

    assert found(store).failure is failure


def test_of_a_result_that_came_meanwhile_the_first_counts(store, join, provider):
    ask(store, seal(PRIVATE, SEALING_KEY))
    first = {"sub": "first"}

    def be_overtaken(*_asked):
        store.sign_ins.end(found(store), first, None)
        return USER

    provider.user = be_overtaken

    assert outcome(join(YES_OLD)) == (first, None)


# What is told to nobody else


def test_neither_token_nor_key_nor_user_is_logged(store, join, provider, caplog):
    caplog.set_level(logging.DEBUG)
    ask(store, seal(PRIVATE, SEALING_KEY))
    provider.error = failed(RemoteRefused)
    join(YES_OLD)

    assert "sign-in failed message_id='m'" in caplog.text
    for secret in (TOKEN, ACCESS_TOKEN, PRIVATE.hex(), VECTOR["private_scalar_base64"], "Ava"):
        assert secret not in caplog.text


def test_the_access_token_and_the_key_are_not_kept(store, join, file):
    ask(store, seal(PRIVATE, SEALING_KEY))
    join(YES_OLD)

    there = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert b"asked" in there
    for secret in (ACCESS_TOKEN.encode(), PRIVATE, VECTOR["private_scalar_base64"].encode()):
        assert secret not in there


def test_the_repr_tells_no_key(signing_in):
    assert repr(SEALING_KEY) not in repr(signing_in)


def test_what_the_store_does_not_note_is_not_told(store, join):
    ask(store)
    with store._database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE UPDATE ON sign_ins BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    with pytest.raises(StoreError):
        join(CANCEL)
