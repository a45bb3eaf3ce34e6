"""Signing in, from the agent's message to the user record, in both flows, and all that can fail."""

import base64
import time

import pytest
import requests

from msp_server import Agent, Authenticate, AuthenticateResponse, SignInFailure, Text
from msp_server.delivery import signing_in
from msp_server.emulator.grants import Grants
from msp_server.remote import http
from msp_server.store.schema import SignInState

OLD = ["LIST", "TIME", "QUICK", "AUTH"]
NEW = ["LIST", "TIME", "QUICK", "AUTH2"]
NEITHER = ["LIST"]

agent = Agent("shop")


@agent.on(Text)
def ask(_text, _conversation):
    return Authenticate("Sign in to Example", name="sign in", fallback=Text("No way to sign in."))


@agent.on(AuthenticateResponse, to="sign in")
def tell(answered, _conversation):
    who = answered.user["name"] if answered.user else "nobody"
    return Text(f"{who}, {answered.failure}")


@agent.on(AuthenticateResponse)
def wonder(answered, _conversation):
    return Text(f"{answered.user}, {answered.failure}")


class Door:
    """A customer who was asked to sign in."""

    def __init__(self, apple, msp, phone):
        self.apple, self.msp, self.phone = apple, msp, phone
        self.phone.text("let me in")
        self.bubble = self.phone.wait_for_entries(1)[0]

    @property
    def data(self):
        return self.bubble["fields"]["interactiveData"]["data"]

    @property
    def state(self):
        return self.data["authenticate"]["oauth2"]["state"]

    def sign_in(self, **wish):
        return self.phone._post("sign_in", **wish)

    def come_back(self, **query):
        """Call the address that the provider sends customers back to."""
        url = f"{self.msp.url}/oauth/callback"
        return requests.Session().get(url, params=query, allow_redirects=False)

    def told(self):
        return self.phone.wait_for_bodies(1)

    def record(self):
        return self.msp.store.sign_ins.of_request(
            self.msp.store.conversations.newest().id, self.data["requestIdentifier"]
        )


@pytest.fixture
def doors(start_selling, apple, planted, monkeypatch):
    """Give a function that has a customer asked to sign in, whose device can show what is given."""
    for name in ("add_code", "add_token"):
        monkeypatch.setattr(Grants, name, _remembering(getattr(Grants, name), planted))
    unseal = signing_in.unseal

    def remember_key(sealed, key):
        private = unseal(sealed, key)
        planted.extend([private.hex(), private.decode("latin-1")])
        planted.append(base64.b64encode(private).decode())
        return private

    monkeypatch.setattr(signing_in, "unseal", remember_key)
    with start_selling(agent) as msp:
        yield lambda capabilities=NEW, name="kim": Door(
            apple, msp, apple.phone(name, capabilities=capabilities)
        )


def _remembering(add, planted):
    def remember(self, grant):
        name = add(self, grant)
        planted.append(name)
        return name

    return remember


@pytest.mark.parametrize(
    ("capabilities", "flow"), [(NEW, "AUTH2"), ([*OLD, "AUTH2"], "AUTH2"), (OLD, "AUTH")]
)
def test_agent_is_told_who_signed_in(doors, planted, capabilities, flow):
    door = doors(capabilities)

    done = door.sign_in()

    assert done["flow"] == flow
    assert door.told() == ["Kim Example, None"]
    record = door.record()
    assert (record.stage, record.user, record.sealed_key) == (SignInState.ENDED, None, None)
    assert len(planted) > 2


def test_device_is_sent_back_to_messages(doors):
    done = doors().sign_in()

    assert done["result"] == {"status": "success", "error": None}


def test_client_secret_goes_with_the_old_flow_alone(doors, apple):
    for name, capabilities in (("kim", OLD), ("lou", NEW)):
        doors(capabilities, name)

    old, new = (
        exchange["fields"]["interactiveData"]["data"]["authenticate"]["oauth2"]
        for exchange in apple.sends()
        if exchange["url"].endswith("/v1/authenticate")
    )

    assert {"clientSecret", "responseEncryptionKey"} <= old.keys()
    assert "redirectURI" not in old
    assert not {"clientSecret", "responseEncryptionKey"} & new.keys()
    assert new["redirectURI"].endswith("/oauth/callback")


def test_device_that_knows_neither_flow_gets_the_fallback(doors):
    phone = doors(NEITHER).phone

    assert phone.bodies() == ["No way to sign in."]


@pytest.mark.parametrize("order", ["callback_first", "message_first"])
def test_answer_and_return_may_come_in_either_order(doors, order):
    door = doors()

    door.sign_in(order=order)

    assert door.told() == ["Kim Example, None"]


def test_customer_is_told_once(doors, wait_for):
    door = doors()
    door.sign_in()
    door.told()
    answer = {"status": "success"}
    door.phone.raw({"type": "interactive", "interactiveData": _answering(door, answer)})
    wait_for(lambda: door.msp.store.history.newest(1)[0].state == "ANSWERED")

    assert door.told() == ["Kim Example, None"]


def _answering(door, answer):
    data = {
        "version": "1.0",
        "requestIdentifier": door.data["requestIdentifier"],
        "authenticate": answer,
    }
    return {"bid": door.bubble["fields"]["interactiveData"]["bid"], "data": data}


@pytest.mark.parametrize(
    ("capabilities", "do", "failure"),
    [
        (NEW, "deny", SignInFailure.DENIED),
        (NEW, "close", SignInFailure.CANCELLED),
        (NEW, "give_up", SignInFailure.REPORTED),
        (OLD, "deny", SignInFailure.DENIED),
        (OLD, "close", SignInFailure.REPORTED),
    ],
)
def test_customer_who_does_not_sign_in_is_a_failure(doors, capabilities, do, failure):
    door = doors(capabilities)

    door.sign_in(do=do)

    assert door.told() == [f"nobody, {failure}"]


def test_state_that_was_made_up_ends_on_a_page(doors):
    answer = doors().come_back(state="forged", code="any")

    assert answer.status_code == 400
    assert "none that was asked for" in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_return_with_a_forged_state_signs_nobody_in(doors, monkeypatch):
    monkeypatch.setattr(signing_in, "RETURN_LIMIT_S", 0.0)
    door = doors()

    door.sign_in(state="forged", order="callback_only")
    door.sign_in(order="message_only")

    assert door.told() == ["nobody, not returned"]


def test_state_is_good_once(doors):
    door = doors()
    door.sign_in(repeat=True)

    answer = door.come_back(state=door.state, code="again")

    assert door.told() == ["Kim Example, None"]
    assert answer.status_code == 302
    assert answer.headers["Location"] == (
        "messages-auth://?status=error&error=this%20sign-in%20was%20used%20before"
    )


def test_return_after_its_time_is_a_failure(doors):
    door = doors()
    door.msp.store.sign_ins.open(door.record().message_id, time.time() - 1)

    done = door.sign_in()

    assert done["result"]["status"] == "error"
    assert door.told() == ["nobody, expired"]


def test_answer_to_a_request_of_another_customer_is_a_failure(doors):
    kim, lou = doors(name="kim"), doors(name="lou")
    kim.sign_in(order="callback_only")

    forged = _answering(kim, {"status": "success"})
    lou.phone.raw({"type": "interactive", "interactiveData": forged})

    assert lou.told() == ["None, not asked"]
    kim.sign_in(order="message_only")
    assert kim.told() == ["Kim Example, None"]


EXCHANGE = [
    ({"do": "delay", "delay_s": 3, "endpoint": "token"}, SignInFailure.PROVIDER_UNREACHABLE),
    ({"do": "drop", "endpoint": "token"}, SignInFailure.PROVIDER_UNREACHABLE),
    ({"do": "status", "status": 503, "endpoint": "token"}, SignInFailure.PROVIDER_UNREACHABLE),
    ({"do": "status", "status": 400, "endpoint": "token"}, SignInFailure.PROVIDER_REFUSED),
    ({"do": "garble", "endpoint": "token"}, SignInFailure.PROVIDER_UNREADABLE),
]
RECORD = [
    ({"do": "delay", "delay_s": 3, "endpoint": "userinfo"}, SignInFailure.PROVIDER_UNREACHABLE),
    ({"do": "drop", "endpoint": "userinfo"}, SignInFailure.PROVIDER_UNREACHABLE),
    ({"do": "status", "status": 401, "endpoint": "userinfo"}, SignInFailure.PROVIDER_REFUSED),
    ({"do": "garble", "endpoint": "userinfo"}, SignInFailure.PROVIDER_UNREADABLE),
]


@pytest.mark.parametrize(
    ("capabilities", "fault", "failure"),
    [
        *((NEW, *each) for each in EXCHANGE + RECORD),
        *((OLD, *each) for each in RECORD),  # here Apple exchanges the code
    ],
)
def test_provider_that_fails_is_a_failure(doors, apple, monkeypatch, capabilities, fault, failure):
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.5)
    door = doors(capabilities)
    apple.fault(**fault)

    done = door.sign_in()

    assert door.told() == [f"nobody, {failure}"]
    assert capabilities is OLD or done["result"]["status"] == "error"


def test_token_for_another_key_is_a_failure(doors):
    door = doors(OLD)
    forged = base64.b64encode(b"\4" + bytes(200)).decode()
    answer = {"status": "authenticated", "token": forged}

    door.phone.raw({"type": "interactive", "interactiveData": _answering(door, answer)})

    assert door.told() == ["nobody, token unreadable"]
    assert door.record().sealed_key is None


def test_answer_to_nothing_is_a_failure(doors):
    door = doors()
    answering = _answering(door, {"status": "success"})
    answering["data"]["requestIdentifier"] = "never asked"

    door.phone.raw({"type": "interactive", "interactiveData": answering})

    assert door.told() == ["None, not asked"]
