import json
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from msp_server.delivery.completing import PAYMENT_LIMIT_S, SIGN_IN_LIMIT_S, Completing
from msp_server.errors import RemoteUnreachable, StoreError
from msp_server.messages.apple_pay import ApplePay, LineItem, PaymentEndpoints
from msp_server.messages.authenticate import Authenticate
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.opening import PaymentOpening, SignInOpening
from msp_server.messages.text import Text
from msp_server.remote.http import HttpClient
from msp_server.remote.merchant import Merchant
from msp_server.settings import ApplePaySettings
from msp_server.store.opening import open_store
from msp_server.wire.auth_keys import new_key_pair

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
NOW = 1_700_000_000.25
LEASE_S = 60
CLIENT_SECRET = "planted-client-secret"
SESSION = {"merchantSessionIdentifier": "planted-session", "signature": "äöü"}


@dataclass
class FakeMerchant:
    """Gives the session that a test says, or fails as it says."""

    session: dict = field(default_factory=lambda: SESSION)
    error: Exception | None = None
    asked: list = field(default_factory=list)

    def open_session(self, *asked):
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        return self.session


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file):
    store = open_store(f"sqlite:///{file}")
    yield store
    store.close()


@pytest.fixture
def merchant():
    return FakeMerchant()


@pytest.fixture
def completing(store, merchant):
    return Completing(store, merchant, CLIENT_SECRET, lambda: NOW)


@pytest.fixture
def put(store):
    """Give a function that puts a content in the outbox and claims it."""

    def claimed(content, opening=None):
        message = OutboundMessage("m", BUSINESS, CUSTOMER, content, True, opening=opening)
        store.outbox.put([message], NOW)
        return store.outbox.claim(NOW, LEASE_S)

    return claimed


def order():
    return ApplePay(
        "Ihre Bestellung",
        [LineItem("Wasserkocher für zwei", Decimal("39.00"))],
        merchant_name="Käthes Laden",
        country="DE",
        currency="EUR",
        merchant_id="merchant.com.example.shop",
        endpoints=PaymentEndpoints.below("https://msp.example.com", "token"),
    )


def sign_in(**flow):
    return Authenticate("Sign in", scope=("openid",), state="state", request_id="asked", **flow)


def new_flow():
    return sign_in(redirect_uri="https://msp.example.com/oauth/callback")


def old_flow():
    return sign_in(response_encryption_key=new_key_pair().public)


def data_in(packed):
    return json.loads(packed)["interactiveData"]["data"]


def on_disk(file):
    """Give every byte of the store's files."""
    return b"".join(each.read_bytes() for each in sorted(file.parent.glob(f"{file.name}*")))


def test_what_lacks_nothing_goes_as_it_was_laid_out(completing, put, merchant):
    entry = put(Text("Hi"))

    assert completing.complete(entry, entry.packed) == entry.packed
    assert merchant.asked == []


def test_the_repr_does_not_tell_the_client_secret(completing):
    assert CLIENT_SECRET not in repr(completing)


# Payments


def test_a_payment_goes_with_its_merchant_session_as_it_was_given(completing, put):
    entry = put(order(), PaymentOpening("token"))

    packed = completing.complete(entry, entry.packed)

    assert data_in(packed)["payment"]["merchantSession"] == SESSION


def test_a_payment_goes_with_all_else_as_it_was_laid_out(completing, put):
    entry = put(order(), PaymentOpening("token"))

    sent = json.loads(completing.complete(entry, entry.packed))
    del sent["interactiveData"]["data"]["payment"]["merchantSession"]

    assert sent == json.loads(entry.packed)


def test_a_session_is_asked_for_the_name_and_the_address_in_the_message(completing, put, merchant):
    entry = put(order(), PaymentOpening("token"))

    completing.complete(entry, entry.packed)

    assert merchant.asked == [("Käthes Laden", "https://msp.example.com/paymentGateway/token", "m")]


@pytest.mark.parametrize(
    ("session", "closes_at"),
    [
        (SESSION, NOW + PAYMENT_LIMIT_S),
        ({**SESSION, "expiresAt": 1_700_000_300_000}, 1_700_000_300.0),
        ({**SESSION, "expiresAt": "soon"}, NOW + PAYMENT_LIMIT_S),
    ],
    ids=["does not say", "says", "junk"],
)
def test_a_payment_can_be_made_until_its_session_ends(
    completing, put, store, merchant, session, closes_at
):
    merchant.session = session
    entry = put(order(), PaymentOpening("token"))

    completing.complete(entry, entry.packed)

    assert store.payments.find("token").expires_at == closes_at


def test_every_attempt_gets_a_session_of_its_own(completing, put, store, merchant):
    entry = put(order(), PaymentOpening("token"))
    completing.complete(entry, entry.packed)
    merchant.session = {"merchantSessionIdentifier": "newer", "expiresAt": 1_700_000_900_000}

    packed = completing.complete(entry, entry.packed)

    assert data_in(packed)["payment"]["merchantSession"] == merchant.session
    assert store.payments.find("token").expires_at == 1_700_000_900.0


def test_a_payment_at_addresses_of_others_gets_a_session_too(completing, put, store):
    entry = put(order())

    packed = completing.complete(entry, entry.packed)

    assert data_in(packed)["payment"]["merchantSession"] == SESSION
    assert store.payments.newest(1) == []


def test_a_payment_without_a_session_is_not_opened(completing, put, store, merchant):
    merchant.error = RemoteUnreachable("no answer", method="POST", address="https://apple")
    entry = put(order(), PaymentOpening("token"))

    with pytest.raises(RemoteUnreachable):
        completing.complete(entry, entry.packed)

    assert store.payments.find("token").expires_at is None


def test_a_session_is_not_kept(completing, put, store, file):
    entry = put(order(), PaymentOpening("token"))

    packed = completing.complete(entry, entry.packed)
    store.outbox.finish(entry, NOW)

    assert b"planted-session" in packed
    assert b"planted-session" not in on_disk(file)


def test_the_emulator_gives_a_session(store, put, apple):
    settings = ApplePaySettings(
        merchant_id="merchant.com.example.shop",
        domain="shop.example.com",
        session_url=f"{apple.url}/paymentservices/paymentSession",
    )
    completing = Completing(store, Merchant(settings, HttpClient()), "", lambda: NOW)
    entry = put(order(), PaymentOpening("token"))

    session = data_in(completing.complete(entry, entry.packed))["payment"]["merchantSession"]

    assert store.payments.find("token").expires_at == session["expiresAt"] / 1000


# Sign-ins


def test_a_sign_in_of_the_old_flow_goes_with_the_client_secret(completing, put):
    entry = put(old_flow(), SignInOpening("state", b"sealed"))

    packed = completing.complete(entry, entry.packed)

    assert data_in(packed)["authenticate"]["oauth2"]["clientSecret"] == CLIENT_SECRET


def test_a_sign_in_of_the_new_flow_goes_without_it(completing, put):
    entry = put(new_flow(), SignInOpening("state"))

    assert completing.complete(entry, entry.packed) == entry.packed


@pytest.mark.parametrize("flow", [old_flow, new_flow])
def test_a_sign_in_is_open_for_an_hour_from_when_it_is_sent(completing, put, store, flow):
    entry = put(flow(), SignInOpening("state"))

    completing.complete(entry, entry.packed)

    found = store.sign_ins.of_request(entry.conversation_id, "asked")
    assert found.expires_at == NOW + SIGN_IN_LIMIT_S


def test_the_client_secret_is_not_kept(completing, put, store, file):
    entry = put(old_flow(), SignInOpening("state", b"sealed"))

    packed = completing.complete(entry, entry.packed)
    store.outbox.finish(entry, NOW)

    assert CLIENT_SECRET.encode() in packed
    assert CLIENT_SECRET.encode() not in on_disk(file)


@pytest.mark.parametrize("content", [order(), new_flow()], ids=["payment", "sign-in"])
def test_what_the_store_does_not_note_does_not_go(completing, put, store, content):
    entry = put(content)
    with store._database.write() as connection:
        connection.exec_driver_sql("DROP TABLE payments")
        connection.exec_driver_sql("DROP TABLE sign_ins")

    with pytest.raises(StoreError):
        completing.complete(entry, entry.packed)
