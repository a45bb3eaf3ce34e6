import json
import logging
import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

import pytest

from msp_server.delivery.completing import Completing
from msp_server.delivery.files import Files
from msp_server.delivery.sending import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    EncryptedFile,
    Sending,
    backoff_s,
    read_data_ref,
)
from msp_server.errors import (
    AddressRefused,
    AttachmentUnusable,
    CredentialsRefused,
    RemoteBusy,
    RemoteRefused,
    RemoteUnreachable,
    StoreError,
    UploadRefused,
)
from msp_server.messages.apple_pay import ApplePay, LineItem, PaymentEndpoints
from msp_server.messages.authenticate import Authenticate
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.opening import PaymentOpening, SignInOpening
from msp_server.messages.outgoing_file import OutgoingFile
from msp_server.messages.presence import Close
from msp_server.messages.text import Text
from msp_server.remote.answers import RETRY_AFTER_LIMIT_S
from msp_server.remote.http import HttpAnswer
from msp_server.remote.transfer import Stored
from msp_server.store import opening
from msp_server.store.opening import open_store
from msp_server.store.outbox import CLOSED
from msp_server.store.schema import OutboxState
from msp_server.wire.cipher import CHUNK_BYTES, decrypt, key_to_wire
from tests.conftest import DEADLINE_S, wait_for

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
OTHER_CUSTOMER = "urn:mbid:bob"
NOW = 1_700_000_000.25
LEASE_S = 60
GIVE_UP_S = 3600


class Clock:
    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at


@dataclass(frozen=True)
class Sent:
    headers: dict
    packed: bytes
    message_id: str
    endpoint: str = "message"


class FakeGateway:
    """Accepts messages, unless told what is to happen instead."""

    base_url = "https://gateway/v1"

    def __init__(self):
        #: Every attempt, accepted or not.
        self.attempts = []
        #: What becomes of the next attempts: an error is raised, a function called.
        self.next = []
        #: What becomes of all attempts, where `next` says nothing.
        self.always = None
        #: What it says when it accepts.
        self.answer = b""

    def send(self, headers, packed, message_id, endpoint):
        self.attempts.append(Sent(headers, packed, message_id, endpoint))
        outcome = self.next.pop(0) if self.next else self.always
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            outcome()
        return HttpAnswer(200, {}, self.answer)

    @property
    def ids(self):
        return [attempt.message_id for attempt in self.attempts]


class FakeMerchant:
    """Opens sessions, each its own, unless told what is to happen instead."""

    def __init__(self):
        self.opened = 0
        self.next = []

    def open_session(self, _display_name, _gateway_address, _message_id):
        if self.next:
            raise self.next.pop(0)
        self.opened += 1
        return {"merchantSessionIdentifier": f"session {self.opened}"}


class FakeTransfer:
    """Apple's store, which does what a test says, and keeps what it is given."""

    def __init__(self):
        self.uploads = []
        self.next = []

    def upload(self, business_id, body, message_id):
        outcome = self.next.pop(0) if self.next else None
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            outcome()
        self.uploads.append((business_id, body.size_bytes, b"".join(body), message_id))
        return Stored(f"https://mmcs/{len(self.uploads)}", f"owner {len(self.uploads)}", "AQID")


def failed(kind, answer="", status=None, address="https://gateway/v1/message", **says):
    error = kind("it failed", method="POST", address=address, status=status, answer=answer)
    vars(error).update(says)
    return error


UNREACHABLE = failed(RemoteUnreachable)
UNANSWERED = failed(RemoteUnreachable, unsure=True)
BUSY = failed(RemoteBusy)
REFUSED = failed(RemoteRefused)
CREDENTIALS = failed(CredentialsRefused)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file, monkeypatch):
    monkeypatch.setattr(opening, "_BUSY_TIMEOUT_MS", 10)
    store = open_store(f"sqlite:///{file}")
    yield store
    store.close()


@pytest.fixture
def gateway():
    return FakeGateway()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def transfer():
    return FakeTransfer()


@pytest.fixture
def outgoing(tmp_path):
    return Files(tmp_path / "outgoing")


@pytest.fixture
def merchant():
    return FakeMerchant()


@pytest.fixture
def completing(store, merchant, clock):
    return Completing(store, merchant, "a client secret", clock)


@pytest.fixture
def sending(store, gateway, transfer, completing, outgoing, clock):
    return Sending(store, gateway, transfer, completing, outgoing, clock, GIVE_UP_S, note_limit_s=0)


@pytest.fixture
def second_worker(sending, file):
    """Make another that sends from the same store, as a process of its own would."""
    with closing(open_store(f"sqlite:///{file}")) as store:
        yield replace(sending, store=store)


@pytest.fixture(autouse=True)
def _no_chance(monkeypatch):
    """Let every delay be as long as it can be."""
    monkeypatch.setattr(random, "uniform", lambda _shortest, longest: longest)


@pytest.fixture
def queue(store):
    """Give a function that puts messages in the outbox."""

    def put(*message_ids, customer_id=CUSTOMER):
        messages = [
            OutboundMessage(name, BUSINESS, customer_id, Text(f"this is {name}"), True)
            for name in message_ids
        ]
        store.outbox.put(messages, NOW)
        return messages

    return put


def fail_until(sending, clock, end):
    """Let attempts fail, one after another, each after the longest delay that there is."""
    while clock.at < end:
        assert sending.send_next()
        clock.at = min(end, clock.at + RETRY_AFTER_LIMIT_S)


def send_all(sending):
    while sending.send_next(LEASE_S):
        pass


def close(store):
    store.inbox.put(InboundMessage("close", BUSINESS, CUSTOMER, Close()), {}, b"{}", NOW)


# What the gateway accepts


def test_send_next_finds_nothing_in_an_empty_outbox(sending):
    assert sending.send_next() is False


def test_send_next_tells_that_there_was_something(sending, queue):
    queue("a")

    assert sending.send_next() is True


def test_a_message_is_sent_as_it_was_laid_out(sending, gateway, queue):
    (message,) = queue("a")

    sending.send_next()

    assert gateway.attempts == [Sent(*message.to_wire(), "a")]


def test_an_accepted_message_is_sent(sending, store, queue):
    queue("a")

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.SENT, None)


def test_an_accepted_message_is_sent_once(sending, gateway, clock, queue):
    queue("a")
    sending.send_next()
    clock.at += 10 * LEASE_S

    sending.send_next()

    assert gateway.ids == ["a"]


def test_messages_of_a_conversation_are_sent_in_their_order(sending, gateway, queue):
    queue("c", "a", "b")

    send_all(sending)

    assert gateway.ids == ["c", "a", "b"]


def test_a_sent_message_is_logged_by_its_id(sending, queue, caplog):
    caplog.set_level(logging.DEBUG)
    queue("message 7")

    sending.send_next()

    assert "sent message_id='message 7' kind=Text attempts=1" in caplog.text


@pytest.mark.parametrize("outcome", [None, UNREACHABLE, BUSY, REFUSED, CREDENTIALS])
def test_the_log_does_not_tell_what_was_to_be_sent(sending, gateway, queue, caplog, outcome):
    caplog.set_level(logging.DEBUG)
    gateway.always = outcome
    queue("a")

    sending.send_next()

    assert "this is" not in caplog.text


# What may be accepted later


@pytest.mark.parametrize("error", [UNREACHABLE, BUSY], ids=["unreachable", "busy"])
def test_a_message_that_may_be_accepted_later_waits_with_the_reason(
    sending, store, gateway, queue, error
):
    gateway.always = error
    queue("a")

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.PENDING, str(error))


@pytest.mark.parametrize("error", [UNREACHABLE, BUSY], ids=["unreachable", "busy"])
def test_a_message_that_may_be_accepted_later_is_not_sent_before_its_delay(
    sending, gateway, clock, queue, error
):
    gateway.always = error
    queue("a")
    sending.send_next()
    clock.at += FIRST_DELAY_S - 0.25

    assert sending.send_next() is False


def test_a_message_that_may_be_accepted_later_is_sent_after_its_delay(
    sending, store, gateway, clock, queue
):
    gateway.next = [UNREACHABLE]
    queue("a")
    sending.send_next()
    clock.at += FIRST_DELAY_S

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.SENT, None)


def test_every_attempt_has_the_same_id_and_the_same_bytes(sending, gateway, clock, queue):
    gateway.next = [UNREACHABLE, BUSY, CREDENTIALS]
    queue("a")

    for _ in range(4):
        sending.send_next()
        clock.at += LEASE_S

    assert gateway.attempts == [gateway.attempts[0]] * 4


def test_order_is_kept_while_the_first_is_tried_again(sending, gateway, clock, queue):
    gateway.next = [UNREACHABLE, BUSY]
    queue("a", "b")

    for _ in range(4):
        send_all(sending)
        clock.at += LEASE_S

    assert gateway.ids == ["a", "a", "a", "b"]


def test_nothing_behind_the_first_is_sent_while_it_waits(sending, gateway, queue):
    gateway.next = [UNREACHABLE]
    queue("a", "b")

    send_all(sending)

    assert gateway.ids == ["a"]


def test_other_conversations_do_not_wait_for_one_that_fails(sending, gateway, queue):
    gateway.next = [UNREACHABLE]
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)

    send_all(sending)

    assert sorted(gateway.ids) == ["a", "b"]


def test_a_released_message_is_logged_by_its_id(sending, gateway, queue, caplog):
    gateway.always = BUSY
    queue("a")

    sending.send_next()

    assert "released message_id='a' attempts=1 unsure=0 again_in_s=0.5" in caplog.text


def test_a_gateway_that_says_when_is_not_asked_before(sending, gateway, clock, queue):
    gateway.next = [failed(RemoteBusy, delay_s=30)]
    queue("a")
    sending.send_next()
    clock.at += 29.75

    assert sending.send_next() is False


def test_a_gateway_that_says_when_is_asked_then(sending, gateway, clock, queue):
    gateway.next = [failed(RemoteBusy, delay_s=30)]
    queue("a")
    sending.send_next()
    clock.at += 30

    assert sending.send_next() is True


def test_a_gateway_that_says_at_once_is_given_time_all_the_same(sending, gateway, queue):
    gateway.next = [failed(RemoteBusy, delay_s=0)]
    queue("a")
    sending.send_next()

    assert sending.send_next() is False


def test_delays_between_attempts_are_doubled_up_to_the_longest(sending, gateway, clock, queue):
    gateway.always = UNREACHABLE
    queue("a")
    times = []

    while len(times) < 10:
        if sending.send_next():
            times.append(clock.at)
        clock.at += 0.25

    delays = [later - earlier for earlier, later in pairwise(times)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


# Giving up


def test_a_message_is_buried_once_it_failed_for_too_long(sending, store, gateway, clock, queue):
    gateway.always = UNREACHABLE
    queue("a")
    fail_until(sending, clock, NOW + GIVE_UP_S)

    sending.send_next()

    assert store.outbox.state("a") == (
        OutboxState.BURIED,
        f"given up after 3600 s (MSP_SEND_GIVE_UP_S): {UNREACHABLE}",
    )


def test_a_message_is_tried_again_as_long_as_there_is_time(sending, store, gateway, clock, queue):
    gateway.always = UNREACHABLE
    queue("a")
    sending.send_next()
    clock.at += GIVE_UP_S - 1.25

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.PENDING, str(UNREACHABLE))


def test_a_message_is_tried_until_there_is_no_time_and_no_longer(
    sending, store, gateway, clock, queue
):
    gateway.always = UNREACHABLE
    queue("a")

    while store.outbox.state("a")[0] is not OutboxState.BURIED:
        sending.send_next()
        clock.at += 1

    assert GIVE_UP_S <= clock.at - NOW <= GIVE_UP_S + 1


def test_a_wait_beyond_the_time_left_ends_with_it_in_a_last_attempt(
    sending, store, gateway, clock, queue
):
    gateway.next = [failed(RemoteBusy, delay_s=GIVE_UP_S + 1)]
    queue("a")
    sending.send_next()
    clock.at += GIVE_UP_S

    sending.send_next()

    assert store.outbox.state("a")[0] is OutboxState.SENT


def test_attempts_that_we_were_at_fault_for_make_a_message_wait_no_longer(
    sending, gateway, clock, queue, caplog
):
    gateway.next = [failed(CredentialsRefused)] * 8 + [UNREACHABLE]
    queue("a")

    while "released" not in caplog.text:
        sending.send_next()
        clock.at += 1

    assert "again_in_s=0.5" in caplog.text


def test_the_message_behind_one_given_up_is_sent(sending, gateway, clock, queue):
    gateway.next = [UNREACHABLE] * 13
    queue("a", "b")
    fail_until(sending, clock, NOW + GIVE_UP_S)

    send_all(sending)

    assert gateway.ids == [*["a"] * 13, "b"]


def test_a_clock_set_forward_buries_nothing_that_failed_for_a_moment(
    sending, store, gateway, clock, queue
):
    gateway.next = [UNREACHABLE, UNREACHABLE]
    queue("a")
    sending.send_next()
    clock.at += GIVE_UP_S

    sending.send_next()
    clock.at += LONGEST_DELAY_S
    sending.send_next()

    assert store.outbox.state("a")[0] is OutboxState.SENT


def test_a_clock_set_back_buries_nothing_that_failed_for_a_moment(
    sending, store, gateway, clock, queue
):
    gateway.next = [UNREACHABLE, UNREACHABLE]
    queue("a")
    sending.send_next()
    clock.at -= 3600

    sending.bring_forward()
    sending.send_next()
    clock.at += FIRST_DELAY_S
    sending.send_next()

    assert store.outbox.state("a")[0] is OutboxState.SENT


def test_a_clock_set_back_makes_a_message_fail_anew(sending, store, gateway, clock, queue):
    gateway.always = UNREACHABLE
    queue("a")
    sending.send_next()
    clock.at -= 3600
    sending.bring_forward()

    sending.send_next()

    clock.at += FIRST_DELAY_S
    assert sending.claim(LEASE_S).failing_since == clock.at - FIRST_DELAY_S


def test_a_clock_set_back_does_not_make_a_pause_longer(sending, gateway, clock, queue):
    gateway.next = [CREDENTIALS]
    queue("a")
    sending.send_next()
    clock.at -= 3600

    sending.bring_forward()

    assert sending.send_next()
    assert gateway.ids == ["a", "a"]


# What the gateway will never accept


def test_a_refused_message_is_buried_with_the_reason(sending, store, gateway, queue):
    gateway.next = [REFUSED]
    queue("a")

    sending.send_next()

    assert store.outbox.state("a") == (
        OutboxState.BURIED,
        f"the gateway will not accept it: {REFUSED}",
    )


def test_a_refused_message_is_buried_with_what_the_gateway_said(sending, store, gateway, queue):
    gateway.next = [failed(RemoteRefused, answer="no such customer")]
    queue("a")

    sending.send_next()

    assert store.outbox.state("a")[1].endswith(", which said: no such customer")


def test_the_log_does_not_tell_what_the_gateway_said(sending, gateway, queue, caplog):
    gateway.next = [failed(RemoteRefused, answer="no such customer")]
    queue("a")

    sending.send_next()

    assert "no such customer" not in caplog.text


def test_a_buried_message_is_logged_by_its_id(sending, gateway, queue, caplog):
    gateway.next = [REFUSED]
    queue("message 7")

    sending.send_next()

    assert "buried message_id='message 7' kind=Text" in caplog.text


def test_the_message_behind_a_refused_one_is_sent(sending, gateway, queue):
    gateway.next = [REFUSED]
    queue("a", "b")

    send_all(sending)

    assert gateway.ids == ["a", "b"]


def test_a_refused_message_is_not_buried_by_who_lost_its_claim(
    sending, store, gateway, clock, queue, caplog
):
    queue("a")

    def lose_claim_and_refuse():
        clock.at += LEASE_S
        store.outbox.claim(clock.at, LEASE_S)
        raise REFUSED

    gateway.next = [lose_claim_and_refuse]

    sending.send_next(LEASE_S)

    assert (store.outbox.state("a")[0], "buried" in caplog.text) == (OutboxState.CLAIMED, False)


# A token that is not accepted


def test_a_message_refused_for_our_token_waits_with_the_reason(sending, store, gateway, queue):
    gateway.always = CREDENTIALS
    queue("a")

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.PENDING, str(CREDENTIALS))


def test_nothing_is_claimed_while_our_token_is_refused(sending, gateway, queue):
    gateway.always = CREDENTIALS
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)
    sending.send_next()

    assert sending.claim(LEASE_S) is None


def test_sending_goes_on_after_the_pause(sending, gateway, clock, queue):
    gateway.next = [CREDENTIALS]
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)
    sending.send_next()
    clock.at += FIRST_DELAY_S

    send_all(sending)

    assert set(gateway.ids[1:]) == {"a", "b"}


def test_a_pause_grows_with_each_refusal_of_our_token(sending, gateway, clock, queue):
    gateway.always = CREDENTIALS
    queue("a")
    times = []

    while len(times) < 10:
        if sending.send_next():
            times.append(clock.at)
        clock.at += 0.25

    delays = [later - earlier for earlier, later in pairwise(times)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_pause_is_short_again_after_a_success(sending, gateway, clock, queue):
    gateway.next = [CREDENTIALS, CREDENTIALS, CREDENTIALS, None, CREDENTIALS]
    queue("a", "b")
    for _ in range(5):
        sending.send_next()
        clock.at += LEASE_S

    clock.at = clock.at - LEASE_S + FIRST_DELAY_S

    assert sending.claim(LEASE_S).message_id == "b"


def test_no_message_is_buried_however_long_our_token_is_refused(
    sending, store, gateway, clock, queue
):
    gateway.always = CREDENTIALS
    queue("a")
    for _ in range(5):
        sending.send_next()
        clock.at += 10 * GIVE_UP_S

    assert store.outbox.state("a")[0] is OutboxState.PENDING


def test_order_is_kept_while_our_token_is_refused(sending, gateway, clock, queue):
    gateway.next = [CREDENTIALS, CREDENTIALS]
    queue("a", "b")

    for _ in range(4):
        send_all(sending)
        clock.at += LEASE_S

    assert gateway.ids == ["a", "a", "a", "b"]


def test_the_log_says_what_to_look_at_when_our_token_is_refused(sending, gateway, queue, caplog):
    gateway.always = CREDENTIALS
    queue("a")

    sending.send_next()

    assert "check MSP_ID, MSP_SECRET and MSP_GATEWAY" in caplog.text


def test_a_success_of_what_was_under_way_before_does_not_end_the_pause(sending, gateway, queue):
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)

    def be_refused_meanwhile():
        gateway.next = [CREDENTIALS]
        sending.send_next()

    gateway.next = [be_refused_meanwhile]

    sending.send_next()

    assert (gateway.ids, sending.claim(LEASE_S)) == (["a", "b"], None)


def test_refusals_of_sends_under_way_together_count_as_one(sending, gateway, queue, caplog):
    for number in range(8):
        queue(str(number), customer_id=f"urn:mbid:{number}")
    entries = [sending.claim(LEASE_S) for _ in range(8)]
    gateway.always = CREDENTIALS

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sending.work, entries))

    assert caplog.text.count("pauses for 0.5 s") == 8


def test_every_worker_of_a_store_pauses_while_our_token_is_refused(
    sending, second_worker, gateway, clock, queue
):
    gateway.next = [CREDENTIALS]
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)
    sending.send_next()

    assert second_worker.claim(LEASE_S) is None

    clock.at += FIRST_DELAY_S
    assert second_worker.claim(LEASE_S) is not None


# A gateway that takes no more


TOO_MANY = failed(RemoteBusy, status=429)


def test_a_gateway_that_takes_no_more_for_a_while_holds_every_conversation(
    sending, gateway, clock, queue
):
    gateway.next = [failed(RemoteBusy, status=429, delay_s=30)]
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)
    sending.send_next()
    clock.at += 29.75

    assert sending.send_next() is False

    clock.at += 0.25
    send_all(sending)
    assert sorted(gateway.ids[1:]) == ["a", "b"]


def test_every_worker_of_a_store_waits_for_a_gateway_that_takes_no_more(
    sending, second_worker, gateway, clock, queue
):
    gateway.next = [failed(RemoteBusy, status=429, delay_s=30)]
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)
    sending.send_next()
    clock.at += 29.75

    assert second_worker.claim(LEASE_S) is None


def test_a_gateway_that_takes_no_more_and_says_nothing_else_holds_all_for_longer_each_time(
    sending, gateway, clock, queue
):
    gateway.always = TOO_MANY
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)
    times = []

    while len(times) < 6:
        if sending.send_next():
            times.append(clock.at)
        clock.at += 0.25

    assert [later - earlier for earlier, later in pairwise(times)] == [0.5, 1, 2, 4, 8]


def test_a_longer_wait_that_is_asked_for_during_a_pause_counts(sending, gateway, clock, queue):
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)
    first, second = sending.claim(LEASE_S), sending.claim(LEASE_S)
    gateway.next = [TOO_MANY, failed(RemoteBusy, status=429, delay_s=30)]

    sending.work(first)
    sending.work(second)
    clock.at += 29.75

    assert sending.claim(LEASE_S) is None


@pytest.mark.parametrize("status", [408, 500, 503])
def test_a_gateway_that_is_busy_with_one_message_holds_no_other_conversation(
    sending, gateway, queue, status
):
    gateway.next = [failed(RemoteBusy, status=status, delay_s=30)]
    queue("a")
    queue("b", customer_id=OTHER_CUSTOMER)

    send_all(sending)

    assert gateway.ids == ["a", "b"]


def test_another_server_that_takes_no_more_holds_no_other_conversation(
    sending, gateway, merchant, put, queue
):
    put(ORDER, PaymentOpening("token"))
    queue("b", customer_id=OTHER_CUSTOMER)
    merchant.next = [failed(RemoteBusy, status=429, delay_s=30, address="https://pay/session")]

    send_all(sending)

    assert gateway.ids == ["b"]


def test_a_message_that_was_too_many_fails_as_any_other(sending, store, gateway, queue):
    gateway.next = [TOO_MANY]
    queue("a")

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.PENDING, str(TOO_MANY))


def test_the_log_says_what_to_set_when_the_gateway_takes_no_more(sending, gateway, queue, caplog):
    gateway.next = [failed(RemoteBusy, status=429, delay_s=30)]
    queue("a")

    sending.send_next()

    assert "slowed message_id='a'; nothing is sent for 30.0 s" in caplog.text
    assert "set MSP_SENDS_PER_S" in caplog.text


# Attempts that nobody answered


def unsure(store):
    """Give how many attempts ended without an answer, by message id."""
    return {entry.message_id: entry.unsure for entry in store.history.newest(100)}


@pytest.mark.parametrize("outcome", [None, UNREACHABLE, BUSY, REFUSED, CREDENTIALS, TOO_MANY])
def test_a_message_whose_every_attempt_was_answered_or_never_went_is_sure(
    sending, store, gateway, queue, outcome
):
    gateway.next = [outcome]
    queue("a")

    sending.send_next()

    assert unsure(store) == {"a": 0}


def test_each_attempt_without_an_answer_is_counted(sending, store, gateway, clock, queue):
    gateway.next = [UNANSWERED, BUSY, UNANSWERED, UNREACHABLE]
    queue("a")

    for _ in range(5):
        sending.send_next()
        clock.at += LEASE_S

    assert store.outbox.state("a")[0] is OutboxState.SENT
    assert unsure(store) == {"a": 2}


def test_a_message_given_up_tells_that_it_may_have_been_accepted(
    sending, store, gateway, clock, queue, caplog
):
    gateway.always = UNANSWERED
    queue("a")
    fail_until(sending, clock, NOW + GIVE_UP_S)

    sending.send_next()

    assert store.outbox.state("a")[0] is OutboxState.BURIED
    assert unsure(store) == {"a": len(gateway.attempts)}
    assert f"buried message_id='a' kind=Text unsure={len(gateway.attempts)}" in caplog.text


def test_a_message_of_a_customer_who_left_tells_that_it_may_have_been_accepted(
    sending, store, gateway, queue
):
    def close_and_fail():
        close(store)
        raise UNANSWERED

    queue("a")
    gateway.next = [close_and_fail]

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)
    assert unsure(store)["a"] == 1


def test_what_a_message_needs_may_go_unanswered_and_the_message_is_sure(
    sending, store, merchant, transfer, put, queue_files
):
    queue_files()
    transfer.next = [failed(RemoteUnreachable, unsure=True, address="https://gateway/v1/preUpload")]
    sending.send_next()
    store.outbox.put(
        [
            OutboundMessage(
                "b", BUSINESS, OTHER_CUSTOMER, ORDER, True, opening=PaymentOpening("token")
            )
        ],
        NOW,
    )
    merchant.next = [failed(RemoteUnreachable, unsure=True, address="https://pay/session")]
    sending.send_next()

    assert unsure(store) == {"a": 0, "b": 0}


def test_a_claim_that_ended_without_word_is_counted(sending, store, clock, queue):
    queue("a")
    sending.claim(LEASE_S)
    clock.at += LEASE_S

    sending.send_next(LEASE_S)

    assert store.outbox.state("a")[0] is OutboxState.SENT
    assert unsure(store) == {"a": 1}


def test_the_log_tells_how_often_a_sent_message_went_unanswered(
    sending, gateway, clock, queue, caplog
):
    caplog.set_level(logging.INFO)
    gateway.next = [UNANSWERED]
    queue("a")
    sending.send_next()
    clock.at += FIRST_DELAY_S

    sending.send_next()

    assert "released message_id='a' attempts=1 unsure=1" in caplog.text
    assert "sent message_id='a' kind=Text attempts=2 unsure=1" in caplog.text


# A store that fails, and claims


@pytest.fixture
def locked_at_finish(file, gateway):
    """Let somebody else write in the store's file from the first send on."""
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    with closing(other):
        gateway.next = [lambda: other.execute("BEGIN IMMEDIATE")]
        yield other


def test_a_store_that_does_not_note_a_success_is_reported(sending, queue, locked_at_finish):
    queue("a")

    with pytest.raises(StoreError):
        sending.send_next(LEASE_S)


def test_a_store_that_fails_for_a_while_notes_a_success_in_the_end(
    sending, gateway, queue, locked_at_finish, caplog
):
    queue("a")
    patient = replace(sending, note_limit_s=DEADLINE_S)
    with ThreadPoolExecutor() as pool:
        sent = pool.submit(patient.send_next, LEASE_S)
        wait_for(lambda: "not noted yet message_id='a'" in caplog.text, "a failure")
        locked_at_finish.execute("ROLLBACK")
        assert sent.result(DEADLINE_S)

    assert len(gateway.attempts) == 1
    assert sending.store.outbox.state("a") == (OutboxState.SENT, None)


def test_what_the_store_did_not_note_is_sent_again_with_the_same_bytes(
    sending, gateway, clock, queue, locked_at_finish
):
    queue("a")
    with pytest.raises(StoreError):
        sending.send_next(LEASE_S)
    locked_at_finish.execute("ROLLBACK")
    clock.at += LEASE_S

    sending.send_next(LEASE_S)

    assert gateway.attempts == [gateway.attempts[0]] * 2


def test_what_the_store_did_not_note_is_not_sent_again_before_its_lease_ends(
    sending, clock, queue, locked_at_finish
):
    queue("a", "b")
    with pytest.raises(StoreError):
        sending.send_next(LEASE_S)
    locked_at_finish.execute("ROLLBACK")
    clock.at += LEASE_S - 1

    assert sending.send_next(LEASE_S) is False


def test_extend_keeps_the_claim(sending, clock, queue):
    queue("a")
    entry = sending.claim(LEASE_S)
    clock.at += LEASE_S - 1

    sending.extend(entry, LEASE_S)

    clock.at += LEASE_S - 1
    assert sending.claim(LEASE_S) is None


# A customer who leaves


def test_a_send_accepted_while_the_customer_leaves_is_sent(sending, store, gateway, queue):
    queue("a")
    gateway.next = [lambda: close(store)]

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.SENT, None)


@pytest.mark.parametrize("error", [UNREACHABLE, BUSY, CREDENTIALS], ids=lambda e: type(e).__name__)
def test_a_send_that_fails_while_the_customer_leaves_is_buried(
    sending, store, gateway, queue, error
):
    def close_and_fail():
        close(store)
        raise error

    queue("a")
    gateway.next = [close_and_fail]

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)


def test_nothing_is_sent_once_the_customer_has_left(sending, store, gateway, clock, queue):
    queue("a", "b")
    gateway.next = [UNREACHABLE]
    sending.send_next()
    close(store)
    clock.at += GIVE_UP_S

    send_all(sending)

    assert gateway.ids == ["a"]


# Delays


@pytest.mark.parametrize(("attempts", "delay_s"), [(1, 0.5), (2, 1), (7, 32), (8, 60), (9, 60)])
def test_backoff_is_doubled_up_to_the_longest(attempts, delay_s):
    assert backoff_s(attempts) == delay_s


def test_backoff_of_any_number_of_attempts_is_bounded():
    assert backoff_s(1_000_000) == LONGEST_DELAY_S


def test_backoff_is_shortened_by_up_to_half_by_chance(monkeypatch):
    bounds = []
    monkeypatch.setattr(random, "uniform", lambda *between: bounds.append(between) or 0.75)

    delay_s = backoff_s(3)

    assert (bounds, delay_s) == ([(0.5, 1)], 1.5)


# Files that go with a message

FILE_KEY = bytes(range(32))
PLAIN = b"this is a photo"


@pytest.fixture
def queue_files(store, outgoing):
    """Give a function that puts a message with files in the outbox, and gives their names."""

    def put(message_id="a", *bodies):
        files = []
        for number, body in enumerate(bodies or [PLAIN]):
            stored = outgoing.write([body])
            files.append(
                OutgoingFile(
                    stored.name, f"{number}.jpg", "image/jpeg", len(body), key_to_wire(FILE_KEY)
                )
            )
        text = Text("\ufffc" * len(files))
        message = OutboundMessage(
            message_id, BUSINESS, CUSTOMER, text, automated=True, files=tuple(files)
        )
        store.outbox.put([message], NOW)
        return [file.file for file in files]

    return put


def spooled(outgoing):
    return sorted(path.name for path in outgoing.directory.iterdir())


def test_a_file_is_uploaded_before_its_message_is_sent(sending, gateway, transfer, queue_files):
    transfer.next = [lambda: gateway.attempts.append("uploaded")]
    queue_files()

    sending.send_next()

    assert [getattr(each, "message_id", each) for each in gateway.attempts] == ["uploaded", "a"]


def test_a_file_is_uploaded_encrypted(sending, transfer, queue_files):
    queue_files()

    sending.send_next()

    ((business_id, size_bytes, encrypted, message_id),) = transfer.uploads
    assert (business_id, size_bytes, message_id) == (BUSINESS, len(PLAIN), "a")
    assert encrypted != PLAIN
    assert b"".join(decrypt([encrypted], FILE_KEY)) == PLAIN


def test_a_message_says_where_its_files_rest(sending, gateway, queue_files):
    queue_files("a", b"one", b"three")

    sending.send_next()

    attachments = json.loads(gateway.attempts[0].packed)["attachments"]
    assert attachments == [
        {
            "name": f"{number}.jpg",
            "mimeType": "image/jpeg",
            "size": size,
            "signature-base64": "AQID",
            "url": f"https://mmcs/{number + 1}",
            "owner": f"owner {number + 1}",
            "key": key_to_wire(FILE_KEY),
        }
        for number, size in enumerate(["3", "5"])
    ]


@pytest.mark.parametrize("error", [UNREACHABLE, BUSY, CREDENTIALS], ids=lambda e: type(e).__name__)
def test_a_file_is_uploaded_once_and_its_message_keeps_its_bytes(
    sending, gateway, transfer, clock, queue_files, error
):
    gateway.next = [error, error]
    queue_files()

    for _ in range(3):
        sending.send_next()
        clock.at += LEASE_S

    assert gateway.attempts == [gateway.attempts[0]] * 3
    assert len(transfer.uploads) == 1


def test_a_message_that_was_uploaded_keeps_its_bytes_when_the_worker_dies(
    sending, gateway, transfer, clock, queue_files
):
    queue_files()

    def die():
        raise KeyboardInterrupt

    gateway.next = [die]
    with pytest.raises(KeyboardInterrupt):
        sending.send_next(LEASE_S)
    clock.at += LEASE_S

    sending.send_next(LEASE_S)

    assert (gateway.attempts, len(transfer.uploads)) == ([gateway.attempts[0]] * 2, 1)


@pytest.mark.parametrize("kind", [UploadRefused, RemoteBusy, RemoteUnreachable, CredentialsRefused])
def test_an_upload_that_fails_starts_again_and_the_message_keeps_its_id(
    sending, gateway, transfer, clock, queue_files, kind
):
    transfer.next = [failed(kind)]
    queue_files()

    sending.send_next()
    clock.at += LEASE_S
    sending.send_next()

    assert (gateway.ids, len(transfer.uploads)) == (["a"], 1)


def test_an_upload_that_fails_at_the_second_file_starts_again_with_the_first(
    sending, gateway, transfer, clock, queue_files
):
    transfer.next = [None, failed(UploadRefused)]
    queue_files("a", b"one", b"two")

    sending.send_next()
    clock.at += LEASE_S
    sending.send_next()

    attachments = json.loads(gateway.attempts[0].packed)["attachments"]
    assert [each["url"] for each in attachments] == ["https://mmcs/2", "https://mmcs/3"]


def test_an_upload_that_fails_for_too_long_is_given_up(
    sending, store, gateway, transfer, clock, queue_files
):
    error = failed(UploadRefused)
    transfer.next = [error] * 13
    queue_files()
    fail_until(sending, clock, NOW + GIVE_UP_S)

    sending.send_next()

    assert store.outbox.state("a")[0] is OutboxState.BURIED
    assert gateway.attempts == []


def test_a_message_whose_upload_goes_nowhere_allowed_is_buried(
    sending, store, transfer, queue_files
):
    transfer.next = [failed(AddressRefused)]
    queue_files()

    sending.send_next()

    assert store.outbox.state("a")[0] is OutboxState.BURIED


def test_a_message_whose_file_is_gone_is_buried_with_the_reason(
    sending, store, gateway, outgoing, queue_files
):
    (name,) = queue_files()
    outgoing.remove(name)

    sending.send_next()

    state, reason = store.outbox.state("a")
    assert (state, gateway.attempts) == (OutboxState.BURIED, [])
    assert reason.startswith("its file cannot be had any more: cannot be read any more")


def test_the_message_behind_one_whose_file_is_gone_is_sent(
    sending, gateway, outgoing, queue, queue_files
):
    outgoing.remove(*queue_files("a"))
    queue("b")

    send_all(sending)

    assert gateway.ids == ["b"]


def test_files_are_removed_once_their_message_is_sent(sending, outgoing, queue_files):
    queue_files("a", b"one", b"two")

    sending.send_next()

    assert spooled(outgoing) == []


def test_files_are_removed_once_their_message_is_sent_at_last(
    sending, gateway, outgoing, clock, queue_files
):
    gateway.next = [BUSY]
    queue_files()
    sending.send_next()
    clock.at += LEASE_S

    sending.send_next()

    assert spooled(outgoing) == []


@pytest.mark.parametrize("kind", [UploadRefused, RemoteBusy, CredentialsRefused])
def test_files_stay_while_their_upload_fails(sending, transfer, outgoing, queue_files, kind):
    transfer.next = [failed(kind)]
    names = queue_files()

    sending.send_next()

    assert spooled(outgoing) == names


def test_who_lost_its_claim_while_uploading_sends_nothing_and_removes_nothing(
    sending, store, gateway, outgoing, queue_files
):
    def lose_claim():
        sending.now.at += LEASE_S
        assert store.outbox.claim(sending.now.at, LEASE_S) is not None

    sending.transfer.next = [lose_claim]
    names = queue_files()

    sending.send_next(LEASE_S)

    assert (gateway.attempts, spooled(outgoing)) == ([], names)


def test_who_lost_its_claim_while_the_gateway_accepted_says_so_and_removes_nothing(
    sending, store, gateway, outgoing, queue_files, caplog
):
    def lose_claim():
        sending.now.at += LEASE_S
        assert store.outbox.claim(sending.now.at, LEASE_S) is not None

    caplog.set_level(logging.INFO)
    gateway.next = [lose_claim]
    names = queue_files()

    sending.send_next(LEASE_S)

    assert spooled(outgoing) == names
    assert "claim lost message_id='a'" in caplog.text
    assert "sent message_id" not in caplog.text


def test_the_log_tells_neither_name_nor_key_of_a_file(sending, queue_files, caplog):
    caplog.set_level(logging.DEBUG)
    queue_files()

    sending.send_next()

    assert "uploaded message_id='a' size_bytes=15" in caplog.text
    for secret in ("0.jpg", FILE_KEY.hex(), "mmcs"):
        assert secret not in caplog.text


@pytest.mark.parametrize("size", [1, 16, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_an_encrypted_file_can_be_read_again_and_again(tmp_path, size):
    path = tmp_path / "plain"
    path.write_bytes(bytes(size))
    body = EncryptedFile(path, FILE_KEY)

    first, second = b"".join(body), b"".join(body)

    assert (body.size_bytes, len(first), first == second) == (size, size, True)


def test_an_encrypted_file_that_is_gone_says_so(tmp_path):
    with pytest.raises(AttachmentUnusable, match="cannot be read any more"):
        _ = EncryptedFile(tmp_path / "plain", FILE_KEY).size_bytes


# What the gateway keeps


def test_a_data_ref_is_kept_as_it_came(sending, store, gateway, file, queue):
    gateway.answer = b'{"dataRef": {"url": "https://mmcs/1", "size": 7, "key": "00AB"}}'
    queue("a")

    sending.send_next()

    with closing(sqlite3.connect(file)) as other:
        [(kept,)] = other.execute("SELECT data_ref FROM outbox").fetchall()
    assert json.loads(kept) == json.loads(gateway.answer)["dataRef"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"dataRef": null}',
        b'{"dataRef": {}}',
        b'{"dataRef": "x"}',
        b'{"dataRef": [1]}',
        b"[" * 60_000,
    ],
)
def test_an_answer_without_a_data_ref_is_an_acceptance_all_the_same(
    sending, store, gateway, queue, answer
):
    gateway.answer = answer
    queue("a")

    sending.send_next()

    assert store.outbox.state("a") == (OutboxState.SENT, None)
    assert read_data_ref(answer) is None


# What must not lie in the store


ORDER = ApplePay(
    "Your order",
    [LineItem("Kettle", Decimal("39.00"))],
    merchant_name="Example Shop",
    country="DE",
    currency="EUR",
    merchant_id="merchant.com.example.shop",
    endpoints=PaymentEndpoints.below("https://msp.example.com", "token"),
)
SIGN_IN = Authenticate(
    "Sign in", scope=("openid",), state="state", response_encryption_key="BAAA", request_id="asked"
)


@pytest.fixture
def put(store):
    """Give a function that puts one content in the outbox, with what it opens here."""

    def put_one(content, opening):
        store.outbox.put(
            [OutboundMessage("a", BUSINESS, CUSTOMER, content, True, opening=opening)], NOW
        )

    return put_one


def session_in(attempt):
    fields = json.loads(attempt.packed)
    return fields["interactiveData"]["data"]["payment"]["merchantSession"]


def test_a_payment_is_sent_with_its_session_and_opened(sending, gateway, store, put):
    put(ORDER, PaymentOpening("token"))

    sending.send_next()

    [attempt] = gateway.attempts
    assert session_in(attempt) == {"merchantSessionIdentifier": "session 1"}
    assert attempt.endpoint == "message"
    assert store.payments.find("token").takes_changes(NOW)


def test_a_payment_is_open_before_the_gateway_has_it(sending, gateway, store, put):
    put(ORDER, PaymentOpening("token"))
    opened = []
    gateway.next = [lambda: opened.append(store.payments.find("token").takes_changes(NOW))]

    sending.send_next()

    assert opened == [True]


def test_a_sign_in_is_sent_to_its_endpoint_with_the_client_secret(sending, gateway, store, put):
    put(SIGN_IN, SignInOpening("state", b"sealed"))

    sending.send_next()

    [attempt] = gateway.attempts
    assert attempt.endpoint == "authenticate"
    assert b'"clientSecret":"a client secret"' in attempt.packed
    found = store.sign_ins.of_request(store.conversations.find(CUSTOMER).id, "asked")
    assert found.expires_at > NOW


@pytest.mark.parametrize("error", [UNREACHABLE, BUSY], ids=["unreachable", "busy"])
def test_a_payment_without_a_session_waits_and_is_sent_later(
    sending, gateway, merchant, clock, put, error
):
    outbox = sending.store.outbox
    put(ORDER, PaymentOpening("token"))
    merchant.next = [error]

    sending.send_next()

    assert gateway.attempts == []
    assert outbox.state("a") == (OutboxState.PENDING, str(error))
    clock.at += FIRST_DELAY_S
    sending.send_next()
    assert outbox.state("a") == (OutboxState.SENT, None)


def test_a_payment_that_apple_pay_will_never_open_a_session_for_is_buried(
    sending, gateway, merchant, store, put
):
    put(ORDER, PaymentOpening("token"))
    merchant.next = [REFUSED]

    sending.send_next()

    assert (gateway.attempts, store.outbox.state("a")[0]) == ([], OutboxState.BURIED)
    assert not store.payments.find("token").takes_changes(NOW)


def test_a_payment_that_waits_for_a_session_holds_no_other_conversation(
    sending, gateway, merchant, put, queue
):
    put(ORDER, PaymentOpening("token"))
    merchant.next = [BUSY]
    queue("b", customer_id=OTHER_CUSTOMER)

    send_all(sending)

    assert gateway.ids == ["b"]


def test_a_second_attempt_has_the_same_id_and_a_session_of_its_own(sending, gateway, clock, put):
    put(ORDER, PaymentOpening("token"))
    gateway.next = [UNREACHABLE]

    sending.send_next()
    clock.at += FIRST_DELAY_S
    sending.send_next()

    assert gateway.ids == ["a", "a"]
    assert [session_in(each)["merchantSessionIdentifier"] for each in gateway.attempts] == [
        "session 1",
        "session 2",
    ]


def test_neither_session_nor_client_secret_is_kept(sending, gateway, file, put, store):
    gateway.answer = b'{"dataRef":{"url":"https://a.example"}}'
    put(ORDER, PaymentOpening("token"))
    store.outbox.put(
        [OutboundMessage("b", BUSINESS, CUSTOMER, SIGN_IN, True, opening=SignInOpening("state"))],
        NOW,
    )

    send_all(sending)

    assert gateway.ids == ["a", "b"]
    there = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert b"Kettle" in there
    assert b"session 1" not in there
    assert b"a client secret" not in there


@pytest.mark.parametrize("outcome", [None, UNREACHABLE, REFUSED, CREDENTIALS])
def test_neither_session_nor_client_secret_is_logged(sending, gateway, put, store, caplog, outcome):
    caplog.set_level(logging.DEBUG)
    gateway.always = outcome
    put(ORDER, PaymentOpening("token"))
    store.outbox.put(
        [
            OutboundMessage(
                "b", BUSINESS, OTHER_CUSTOMER, SIGN_IN, True, opening=SignInOpening("state")
            )
        ],
        NOW,
    )

    send_all(sending)

    assert "message_id='a'" in caplog.text
    assert "session 1" not in caplog.text
    assert "a client secret" not in caplog.text
    assert "/token" not in caplog.text
