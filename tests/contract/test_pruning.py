"""What holds of pruning, on every engine."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from msp_server.messages.payment import PaymentStatus
from msp_server.store import pruning
from msp_server.store.conversations import Changes
from msp_server.store.pruning import REPEATED_WITHIN_S, Cut, Pruned
from msp_server.store.schema import METADATA
from tests.contract.given import (
    CUSTOMER,
    DAY_S,
    FILE,
    NOW,
    OTHER_CUSTOMER,
    answer,
    answer_all,
    ask_to_pay,
    ask_to_sign_in,
    bury,
    claimed,
    close,
    ids,
    receive,
    receive_files,
    reply,
    reply_with_file,
    send_all,
)

#: Late enough for everything that is done at `NOW` to be a hundred days old.
THEN = NOW + 100 * DAY_S
DEADLINE_S = 60
OLD = Cut.of(THEN - 30 * DAY_S, THEN)
OLD_AND_BURIED = Cut.of(THEN - 30 * DAY_S, THEN, buried=True)


def prune(store, cut=OLD):
    """Remove what can go; give the steps it took."""
    return [store.pruning.remove(page, cut) for page in store.pruning.find(cut)]


def found(store, cut=OLD):
    return sum(len(page.seqs) for page in store.pruning.find(cut))


def rows(store):
    """Count the rows of each table, save those that hold nothing of messages."""
    counts = {}
    with store._database.read() as connection:
        for name, table in METADATA.tables.items():
            counts[name] = len(connection.execute(table.select()).all())
    return {
        name: count
        for name, count in counts.items()
        if count and name in ("conversations", "inbox", "outbox", "fetches", "payments", "sign_ins")
    }


@pytest.fixture
def talk(store):
    """Give a store in which one message was answered long ago and one lately."""
    receive(store, "old in")
    answer(store, reply("old out"))
    send_all(store)
    receive(store, "new in", THEN - DAY_S)
    answer(store, reply("new out"), now=THEN - DAY_S)
    send_all(store, THEN - DAY_S)
    return store


def test_an_empty_store_has_nothing_to_prune(store):
    assert prune(store) == []
    assert store.pruning.span(OLD) == 0


def test_what_has_ended_long_ago_goes_and_what_is_young_stays(talk):
    steps = prune(talk)

    assert ids(talk) == {"new in", "new out"}
    assert steps == [Pruned(received=1), Pruned(sent=1)]
    assert prune(talk) == []


def test_what_can_go_is_found_without_removing_it(talk):
    assert found(talk) == 2
    assert found(talk) == 2
    assert len(ids(talk)) == 4


def test_the_span_is_what_is_looked_through(talk):
    assert talk.pruning.span(OLD) == sum(page.passed for page in talk.pruning.find(OLD)) == 2


def test_what_waits_is_never_removed(store):
    receive(store, "received")
    receive(store, "claimed", customer_id=OTHER_CUSTOMER)
    store.outbox.put([reply("pending")], NOW)
    store.outbox.put([reply("sending", customer_id=OTHER_CUSTOMER)], NOW)
    claimed(store.inbox)
    claimed(store.outbox)

    assert prune(store, OLD_AND_BURIED) == []
    assert len(ids(store)) == 4


def test_what_waits_for_a_desk_is_never_removed(store):
    receive(store, "1")
    store.inbox.finish(claimed(store.inbox), [], NOW, Changes(desk="Kim"))
    receive(store, "2")

    prune(store)

    assert ids(store) == {"2"}


def test_what_was_given_up_goes_only_when_it_is_asked_for(store):
    receive(store, "1")
    store.outbox.put([reply("a")], NOW)
    bury(store.inbox)
    bury(store.outbox)

    assert prune(store) == []
    prune(store, OLD_AND_BURIED)

    assert rows(store) == {}


def test_what_ended_lately_stays_however_long_ago_it_began(store):
    receive(store, "1")
    store.outbox.put([reply("a")], NOW)
    answer(store, now=THEN - DAY_S)
    send_all(store, THEN - DAY_S)

    assert prune(store) == []


def test_ids_that_may_be_repeated_stay(store):
    receive(store, "1", THEN - REPEATED_WITHIN_S)
    receive(store, "2", THEN - REPEATED_WITHIN_S - 1)
    answer(store, reply("a"), now=THEN - 5)
    answer(store, reply("b"), now=THEN - 5)
    send_all(store, THEN - 5)

    prune(store, Cut.of(THEN, THEN))

    assert ids(store) == {"1"}


def test_a_message_that_was_pruned_is_new_when_it_comes_again(talk):
    prune(talk)

    receive(talk, "old in", THEN)


def test_files_that_nobody_needs_are_named(store):
    files = receive_files(store, "1", "a.png", "b.png")
    answer(store, now=NOW)

    [step] = prune(store)

    assert sorted(step.attachments) == sorted(files)
    assert rows(store) == {}


def test_what_is_still_being_fetched_stays(store):
    receive_files(store, "1", "a.png")
    answer(store, now=NOW)
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE fetches SET due_at = 1")

    assert prune(store) == []


def test_files_of_what_was_never_sent_are_named(store):
    store.outbox.put([reply_with_file("a")], NOW)
    bury(store.outbox)

    [step] = prune(store, OLD_AND_BURIED)

    assert step.outgoing == (FILE.file,)


def pay(store, message_id, how=None):
    """Ask for a payment, send it, and let it end."""
    store.outbox.put([ask_to_pay(message_id)], NOW)
    store.payments.open(message_id, NOW + 3600)
    send_all(store)
    token = f"token of {message_id}"
    store.payments.begin(token, "print", NOW)
    if how is PaymentStatus.SUCCESS or how is PaymentStatus.FAILURE:
        store.payments.settle(token, "print", how, NOW)
    elif how == "unclear":
        store.payments.give_up(token, "print", "cut off", NOW)


@pytest.mark.parametrize("how", [PaymentStatus.SUCCESS, PaymentStatus.FAILURE])
def test_a_payment_that_is_over_goes_with_its_message(store, how):
    pay(store, "a", how)

    prune(store)

    assert rows(store) == {}


def test_a_payment_that_nobody_made_goes_with_its_message(store):
    store.outbox.put([ask_to_pay("a"), ask_to_pay("b")], NOW)
    store.payments.open("a", NOW + 3600)
    send_all(store)

    prune(store)

    assert rows(store) == {}


def test_a_payment_that_somebody_is_at_stays(store):
    pay(store, "a")

    assert prune(store, OLD_AND_BURIED) == []


def test_a_payment_that_nobody_knows_the_end_of_stays_like_what_was_given_up(store):
    pay(store, "a", "unclear")

    assert prune(store) == []
    prune(store, OLD_AND_BURIED)
    assert rows(store) == {}


@pytest.mark.parametrize("ask", [ask_to_pay, ask_to_sign_in])
def test_what_a_customer_may_still_answer_stays(store, ask):
    store.outbox.put([ask("a")], NOW)
    for opened in (store.payments, store.sign_ins):
        opened.open("a", THEN)
    send_all(store)

    assert prune(store) == []


def test_a_sign_in_that_is_over_goes_with_its_message(store):
    store.outbox.put([ask_to_sign_in("a")], NOW)
    store.sign_ins.open("a", NOW + 3600)
    send_all(store)

    prune(store)

    assert rows(store) == {}


def test_a_sign_in_stays_until_the_agent_is_told(store):
    store.outbox.put([ask_to_sign_in("a")], NOW)
    store.sign_ins.open("a", NOW + 3600)
    send_all(store)
    record, _ = store.sign_ins.take_back("state of a", NOW)
    store.sign_ins.end(record, {"sub": "1"}, None)

    assert prune(store) == []


# Conversations


def test_a_conversation_that_is_left_with_nothing_goes_with_what_agents_remember(store):
    receive(store, "1")
    store.inbox.finish(claimed(store.inbox), [reply("a")], NOW, Changes(state='{"name": "Ava"}'))
    send_all(store)

    steps = prune(store)

    assert sum(step.conversations for step in steps) == 1
    assert store.conversations.find(CUSTOMER) is None
    assert rows(store) == {}


def test_a_conversation_with_something_newer_keeps_what_agents_remember(talk):
    receive(talk, "3", THEN - 1)
    talk.inbox.finish(claimed(talk.inbox, THEN), [], THEN, Changes(state='{"name": "Ava"}'))

    prune(talk)

    assert talk.conversations.find(CUSTOMER).state == '{"name": "Ava"}'


def test_a_conversation_that_a_desk_has_stays_with_it(store):
    receive(store, "1")
    store.inbox.finish(claimed(store.inbox), [], NOW, Changes(desk="Kim"))

    prune(store)

    assert rows(store) == {"conversations": 1}
    assert store.conversations.find(CUSTOMER).desk == "Kim"


def test_other_conversations_are_left_alone(store):
    receive(store, "1")
    close(store, "2", customer_id=OTHER_CUSTOMER)
    answer(store)

    prune(store)

    assert store.conversations.find(CUSTOMER) is None
    assert store.conversations.find(OTHER_CUSTOMER).closed


def test_a_customer_who_was_forgotten_begins_anew(store):
    receive(store, "1")
    answer(store)
    prune(store)

    receive(store, "2", THEN)

    assert answer(store, reply("a"), now=THEN) == "2"
    assert send_all(store, THEN) == ["a"]


# In steps


def test_it_goes_in_small_steps(store, monkeypatch):
    monkeypatch.setattr(pruning, "STEP", 4)
    for number in range(10):
        receive(store, str(number))
        answer(store)

    assert found(store) == 10
    pages = store.pruning.find(OLD)
    first = store.pruning.remove(next(pages), OLD)
    pages.close()

    assert first.received == 4
    assert ids(store) == {"4", "5", "6", "7", "8", "9"}
    assert [step.received for step in prune(store)] == [4, 2]
    assert rows(store) == {}


def test_what_stays_is_passed_over(store, monkeypatch):
    monkeypatch.setattr(pruning, "STEP", 2)
    for number in range(9):
        receive(store, str(number))
        bury(store.inbox) if number % 3 else answer(store)

    prune(store)

    assert ids(store) == {"1", "2", "4", "5", "7", "8"}


def test_what_is_to_be_tried_again_meanwhile_stays(store):
    receive(store, "1")
    bury(store.inbox)
    [page] = store.pruning.find(OLD_AND_BURIED)
    store.upkeep.replay("1", NOW, lambda _: True)

    assert store.pruning.remove(page, OLD_AND_BURIED) == Pruned()
    assert ids(store) == {"1"}


def test_customers_who_write_while_they_are_forgotten_lose_nothing(store, monkeypatch):
    monkeypatch.setattr(pruning, "STEP", 3)
    customers = [f"urn:mbid:{number}" for number in range(60)]
    for customer in customers:
        receive(store, f"old of {customer}", customer_id=customer)
    answer_all(store)
    barrier = threading.Barrier(3)

    def remove():
        barrier.wait(DEADLINE_S)
        prune(store)

    def write():
        barrier.wait(DEADLINE_S)
        for customer in customers:
            receive(store, f"new of {customer}", THEN, customer)

    with ThreadPoolExecutor(3) as pool:
        for act in [pool.submit(remove), pool.submit(remove), pool.submit(write)]:
            act.result(DEADLINE_S)

    prune(store)
    assert ids(store) == {f"new of {customer}" for customer in customers}
    assert len(answer_all(store, THEN)) == len(customers)


@pytest.mark.parametrize("young", [0, 1, 5, 20])
@pytest.mark.parametrize("old", [0, 1, 7, 16])
def test_the_first_that_is_too_young_is_found(store, old, young):
    for number in range(old):
        receive(store, f"old {number}", NOW + number)
    for number in range(young):
        receive(store, f"young {number}", THEN + number)

    assert store.pruning.span(OLD) == old
