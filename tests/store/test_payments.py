"""What holds of payments on SQLite alone; their promises are in the contract suite."""

import json
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from msp_server.errors import StoreError
from msp_server.messages.apple_pay import ApplePay, LineItem, PaymentEndpoints, ShippingMethod
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.opening import PaymentOpening
from msp_server.messages.payment import (
    PaymentChange,
    PaymentStatus,
    parse_authorisation,
)
from msp_server.store import opening
from msp_server.store.opening import open_store
from msp_server.store.payments import BUSY_LIMIT_S, Beginning
from msp_server.store.schema import PaymentState

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
TOKEN = "a-token-that-nobody-guesses"
NOW = 1_700_000_000.25
CLOSES_AT = NOW + 7200

#: What a device tells when it pays: nothing of it is to be kept.
SECRETS = ("PLANTED-PAYMENT-DATA", "PLANTED-CARD", "Marzipan", "90210", "ava@example.com", "555-01")
CONTACT = {
    "givenName": "Marzipan",
    "postalCode": "90210",
    "emailAddress": "ava@example.com",
    "phoneNumber": "555-01",
}
PAID = {
    "payment": {
        "paymentToken": {
            "paymentData": {"data": "PLANTED-PAYMENT-DATA"},
            "paymentMethod": {"displayName": "PLANTED-CARD", "type": "credit"},
        },
        "billingContact": CONTACT,
        "shippingContact": CONTACT,
        "paymentMethod": {"displayName": "PLANTED-CARD", "type": "credit"},
    }
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file, monkeypatch):
    monkeypatch.setattr(opening, "_BUSY_TIMEOUT_MS", 10)
    store = open_store(f"sqlite:///{file}")
    ask(store)
    yield store
    store.close()


def ask(store, message_id="ask", token=TOKEN):
    """Ask for a payment, and let its message be on its way."""
    content = ApplePay(
        "Your order",
        [LineItem("Kettle", Decimal("39"))],
        merchant_name="Example Shop",
        country="DE",
        currency="EUR",
        shipping_methods=[ShippingMethod("Standard", Decimal("4.90"), identifier="standard")],
        merchant_id="merchant.com.example.shop",
        endpoints=PaymentEndpoints.below("https://shop.example.com", token),
    )
    store.outbox.put(
        [
            OutboundMessage(
                message_id, BUSINESS, CUSTOMER, content, True, opening=PaymentOpening(token)
            )
        ],
        NOW,
    )
    store.payments.open(message_id, CLOSES_AT)


def kept(file, *columns):
    with closing(sqlite3.connect(file)) as other:
        return other.execute(f"SELECT {', '.join(columns)} FROM payments").fetchall()  # noqa: S608 - our own names


def on_disk(file):
    """Give every byte of the store's files."""
    return b"".join(each.read_bytes() for each in sorted(file.parent.glob(f"{file.name}*")))


def test_a_payment_is_committed_with_its_message(store, file):
    assert kept(file, "message_id", "token", "state") == [("ask", TOKEN, "ASKED")]


def test_the_bill_is_kept_in_texts_and_not_in_floats(store, file):
    [(asked, further, course)] = kept(file, "asked", "further", "course")

    assert json.loads(asked)["items"] == [{"label": "Kettle", "amount": "39.00", "type": "final"}]
    assert json.loads(asked)["shipping"][0]["amount"] == "4.90"
    assert (json.loads(further), json.loads(course)) == ({}, [[NOW, "asked", ""]])


def test_the_total_is_kept_as_it_was_authorised(store, file):
    store.payments.begin(TOKEN, "f", NOW)

    assert kept(file, "total", "busy_until") == [("43.90", NOW + BUSY_LIMIT_S)]


def test_a_message_that_is_not_committed_asks_for_no_payment(store, file):
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(
            "CREATE TRIGGER no BEFORE INSERT ON payments BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    with pytest.raises(StoreError):
        ask(store, "again", "other token")

    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT message_id FROM outbox").fetchall() == [("ask",)]


def test_an_authorisation_is_kept_over_a_restart(store, file):
    store.payments.begin(TOKEN, "f", NOW)
    store.payments.settle(TOKEN, "f", PaymentStatus.SUCCESS, NOW)
    store.close()

    restarted = open_store(f"sqlite:///{file}")

    assert restarted.payments.begin(TOKEN, "f", NOW) is Beginning.SAME
    assert restarted.payments.find(TOKEN).is_paid
    restarted.close()


def test_an_authorisation_that_a_process_died_in_is_charged_no_more(store, file):
    store.payments.begin(TOKEN, "f", NOW)
    store.close()

    restarted = open_store(f"sqlite:///{file}")
    with restarted.working(NOW + BUSY_LIMIT_S):
        assert restarted.payments.find(TOKEN).state is PaymentState.UNCLEAR
    assert restarted.payments.begin(TOKEN, "g", NOW) is Beginning.OVER
    restarted.close()


def test_two_processes_do_not_begin_the_same_authorisation(store, file):
    other = open_store(f"sqlite:///{file}")

    begun = [each.payments.begin(TOKEN, "f", NOW) for each in (store, other)]

    assert begun == [Beginning.BEGUN, Beginning.SAME]
    other.close()


def test_begin_raises_while_somebody_else_writes(store, file):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreError):
            store.payments.begin(TOKEN, "f", NOW)

    assert store.payments.begin(TOKEN, "f", NOW) is Beginning.BEGUN


def test_nothing_of_card_and_contacts_is_in_the_files(store, file):
    assert all(secret in str(PAID) for secret in SECRETS)
    authorisation = parse_authorisation(PAID)

    store.payments.change(TOKEN, PaymentChange.CARD, [LineItem("Fee", Decimal("0.50"))], NOW)
    store.payments.change(TOKEN, PaymentChange.ADDRESS, [], NOW)
    store.payments.begin(TOKEN, authorisation.fingerprint, NOW)
    store.payments.settle(TOKEN, authorisation.fingerprint, PaymentStatus.SUCCESS, NOW)
    store.payments.track(TOKEN, NOW)

    there = on_disk(file)
    assert authorisation.fingerprint.encode() in there
    assert [secret for secret in SECRETS if secret.encode() in there] == []
