"""How customers come back from the provider."""

import time
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from flask import Flask

from msp_server import Authenticate, SignInFailure
from msp_server.app import open_store_of
from msp_server.errors import AnswerUnreadable, RemoteRefused, RemoteUnreachable
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import new_message_id
from msp_server.messages.opening import SignInOpening
from msp_server.store.schema import SignInState
from msp_server.web import oauth
from msp_server.web.oauth import back_to_messages
from msp_server.web.refusals import answer_errors
from msp_server.web.slots import Slots

BACK = "https://shop.example.com/oauth/callback"
STATE = "s" * 32


@dataclass
class Provider:
    """A provider that answers as a test says."""

    user_record: object = field(default_factory=lambda: {"name": "Kim Example"})
    asked: list = field(default_factory=list)

    def exchange(self, code, redirect_uri, message_id):
        self.asked.append((code, redirect_uri))
        return "access"

    def user(self, token, message_id):
        self.asked.append(token)
        if isinstance(self.user_record, Exception):
            raise self.user_record
        return self.user_record


@dataclass
class Door:
    store: object
    provider: Provider
    web: object
    slots: Slots
    message_id: str

    def come_back(self, **query):
        return self.web.get("/oauth/callback", query_string={"state": STATE, **query})

    @property
    def record(self):
        conversation = self.store.conversations.find("urn:mbid:kim")
        return self.store.sign_ins.of_request(conversation.id, self.message_id)


@pytest.fixture
def door(settings):
    """A customer who was asked to sign in."""
    content = Authenticate("Sign in", scope=["openid"], state=STATE, redirect_uri=BACK)
    message = OutboundMessage(
        new_message_id(),
        settings.business_ids[0],
        "urn:mbid:kim",
        content,
        automated=True,
        opening=SignInOpening(STATE),
    )
    provider, slots = Provider(), Slots(1)
    with closing(open_store_of(settings)) as store:
        app = Flask(__name__)
        app.register_blueprint(oauth.blueprint(store.sign_ins, provider, BACK, slots))
        answer_errors(app)
        store.outbox.put([message], time.time())
        store.sign_ins.open(message.id, time.time() + 60)
        yield Door(store, provider, app.test_client(), slots, message.id)


def error_named(answer):
    assert answer.status_code == 302
    return answer.headers["Location"]


def test_code_is_exchanged_and_the_customer_goes_back_to_messages(door):
    answer = door.come_back(code="abc")

    assert error_named(answer) == "messages-auth://?status=success"
    assert door.provider.asked == [("abc", BACK), "access"]
    assert door.record.user == {"name": "Kim Example"}


def test_answer_is_not_kept_and_tells_no_other_site(door):
    answer = door.come_back(code="abc")

    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "query", [{"error": "access_denied"}, {}, {"code": ""}, {"code": "x" * 5000}]
)
def test_return_without_a_code_is_a_denial(door, query):
    answer = door.come_back(**query)

    assert error_named(answer) == "messages-auth://?status=error&error=denied"
    assert door.record.failure is SignInFailure.DENIED
    assert door.provider.asked == []


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        (RemoteUnreachable, SignInFailure.PROVIDER_UNREACHABLE),
        (RemoteRefused, SignInFailure.PROVIDER_REFUSED),
        (AnswerUnreadable, SignInFailure.PROVIDER_UNREADABLE),
    ],
)
def test_failure_of_the_provider_is_named(door, kind, failure):
    door.provider.user_record = kind("failed", method="GET", address="https://id.example.com")

    answer = door.come_back(code="abc")

    assert error_named(answer).startswith("messages-auth://?status=error&error=provider%20")
    assert (door.record.stage, door.record.failure) == (SignInState.ENDED, failure)


@pytest.mark.parametrize("state", ["", "other", "\0", "\ud83d", "x" * 20_000])
def test_unknown_state_is_a_page(door, state):
    query = {"state": state.encode("utf-8", "surrogatepass"), "code": "abc"}

    answer = door.web.get("/oauth/callback", query_string=query)

    assert answer.status_code == 400
    assert "none that was asked for" in answer.text
    assert door.provider.asked == []


def test_state_is_used_up(door):
    door.come_back(code="abc")

    again = door.come_back(code="def")

    assert "used%20before" in error_named(again)
    assert door.record.user == {"name": "Kim Example"}
    assert door.provider.asked == [("abc", BACK), "access"]


def test_state_expires(door):
    door.store.sign_ins.open(door.message_id, time.time() - 1)

    assert "expired" in error_named(door.come_back(code="abc"))
    assert door.record.failure is SignInFailure.EXPIRED


def test_who_finds_no_place_may_come_again(door):
    with door.slots.taken():
        busy = door.come_back(code="abc")

    assert busy.status_code == 503
    assert error_named(door.come_back(code="abc")) == "messages-auth://?status=success"


def test_query_is_in_no_log(door, caplog):
    door.come_back(code="planted-code")
    door.come_back(code="planted-code")
    door.web.get("/oauth/callback", query_string={"state": "planted-state", "code": "planted"})

    assert "planted" not in caplog.text
    assert STATE not in caplog.text


def test_reason_is_encoded_once():
    location = back_to_messages("50 % & more").headers["Location"]

    assert location == "messages-auth://?status=error&error=50%20%25%20%26%20more"
