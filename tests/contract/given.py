"""Stores in which something has happened, for the suites about looking after them."""

import json
from dataclasses import replace
from decimal import Decimal

from msp_server.messages.apple_pay import ApplePay, LineItem, PaymentEndpoints
from msp_server.messages.authenticate import Authenticate
from msp_server.messages.envelope import InboundMessage, OutboundMessage, parse_message
from msp_server.messages.opening import PaymentOpening, SignInOpening
from msp_server.messages.outgoing_file import OutgoingFile
from msp_server.messages.presence import Close
from msp_server.messages.text import Text

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
OTHER_CUSTOMER = "urn:mbid:bob"
NOW = 1_700_000_000.25
LEASE_S = 60
DAY_S = 86_400.0
FILE = OutgoingFile("f" * 32, "kettle.png", "image/png", 4, "00" + "0" * 64)


def receive(store, message_id, now=NOW, customer_id=CUSTOMER, content=None, packed=None):
    message = InboundMessage(message_id, BUSINESS, customer_id, content or Text("Hi"))
    body = json.dumps({"body": "Hi", "id": message_id}).encode() if packed is None else packed
    assert store.inbox.put(message, {"id": message_id}, body, now)


def close(store, message_id, now=NOW, customer_id=CUSTOMER):
    receive(store, message_id, now, customer_id, Close())


def receive_files(store, message_id, *names, now=NOW, customer_id=CUSTOMER):
    """Receive a message with files, and fetch them; give our own names of them."""
    attachments = [
        {
            "name": name,
            "mimeType": "image/png",
            "size": "4",
            "key": "00" + "0" * 64,
            "url": "https://example.com/1",
            "owner": "owner",
            "signature-base64": "AAAA",
        }
        for name in names
    ]
    fields = {"id": message_id, "type": "text", "body": "\ufffc", "attachments": attachments}
    headers = {"id": message_id, "source-id": customer_id, "destination-id": BUSINESS}
    message = parse_message(headers, fields)
    assert store.inbox.put(message, headers, json.dumps(fields).encode(), now)
    files = []
    while (fetch := store.fetches.claim(now, LEASE_S)) is not None:
        files.append(f"{fetch.seq:032x}")
        assert store.fetches.finish_file(fetch, files[-1], now)
    return files


def reply(message_id, body="Hello", customer_id=CUSTOMER):
    return OutboundMessage(message_id, BUSINESS, customer_id, Text(body), automated=True)


def reply_with_file(message_id, customer_id=CUSTOMER):
    return replace(reply(message_id, "\ufffc", customer_id), files=(FILE,))


def ask_to_pay(message_id, customer_id=CUSTOMER):
    content = ApplePay(
        "Your order",
        [LineItem("Kettle", Decimal("39"))],
        merchant_name="Example Shop",
        country="DE",
        currency="EUR",
        merchant_id="merchant.com.example.shop",
        endpoints=PaymentEndpoints.below("https://shop.example.com", message_id),
        request_id=f"order {message_id}",
    )
    opening = PaymentOpening(f"token of {message_id}")
    return replace(reply(message_id, customer_id=customer_id), content=content, opening=opening)


def ask_to_sign_in(message_id, customer_id=CUSTOMER):
    content = Authenticate(
        "Please sign in",
        scope=("openid",),
        state=f"state of {message_id}",
        redirect_uri="https://shop.example.com/oauth/callback",
        request_id="c0ffee00-0000-4000-8000-000000000007",
    )
    opening = SignInOpening(f"state of {message_id}")
    return replace(reply(message_id, customer_id=customer_id), content=content, opening=opening)


def claimed(entries, now=NOW):
    entry = entries.claim(now, LEASE_S)
    assert entry is not None
    return entry


def answer(store, *replies, now=NOW):
    """Answer the next received message that is due; give its id."""
    entry = claimed(store.inbox, now)
    assert store.inbox.finish(entry, replies, now)
    return entry.message_id


def bury(entries, now=NOW, reason="it would not go"):
    """Give the next entry up that is due; give its id."""
    entry = claimed(entries, now)
    assert entries.bury(entry, reason, now)
    return entry.message_id


def send_all(store, now=NOW):
    """Send what is due until nothing is; give the ids in that order."""
    sent = []
    while (entry := store.outbox.claim(now, LEASE_S)) is not None:
        assert store.outbox.finish(entry, now)
        sent.append(entry.message_id)
    return sent


def answer_all(store, now=NOW):
    """Answer with nothing what is due until nothing is; give the ids in that order."""
    answered = []
    while (entry := store.inbox.claim(now, LEASE_S)) is not None:
        assert store.inbox.finish(entry, [], now)
        answered.append(entry.message_id)
    return answered


def recorded(store, message_id):
    """Give what the history says of one message."""
    return next(one for one in store.history.newest(1000) if one.message_id == message_id)


def ids(store):
    """Give the ids of all messages there are."""
    return {one.message_id for one in store.history.newest(100_000)}
