"""What the store promises, on every engine."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text, update

from msp_server.errors import ContentInvalid, StoreUnavailable
from msp_server.messages.apple_pay import ApplePay, LineItem, PaymentEndpoints, ShippingMethod
from msp_server.messages.authenticate import Authenticate, SignInFailure
from msp_server.messages.capability import Capability
from msp_server.messages.content import Unknown
from msp_server.messages.custom_app import CustomApp
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.invitation import Invitation, InvitationResponse
from msp_server.messages.list_picker import ListPicker, Section
from msp_server.messages.offer import make_offer
from msp_server.messages.opening import PaymentOpening, SignInOpening
from msp_server.messages.payment import PaymentChange, PaymentStatus
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.quick_reply import QuickReply, QuickReplyResponse
from msp_server.messages.reaction import Tapback
from msp_server.messages.text import Text
from msp_server.store.base import FAR_FUTURE_S, lock_conversation
from msp_server.store.conversations import Changes
from msp_server.store.inbox import BY_DESK, LEFT
from msp_server.store.opening import Store, open_store
from msp_server.store.outbox import CLOSED, ReusableMessage, SentMessage
from msp_server.store.payments import BUSY_LIMIT_S, Beginning
from msp_server.store.schema import (
    CONVERSATIONS,
    METADATA,
    InboxState,
    OutboxState,
    PaymentState,
    SignInState,
)
from msp_server.store.sign_ins import USER_LIMIT_S, Return
from msp_server.store.taps import REPEATED, SAME_TAP_S

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
OTHER_BUSINESS = "0f0e0d0c-0b0a-0908-0706-0504030201ff"
CUSTOMER = "urn:mbid:alice"
OTHER_CUSTOMER = "urn:mbid:bob"
NOW = 1_700_000_000.25
LATER = NOW + 100_000
LEASE_S = 60
DEADLINE_S = 30


def said(message_id, content=None, customer_id=CUSTOMER, business_id=BUSINESS, **hints):
    return InboundMessage(message_id, business_id, customer_id, content or Text("Hi"), **hints)


def reply(message_id, body="Hello", customer_id=CUSTOMER, business_id=BUSINESS):
    return OutboundMessage(message_id, business_id, customer_id, Text(body), automated=True)


def whose(customer_id):
    """Give the condition that a conversation is this customer's."""
    return CONVERSATIONS.c.customer_id == customer_id


def receive(store, message, now=NOW):
    return store.inbox.put(message, {"id": message.id}, b"{}", now)


def answer(store, *replies, now=NOW):
    """Answer the next received message that is due."""
    assert store.inbox.finish(claimed(store.inbox, now), replies, now)


def claimed(entries, now=NOW):
    """Claim the next entry, which must be there."""
    entry = entries.claim(now, LEASE_S)
    assert entry is not None
    return entry


def claimed_ids(entries, *times):
    """Try a claim at each of these times; give the ids claimed, None where nothing was due."""
    entries_then = [entries.claim(now, LEASE_S) for now in times]
    return [entry and entry.message_id for entry in entries_then]


def send_all(store, now=NOW):
    """Send what is due until nothing is; give the ids in that order."""
    sent = []
    while (entry := store.outbox.claim(now, LEASE_S)) is not None:
        assert store.outbox.finish(entry, now)
        sent.append(entry.message_id)
    return sent


def recorded(store, message_id):
    """Give what the history says of one message."""
    return next(one for one in store.history.newest(1000) if one.message_id == message_id)


def together(*acts):
    """Call all of these at the same moment, each in its own thread; give what they return."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        barrier.wait(DEADLINE_S)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts, timeout=DEADLINE_S))


@dataclass
class Box:
    """The inbox or the outbox, filled and worked off alike."""

    store: Store
    name: str

    @property
    def entries(self) -> Any:
        return getattr(self.store, self.name)

    def put(self, message_id, customer_id=CUSTOMER, now=NOW):
        if self.name == "inbox":
            receive(self.store, said(message_id, customer_id=customer_id), now)
        else:
            self.store.outbox.put([reply(message_id, customer_id=customer_id)], now)

    def finish(self, entry, now=NOW):
        if self.name == "inbox":
            return self.store.inbox.finish(entry, [], now)
        return self.store.outbox.finish(entry, now)


@dataclass
class Floor:
    """Workers who take entries out of a box until so many are done; sees who holds what."""

    box: Box
    wanted: int
    #: Ids in the order they were claimed, by conversation.
    order: dict = field(default_factory=lambda: defaultdict(list))
    #: Conversations that two workers held at the same time.
    shared: list = field(default_factory=list)

    def __post_init__(self):
        self._changed = threading.Condition()
        self._held = []
        self._done = 0

    def work(self):
        while not self._all_done():
            entry = self.box.entries.claim(NOW, LEASE_S)
            if entry is None:
                self._wait()
                continue
            self._start(entry)
            self._end(entry)
            assert self.box.finish(entry)
            self._count()

    def _all_done(self):
        with self._changed:
            return self._done == self.wanted

    def _wait(self):
        with self._changed:
            self._changed.wait_for(lambda: self._done == self.wanted, 0.005)

    def _start(self, entry):
        with self._changed:
            if entry.conversation_id in self._held:
                self.shared.append(entry.conversation_id)
            self._held.append(entry.conversation_id)
            self.order[entry.conversation_id].append(entry.message_id)

    def _end(self, entry):
        with self._changed:
            self._held.remove(entry.conversation_id)

    def _count(self):
        with self._changed:
            self._done += 1
            self._changed.notify_all()


@pytest.fixture(params=["inbox", "outbox"])
def box(request, store):
    return Box(store, request.param)


@pytest.fixture
def floor(box):
    """Let eight workers empty a box of fifty entries in ten conversations."""
    for number in range(50):
        box.put(f"{number:02}", customer_id=f"urn:mbid:{number % 10}")
    floor = Floor(box, wanted=50)
    together(*[floor.work] * 8)
    return floor


# Receiving


def test_put_tells_that_a_message_is_new(store):
    assert receive(store, said("1")) is True


def test_put_tells_that_an_id_was_seen_before(store):
    receive(store, said("1"))

    assert receive(store, said("1")) is False


def test_put_of_a_repeated_id_keeps_one_entry(store):
    receive(store, said("1"))

    receive(store, said("1", Text("something else")))

    assert len(store.history.newest(10)) == 1


def test_put_of_an_id_seen_from_another_customer_keeps_one_entry(store):
    receive(store, said("1"))

    new = receive(store, said("1", customer_id=OTHER_CUSTOMER))

    assert (new, len(store.history.newest(10))) == (False, 1)


def test_put_of_a_repeated_id_is_not_answered_again(store):
    receive(store, said("1"))
    answer(store)

    receive(store, said("1"))

    assert store.inbox.claim(LATER, LEASE_S) is None


def test_put_is_new_once_among_eight_at_the_same_moment(store):
    news = together(*[lambda: receive(store, said("1"))] * 8)

    assert sorted(news) == [False] * 7 + [True]


def test_put_is_new_once_among_eight_customers_at_the_same_moment(store):
    customers = [f"urn:mbid:{number}" for number in range(8)]

    news = together(
        *[lambda who=who: receive(store, said("1", customer_id=who)) for who in customers]
    )

    assert sorted(news) == [False] * 7 + [True]


def test_first_messages_at_the_same_moment_open_one_conversation(store):
    together(*[lambda name=name: receive(store, said(name)) for name in "12345678"])

    assert claimed_ids(store.inbox, NOW, NOW)[1] is None


def test_received_bytes_come_back_unchanged(store):
    packed = b"\x1f\x8b\x00" + bytes(range(256))

    store.inbox.put(said("1"), {}, packed, NOW)

    assert claimed(store.inbox).packed == packed


def test_received_headers_come_back_unchanged(store):
    headers = {"id": "1", "source-id": CUSTOMER, "capability-list": "LIST,é,\x00,\ud800"}

    store.inbox.put(said("1"), headers, b"{}", NOW)

    assert claimed(store.inbox).headers == headers


def test_claimed_entry_tells_its_id_and_kind(store):
    receive(store, said("1", Unknown("hologram")))

    entry = claimed(store.inbox)

    assert (entry.message_id, entry.kind) == ("1", "Unknown")


@pytest.mark.parametrize("typing", [TypingStart(), TypingEnd()], ids=["start", "end"])
def test_typing_is_recorded_as_answered(store, typing):
    receive(store, said("1", typing))

    noted = recorded(store, "1")

    assert (noted.state, noted.finished_at) == (InboxState.ANSWERED, NOW)


@pytest.mark.parametrize("typing", [TypingStart(), TypingEnd()], ids=["start", "end"])
def test_typing_is_never_claimed(store, typing):
    receive(store, said("1", typing))

    assert store.inbox.claim(LATER, LEASE_S) is None


# Claims and their leases, alike for both boxes


def test_nothing_is_claimed_from_an_empty_box(box):
    assert box.entries.claim(NOW, LEASE_S) is None


def test_a_message_is_claimed_from_the_moment_it_was_put(box):
    box.put("1", now=NOW)

    assert claimed_ids(box.entries, NOW - 0.25, NOW) == [None, "1"]


def test_a_claimed_entry_is_not_claimed_again(box):
    box.put("1")
    claimed(box.entries)

    assert box.entries.claim(NOW, LEASE_S) is None


def test_a_conversation_waits_for_its_claimed_entry(box):
    box.put("1")
    box.put("2")
    claimed(box.entries)

    assert box.entries.claim(NOW, LEASE_S) is None


def test_the_next_entry_is_due_once_the_one_before_is_finished(box):
    box.put("1")
    box.put("2")

    box.finish(claimed(box.entries))

    assert claimed_ids(box.entries, NOW) == ["2"]


def test_a_second_conversation_is_claimed_while_the_first_is_held(box):
    box.put("1")
    box.put("2", customer_id=OTHER_CUSTOMER)

    assert sorted(claimed_ids(box.entries, NOW, NOW)) == ["1", "2"]


def test_the_conversation_due_for_longest_is_claimed_first(box):
    box.put("1", now=NOW + 2)
    box.put("2", customer_id=OTHER_CUSTOMER, now=NOW + 1)

    assert claimed_ids(box.entries, NOW + 3, NOW + 3) == ["2", "1"]


def test_a_claim_tells_whether_something_else_was_due(box):
    box.put("1")
    box.put("2")
    box.put("3", customer_id=OTHER_CUSTOMER)

    assert [claimed(box.entries).more_due for _ in range(2)] == [True, False]


def test_what_is_due_later_is_not_due_beside_a_claim(box):
    box.put("1")
    box.put("2", customer_id=OTHER_CUSTOMER, now=NOW + 1)

    assert not claimed(box.entries).more_due


def test_a_message_put_while_its_conversation_is_held_does_not_end_the_claim(box):
    box.put("1")
    claimed(box.entries)

    box.put("2")

    assert box.entries.claim(NOW, LEASE_S) is None


def test_a_finished_entry_is_not_claimed_again(box):
    box.put("1")

    box.finish(claimed(box.entries))

    assert box.entries.claim(LATER, LEASE_S) is None


def test_a_message_put_after_all_were_finished_is_due(box):
    box.put("1")
    box.finish(claimed(box.entries))

    box.put("2")

    assert claimed_ids(box.entries, NOW) == ["2"]


def test_an_entry_whose_lease_ran_out_is_claimed_again(box):
    box.put("1")

    ids = claimed_ids(box.entries, NOW, NOW + LEASE_S - 0.25, NOW + LEASE_S)

    assert ids == ["1", None, "1"]


def test_each_claim_is_counted(box):
    box.put("1")
    claimed(box.entries)

    assert claimed(box.entries, NOW + LEASE_S).attempts == 2


def test_who_finishes_after_the_lease_is_told_so(box):
    box.put("1")
    late = claimed(box.entries)
    claimed(box.entries, NOW + LEASE_S)

    assert box.finish(late, NOW + LEASE_S) is False


def test_who_buries_after_the_lease_is_told_so(box):
    box.put("1")
    late = claimed(box.entries)
    claimed(box.entries, NOW + LEASE_S)

    assert box.entries.bury(late, "too late", NOW + LEASE_S) is False


@pytest.mark.parametrize("how", ["finish", "bury", "release"])
def test_who_comes_after_the_lease_changes_nothing(box, how):
    box.put("1")
    late = claimed(box.entries)
    claimed(box.entries, NOW + LEASE_S)
    before = recorded(box.store, "1")

    if how == "finish":
        box.finish(late)
    elif how == "bury":
        box.entries.bury(late, "too late", NOW)
    else:
        box.entries.release(late, "too late", NOW, 0)

    assert recorded(box.store, "1") == before


@pytest.mark.parametrize("how", ["finish", "bury", "release"])
def test_who_comes_after_the_lease_lets_nobody_else_in(box, how):
    box.put("1")
    late = claimed(box.entries)
    claimed(box.entries, NOW + LEASE_S)

    if how == "finish":
        box.finish(late)
    elif how == "bury":
        box.entries.bury(late, "too late", NOW)
    else:
        box.entries.release(late, "too late", NOW, 0)

    assert box.entries.claim(NOW + LEASE_S, LEASE_S) is None


def test_the_second_to_claim_finishes_beside_a_late_first(box):
    box.put("1")
    late = claimed(box.entries)
    second = claimed(box.entries, NOW + LEASE_S)
    box.finish(late)

    assert box.finish(second) is True


def test_extend_keeps_a_claim(box):
    box.put("1")
    entry = claimed(box.entries)

    box.entries.extend(entry, NOW + 50, LEASE_S)

    assert claimed_ids(box.entries, NOW + LEASE_S, NOW + 50 + LEASE_S) == [None, "1"]


def test_what_is_due_by_a_clock_that_was_set_back_is_brought_forward(box):
    box.put("a", now=NOW + 3600)

    assert box.entries.claim(NOW, LEASE_S) is None
    assert box.entries.bring_forward(NOW) == 1
    assert claimed(box.entries).message_id == "a"


def test_what_was_claimed_by_a_clock_that_was_set_back_is_brought_forward(box):
    box.put("a")
    claimed(box.entries, NOW + 3600)

    assert box.entries.bring_forward(NOW) == 1
    assert claimed(box.entries).attempts == 2


def test_what_is_brought_forward_stays_in_order(box):
    for number in range(5):
        box.put(str(number), now=NOW + 3600 - number)

    box.entries.bring_forward(NOW)

    for number in range(5):
        entry = claimed(box.entries)
        assert entry.message_id == str(number)
        assert box.entries.claim(NOW, LEASE_S) is None
        box.finish(entry)


@pytest.mark.parametrize("delay_s", [0, LEASE_S, FAR_FUTURE_S])
def test_what_is_due_as_late_as_it_can_be_is_not_brought_forward(box, delay_s):
    box.put("a", now=NOW + delay_s)

    assert box.entries.bring_forward(NOW) == 0
    assert claimed_ids(box.entries, NOW + delay_s - 1, NOW + delay_s) == [None, "a"]


def test_a_claim_that_is_extended_by_the_clock_set_back_is_kept(box):
    box.put("a")
    entry = claimed(box.entries, NOW + 3600)
    box.entries.extend(entry, NOW, LEASE_S)

    assert box.entries.bring_forward(NOW) == 0
    assert box.entries.claim(NOW, LEASE_S) is None
    assert box.finish(entry)


def test_only_what_waits_is_brought_forward(box):
    box.put("a")
    assert box.finish(claimed(box.entries))

    assert box.entries.bring_forward(NOW - LATER) == 0


def test_extend_of_a_lost_claim_does_not_keep_the_new_one(box):
    box.put("1")
    late = claimed(box.entries)
    claimed(box.entries, NOW + LEASE_S)

    box.entries.extend(late, NOW + LEASE_S + 50, LEASE_S)

    assert claimed_ids(box.entries, NOW + 2 * LEASE_S) == ["1"]


def test_extend_of_a_finished_entry_does_not_delay_the_next(box):
    box.put("1")
    box.put("2")
    entry = claimed(box.entries)
    box.finish(entry)

    box.entries.extend(entry, NOW, LEASE_S)

    assert claimed_ids(box.entries, NOW) == ["2"]


def test_recover_counts_the_claims_it_takes_back(box):
    box.put("1")
    box.put("2", customer_id=OTHER_CUSTOMER)
    box.put("3", customer_id="urn:mbid:carol")
    claimed(box.entries)
    claimed(box.entries)

    assert box.entries.recover(NOW) == 2


def test_recover_makes_claimed_entries_due_at_once(box):
    box.put("1")
    claimed(box.entries)

    box.entries.recover(NOW + 1)

    assert claimed_ids(box.entries, NOW + 1) == ["1"]


def test_recover_takes_a_claim_from_whoever_held_it(box):
    box.put("1")
    lost = claimed(box.entries)

    box.entries.recover(NOW)

    assert box.finish(lost) is False


def test_recover_does_not_hurry_what_waits_for_another_attempt(box):
    box.put("1")
    box.entries.release(claimed(box.entries), "not now", NOW, 30)

    box.entries.recover(NOW)

    assert box.entries.claim(NOW, LEASE_S) is None


def test_bury_notes_the_reason(box):
    box.put("1")

    box.entries.bury(claimed(box.entries), "it would not go", NOW + 1)

    noted = recorded(box.store, "1")
    assert (noted.state, noted.reason, noted.finished_at) == ("BURIED", "it would not go", NOW + 1)


@pytest.mark.parametrize("how", ["bury", "release"])
@pytest.mark.parametrize("odd", ["\0", "\ud800"], ids=["nul", "half a pair"])
def test_a_reason_that_no_text_can_hold_is_noted_with_a_question_mark(box, how, odd):
    box.put("1")
    entry = claimed(box.entries)

    if how == "bury":
        box.entries.bury(entry, f"it said {odd}!", NOW)
    else:
        box.entries.release(entry, f"it said {odd}!", NOW, 0)

    assert recorded(box.store, "1").reason == "it said ?!"


def test_a_long_reason_is_cut(box):
    box.put("1")

    box.entries.bury(claimed(box.entries), "x" * 1_000_000, NOW)

    assert recorded(box.store, "1").reason == "x" * 2000


def test_bury_lets_the_next_entry_go(box):
    box.put("1")
    box.put("2")

    box.entries.bury(claimed(box.entries), "it would not go", NOW)

    assert claimed_ids(box.entries, NOW) == ["2"]


def test_a_buried_entry_is_not_claimed_again(box):
    box.put("1")

    box.entries.bury(claimed(box.entries), "it would not go", NOW)

    assert box.entries.claim(LATER, LEASE_S) is None


def test_a_released_entry_is_due_after_its_delay(box):
    box.put("1")

    box.entries.release(claimed(box.entries), "not now", NOW, 30)

    assert claimed_ids(box.entries, NOW + 29.75, NOW + 30) == [None, "1"]


def test_a_released_entry_goes_before_those_behind_it(box):
    box.put("1")
    box.put("2")

    box.entries.release(claimed(box.entries), "not now", NOW, 30)

    assert claimed_ids(box.entries, NOW, NOW + 30) == [None, "1"]


def test_a_released_entry_does_not_delay_other_conversations(box):
    box.put("1")
    box.entries.release(claimed(box.entries), "not now", NOW, 30)

    box.put("2", customer_id=OTHER_CUSTOMER)

    assert claimed_ids(box.entries, NOW) == ["2"]


def test_a_message_put_behind_a_released_one_does_not_hurry_it(box):
    box.put("1")
    box.entries.release(claimed(box.entries), "not now", NOW, 30)

    box.put("2")

    assert box.entries.claim(NOW, LEASE_S) is None


def test_release_notes_the_reason(box):
    box.put("1")

    box.entries.release(claimed(box.entries), "not now", NOW, 30)

    assert recorded(box.store, "1").reason == "not now"


def test_what_is_finished_in_the_end_has_no_reason(box):
    box.put("1")
    box.entries.release(claimed(box.entries), "not now", NOW, 0)

    box.finish(claimed(box.entries))

    assert recorded(box.store, "1").reason is None


# Many workers at once


def test_claim_gives_an_entry_to_one_worker_only(floor):
    everything = [name for names in floor.order.values() for name in names]

    assert sorted(everything) == [f"{number:02}" for number in range(50)]


def test_claim_gives_a_conversation_to_one_worker_at_a_time(floor):
    assert floor.shared == []


def test_claim_keeps_the_order_of_every_conversation(floor):
    assert [names for names in floor.order.values() if names != sorted(names)] == []


def test_a_message_put_beside_the_last_finish_is_not_stranded(box):
    box.put("0")

    for number in range(1, 201):
        entry = claimed(box.entries)
        together(lambda entry=entry: box.finish(entry), lambda name=number: box.put(str(name)))

    assert claimed_ids(box.entries, NOW) == ["200"]


def test_putting_and_working_at_once_strands_nothing(box):
    floor = Floor(box, wanted=200)

    def fill(customer_id):
        for number in range(100):
            box.put(f"{customer_id} {number:03}", customer_id=customer_id)

    together(lambda: fill(CUSTOMER), lambda: fill(OTHER_CUSTOMER), *[floor.work] * 4)

    assert sorted(len(names) for names in floor.order.values()) == [100, 100]


def test_a_claim_waits_for_one_conversation_alone(empty_postgresql_url, wait_for):
    # Who holds one and waits for another is in a deadlock with whoever goes the other way.
    store = open_store(empty_postgresql_url)
    engine = create_engine(empty_postgresql_url)
    store.outbox.put([reply("a")], NOW)
    store.outbox.put([reply("b", customer_id=OTHER_CUSTOMER)], NOW + 1)
    lock = select(CONVERSATIONS).with_for_update()
    first, second = lock.where(whose(CUSTOMER)), lock.where(whose(OTHER_CUSTOMER))

    def somebody_waits():
        with engine.connect() as connection:
            return connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))

    with ThreadPoolExecutor(1) as pool, engine.begin() as holder:
        holder.execute(second)
        with engine.begin() as other_holder:
            other_holder.execute(first)
            claiming = pool.submit(store.outbox.claim, NOW + 2, LEASE_S)
            wait_for(somebody_waits)
            other_holder.execute(update(CONVERSATIONS).where(whose(CUSTOMER)).values(send_at=None))
        claimed_beside_it = claiming.result(DEADLINE_S)
    store.close()
    engine.dispose()

    assert claimed_beside_it is None


def test_an_answer_decided_beside_a_close_is_never_sent(store):
    for number in range(50):
        receive(store, said(f"text {number}"))
        entry = claimed(store.inbox)
        together(
            lambda entry=entry, n=number: store.inbox.finish(entry, [reply(f"reply {n}")], NOW),
            lambda n=number: receive(store, said(f"close {n}", Close())),
        )
        answer(store)

    assert send_all(store, LATER) == []


def test_a_send_begun_beside_a_close_is_never_repeated(store):
    for number in range(50):
        receive(store, said(f"text {number}"))
        answer(store, reply(f"reply {number}"))
        entry, _ = together(
            lambda: store.outbox.claim(NOW, LEASE_S),
            lambda n=number: receive(store, said(f"close {n}", Close())),
        )
        if entry is not None:
            store.outbox.release(entry, "not now", NOW, 0)
        answer(store)

    assert send_all(store, LATER) == []


# Answers


def test_finish_puts_the_answers_in_the_outbox_in_their_order(store):
    receive(store, said("1"))

    answer(store, reply("c"), reply("a"), reply("b"))

    assert send_all(store) == ["c", "a", "b"]


def test_answers_go_in_the_order_of_what_they_answer(store):
    receive(store, said("1"))
    receive(store, said("2"))

    answer(store, reply("z"))
    answer(store, reply("a"))

    assert send_all(store) == ["z", "a"]


def test_finish_without_answers_puts_nothing_in_the_outbox(store):
    receive(store, said("1"))

    answer(store)

    assert store.outbox.claim(LATER, LEASE_S) is None


def test_finish_records_the_entry_as_answered(store):
    receive(store, said("1"))

    answer(store, now=NOW + 1)

    noted = recorded(store, "1")
    assert (noted.state, noted.finished_at) == (InboxState.ANSWERED, NOW + 1)


def test_finish_refuses_an_answer_that_cannot_be_sent(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)

    with pytest.raises(ContentInvalid):
        store.inbox.finish(entry, [reply("a"), reply("b", body=" ")], NOW)


def test_an_answer_that_cannot_be_sent_leaves_the_entry_claimed(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)

    with pytest.raises(ContentInvalid):
        store.inbox.finish(entry, [reply("a"), reply("b", body=" ")], NOW)

    assert recorded(store, "1").state == InboxState.CLAIMED


def test_an_answer_that_cannot_be_sent_keeps_those_before_it_back(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)

    with pytest.raises(ContentInvalid):
        store.inbox.finish(entry, [reply("a"), reply("b", body=" ")], NOW)

    assert store.outbox.claim(LATER, LEASE_S) is None


def test_answers_the_store_does_not_take_leave_the_entry_claimed(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)

    with pytest.raises(StoreUnavailable):
        store.inbox.finish(entry, [reply("a"), reply("a")], NOW)

    assert recorded(store, "1").state == InboxState.CLAIMED


def test_answers_the_store_does_not_take_are_in_no_part_in_the_outbox(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)

    with pytest.raises(StoreUnavailable):
        store.inbox.finish(entry, [reply("a"), reply("a")], NOW)

    assert store.outbox.claim(LATER, LEASE_S) is None


def test_answers_of_a_lost_claim_are_not_sent(store):
    receive(store, said("1"))
    late = claimed(store.inbox)
    claimed(store.inbox, NOW + LEASE_S)

    store.inbox.finish(late, [reply("a")], NOW + LEASE_S)

    assert store.outbox.claim(LATER, LEASE_S) is None


# Sending


def test_a_message_to_be_sent_has_the_bytes_of_its_wire(store):
    message = reply("a", body="Grüße\x00")

    store.outbox.put([message], NOW)

    entry = claimed(store.outbox)
    assert (entry.headers, entry.packed) == message.to_wire()


def test_a_send_keeps_its_id_and_its_bytes_over_attempts(store):
    store.outbox.put([reply("a")], NOW)
    first = claimed(store.outbox)
    store.outbox.release(first, "not now", NOW, 0)

    again = claimed(store.outbox)

    assert (again.message_id, again.headers, again.packed) == (
        first.message_id,
        first.headers,
        first.packed,
    )


def test_outbox_put_keeps_the_order_given(store):
    store.outbox.put([reply("b"), reply("a"), reply("c")], NOW)

    assert send_all(store) == ["b", "a", "c"]


def test_outbox_put_to_an_unknown_customer_opens_a_conversation(store):
    store.outbox.put([reply("a")], NOW)

    found = store.conversations.find(CUSTOMER)
    assert (found.business_id, found.customer_id, found.closed) == (BUSINESS, CUSTOMER, False)


def test_outbox_put_continues_the_conversation_of_the_customer(store):
    receive(store, said("1"))

    store.outbox.put([reply("a")], NOW)

    assert claimed(store.outbox).conversation_id == claimed(store.inbox).conversation_id


def test_outbox_put_refuses_a_message_that_cannot_be_sent(store):
    with pytest.raises(ContentInvalid):
        store.outbox.put([reply("a"), reply("b", body="")], NOW)


def test_outbox_put_of_what_cannot_be_sent_keeps_all_of_it_back(store):
    with pytest.raises(ContentInvalid):
        store.outbox.put([reply("a"), reply("b", body="")], NOW)

    assert store.outbox.claim(LATER, LEASE_S) is None


def test_outbox_put_refuses_a_customer_who_has_left(store):
    receive(store, said("1", Close()))

    with pytest.raises(ContentInvalid, match="closed the conversation"):
        store.outbox.put([reply("a")], NOW)


def test_a_message_once_accepted_is_sent(store):
    store.outbox.put([reply("a")], NOW)

    store.outbox.finish(claimed(store.outbox), NOW)

    assert store.outbox.state("a") == (OutboxState.SENT, None)


def test_state_follows_a_message_on_its_way(store):
    store.outbox.put([reply("a")], NOW)
    states = [store.outbox.state("a")]
    entry = claimed(store.outbox)
    states.append(store.outbox.state("a"))
    store.outbox.release(entry, "not now", NOW, 30)
    states.append(store.outbox.state("a"))

    assert states == [
        (OutboxState.PENDING, None),
        (OutboxState.CLAIMED, None),
        (OutboxState.PENDING, "not now"),
    ]


def test_state_of_an_unknown_message_is_a_key_error(store):
    with pytest.raises(KeyError, match="nothing"):
        store.outbox.state("nothing")


def test_a_first_attempt_fails_since_never(store):
    store.outbox.put([reply("a")], NOW)

    assert claimed(store.outbox).failing_since is None


def test_release_notes_since_when_a_message_fails(store):
    store.outbox.put([reply("a")], NOW)

    store.outbox.release(claimed(store.outbox), "not now", NOW + 1, 0)

    assert claimed(store.outbox, NOW + 1).failing_since == NOW + 1


def test_a_second_release_keeps_since_when_a_message_fails(store):
    store.outbox.put([reply("a")], NOW)
    store.outbox.release(claimed(store.outbox), "not now", NOW + 1, 0)

    store.outbox.release(claimed(store.outbox, NOW + 1), "nor now", NOW + 9, 0)

    assert claimed(store.outbox, NOW + 9).failing_since == NOW + 1


def test_release_by_a_clock_that_was_set_back_begins_to_fail_anew(store):
    store.outbox.put([reply("a")], NOW)
    store.outbox.release(claimed(store.outbox), "not now", NOW, 0)

    store.outbox.release(claimed(store.outbox), "nor now", NOW - 3600, 0)

    assert claimed(store.outbox).failing_since == NOW - 3600


def test_hold_does_not_count_as_failing(store):
    store.outbox.put([reply("a")], NOW)

    store.outbox.hold(claimed(store.outbox), "our token", NOW + 1, 0)

    assert claimed(store.outbox, NOW + 1).failing_since is None


def test_a_held_message_is_due_after_its_delay(store):
    store.outbox.put([reply("a")], NOW)

    store.outbox.hold(claimed(store.outbox), "our token", NOW, 30)

    assert claimed_ids(store.outbox, NOW + 29.75, NOW + 30) == [None, "a"]


def test_hold_notes_the_reason(store):
    store.outbox.put([reply("a")], NOW)

    store.outbox.hold(claimed(store.outbox), "our token", NOW, 30)

    assert store.outbox.state("a") == (OutboxState.PENDING, "our token")


def test_hold_notes_a_reason_that_no_text_can_hold_with_a_question_mark(store):
    store.outbox.put([reply("a")], NOW)

    store.outbox.hold(claimed(store.outbox), "it said \0!", NOW, 30)

    assert store.outbox.state("a") == (OutboxState.PENDING, "it said ?!")


def test_a_held_message_goes_before_those_behind_it(store):
    store.outbox.put([reply("a"), reply("b")], NOW)

    store.outbox.hold(claimed(store.outbox), "our token", NOW, 30)

    assert send_all(store, NOW + 30) == ["a", "b"]


# Leaving and coming back


def test_close_buries_what_was_queued(store):
    store.outbox.put([reply("a"), reply("b")], NOW)

    receive(store, said("1", Close()))

    assert [store.outbox.state(name) for name in "ab"] == [(OutboxState.BURIED, CLOSED)] * 2


def test_nothing_is_sent_after_a_close(store):
    store.outbox.put([reply("a")], NOW)

    receive(store, said("1", Close()))

    assert store.outbox.claim(LATER, LEASE_S) is None


def test_close_buries_nothing_of_other_conversations(store):
    store.outbox.put([reply("a", customer_id=OTHER_CUSTOMER)], NOW)

    receive(store, said("1", Close()))

    assert send_all(store) == ["a"]


def test_close_leaves_what_was_sent_as_it_is(store):
    store.outbox.put([reply("a")], NOW)
    send_all(store)

    receive(store, said("1", Close()))

    assert store.outbox.state("a") == (OutboxState.SENT, None)


def test_a_send_under_way_at_the_close_and_accepted_is_sent(store):
    store.outbox.put([reply("a")], NOW)
    entry = claimed(store.outbox)
    receive(store, said("1", Close()))

    store.outbox.finish(entry, NOW)

    assert store.outbox.state("a") == (OutboxState.SENT, None)


@pytest.mark.parametrize("give_back", ["release", "hold"])
def test_a_send_under_way_at_the_close_is_not_tried_again(store, give_back):
    store.outbox.put([reply("a")], NOW)
    entry = claimed(store.outbox)
    receive(store, said("1", Close()))

    getattr(store.outbox, give_back)(entry, "not now", NOW, 0)

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)


def test_a_send_under_way_at_the_close_is_not_tried_again_once_the_customer_writes(store):
    store.outbox.put([reply("a")], NOW)
    entry = claimed(store.outbox)
    receive(store, said("1", Close()))
    receive(store, said("2"))

    store.outbox.release(entry, "not now", NOW, 0)

    assert send_all(store, LATER) == []


def test_a_late_release_of_what_was_under_way_at_the_close_changes_nothing(store):
    store.outbox.put([reply("a")], NOW)
    late = claimed(store.outbox)
    receive(store, said("1", Close()))
    store.outbox.finish(late, NOW)

    store.outbox.release(late, "not now", NOW, 0)

    assert store.outbox.state("a") == (OutboxState.SENT, None)


@pytest.mark.parametrize("order", list(permutations(["close", "text", "end"])), ids="-".join)
@pytest.mark.parametrize(("end", "state"), [("accept", "SENT"), ("retry", "BURIED")])
def test_what_was_queued_before_a_close_is_buried_whatever_comes_between(store, order, end, state):
    store.outbox.put([reply("under way"), reply("queued")], NOW)
    entry = claimed(store.outbox)
    acts = {
        "close": lambda: receive(store, said("close", Close())),
        "text": lambda: receive(store, said("text")),
        "end": lambda: (
            store.outbox.finish(entry, NOW)
            if end == "accept"
            else store.outbox.release(entry, "not now", NOW, 0)
        ),
    }

    for name in order:
        acts[name]()

    assert [store.outbox.state(name)[0] for name in ("under way", "queued")] == [state, "BURIED"]


@pytest.mark.parametrize("order", list(permutations(["close", "text", "end"])), ids="-".join)
def test_whether_one_can_write_depends_on_what_the_customer_did_last(store, order):
    store.outbox.put([reply("under way")], NOW)
    entry = claimed(store.outbox)
    acts = {
        "close": lambda: receive(store, said("close", Close())),
        "text": lambda: receive(store, said("text")),
        "end": lambda: store.outbox.finish(entry, NOW),
    }

    for name in order:
        acts[name]()

    closed = store.conversations.find(CUSTOMER).closed
    assert closed is (order.index("close") > order.index("text"))


def test_an_answer_to_what_was_said_before_the_close_is_buried(store):
    receive(store, said("1"))
    receive(store, said("2", Close()))

    answer(store, reply("a"), reply("b"))

    assert [store.outbox.state(name) for name in "ab"] == [(OutboxState.BURIED, CLOSED)] * 2


def test_an_answer_being_decided_at_the_close_is_buried(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)
    receive(store, said("2", Close()))

    store.inbox.finish(entry, [reply("a")], NOW)

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)


def test_an_answer_to_what_was_said_before_the_close_is_buried_though_the_customer_is_back(store):
    receive(store, said("1"))
    receive(store, said("2", Close()))
    receive(store, said("3"))

    answer(store, reply("a"))

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)


def test_an_answer_to_the_close_itself_is_buried(store):
    receive(store, said("1", Close()))

    answer(store, reply("a"))

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)


def test_an_answer_to_the_close_itself_is_buried_though_the_customer_is_back(store):
    receive(store, said("1", Close()))
    receive(store, said("2"))

    answer(store, reply("a"))

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)


def test_an_entry_whose_answers_were_buried_is_answered(store):
    receive(store, said("1"))
    receive(store, said("2", Close()))

    answer(store, reply("a"))

    assert recorded(store, "1").state == InboxState.ANSWERED


def test_a_close_with_nothing_to_answer_buries_nothing(store):
    receive(store, said("1", Close()))

    answer(store)

    assert len(store.history.newest(10)) == 1


@pytest.mark.parametrize("content", [Text("Hi"), Unknown("hologram")], ids=["text", "unknown"])
def test_an_answer_to_what_was_said_after_the_close_is_sent(store, content):
    receive(store, said("1", Close()))
    receive(store, said("2", content))
    answer(store)

    answer(store, reply("a"))

    assert send_all(store) == ["a"]


def test_a_text_after_a_close_opens_the_conversation_again(store):
    receive(store, said("1", Close()))

    receive(store, said("2"))

    assert store.conversations.find(CUSTOMER).closed is False


def test_typing_after_a_close_does_not_open_the_conversation_again(store):
    receive(store, said("1", Close()))

    receive(store, said("2", TypingStart()))

    assert store.conversations.find(CUSTOMER).closed is True


def test_a_message_repeated_after_a_close_does_not_open_the_conversation_again(store):
    receive(store, said("1"))
    receive(store, said("2", Close()))

    receive(store, said("1"))

    assert store.conversations.find(CUSTOMER).closed is True


def test_a_repeated_close_does_not_close_the_conversation_again(store):
    receive(store, said("1", Close()))
    receive(store, said("2"))

    receive(store, said("1", Close()))

    assert store.conversations.find(CUSTOMER).closed is False


def test_a_repeated_close_buries_nothing(store):
    receive(store, said("1", Close()))
    receive(store, said("2"))
    store.outbox.put([reply("a")], NOW)

    receive(store, said("1", Close()))

    assert send_all(store) == ["a"]


def test_a_second_close_buries_the_answers_to_what_was_said_between(store):
    receive(store, said("1", Close()))
    receive(store, said("2"))
    receive(store, said("3", Close()))
    receive(store, said("4"))
    answer(store)

    answer(store, reply("a"))

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)


def test_a_close_of_one_business_leaves_the_other_open(store):
    receive(store, said("1", business_id=OTHER_BUSINESS), NOW - 1)
    receive(store, said("2", Close()))

    answer(store, reply("a", business_id=OTHER_BUSINESS))

    assert send_all(store) == ["a"]


# Conversations


def test_a_customer_nobody_knows_is_not_found(store):
    assert store.conversations.find(CUSTOMER) is None


def test_there_is_no_newest_conversation_before_anyone_spoke(store):
    assert store.conversations.newest() is None


def test_newest_passes_over_customers_who_never_spoke(store):
    receive(store, said("1"))

    store.outbox.put([reply("a", customer_id=OTHER_CUSTOMER)], NOW + 1)

    assert store.conversations.newest().customer_id == CUSTOMER


def test_newest_is_the_conversation_spoken_in_last(store):
    receive(store, said("1"), NOW)
    receive(store, said("2", customer_id=OTHER_CUSTOMER), NOW + 1)
    receive(store, said("3"), NOW + 2)

    assert store.conversations.newest().customer_id == CUSTOMER


def test_find_gives_the_conversation_the_customer_spoke_in_last(store):
    receive(store, said("1", business_id=OTHER_BUSINESS), NOW + 1)
    receive(store, said("2"), NOW)

    assert store.conversations.find(CUSTOMER).business_id == OTHER_BUSINESS


def test_get_gives_the_conversation_of_an_entry(store):
    receive(store, said("1"))

    record = store.conversations.get(claimed(store.inbox).conversation_id)

    assert (record.business_id, record.customer_id) == (BUSINESS, CUSTOMER)


def test_get_of_an_unknown_conversation_is_a_key_error(store):
    with pytest.raises(KeyError, match="nothing"):
        store.conversations.get("nothing")


def test_what_a_message_tells_about_its_customer_is_noted(store):
    hints = {
        "locale": "de_AT",
        "intent": "Schöne Grüße 🙂",
        "group": "vip",
        "capabilities": frozenset({Capability.LIST, Capability.TIME}),
    }

    receive(store, said("1", **hints))

    record = store.conversations.find(CUSTOMER)
    assert {name: getattr(record, name) for name in hints} == hints


def test_what_was_never_told_is_none(store):
    receive(store, said("1"))

    record = store.conversations.find(CUSTOMER)

    assert (record.locale, record.intent, record.group, record.capabilities) == (None,) * 4


HINTS = pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("locale", "de_AT", "en_US"),
        ("intent", "billing", "sales"),
        ("group", "vip", "staff"),
        ("capabilities", frozenset({Capability.LIST}), frozenset({Capability.QUICK})),
    ],
    ids=["locale", "intent", "group", "capabilities"],
)


@HINTS
def test_the_newest_hint_counts(store, name, old, new):
    receive(store, said("1", **{name: old}))

    receive(store, said("2", **{name: new}))

    assert getattr(store.conversations.find(CUSTOMER), name) == new


@HINTS
def test_a_hint_left_out_stays_as_it_was(store, name, old, new):
    receive(store, said("1", **{name: old}))

    receive(store, said("2", **{name: None}))

    assert getattr(store.conversations.find(CUSTOMER), name) == old


@HINTS
def test_a_hint_of_a_repeated_message_changes_nothing(store, name, old, new):
    receive(store, said("1", **{name: old}))

    receive(store, said("1", **{name: new}))

    assert getattr(store.conversations.find(CUSTOMER), name) == old


@HINTS
def test_a_hint_of_another_conversation_changes_nothing(store, name, old, new):
    receive(store, said("1", **{name: old}))

    receive(store, said("2", customer_id=OTHER_CUSTOMER, **{name: new}))

    assert getattr(store.conversations.find(CUSTOMER), name) == old


@pytest.mark.parametrize("content", [TypingStart(), Close()], ids=["typing", "close"])
def test_hints_come_with_every_kind_of_message(store, content):
    receive(store, said("1", content, locale="de_AT"))

    assert store.conversations.find(CUSTOMER).locale == "de_AT"


# History


def test_history_of_an_empty_store_is_empty(store):
    assert list(store.history.newest(10)) == []


def test_history_is_in_the_order_of_time_over_both_directions(store):
    receive(store, said("1"), NOW)
    answer(store, reply("a"), now=NOW + 1)
    receive(store, said("2"), NOW + 2)
    answer(store, reply("b"), now=NOW + 3)

    assert [one.message_id for one in store.history.newest(10)] == ["1", "a", "2", "b"]


def test_history_of_one_moment_has_what_came_before_what_went(store):
    receive(store, said("1"))
    answer(store, reply("b"), reply("a"))

    assert [one.message_id for one in store.history.newest(10)] == ["1", "b", "a"]


@pytest.mark.parametrize(("limit", "ids"), [(1, ["b"]), (2, ["2", "b"]), (3, ["a", "2", "b"])])
def test_history_gives_the_newest_and_no_more(store, limit, ids):
    receive(store, said("1"), NOW)
    answer(store, reply("a"), now=NOW + 1)
    receive(store, said("2"), NOW + 2)
    answer(store, reply("b"), now=NOW + 3)

    assert [one.message_id for one in store.history.newest(limit)] == ids


def test_history_tells_all_of_a_received_message(store):
    store.inbox.put(said("1"), {"id": "1"}, b"\x00\xff", NOW)
    store.inbox.bury(claimed(store.inbox), "it broke", NOW + 1)

    (one,) = store.history.newest(10)

    assert vars(one) == {
        "direction": "in",
        "message_id": "1",
        "conversation_id": store.conversations.find(CUSTOMER).id,
        "business_id": BUSINESS,
        "customer_id": CUSTOMER,
        "kind": "Text",
        "state": "BURIED",
        "reason": "it broke",
        "attempts": 1,
        "created_at": NOW,
        "finished_at": NOW + 1,
        "headers": {"id": "1"},
        "packed": b"\x00\xff",
        "unsure": 0,
    }


def test_history_tells_all_of_a_message_to_be_sent(store):
    message = reply("a")
    headers, packed = message.to_wire()
    store.outbox.put([message], NOW)

    (one,) = store.history.newest(10)

    assert vars(one) == {
        "direction": "out",
        "message_id": "a",
        "conversation_id": store.conversations.find(CUSTOMER).id,
        "business_id": BUSINESS,
        "customer_id": CUSTOMER,
        "kind": "Text",
        "state": "PENDING",
        "reason": None,
        "attempts": 0,
        "created_at": NOW,
        "finished_at": None,
        "headers": headers,
        "packed": packed,
        "unsure": 0,
    }


# The store as a whole


def test_check_commits_each_time(store):
    store.check(NOW)

    store.check(NOW + 1)


def test_a_store_opened_again_has_what_was_put(store, database_url):
    receive(store, said("1"))

    second = open_store(database_url)

    assert claimed(second.inbox).message_id == "1"
    second.close()


def test_a_claim_holds_against_a_worker_with_a_store_of_its_own(store, database_url):
    receive(store, said("1"))
    claimed(store.inbox)

    second = open_store(database_url)

    assert second.inbox.claim(NOW, LEASE_S) is None
    second.close()


def test_any_number_may_work_on_postgresql(empty_postgresql_url):
    store = open_store(empty_postgresql_url)

    with store.working(NOW), store.working(NOW):
        store.close()


def test_a_worker_on_postgresql_leaves_the_claims_of_others_alone(empty_postgresql_url):
    store = open_store(empty_postgresql_url)
    receive(store, said("1"))
    claimed(store.inbox)

    with store.working(NOW):
        again = store.inbox.claim(NOW, LEASE_S)

    assert again is None
    store.close()


@pytest.mark.parametrize("how", ["lease", "recover"])
def test_a_send_under_way_at_the_close_is_not_repeated_by_another_worker(store, how):
    store.outbox.put([reply("a")], NOW)
    claimed(store.outbox)
    receive(store, said("1", Close()))
    if how == "recover":
        store.outbox.recover(NOW)

    assert store.outbox.claim(LATER, LEASE_S) is None


def test_a_claim_passes_over_a_conversation_in_which_all_is_buried(store):
    store.outbox.put([reply("a")], NOW - 1)
    receive(store, said("1", Close()), NOW - 1)

    store.outbox.put([reply("b", customer_id=OTHER_CUSTOMER)], NOW)

    assert claimed_ids(store.outbox, NOW) == ["b"]


def test_an_answer_after_a_close_does_not_wait_for_the_delay_of_what_was_buried(store):
    store.outbox.put([reply("a")], NOW)
    store.outbox.release(claimed(store.outbox), "not now", NOW, 300)
    receive(store, said("1", Close()))
    receive(store, said("2"))

    store.outbox.put([reply("b")], NOW)

    assert claimed_ids(store.outbox, NOW) == ["b"]


def test_find_passes_over_a_conversation_the_customer_never_spoke_in(store):
    receive(store, said("1"))

    store.outbox.put([reply("a", business_id=OTHER_BUSINESS)], NOW + 1)

    assert store.conversations.find(CUSTOMER).business_id == BUSINESS


def test_workers_that_start_together_open_one_store(empty_postgresql_url):
    engine = create_engine(empty_postgresql_url)
    METADATA.drop_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    engine.dispose()

    stores = together(*[lambda: open_store(empty_postgresql_url)] * 8)
    for opened in stores:
        opened.close()

    assert len(stores) == 8


def test_extend_beside_a_finish_does_not_delay_the_next_entry(box):
    box.put("1")
    box.put("2")
    entry = claimed(box.entries)
    database = box.store._database
    state = "ANSWERED" if box.name == "inbox" else "SENT"
    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            lock_conversation(connection, entry.conversation_id)
            box.entries._finish(connection, entry, state, NOW, None)
            extending = pool.submit(box.entries.extend, entry, NOW, LEASE_S)
        extending.result(DEADLINE_S)

    assert claimed_ids(box.entries, NOW) == ["2"]


def test_a_repeated_id_opens_no_conversation_for_another_customer(store):
    receive(store, said("1"))

    receive(store, said("1", customer_id=OTHER_CUSTOMER))

    assert store.conversations.find(OTHER_CUSTOMER) is None


# The same tap, seen twice


def tap(message_id, chosen="1", session="session", customer_id=CUSTOMER, business_id=BUSINESS):
    response = QuickReplyResponse(
        request_id="request", session_id=session, identifier=chosen, title="Yes"
    )
    return said(message_id, response, customer_id, business_id)


def test_the_same_tap_under_another_id_is_new(store):
    receive(store, tap("1"))

    assert receive(store, tap("2"), NOW + 1) is True


def test_the_same_tap_under_another_id_is_answered_by_nobody(store):
    receive(store, tap("1"))
    receive(store, tap("2"), NOW + 1)
    answer(store, now=NOW + 1)

    assert store.inbox.claim(LATER, LEASE_S) is None


def test_the_same_tap_under_another_id_is_kept_with_the_reason(store):
    receive(store, tap("1"))
    receive(store, tap("2"), NOW + 1)

    noted = recorded(store, "2")

    assert (noted.state, noted.reason, noted.finished_at) == (
        InboxState.ANSWERED,
        REPEATED.format("1"),
        NOW + 1,
    )


def test_the_same_tap_again_and_again_names_the_first(store):
    for number in range(3):
        receive(store, tap(str(number)), NOW + number)

    assert recorded(store, "2").reason == REPEATED.format("0")


def test_the_same_tap_counts_as_the_same_up_to_its_time(store):
    receive(store, tap("1"))
    receive(store, tap("2"), NOW + SAME_TAP_S)

    assert recorded(store, "2").state == InboxState.ANSWERED


def test_the_same_tap_after_its_time_is_answered(store):
    receive(store, tap("1"))
    receive(store, tap("2"), NOW + SAME_TAP_S + 0.25)

    assert recorded(store, "2").state == InboxState.RECEIVED


def test_the_same_tap_after_the_clock_was_set_back_is_answered(store):
    receive(store, tap("1"), NOW + 3600)
    receive(store, tap("2"), NOW)

    assert recorded(store, "2").state == InboxState.RECEIVED


@pytest.mark.parametrize(
    "other",
    [
        {"chosen": "2"},
        {"session": "another session"},
        {"customer_id": OTHER_CUSTOMER},
        {"business_id": OTHER_BUSINESS},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_tap_is_answered(store, other):
    receive(store, tap("1"))
    receive(store, tap("2", **other))

    assert recorded(store, "2").state == InboxState.RECEIVED


def test_the_same_text_is_answered_each_time(store):
    receive(store, said("1"))
    receive(store, said("2"))

    assert recorded(store, "2").state == InboxState.RECEIVED


def test_the_same_tap_is_answered_once_among_eight_at_the_same_moment(store):
    together(*[lambda name=name: receive(store, tap(name)) for name in "12345678"])

    states = sorted(one.state for one in store.history.newest(10))
    assert states == [InboxState.ANSWERED] * 7 + [InboxState.RECEIVED]


# A desk that has the conversation


def hand_over(store, message_id="0", desk="desk", note="a note", now=NOW, customer_id=CUSTOMER):
    """Let a message be answered by a hand-over; give the conversation's id."""
    receive(store, said(message_id, customer_id=customer_id), now)
    entry = claimed(store.inbox, now)
    assert store.inbox.finish(entry, [], now, Changes(desk=desk, note=note))
    return entry.conversation_id


def states(store, *message_ids):
    return [recorded(store, message_id).state for message_id in message_ids]


def test_a_hand_over_notes_the_desk_and_what_it_is_told(store):
    conversation_id = hand_over(store, desk="billing desk", note="wants a refund")

    record = store.conversations.get(conversation_id)

    assert (record.desk, record.note) == ("billing desk", "wants a refund")


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b"])
def test_a_note_that_no_text_can_hold_is_kept_with_a_question_mark(store, odd):
    conversation_id = hand_over(store, desk=odd, note=odd)

    record = store.conversations.get(conversation_id)

    assert (record.desk, record.note) == ("a?b", "a?b")


def test_an_agent_has_a_conversation_that_was_not_handed_over(store):
    receive(store, said("1"))
    answer(store)

    record = store.conversations.find(CUSTOMER)

    assert (record.desk, record.note) == (None, None)


def test_a_message_after_a_hand_over_is_held(store):
    hand_over(store)
    receive(store, said("1"))

    assert (states(store, "1"), store.inbox.claim(LATER, LEASE_S)) == ([InboxState.HELD], None)


def test_a_message_that_waited_at_a_hand_over_is_held(store):
    receive(store, said("0"))
    receive(store, said("1"))
    entry = claimed(store.inbox)
    store.inbox.finish(entry, [], NOW, Changes(desk="desk"))

    assert (states(store, "1"), store.inbox.claim(LATER, LEASE_S)) == ([InboxState.HELD], None)


def test_a_message_put_beside_a_hand_over_is_held(store):
    receive(store, said("0"))
    entry = claimed(store.inbox)

    together(
        lambda: store.inbox.finish(entry, [], NOW, Changes(desk="desk")),
        lambda: receive(store, said("1")),
    )

    assert (states(store, "1"), store.inbox.claim(LATER, LEASE_S)) == ([InboxState.HELD], None)


def test_the_answers_of_a_hand_over_are_sent(store):
    receive(store, said("0"))
    store.inbox.finish(claimed(store.inbox), [reply("a")], NOW, Changes(desk="desk"))

    assert send_all(store) == ["a"]


def test_a_hand_over_holds_nothing_of_other_conversations(store):
    hand_over(store)
    receive(store, said("1", customer_id=OTHER_CUSTOMER))

    assert claimed_ids(store.inbox, NOW) == ["1"]


def test_typing_is_not_held(store):
    hand_over(store)
    receive(store, said("1", TypingStart()))

    assert states(store, "1") == [InboxState.ANSWERED]


def test_a_hand_over_by_a_lost_claim_changes_nothing(store):
    receive(store, said("0"))
    late = claimed(store.inbox)
    claimed(store.inbox, NOW + LEASE_S)

    store.inbox.finish(late, [], NOW + LEASE_S, Changes(desk="desk"))

    assert store.conversations.find(CUSTOMER).desk is None


def test_a_hand_over_decided_before_a_close_changes_nothing(store):
    receive(store, said("0"))
    entry = claimed(store.inbox)
    receive(store, said("1", Close()))
    receive(store, said("2"))

    store.inbox.finish(entry, [], NOW, Changes(desk="desk"))

    assert store.conversations.find(CUSTOMER).desk is None
    assert claimed_ids(store.inbox, NOW) == ["1"]


def test_the_desk_keeps_a_conversation_over_a_restart(store, database_url):
    conversation_id = hand_over(store)

    again = open_store(database_url)

    assert again.conversations.get(conversation_id).desk == "desk"
    again.close()


def test_a_close_ends_a_hand_over(store):
    conversation_id = hand_over(store)
    receive(store, said("1", Close()))

    record = store.conversations.get(conversation_id)

    assert (record.desk, record.note) == (None, None)


def test_a_close_ends_what_was_held(store):
    hand_over(store)
    receive(store, said("1"))
    receive(store, said("2", Close()), NOW + 1)

    noted = recorded(store, "1")

    assert (noted.state, noted.reason, noted.finished_at) == (
        InboxState.ANSWERED,
        LEFT.format("desk"),
        NOW + 1,
    )


def test_a_close_is_answered_by_the_agent_though_a_desk_has_the_conversation(store):
    hand_over(store)
    receive(store, said("1"))
    receive(store, said("2", Close()))

    assert claimed_ids(store.inbox, NOW) == ["2"]


def test_what_is_said_after_a_close_goes_to_the_agent(store):
    hand_over(store)
    receive(store, said("1", Close()))
    receive(store, said("2"))
    answer(store)

    assert claimed_ids(store.inbox, NOW) == ["2"]


def test_given_back_without_a_word_of_the_desk_all_goes_to_the_agent_in_order(store):
    conversation_id = hand_over(store)
    receive(store, said("1"), NOW + 1)
    receive(store, said("2"), NOW + 2)

    assert store.inbox.give_back(conversation_id, NOW + 3) == 2

    first = claimed(store.inbox, NOW + 3)
    store.inbox.finish(first, [], NOW + 3)
    assert (first.message_id, claimed_ids(store.inbox, NOW + 3)) == ("1", ["2"])


def test_given_back_what_came_after_the_desk_last_wrote_goes_to_the_agent(store):
    conversation_id = hand_over(store)
    receive(store, said("1"), NOW + 1)
    store.outbox.put([reply("a")], NOW + 2)
    receive(store, said("2"), NOW + 3)
    receive(store, said("3"), NOW + 4)

    waiting = store.inbox.give_back(conversation_id, NOW + 5)

    assert (waiting, states(store, "2", "3")) == (2, [InboxState.RECEIVED] * 2)


def test_given_back_what_the_desk_answered_is_answered(store):
    conversation_id = hand_over(store)
    receive(store, said("1"), NOW + 1)
    store.outbox.put([reply("a")], NOW + 2)

    waiting = store.inbox.give_back(conversation_id, NOW + 5)

    noted = recorded(store, "1")
    assert waiting == 0
    assert (noted.state, noted.reason, noted.finished_at) == (
        InboxState.ANSWERED,
        BY_DESK.format("desk"),
        NOW + 5,
    )


def test_given_back_what_came_before_a_message_the_gateway_refused_goes_to_the_agent(store):
    conversation_id = hand_over(store)
    receive(store, said("1"), NOW + 1)
    store.outbox.put([reply("a")], NOW + 2)
    store.outbox.bury(claimed(store.outbox, NOW + 2), "refused", NOW + 2)

    assert store.inbox.give_back(conversation_id, NOW + 5) == 1


def test_given_back_an_answer_of_the_agent_is_no_word_of_the_desk(store):
    receive(store, said("0"))
    entry = claimed(store.inbox)
    receive(store, said("1"), NOW + 1)
    store.inbox.finish(entry, [reply("a")], NOW + 2, Changes(desk="desk"))

    assert store.inbox.give_back(entry.conversation_id, NOW + 5) == 1


def test_a_conversation_given_back_is_the_agents(store):
    conversation_id = hand_over(store)
    store.inbox.give_back(conversation_id, NOW)
    receive(store, said("1"))

    record = store.conversations.get(conversation_id)

    assert (record.desk, record.note) == (None, None)
    assert claimed_ids(store.inbox, NOW) == ["1"]


def test_give_back_lets_other_desks_keep_their_conversations(store):
    conversation_id = hand_over(store)
    other_id = hand_over(store, "9", customer_id=OTHER_CUSTOMER)
    receive(store, said("1", customer_id=OTHER_CUSTOMER))

    store.inbox.give_back(conversation_id, NOW)

    assert (states(store, "1"), store.conversations.get(other_id).desk) == (
        [InboxState.HELD],
        "desk",
    )


def test_give_back_of_what_the_agent_has_changes_nothing(store):
    receive(store, said("1"))
    conversation_id = store.conversations.find(CUSTOMER).id
    claimed(store.inbox)

    store.inbox.give_back(conversation_id, NOW + 1)

    assert (states(store, "1"), store.inbox.claim(NOW + 1, LEASE_S)) == ([InboxState.CLAIMED], None)


def test_a_message_put_beside_a_give_back_goes_to_the_agent(store):
    conversation_id = hand_over(store)

    together(
        lambda: store.inbox.give_back(conversation_id, NOW),
        lambda: receive(store, said("1"), NOW + 1),
    )

    assert claimed_ids(store.inbox, NOW + 1) == ["1"]


def test_two_who_give_back_at_the_same_moment_give_each_message_once(store):
    conversation_id = hand_over(store)
    receive(store, said("1"), NOW + 1)

    given = together(*[lambda: store.inbox.give_back(conversation_id, NOW + 2)] * 2)

    assert sorted(given) == [0, 1]


# What an answer leaves behind


OFFER = make_offer(QuickReply("Helpful?", ["Yes", "No"]).identified("offered"), NOW)[1].to_json()
OTHER_OFFER = OFFER.replace("Helpful?", "Really?")


def test_what_an_agent_remembers_is_read_with_the_next_message(store):
    receive(store, said("1"))
    store.inbox.finish(claimed(store.inbox), [], NOW, Changes(state='{"count":1}'))

    assert store.conversations.find(CUSTOMER).state == '{"count":1}'


def test_an_agent_remembers_nothing_of_a_new_conversation(store):
    receive(store, said("1"))

    assert store.conversations.find(CUSTOMER).state == "{}"


def test_what_an_agent_remembers_stays_where_nothing_is_changed(store):
    receive(store, said("1"))
    receive(store, said("2"))
    store.inbox.finish(claimed(store.inbox), [], NOW, Changes(state='{"count":1}'))
    answer(store)

    assert store.conversations.find(CUSTOMER).state == '{"count":1}'


def test_what_an_agent_remembers_is_kept_though_the_customer_left(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)
    receive(store, said("2", Close()))

    store.inbox.finish(entry, [], NOW, Changes(state='{"count":1}'))

    assert store.conversations.find(CUSTOMER).state == '{"count":1}'


ALL_CHANGES = Changes(state='{"count":1}', desk="desk", note="a note", offer=OFFER)


def test_an_answer_of_a_lost_claim_leaves_nothing_behind(store):
    receive(store, said("1"))
    before = store.conversations.find(CUSTOMER)
    late = claimed(store.inbox)
    claimed(store.inbox, NOW + LEASE_S)

    store.inbox.finish(late, [reply("a")], NOW, ALL_CHANGES)

    assert store.conversations.find(CUSTOMER) == before


@pytest.mark.parametrize("unfit", [Text(" "), Text("taken")], ids=["unfit", "taken id"])
def test_an_answer_that_is_not_taken_leaves_nothing_behind(store, unfit):
    store.outbox.put([reply("taken", customer_id=OTHER_CUSTOMER)], NOW)
    receive(store, said("1"))
    before = store.conversations.find(CUSTOMER)

    with pytest.raises((ContentInvalid, StoreUnavailable)):
        store.inbox.finish(
            claimed(store.inbox), [reply("a"), reply("taken", unfit.body)], NOW, ALL_CHANGES
        )

    assert store.conversations.find(CUSTOMER) == before


def test_an_offer_is_noted_with_the_answer_that_makes_it(store):
    receive(store, said("1"))
    store.inbox.finish(claimed(store.inbox), [reply("a")], NOW, Changes(offer=OFFER))

    assert store.conversations.find(CUSTOMER).offer == OFFER


def test_an_offer_made_after_the_customer_left_is_not_noted(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)
    receive(store, said("2", Close()))

    store.inbox.finish(entry, [reply("a")], NOW, Changes(offer=OFFER))

    assert store.conversations.find(CUSTOMER).offer is None


def offering(store):
    """Leave an offer open in the conversation, and claim the next message."""
    store.outbox.put([reply("offered")], NOW, OFFER)
    receive(store, said("1"))
    return claimed(store.inbox)


def test_an_offer_that_a_desk_makes_is_noted(store):
    offering(store)

    assert store.conversations.find(CUSTOMER).offer == OFFER


def test_what_a_desk_says_without_an_offer_leaves_the_one_before_open(store):
    offering(store)
    store.outbox.put([reply("a")], NOW)

    assert store.conversations.find(CUSTOMER).offer == OFFER


def test_the_answer_to_what_ended_an_offer_ends_it(store):
    entry = offering(store)

    store.inbox.finish(entry, [], NOW, Changes(ended_offer=OFFER))

    assert store.conversations.find(CUSTOMER).offer is None


def test_the_answer_to_what_did_not_end_an_offer_leaves_it_open(store):
    entry = offering(store)

    store.inbox.finish(entry, [], NOW, Changes())

    assert store.conversations.find(CUSTOMER).offer == OFFER


def test_an_offer_made_meanwhile_is_not_ended(store):
    entry = offering(store)
    store.outbox.put([reply("a")], NOW, OTHER_OFFER)

    store.inbox.finish(entry, [], NOW, Changes(ended_offer=OFFER))

    assert store.conversations.find(CUSTOMER).offer == OTHER_OFFER


def test_the_newest_offer_counts(store):
    entry = offering(store)

    store.inbox.finish(entry, [], NOW, Changes(offer=OTHER_OFFER, ended_offer=OFFER))

    assert store.conversations.find(CUSTOMER).offer == OTHER_OFFER


def test_a_close_ends_an_offer(store):
    offering(store)
    receive(store, said("2", Close()))

    assert store.conversations.find(CUSTOMER).offer is None


@pytest.mark.parametrize(
    ("content", "left"),
    [(Text("2"), None), (Tapback("Liked “Helpful?”", emoji="👍", quoted="Helpful?"), OFFER)],
    ids=["text", "tapback"],
)
def test_an_offer_is_over_once_a_desk_answered_what_was_said_to_it(store, content, left):
    conversation_id = hand_over(store)
    store.outbox.put([reply("offered")], NOW, OFFER)
    receive(store, said("1", content), NOW + 1)
    store.outbox.put([reply("a")], NOW + 2)

    store.inbox.give_back(conversation_id, NOW + 3)

    assert store.conversations.get(conversation_id).offer == left


def test_an_offer_of_a_desk_is_open_after_it_gave_back(store):
    conversation_id = hand_over(store)
    receive(store, said("1"), NOW - 1)
    store.outbox.put([reply("offered")], NOW, OFFER)

    store.inbox.give_back(conversation_id, NOW + 3)

    assert store.conversations.get(conversation_id).offer == OFFER


# A pause between two messages


def typing_then(store, pause_s=1.5, customer_id=CUSTOMER):
    typing = OutboundMessage(
        "typing", BUSINESS, customer_id, TypingStart(), automated=True, pause_s=pause_s
    )
    store.outbox.put([typing, reply("text", customer_id=customer_id)], NOW)


def test_the_message_after_a_pause_waits(store):
    typing_then(store)
    store.outbox.finish(claimed(store.outbox), NOW)

    assert claimed_ids(store.outbox, NOW + 1.25, NOW + 1.5) == [None, "text"]


def test_a_pause_begins_when_the_gateway_accepted(store):
    typing_then(store)
    store.outbox.finish(claimed(store.outbox), NOW + 10)

    assert claimed_ids(store.outbox, NOW + 11, NOW + 11.5) == [None, "text"]


def test_other_conversations_do_not_wait_for_a_pause(store):
    typing_then(store)
    store.outbox.put([reply("other", customer_id=OTHER_CUSTOMER)], NOW)
    store.outbox.finish(claimed(store.outbox), NOW)

    assert claimed_ids(store.outbox, NOW, NOW) == ["other", None]


def test_a_message_put_during_a_pause_does_not_end_it(store):
    typing_then(store)
    store.outbox.finish(claimed(store.outbox), NOW)

    store.outbox.put([reply("more")], NOW)

    assert claimed_ids(store.outbox, NOW, NOW + 1.5) == [None, "text"]


def test_nothing_waits_after_a_message_that_was_not_accepted(store):
    typing_then(store)
    store.outbox.bury(claimed(store.outbox), "refused", NOW)

    assert claimed_ids(store.outbox, NOW) == ["text"]


def test_a_pause_with_nothing_behind_it_keeps_nothing_back(store):
    typing_then(store)
    send_all(store, NOW)
    send_all(store, NOW + 2)

    store.outbox.put([reply("later")], NOW + 2)

    assert claimed_ids(store.outbox, NOW + 2) == ["later"]


# What a response answers


MENU = ListPicker("Menu", [Section("Fruit", ["Apple"])], name="menu", request_id="asked")
BID = "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM123456:com.example.parcels.extension"
APP = CustomApp("Parcel", BID, 1, "Parcels", "?a=1", name="app", session_id="joined")
PHONE = "tel:+15550100"
INVITATION = Invitation("A shop", "order 7", name="invited")


def sent(store, message_id, content, customer_id=CUSTOMER, business_id=BUSINESS):
    """Put a content in the outbox; give the id of its conversation."""
    message = OutboundMessage(message_id, business_id, customer_id, content, automated=True)
    store.outbox.put([message], NOW)
    return store.conversations.find(customer_id).id


def name_of(found):
    return found and found.name


def test_what_was_sent_is_found_by_what_the_response_names(store):
    here = sent(store, "1", MENU)

    found = store.outbox.find_sent(here, answer_key="asked")

    assert found == SentMessage("menu", MENU.identified("1").to_wire()["interactiveData"])


def test_what_was_sent_is_found_by_its_session(store):
    here = sent(store, "1", APP)

    assert name_of(store.outbox.find_sent(here, session_id="joined")) == "app"


def test_what_the_response_names_counts_before_its_session(store):
    sent(store, "1", MENU)
    here = sent(store, "2", APP)

    found = store.outbox.find_sent(here, answer_key="asked", session_id="joined")

    assert name_of(found) == "menu"


def test_the_session_counts_where_nothing_is_found_by_name(store):
    here = sent(store, "1", APP)

    found = store.outbox.find_sent(here, answer_key="never asked", session_id="joined")

    assert name_of(found) == "app"


def test_what_was_sent_is_found_by_its_message_id(store):
    here = sent(store, "1", MENU)

    assert name_of(store.outbox.find_sent(here, message_id="1")) == "menu"


def test_a_text_is_found_with_nothing_in_it(store):
    here = sent(store, "1", Text("Hello"))

    assert store.outbox.find_sent(here, message_id="1") == SentMessage(None, {})


def test_an_id_that_was_left_out_is_the_messages_own(store):
    here = sent(store, "1", ListPicker("Menu", [Section("Fruit", ["Apple"])], name="menu"))

    assert name_of(store.outbox.find_sent(here, answer_key="1")) == "menu"


def test_of_two_of_the_same_name_the_newest_is_found(store):
    sent(store, "1", MENU)
    here = sent(store, "2", replace(MENU, name="menu of today"))

    assert name_of(store.outbox.find_sent(here, answer_key="asked")) == "menu of today"


@pytest.mark.parametrize(
    "asked", [{}, {"answer_key": "never"}, {"session_id": "never"}, {"message_id": "never"}]
)
def test_what_was_never_sent_is_not_found(store, asked):
    here = sent(store, "1", MENU)

    assert store.outbox.find_sent(here, **asked) is None


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b", "a" * 100_000], ids=["NUL", "half", "long"])
@pytest.mark.parametrize("name", ["answer_key", "session_id", "message_id"])
def test_a_name_that_no_column_can_hold_is_not_found(store, name, odd):
    here = sent(store, "1", MENU)

    assert store.outbox.find_sent(here, **{name: odd}) is None


@pytest.mark.parametrize(
    "elsewhere",
    [{"customer_id": OTHER_CUSTOMER}, {"business_id": OTHER_BUSINESS}],
    ids=["customer", "business"],
)
@pytest.mark.parametrize(
    "asked", [{"answer_key": "asked"}, {"session_id": "2"}, {"message_id": "2"}]
)
def test_what_was_sent_to_another_conversation_is_not_found(store, elsewhere, asked):
    here = sent(store, "1", Text("Hello"))
    sent(store, "2", MENU, **elsewhere)

    assert store.outbox.find_sent(here, **asked) is None


def test_an_invitation_is_found_from_the_conversation_it_led_to(store):
    sent(store, "1", INVITATION, customer_id=PHONE)
    here = sent(store, "2", Text("Welcome"))

    assert name_of(store.outbox.find_sent(here, answer_key="order 7")) == "invited"


def test_an_invitation_is_found_from_the_number_it_went_to(store):
    here = sent(store, "1", INVITATION, customer_id=PHONE)

    assert name_of(store.outbox.find_sent(here, answer_key="order 7")) == "invited"


def test_an_invitation_of_another_business_is_not_found(store):
    sent(store, "1", INVITATION, customer_id=PHONE, business_id=OTHER_BUSINESS)
    here = sent(store, "2", Text("Welcome"))

    assert store.outbox.find_sent(here, answer_key="order 7") is None


def refusal(message_id):
    """Make what comes when the owner of the number refuses an invitation."""
    refused = InvitationResponse(accepted=False, references=("order 7",), closes=True)
    return said(message_id, refused, PHONE)


def test_an_invitation_refused_closes_the_conversation_with_the_number(store):
    sent(store, "1", INVITATION, customer_id=PHONE)
    receive(store, refusal("no"))

    assert store.conversations.find(PHONE).closed is True


def test_who_refused_an_invitation_is_not_invited_again(store):
    sent(store, "1", INVITATION, customer_id=PHONE)
    receive(store, refusal("no"))

    with pytest.raises(ContentInvalid, match=CLOSED):
        sent(store, "2", INVITATION, customer_id=PHONE)


def test_a_refused_invitation_goes_to_the_agent(store):
    receive(store, refusal("no"))

    assert claimed_ids(store.inbox, NOW) == ["no"]


def test_an_invitation_accepted_leaves_the_conversation_open(store):
    accepted = InvitationResponse(accepted=True, references=("order 7",))
    receive(store, said("yes", accepted))

    assert store.conversations.find(CUSTOMER).closed is False


# Sent again by reference


def reusable(message_id, name="menu", customer_id=CUSTOMER, business_id=BUSINESS):
    content = QuickReply("Which?", ["Yes", "No"], name=name, reusable=True)
    return OutboundMessage(message_id, business_id, customer_id, content, automated=True)


def accepted_with(store, message, data_ref):
    """Let the gateway have accepted a message, and given a reference to it or not."""
    store.outbox.put([message], NOW)
    assert store.outbox.finish(claimed(store.outbox), NOW, data_ref)


def test_what_the_gateway_keeps_is_found_by_its_name(store):
    accepted_with(store, reusable("a"), '{"url": "https://a.example"}')

    found = store.outbox.find_reusable(BUSINESS, "menu")

    assert found == ReusableMessage({"url": "https://a.example"}, "a", "QuickReply")


def test_what_the_gateway_keeps_is_found_for_every_customer_of_its_business(store):
    accepted_with(store, reusable("a", customer_id=OTHER_CUSTOMER), '{"url": "1"}')

    assert store.outbox.find_reusable(BUSINESS, "menu") == ReusableMessage(
        {"url": "1"}, "a", "QuickReply"
    )


def test_of_two_that_the_gateway_keeps_the_newest_is_found(store):
    accepted_with(store, reusable("a"), '{"url": "1"}')
    accepted_with(store, reusable("b"), '{"url": "2"}')

    assert store.outbox.find_reusable(BUSINESS, "menu") == ReusableMessage(
        {"url": "2"}, "b", "QuickReply"
    )


def test_what_the_gateway_gave_no_reference_to_is_passed_over(store):
    accepted_with(store, reusable("a"), '{"url": "1"}')
    accepted_with(store, reusable("b"), None)

    assert store.outbox.find_reusable(BUSINESS, "menu") == ReusableMessage(
        {"url": "1"}, "a", "QuickReply"
    )


@pytest.mark.parametrize(
    ("business_id", "name"), [(OTHER_BUSINESS, "menu"), (BUSINESS, "Menu"), (BUSINESS, "")]
)
def test_what_the_gateway_keeps_is_not_found_elsewhere(store, business_id, name):
    accepted_with(store, reusable("a"), '{"url": "1"}')

    assert store.outbox.find_reusable(business_id, name) is None


def test_a_reference_that_comes_after_the_lease_is_not_noted(store):
    store.outbox.put([reusable("a")], NOW)
    late = claimed(store.outbox)
    claimed(store.outbox, NOW + LEASE_S + 1)

    assert store.outbox.finish(late, NOW + LEASE_S + 2, '{"url": "1"}') is False

    assert store.outbox.find_reusable(BUSINESS, "menu") is None


# One conversation among others


@pytest.mark.parametrize("spell", [str, str.upper])
def test_a_conversation_is_found_by_our_own_id(store, spell):
    receive(store, said("1"))
    receive(store, said("2", customer_id=OTHER_CUSTOMER), NOW + 1)
    here = store.conversations.find(CUSTOMER)

    assert store.conversations.find(spell(here.id)) == here


@pytest.mark.parametrize(
    "name", ["", CUSTOMER.upper(), "urn:mbid:%", "no such id", "a\0b", "a\ud800b"]
)
def test_a_conversation_is_not_found_by_another_name(store, name):
    receive(store, said("1"))

    assert store.conversations.find(name) is None


def test_history_of_one_conversation_has_nothing_of_others(store):
    receive(store, said("1"))
    receive(store, said("2", customer_id=OTHER_CUSTOMER), NOW + 1)
    store.outbox.put([reply("a", customer_id=OTHER_CUSTOMER)], NOW + 2)
    store.outbox.put([reply("b")], NOW + 3)
    here = store.conversations.find(CUSTOMER).id

    assert [one.message_id for one in store.history.newest(10, here)] == ["1", "b"]


def test_history_of_one_conversation_gives_the_newest_and_no_more(store):
    for number in range(5):
        receive(store, said(str(number)), NOW + number)
        store.outbox.put([reply(f"a{number}")], NOW + number + 0.5)
    here = store.conversations.find(CUSTOMER).id

    assert [one.message_id for one in store.history.newest(3, here)] == ["a3", "4", "a4"]


def test_history_before_an_entry_has_neither_it_nor_what_came_after(store):
    receive(store, said("1"), NOW)
    store.outbox.put([reply("a")], NOW + 1)
    answer(store, now=NOW + 1)
    receive(store, said("2"), NOW + 2)
    receive(store, said("3"), NOW + 3)
    entry = claimed(store.inbox, NOW + 4)

    before = store.history.newest(10, entry.conversation_id, before=entry)

    assert [one.message_id for one in before] == ["1", "a"]


def test_history_before_an_entry_holds_for_all_conversations_too(store):
    receive(store, said("1"))
    receive(store, said("2", customer_id=OTHER_CUSTOMER), NOW + 1)
    receive(store, said("3"), NOW + 2)
    claimed(store.inbox, NOW)
    entry = claimed(store.inbox, NOW + 1)

    assert [one.message_id for one in store.history.newest(10, before=entry)] == ["1"]


# Payments


TOKEN = "a-token-that-nobody-guesses"
STANDARD = ShippingMethod("Standard", Decimal("4.90"), "In two days", identifier="standard")
COLLECT = ShippingMethod("Collect", Decimal("0"), identifier="collect")
SURCHARGE = LineItem("Credit card", Decimal("0.50"))
ISLAND = LineItem("Delivery to an island", Decimal("3.99"), pending=True)
CLOSES_AT = NOW + 7200
FIRST, SECOND = "first authorisation", "second authorisation"


def order(token=TOKEN, request_id="order", **changes):
    """Make a payment of 39 and shipping, 43.90 together, at addresses of this server."""
    fields = {
        "merchant_name": "Example Shop",
        "country": "DE",
        "currency": "EUR",
        "shipping_methods": [STANDARD, COLLECT],
        "merchant_id": "merchant.com.example.shop",
        "endpoints": PaymentEndpoints.below("https://shop.example.com", token),
        "name": "kettle",
        "request_id": request_id,
    }
    return ApplePay("Your order", [LineItem("Kettle", Decimal("39"))], **{**fields, **changes})


def asking(message_id="ask", token=TOKEN, customer_id=CUSTOMER, content=None):
    """Make a message that asks for a payment and opens its addresses."""
    return OutboundMessage(
        message_id,
        BUSINESS,
        customer_id,
        content or order(token),
        automated=True,
        opening=PaymentOpening(token),
    )


@pytest.fixture
def payments(store):
    """Give the payments of a store in which one was asked for and its message is being sent."""
    store.outbox.put([asking()], NOW)
    store.payments.open("ask", CLOSES_AT)
    return store.payments


def authorise(payments, status=PaymentStatus.SUCCESS, authorisation=FIRST, now=NOW + 1):
    """Take an authorisation to its end."""
    assert payments.begin(TOKEN, authorisation, now) is Beginning.BEGUN
    payments.settle(TOKEN, authorisation, status, now)


def course(payments):
    return [(what, words) for _at, what, words in payments.find(TOKEN).course]


def test_a_payment_is_there_with_the_message_that_asks_for_it(store):
    store.outbox.put([asking()], NOW)

    record = store.payments.find(TOKEN)

    assert (record.message_id, record.request_id, record.name) == ("ask", "order", "kettle")
    assert (record.business_id, record.customer_id) == (BUSINESS, CUSTOMER)
    assert (record.merchant_name, record.country, record.currency) == ("Example Shop", "DE", "EUR")
    assert (record.state, record.status, record.authorisation) == (PaymentState.ASKED, None, None)
    assert record.created_at == NOW


def test_a_payment_is_there_with_the_answer_that_asks_for_it(store):
    receive(store, said("1"))

    answer(store, asking())

    assert store.payments.find(TOKEN).message_id == "ask"


def test_a_payment_of_an_answer_that_comes_too_late_is_not_there(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)
    receive(store, said("2", Close()))

    store.inbox.finish(entry, [asking()], NOW)

    assert store.payments.find(TOKEN) is None


def test_a_payment_of_an_answer_whose_claim_was_lost_is_not_there(store):
    receive(store, said("1"))
    late = claimed(store.inbox)
    claimed(store.inbox, NOW + LEASE_S + 1)

    assert store.inbox.finish(late, [asking()], NOW + LEASE_S + 2) is False

    assert store.payments.find(TOKEN) is None


def test_a_payment_at_addresses_of_others_is_not_there(store):
    elsewhere = replace(asking(), opening=None)

    store.outbox.put([elsewhere], NOW)

    assert store.payments.newest(10) == []


def test_a_message_of_another_kind_opens_no_payment(store):
    store.outbox.put([replace(reply("a"), opening=PaymentOpening(TOKEN))], NOW)

    assert store.payments.newest(10) == []


def test_a_second_payment_at_the_same_addresses_is_refused_with_its_message(store):
    store.outbox.put([asking()], NOW)

    with pytest.raises(StoreUnavailable):
        store.outbox.put([asking("again")], NOW)

    assert send_all(store) == ["ask"]


def test_the_bill_comes_back_as_it_was_asked_for(payments):
    record = payments.find(TOKEN)

    assert record.items == (LineItem("Kettle", Decimal("39.00")),)
    assert record.shipping_methods == {"standard": STANDARD, "collect": COLLECT}
    assert record.shipping_method == STANDARD
    assert record.lines == (*record.items, LineItem("Standard", Decimal("4.90")))
    assert record.total == Decimal("43.90")


def test_shipping_methods_that_have_no_identifier_get_that_of_the_message(store):
    unnamed = [replace(STANDARD, identifier=None), replace(COLLECT, identifier=None)]
    content = order(shipping_methods=unnamed)
    sent = content.identified("ask").to_wire()["interactiveData"]["data"]["payment"]
    store.outbox.put([asking(content=content)], NOW)

    on_the_sheet = [each["identifier"] for each in sent["paymentRequest"]["shippingMethods"]]
    assert list(store.payments.find(TOKEN).shipping_methods) == on_the_sheet


def test_a_request_identifier_that_was_left_out_is_the_one_of_the_message(store):
    store.outbox.put([asking(content=order(request_id=None))], NOW)

    assert store.payments.find(TOKEN).request_id == "ask"


def test_a_bill_without_shipping_has_its_items_alone(store):
    store.outbox.put([asking(content=order(shipping_methods=[]))], NOW)

    record = store.payments.find(TOKEN)

    assert (record.shipping, record.shipping_method, record.total) == (None, None, Decimal("39"))


def test_a_line_that_may_still_change_comes_back_so(store):
    pending = [LineItem("Taxi", Decimal("10"), pending=True)]
    content = replace(order(), line_items=pending)
    store.outbox.put([asking(content=content)], NOW)

    assert store.payments.find(TOKEN).items == (LineItem("Taxi", Decimal("10.00"), pending=True),)


def test_an_amount_in_a_currency_without_decimals_comes_back(store):
    yen = replace(order(currency="JPY", shipping_methods=[]), line_items=[LineItem("K", "3900")])
    store.outbox.put([asking(content=yen)], NOW)

    assert store.payments.find(TOKEN).total == Decimal("3900")


@pytest.mark.parametrize(
    "odd",
    ["", "other", TOKEN.upper(), f"{TOKEN} ", "%", "a\0b", "a\ud800b", "a" * 100_000],
    ids=["empty", "other", "case", "blank", "any", "NUL", "half", "long"],
)
def test_a_payment_is_not_found_by_another_token(payments, odd):
    assert payments.find(odd) is None


def test_the_addresses_are_closed_until_the_message_is_sent(store):
    store.outbox.put([asking()], NOW)

    record = store.payments.find(TOKEN)

    assert (record.expires_at, record.takes_changes(NOW)) == (None, False)


@pytest.mark.parametrize(
    ("now", "taken"), [(NOW, True), (CLOSES_AT - 1, True), (CLOSES_AT, False), (LATER, False)]
)
def test_the_addresses_are_open_until_they_close(payments, now, taken):
    assert payments.find(TOKEN).takes_changes(now) is taken


def test_to_open_one_payment_opens_no_other(store):
    store.outbox.put([asking(), asking("other", "other token")], NOW)

    store.payments.open("other", CLOSES_AT)

    assert store.payments.find(TOKEN).expires_at is None
    assert store.payments.find("other token").expires_at == CLOSES_AT


def test_to_open_what_is_no_payment_of_ours_opens_nothing(payments):
    payments.open("no such message", LATER)

    assert payments.find(TOKEN).expires_at == CLOSES_AT


def test_a_payment_is_found_by_what_the_closing_message_names(payments):
    record = payments.find(TOKEN)

    assert payments.of_request(record.conversation_id, "order") == record


def test_of_two_payments_of_the_same_name_the_newest_is_found(payments, store):
    store.outbox.put([asking("again", "newer token")], NOW)
    here = payments.find(TOKEN).conversation_id

    assert payments.of_request(here, "order").message_id == "again"


@pytest.mark.parametrize("odd", ["never", "", "a\0b", "a\ud800b", "a" * 100_000])
def test_a_payment_is_not_found_by_what_nobody_asked(payments, odd):
    assert payments.of_request(payments.find(TOKEN).conversation_id, odd) is None


def test_a_payment_of_another_customer_is_not_found(payments, store):
    receive(store, said("1", customer_id=OTHER_CUSTOMER))
    there = store.conversations.find(OTHER_CUSTOMER).id

    assert payments.of_request(there, "order") is None


def test_the_newest_payments_come_oldest_first(store):
    store.outbox.put([asking(str(n), f"token {n}") for n in range(4)], NOW)

    assert [one.message_id for one in store.payments.newest(3)] == ["1", "2", "3"]


def test_the_newest_payments_of_a_conversation_are_its_own(payments, store):
    store.outbox.put([asking("other", "other token", OTHER_CUSTOMER)], NOW)
    here = payments.find(TOKEN).conversation_id

    assert [one.message_id for one in payments.newest(10, here)] == ["ask"]
    assert [one.message_id for one in payments.newest(10)] == ["ask", "other"]


def test_the_repr_of_a_payment_does_not_tell_its_token(payments):
    assert TOKEN not in repr(payments.find(TOKEN))


# What the customer changes on the sheet


def test_a_change_adds_its_lines_to_the_bill(payments):
    changed = payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW + 1)

    assert changed.lines[-1] == SURCHARGE
    assert changed.total == Decimal("44.40")
    assert changed == payments.find(TOKEN)


def test_a_change_takes_the_place_of_the_one_before(payments):
    payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW + 1)

    changed = payments.change(TOKEN, PaymentChange.CARD, [], NOW + 2)

    assert changed.total == Decimal("43.90")


def test_a_change_leaves_what_came_for_others(payments):
    payments.change(TOKEN, PaymentChange.ADDRESS, [ISLAND], NOW + 1)

    changed = payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW + 2)

    assert changed.further == {PaymentChange.ADDRESS: (ISLAND,), PaymentChange.CARD: (SURCHARGE,)}
    assert changed.total == Decimal("48.39")


def test_another_shipping_method_takes_the_place_of_the_first(payments):
    changed = payments.change(TOKEN, PaymentChange.SHIPPING, [], NOW + 1, "collect")

    assert (changed.shipping_method, changed.total) == (COLLECT, Decimal("39"))


def test_another_card_leaves_the_shipping_method(payments):
    payments.change(TOKEN, PaymentChange.SHIPPING, [], NOW + 1, "collect")

    changed = payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW + 2)

    assert (changed.shipping, changed.total) == ("collect", Decimal("39.50"))


def test_two_changes_at_the_same_moment_both_count(payments):
    together(
        lambda: payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW),
        lambda: payments.change(TOKEN, PaymentChange.ADDRESS, [ISLAND], NOW),
        lambda: payments.change(TOKEN, PaymentChange.SHIPPING, [], NOW, "collect"),
    )

    assert payments.find(TOKEN).total == Decimal("43.49")
    assert len(course(payments)) == 4


def test_a_change_that_cannot_be_written_in_the_currency_changes_nothing(payments):
    before = payments.find(TOKEN)

    with pytest.raises(ContentInvalid, match="decimals"):
        payments.change(TOKEN, PaymentChange.CARD, [LineItem("Fee", Decimal("0.001"))], NOW)

    assert payments.find(TOKEN) == before


@pytest.mark.parametrize("discount", ["-43.90", "-50"])
def test_a_change_that_leaves_nothing_to_pay_changes_nothing(payments, discount):
    before = payments.find(TOKEN)

    with pytest.raises(ContentInvalid, match="bill comes to"):
        payments.change(TOKEN, PaymentChange.CARD, [LineItem("Gift", discount)], NOW)

    assert payments.find(TOKEN) == before


def test_a_change_of_a_payment_that_is_not_there_is_none(payments):
    assert payments.change("other", PaymentChange.CARD, [], NOW) is None


def test_a_change_before_the_message_is_sent_is_refused(store):
    store.outbox.put([asking()], NOW)

    assert store.payments.change(TOKEN, PaymentChange.CARD, [], NOW) is None


def unclear(payments):
    payments.begin(TOKEN, FIRST, NOW)
    payments.give_up(TOKEN, FIRST, "it raised", NOW)


def tracked(payments):
    authorise(payments)
    payments.track(TOKEN, NOW)


#: What a payment takes nothing after, by the state it is in then.
ENDS = {
    PaymentState.AUTHORISING: lambda payments: payments.begin(TOKEN, FIRST, NOW),
    PaymentState.AUTHORISED: authorise,
    PaymentState.TRACKED: tracked,
    PaymentState.UNCLEAR: unclear,
}


@pytest.mark.parametrize("state", ENDS)
def test_a_payment_that_is_not_open_takes_no_change(payments, state):
    ENDS[state](payments)
    before = payments.find(TOKEN)
    assert before.state is state

    assert payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW + 2) is None

    assert payments.find(TOKEN) == before


def test_a_payment_whose_time_is_up_takes_no_change(payments):
    assert payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], CLOSES_AT) is None

    assert payments.find(TOKEN).total == Decimal("43.90")


def test_a_refused_payment_takes_another_card(payments):
    authorise(payments, PaymentStatus.FAILURE)

    assert payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW + 2) is not None


# What is charged once


def test_an_authorisation_begins_once(payments):
    assert payments.begin(TOKEN, FIRST, NOW) is Beginning.BEGUN
    assert payments.begin(TOKEN, FIRST, NOW) is Beginning.SAME


def test_an_authorisation_that_has_begun_is_shown(payments):
    payments.begin(TOKEN, FIRST, NOW)

    record = payments.find(TOKEN)

    assert (record.state, record.status) == (PaymentState.AUTHORISING, None)
    assert (record.authorisation, record.authorised_total) == (FIRST, Decimal("43.90"))
    assert record.is_paid is False


def test_the_same_authorisation_at_the_same_moment_begins_once(payments):
    begun = together(*[lambda: payments.begin(TOKEN, FIRST, NOW)] * 8)

    assert sorted(each.value for each in begun) == ["begun", *["same"] * 7]


def test_two_authorisations_at_the_same_moment_begin_once(payments):
    acts = [partial(payments.begin, TOKEN, f"authorisation {n}", NOW) for n in range(8)]

    begun = together(*acts)

    assert sorted(each.value for each in begun) == ["begun", *["over"] * 7]
    winner = begun.index(Beginning.BEGUN)
    assert payments.find(TOKEN).authorisation == f"authorisation {winner}"


def test_an_authorisation_beside_a_change_is_for_what_stands_then(payments):
    changed, begun = together(
        lambda: payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW),
        lambda: payments.begin(TOKEN, FIRST, NOW),
    )

    assert begun is Beginning.BEGUN
    record = payments.find(TOKEN)
    assert record.authorised_total == record.total
    assert record.total == Decimal("43.90" if changed is None else "44.40")


def test_an_authorisation_of_a_payment_that_is_not_there_is_over(payments):
    assert payments.begin("other", FIRST, NOW) is Beginning.OVER


def test_an_authorisation_before_the_message_is_sent_is_over(store):
    store.outbox.put([asking()], NOW)

    assert store.payments.begin(TOKEN, FIRST, NOW) is Beginning.OVER


def test_an_authorisation_after_the_time_is_up_is_over(payments):
    assert payments.begin(TOKEN, FIRST, CLOSES_AT) is Beginning.OVER

    assert payments.find(TOKEN).state is PaymentState.ASKED


@pytest.mark.parametrize("state", ENDS)
def test_another_authorisation_of_a_payment_that_is_not_open_is_over(payments, state):
    ENDS[state](payments)

    assert payments.begin(TOKEN, SECOND, NOW + 2) is Beginning.OVER

    assert payments.find(TOKEN).authorisation == FIRST


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("now", [NOW + 2, LATER])
def test_the_same_authorisation_stays_the_same(payments, state, now):
    ENDS[state](payments)

    assert payments.begin(TOKEN, FIRST, now) is Beginning.SAME


def test_a_success_is_paid(payments):
    authorise(payments)

    record = payments.find(TOKEN)

    assert (record.state, record.status) == (PaymentState.AUTHORISED, PaymentStatus.SUCCESS)
    assert (record.is_paid, record.authorised_total) == (True, Decimal("43.90"))


@pytest.mark.parametrize("status", set(PaymentStatus) - {PaymentStatus.SUCCESS})
def test_every_other_status_is_a_refusal(payments, status):
    authorise(payments, status)

    record = payments.find(TOKEN)

    assert (record.state, record.status) == (PaymentState.REFUSED, status)
    assert record.is_paid is False


def test_after_a_refusal_another_card_may_pay(payments):
    authorise(payments, PaymentStatus.FAILURE)
    payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW + 2)

    authorise(payments, authorisation=SECOND)

    record = payments.find(TOKEN)
    assert (record.is_paid, record.authorised_total) == (True, Decimal("44.40"))


def test_after_a_refusal_the_same_authorisation_gets_it_again(payments):
    authorise(payments, PaymentStatus.FAILURE)

    assert payments.begin(TOKEN, FIRST, NOW + 2) is Beginning.SAME


def test_a_status_counts_once(payments):
    authorise(payments)

    payments.settle(TOKEN, FIRST, PaymentStatus.FAILURE, NOW + 2)

    assert payments.find(TOKEN).state is PaymentState.AUTHORISED


def test_the_status_of_another_authorisation_changes_nothing(payments):
    payments.begin(TOKEN, FIRST, NOW)

    payments.settle(TOKEN, SECOND, PaymentStatus.SUCCESS, NOW + 1)

    assert payments.find(TOKEN).state is PaymentState.AUTHORISING


def test_the_status_of_a_payment_that_is_not_there_changes_nothing(payments):
    payments.begin(TOKEN, FIRST, NOW)

    payments.settle("other", FIRST, PaymentStatus.SUCCESS, NOW + 1)

    assert payments.find(TOKEN).state is PaymentState.AUTHORISING


def test_what_nobody_knows_the_end_of_is_unclear(payments):
    unclear(payments)

    record = payments.find(TOKEN)

    assert (record.state, record.status) == (PaymentState.UNCLEAR, PaymentStatus.FAILURE)
    assert record.is_paid is False
    assert course(payments)[-1] == ("unclear", "it raised")


def test_what_is_settled_is_not_given_up(payments):
    authorise(payments)

    payments.give_up(TOKEN, FIRST, "it raised", NOW + 2)

    assert payments.find(TOKEN).state is PaymentState.AUTHORISED


def test_what_was_abandoned_is_given_up(payments):
    payments.begin(TOKEN, FIRST, NOW)

    assert payments.give_up_abandoned(NOW + BUSY_LIMIT_S) == 1

    assert payments.find(TOKEN).state is PaymentState.UNCLEAR
    assert payments.give_up_abandoned(NOW + BUSY_LIMIT_S) == 0


def test_a_worker_that_starts_gives_up_what_was_abandoned(payments, store):
    payments.begin(TOKEN, FIRST, NOW)

    with store.working(NOW + BUSY_LIMIT_S):
        assert payments.find(TOKEN).state is PaymentState.UNCLEAR


def test_what_the_processor_may_still_be_at_is_not_given_up(payments):
    payments.begin(TOKEN, FIRST, NOW)

    assert payments.give_up_abandoned(NOW + BUSY_LIMIT_S - 1) == 0

    assert payments.find(TOKEN).state is PaymentState.AUTHORISING


def test_what_has_ended_is_not_given_up_later(payments):
    authorise(payments)

    assert payments.give_up_abandoned(LATER) == 0

    assert payments.find(TOKEN).state is PaymentState.AUTHORISED


def test_an_order_is_tracked_once_it_is_paid(payments):
    authorise(payments)

    assert payments.track(TOKEN, NOW + 2) is True

    record = payments.find(TOKEN)
    assert (record.state, record.is_paid) == (PaymentState.TRACKED, True)


def test_an_order_is_tracked_again_and_stays_so(payments):
    tracked(payments)

    assert payments.track(TOKEN, NOW + 3) is True

    assert payments.find(TOKEN).state is PaymentState.TRACKED


@pytest.mark.parametrize("token", [TOKEN, "other"])
def test_an_order_that_is_not_paid_is_not_tracked(payments, token):
    assert payments.track(token, NOW) is False

    assert payments.find(TOKEN).state is PaymentState.ASKED


@pytest.mark.parametrize("state", [PaymentState.AUTHORISING, PaymentState.UNCLEAR])
def test_an_order_of_which_nobody_knows_is_not_tracked(payments, state):
    ENDS[state](payments)

    assert payments.track(TOKEN, NOW + 2) is False

    assert payments.find(TOKEN).state is state


def test_the_course_tells_everything_in_its_order(payments):
    payments.change(TOKEN, PaymentChange.CARD, [SURCHARGE], NOW + 1)
    authorise(payments, PaymentStatus.PIN_REQUIRED, now=NOW + 2)
    authorise(payments, authorisation=SECOND, now=NOW + 3)
    payments.track(TOKEN, NOW + 4)

    assert payments.find(TOKEN).course == (
        (NOW, "asked", ""),
        (NOW + 1, "changed", "card"),
        (NOW + 2, "refused", "STATUS_PIN_REQUIRED"),
        (NOW + 3, "authorised", ""),
        (NOW + 4, "tracked", ""),
    )


def test_a_long_course_keeps_how_it_began_and_its_end(payments):
    for number in range(70):
        payments.change(TOKEN, PaymentChange.CARD, [], NOW + number)

    kept = payments.find(TOKEN).course

    assert (kept[0][1], kept[-1][0]) == ("asked", NOW + 69)
    assert len(kept) <= 62


# Sign-ins


STATE = "a-state-that-nobody-guesses"
SEALED = b"\x00a private key, encrypted\xff"
USER = {"sub": "1", "name": "Ava"}
NOT_USER = {"sub": "2", "name": "Mallory"}
BACK_BY = NOW + 3600


def asking_who(
    message_id="who", state=STATE, customer_id=CUSTOMER, sealed_key=None, request_id="sign in"
):
    """Make a message that asks a customer to sign in."""
    content = Authenticate(
        "Please sign in",
        scope=("openid",),
        state=state,
        redirect_uri="https://shop.example.com/oauth/callback",
        request_id=request_id,
    )
    opening = SignInOpening(state, sealed_key)
    return OutboundMessage(
        message_id, BUSINESS, customer_id, content, automated=True, opening=opening
    )


@pytest.fixture
def sign_ins(store):
    """Give the sign-ins of a store in which one was asked for and its message is being sent."""
    store.outbox.put([asking_who()], NOW)
    store.sign_ins.open("who", BACK_BY)
    return store.sign_ins


@pytest.fixture
def old_sign_ins(store):
    """Give the same in the old flow, which has a key."""
    store.outbox.put([asking_who(sealed_key=SEALED)], NOW)
    store.sign_ins.open("who", BACK_BY)
    return store.sign_ins


def signing_in(store, message_id="who"):
    """Give the sign-in as it stands."""
    found = store.sign_ins.of_request(store.conversations.find(CUSTOMER).id, "sign in")
    assert found.message_id == message_id
    return found


def test_a_sign_in_is_there_with_the_message_that_asks_for_it(store):
    store.outbox.put([asking_who(sealed_key=SEALED)], NOW)

    found = signing_in(store)

    assert (found.stage, found.sealed_key) == (SignInState.ASKED, SEALED)
    assert (found.user, found.failure, found.told_by) == (None, None, None)
    assert found.expires_at is None


def test_a_sign_in_is_there_with_the_answer_that_asks_for_it(store):
    receive(store, said("1"))

    answer(store, asking_who())

    assert signing_in(store).stage is SignInState.ASKED


def test_a_sign_in_of_an_answer_that_comes_too_late_is_not_there(store):
    receive(store, said("1"))
    entry = claimed(store.inbox)
    receive(store, said("2", Close()))

    store.inbox.finish(entry, [asking_who()], NOW)

    assert store.sign_ins.take_back(STATE, NOW) is None


def test_a_sign_in_at_an_address_of_others_is_not_there(store):
    store.outbox.put([replace(asking_who(), opening=None)], NOW)

    assert store.sign_ins.take_back(STATE, NOW) is None


def test_a_message_of_another_kind_opens_no_sign_in(store):
    store.outbox.put([replace(reply("a"), opening=SignInOpening(STATE))], NOW)

    assert store.sign_ins.take_back(STATE, NOW) is None


def test_a_state_is_good_for_the_sign_in_it_was_made_for(sign_ins, store):
    store.outbox.put([asking_who("other", "other state", OTHER_CUSTOMER)], NOW)

    record, came = sign_ins.take_back(STATE, NOW + 1)

    assert came is Return.GOOD
    assert (record.message_id, record.conversation_id) == (
        "who",
        store.conversations.find(CUSTOMER).id,
    )
    assert signing_in(store).stage is SignInState.RETURNED


def test_a_state_is_good_once(sign_ins):
    sign_ins.take_back(STATE, NOW + 1)

    record, came = sign_ins.take_back(STATE, NOW + 2)

    assert (record.message_id, came) == ("who", Return.USED)


def test_a_state_used_by_eight_at_the_same_moment_is_good_once(store):
    states = [f"state {number}" for number in range(20)]
    store.outbox.put([asking_who(state, state) for state in states], NOW)
    for state in states:  # several, as the moment in which two could be good is short
        store.sign_ins.open(state, BACK_BY)

        came = together(*[partial(store.sign_ins.take_back, state, NOW)] * 8)

        assert sorted(how.value for _record, how in came) == ["good", *["used"] * 7]


@pytest.mark.parametrize(
    "odd",
    ["", "other", STATE.upper(), f"{STATE} ", "%", "a\0b", "a\ud800b", "a" * 100_000],
    ids=["empty", "other", "case", "blank", "any", "NUL", "half", "long"],
)
def test_a_state_of_nobody_is_none(sign_ins, odd):
    assert sign_ins.take_back(odd, NOW) is None


@pytest.mark.parametrize(
    ("now", "came"),
    [(BACK_BY - 1, Return.GOOD), (BACK_BY, Return.EXPIRED), (LATER, Return.EXPIRED)],
)
def test_a_state_is_good_until_its_time_is_up(sign_ins, now, came):
    assert sign_ins.take_back(STATE, now)[1] is came


def test_a_state_that_has_expired_ends_its_sign_in(sign_ins, store):
    sign_ins.take_back(STATE, BACK_BY)

    found = signing_in(store)

    assert (found.stage, found.failure) == (SignInState.ENDED, SignInFailure.EXPIRED)


def test_a_state_that_has_expired_was_used(sign_ins):
    sign_ins.take_back(STATE, BACK_BY)

    assert sign_ins.take_back(STATE, NOW)[1] is Return.USED


def test_a_state_of_a_message_that_was_never_sent_has_expired(store):
    store.outbox.put([asking_who()], NOW)

    assert store.sign_ins.take_back(STATE, NOW)[1] is Return.EXPIRED


def test_a_state_is_used_once_the_sign_in_has_ended_otherwise(sign_ins, store):
    sign_ins.end(signing_in(store), None, SignInFailure.CANCELLED)

    assert sign_ins.take_back(STATE, NOW)[1] is Return.USED


def test_a_sign_in_ends_with_who_signed_in(sign_ins, store):
    record, _ = sign_ins.take_back(STATE, NOW)

    ended = sign_ins.end(record, USER, None)

    assert (ended.stage, ended.user, ended.failure) == (SignInState.ENDED, USER, None)
    assert ended == signing_in(store)


def test_a_sign_in_ends_with_why_nobody_did(sign_ins, store):
    ended = sign_ins.end(signing_in(store), None, SignInFailure.DENIED)

    assert (ended.user, ended.failure) == (None, SignInFailure.DENIED)


def test_the_first_result_of_a_sign_in_counts(sign_ins, store):
    record, _ = sign_ins.take_back(STATE, NOW)
    first = sign_ins.end(record, USER, None)

    assert sign_ins.end(record, NOT_USER, None) == first
    assert sign_ins.end(record, None, SignInFailure.NOT_RETURNED) == first
    assert signing_in(store) == first


def test_of_results_at_the_same_moment_one_counts(sign_ins, store):
    record = signing_in(store)
    acts = [partial(sign_ins.end, record, {"sub": str(n)}, None) for n in range(8)]

    ended = together(*acts)

    assert len({each.user["sub"] for each in ended}) == 1
    assert signing_in(store) == ended[0]


def test_a_key_is_kept_while_the_customer_signs_in(old_sign_ins, store):
    old_sign_ins.take_back(STATE, NOW)

    assert signing_in(store).sealed_key == SEALED


@pytest.mark.parametrize(
    ("user", "failure"), [(USER, None), (None, SignInFailure.CANCELLED)], ids=["user", "failure"]
)
def test_a_key_is_forgotten_once_the_sign_in_has_ended(old_sign_ins, store, user, failure):
    assert old_sign_ins.end(signing_in(store), user, failure).sealed_key is None

    assert signing_in(store).sealed_key is None


def test_a_key_is_forgotten_once_the_state_has_expired(old_sign_ins, store):
    old_sign_ins.take_back(STATE, BACK_BY)

    assert signing_in(store).sealed_key is None


def test_keys_are_forgotten_whose_time_is_up(old_sign_ins, store):
    old_sign_ins.forget(BACK_BY)

    assert signing_in(store).sealed_key is None


def test_keys_are_kept_whose_time_is_not_up(old_sign_ins, store):
    old_sign_ins.forget(BACK_BY - 1)

    assert signing_in(store).sealed_key == SEALED


def test_keys_whose_time_is_up_are_forgotten_when_somebody_is_asked(old_sign_ins, store):
    store.outbox.put([asking_who("next", "next", request_id="next")], BACK_BY)

    assert signing_in(store).sealed_key is None


def test_who_signed_in_is_forgotten_a_day_after_nobody_asked_for_it(sign_ins, store):
    sign_ins.end(signing_in(store), USER, None)

    sign_ins.forget(BACK_BY + USER_LIMIT_S - 1)
    assert signing_in(store).user == USER
    sign_ins.forget(BACK_BY + USER_LIMIT_S)

    assert signing_in(store).user is None


def test_a_worker_that_starts_forgets_keys_whose_time_is_up(old_sign_ins, store):
    with store.working(BACK_BY):
        assert signing_in(store).sealed_key is None


def test_a_sign_in_is_found_by_what_the_answer_names(sign_ins, store):
    here = store.conversations.find(CUSTOMER).id

    assert sign_ins.of_request(here, "sign in").message_id == "who"


def test_of_two_sign_ins_of_the_same_name_the_newest_is_found(sign_ins, store):
    store.outbox.put([asking_who("again", "newer state")], NOW)

    signing_in(store, "again")


@pytest.mark.parametrize("odd", [None, "never", "", "a\0b", "a\ud800b", "a" * 100_000])
def test_a_sign_in_is_not_found_by_what_nobody_asked(sign_ins, store, odd):
    assert sign_ins.of_request(store.conversations.find(CUSTOMER).id, odd) is None


def test_a_sign_in_of_another_customer_is_not_found(sign_ins, store):
    receive(store, said("1", customer_id=OTHER_CUSTOMER))

    assert sign_ins.of_request(store.conversations.find(OTHER_CUSTOMER).id, "sign in") is None


def told(store, message_id="1", now=NOW):
    """Let the agent have been told who signed in with a message that came."""
    receive(store, said(message_id), now)
    entry = claimed(store.inbox, now)
    return store.inbox.finish(entry, [], now, Changes(told_sign_in=signing_in(store).seq))


def test_who_signed_in_is_forgotten_once_the_agent_was_told(sign_ins, store):
    sign_ins.end(signing_in(store), USER, None)

    assert told(store) is True

    found = signing_in(store)
    assert (found.told_by, found.user, found.stage) == ("1", None, SignInState.ENDED)


def test_an_answer_to_something_else_tells_nobody_of_a_sign_in(sign_ins, store):
    sign_ins.end(signing_in(store), USER, None)
    receive(store, said("1"))

    answer(store)

    found = signing_in(store)
    assert (found.told_by, found.user) == (None, USER)


def test_an_answer_whose_claim_was_lost_has_told_nobody(sign_ins, store):
    sign_ins.end(signing_in(store), USER, None)
    receive(store, said("1"))
    late = claimed(store.inbox)
    claimed(store.inbox, NOW + LEASE_S + 1)

    changes = Changes(told_sign_in=signing_in(store).seq)
    assert store.inbox.finish(late, [], NOW + LEASE_S + 2, changes) is False

    found = signing_in(store)
    assert (found.told_by, found.user) == (None, USER)


def test_to_tell_of_one_sign_in_tells_of_no_other(sign_ins, store):
    store.outbox.put([asking_who("other", "other state", request_id="another")], NOW)
    here = store.conversations.find(CUSTOMER).id
    sign_ins.end(sign_ins.of_request(here, "another"), NOT_USER, None)

    told(store)

    assert sign_ins.of_request(here, "another").user == NOT_USER


def test_the_repr_of_a_sign_in_tells_neither_key_nor_user(old_sign_ins, store):
    asked = signing_in(store)
    ended = old_sign_ins.end(asked, USER, None)

    assert "private key" not in repr(asked)
    assert "Ava" not in repr(ended)


# What is looked at again


def test_a_postponed_message_is_due_after_its_delay(store):
    receive(store, said("1"))
    store.inbox.postpone(claimed(store.inbox), NOW, 0.5)

    assert claimed_ids(store.inbox, NOW, NOW + 0.25, NOW + 0.5) == [None, None, "1"]


def test_a_postponed_message_keeps_its_place(store):
    receive(store, said("1"))
    receive(store, said("2"))
    store.inbox.postpone(claimed(store.inbox), NOW, 0.5)

    assert claimed_ids(store.inbox, NOW, NOW + 0.5) == [None, "1"]


def test_a_message_is_postponed_as_if_it_had_not_been_claimed(store):
    receive(store, said("1"))
    for number in range(200):
        store.inbox.postpone(claimed(store.inbox, NOW + number), NOW + number, 0.5)

    entry = claimed(store.inbox, NOW + 200)

    assert (entry.attempts, entry.failing_since) == (1, None)
    assert recorded(store, "1").reason is None


def test_a_message_that_was_cut_off_before_counts_that_after_it_was_postponed(store):
    receive(store, said("1"))
    claimed(store.inbox)
    store.inbox.postpone(claimed(store.inbox, NOW + 100), NOW + 100, 0.5)

    assert claimed(store.inbox, NOW + 200).attempts == 2


def test_who_postpones_after_the_lease_changes_nothing(store):
    receive(store, said("1"))
    late = claimed(store.inbox)
    claimed(store.inbox, NOW + LEASE_S + 1)

    store.inbox.postpone(late, NOW + LEASE_S + 2, 0.0)

    assert claimed_ids(store.inbox, NOW + LEASE_S + 2) == [None]


# Where a message goes


def test_a_message_to_be_sent_tells_its_endpoint(store):
    store.outbox.put([reply("a"), asking_who("b"), asking("c")], NOW)

    endpoints = []
    while (entry := store.outbox.claim(NOW, LEASE_S)) is not None:
        endpoints.append(entry.endpoint)
        store.outbox.finish(entry, NOW)

    assert endpoints == ["message", "authenticate", "message"]


def test_what_was_received_has_no_endpoint(store):
    receive(store, said("1"))

    assert claimed(store.inbox).endpoint == ""


# A database of an earlier version


def test_a_database_that_lacks_a_column_is_refused_with_what_to_do(store, database_url):
    store.close()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")  # before there were migrations
        connection.exec_driver_sql("ALTER TABLE conversations RENAME COLUMN desk TO counter")

    with pytest.raises(StoreUnavailable, match=r"conversations has no desk\): move it away"):
        open_store(database_url)

    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE conversations RENAME COLUMN counter TO desk")
    engine.dispose()


def test_a_database_with_a_column_more_is_opened(store, database_url):
    store.close()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE conversations ADD COLUMN remark TEXT")

    open_store(database_url).close()

    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE conversations DROP COLUMN remark")
    engine.dispose()
