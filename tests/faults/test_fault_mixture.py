"""Every fault that Apple's side can have, mixed at random, until each message has ended.

The mixture follows a seed, which stands in the test's name; threads add chance of their own.
"""

import random
import threading
from collections import Counter, defaultdict
from contextlib import ExitStack
from typing import get_args

import pytest
from sqlalchemy import select

from msp_server.emulator.fault_kinds import KINDS, Header
from msp_server.store.schema import CONVERSATIONS, INBOX, OUTBOX, InboxState, OutboxState
from tests.faults.conftest import size
from tests.faults.shop import FILE, NEW, carried, make_agent, shop_settings, when_ended
from tests.postgresql import own_schema

CUSTOMERS = ("kim", "lou", "mia", "noa")
#: How likely each fault befalls a request; several may be at one endpoint.
PROBABILITY = 0.05
#: How much each of the customers does.
DEEDS = size(12, 40)
SEEDS = [*range(size(2, 40))]
LIMIT_S = 90
STATUSES = (400, 401, 403, 404, 408, 429, 500, 503)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("msp_server.delivery.sending.FIRST_DELAY_S", 0.02)
    monkeypatch.setattr("msp_server.remote.http.READ_TIMEOUT_S", 1.0)


def order_every_fault(apple, source):
    """Order each fault at each of its endpoints, for as long as nobody takes it back."""
    for do, kind in KINDS.items():
        for endpoint in kind.endpoints:
            fields = {
                "status": {"status": source.choice(STATUSES), "retry_after": "0.1"},
                "delay": {"delay_s": 0.05},
                "drip": {"delay_s": 0.002},
                "no_header": {"header": source.choice(get_args(Header))},
            }.get(do, {})
            apple.fault(do, endpoint=endpoint, probability=PROBABILITY, **fields)


class Customer:
    """Somebody who writes, sends files, chooses, pays and signs in, and keeps the receipts."""

    def __init__(self, phone, seed):
        self.phone = phone
        self.receipts = []
        self._source = random.Random(seed)  # noqa: S311 - the same every time

    def live(self):
        for number in range(DEEDS):
            name = self._source.choice(("text", "text", "file", "menu", "photo", "pay", "sign_in"))
            getattr(self, f"_{name}")(number)

    def _say(self, words):
        self.receipts.append(self.phone.text(words))

    def _text(self, number):
        self._say(f"{self.phone.name} {number}")

    def _photo(self, _number):
        self._say("photo")

    def _file(self, number):
        files = [("file", (f"{number}.png", FILE, "image/png"))]
        url = f"{self.phone.url}/customers/{self.phone.name}/files"
        self.receipts.append(self.phone.web.post(url, files=files).json())

    def _menu(self, _number):
        self._say("menu")
        self._answer("choose", titles=["Apple"])

    def _pay(self, _number):
        self._say("pay")
        self._answer("pay")

    def _sign_in(self, _number):
        self._say("sign in")
        self._answer("sign_in")

    def _answer(self, deed, **fields):
        """Answer the newest bubble, if there is one that can be answered."""
        self.phone._post(deed, **fields)


def everything_ended(msp):
    rows = select(INBOX.c.seq).where(INBOX.c.state.in_([InboxState.RECEIVED, InboxState.CLAIMED]))
    with msp.store._database.read() as connection:
        return connection.execute(rows).first() is None and when_ended(msp)


def recorded(msp, customer_id):
    """Give what we have of a customer: received, and for the customer, each in order."""
    found = []
    with msp.store._database.read() as connection:
        for table in (INBOX, OUTBOX):
            rows = (
                select(table)
                .join(CONVERSATIONS, CONVERSATIONS.c.id == table.c.conversation_id)
                .where(CONVERSATIONS.c.customer_id == customer_id)
                .order_by(table.c.seq)
            )
            found.append(connection.execute(rows).all())
    return found


def assert_recorded_once(customer, received):
    """Hold what was acknowledged against what was recorded."""
    ids = [row.message_id for row in received]
    acknowledged = {r["id"] for r in customer.receipts if r.get("status") == 200}
    refused = {r["id"] for r in customer.receipts if r.get("status") not in {200, None}}
    assert len(set(ids)) == len(ids)
    assert acknowledged <= set(ids)
    assert not refused & set(ids)


def assert_answered_once_in_order(received, sent):
    """Hold each answer against the message it answers."""
    assert {row.state for row in received} <= {InboxState.ANSWERED}
    answers = Counter(row.answers for row in sent)
    texts = [row.message_id for row in received if row.kind == "Text"]
    assert [answers[message_id] for message_id in texts] == [1] * len(texts)
    assert max(answers.values(), default=1) == 1
    place = {row.message_id: row.seq for row in received}
    order = [place[row.answers] for row in sent]
    assert order == sorted(order)


def was_accepted(send):
    return send["status"] == 200 or "after it was accepted" in (send["reason"] or "")


def assert_ended_rightly(row, sends):
    """Hold how a message ended against what the gateway said."""
    statuses = [send["status"] for send in sends]
    assert len({carried(send) for send in sends}) <= 1
    if row.state == OutboxState.SENT:
        assert statuses[-1] == 200
        return
    assert row.state == OutboxState.BURIED
    if sends:
        (refused,) = {400, 404}.intersection(statuses)  # a busy or lost attempt ends nothing
        assert row.reason.startswith("the gateway will not accept it: ")
        assert f"answered {refused}, which said: A fault answered {refused}" in row.reason
    else:
        asked = "gateway" if row.kind == "Text" else "other side"
        assert row.reason.startswith(f"the {asked} will not accept it: ")
        assert ("/preUpload" if row.kind == "Text" else "/paymentSession") in row.reason


def assert_shown_in_order(phone, sent, sends_of):
    """Hold the phone against what was accepted: each message once, as it was decided."""
    accepted = [row.message_id for row in sent if any(map(was_accepted, sends_of[row.message_id]))]
    assert [entry["id"] for entry in phone.entries()] == accepted


@pytest.fixture(params=["sqlite", "postgresql"])
def changes(request, tmp_path):
    """Give the settings that name an empty database of each engine in turn."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield {}
        else:
            yield {"database_url": stack.enter_context(own_schema())}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_each_message_ends_once_in_order_and_says_why(
    apple, start_msp, wait_for, changes, seed
):
    apple.emulator._parts.faults._chance = random.Random(seed).random  # noqa: S311
    with start_msp(make_agent(), **shop_settings(apple), **changes) as msp:
        customers = [
            Customer(apple.phone(name, capabilities=NEW), seed + number)
            for number, name in enumerate(CUSTOMERS)
        ]
        order_every_fault(apple, random.Random(seed))  # noqa: S311 - the same every time
        threads = [threading.Thread(target=customer.live) for customer in customers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: everything_ended(msp), "the end of every message", LIMIT_S)

        sends_of = defaultdict(list)
        for send in apple.sends():
            if send["path"] in {"/v1/message", "/v1/authenticate"}:
                sends_of[send["id"]].append(send)
        faults = apple.web.get(f"{apple.url}/emulator/faults").json()["faults"]
        assert sum(fault["happened"] > 0 for fault in faults) >= 10
        for customer in customers:
            received, sent = recorded(msp, customer.phone.id)
            assert_recorded_once(customer, received)
            assert_answered_once_in_order(received, sent)
            for row in sent:
                assert_ended_rightly(row, sends_of[row.message_id])
            assert_shown_in_order(customer.phone, sent, sends_of)
