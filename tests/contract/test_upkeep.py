"""What holds of messages that were given up, on every engine."""

import pytest

from msp_server.messages.payment import PaymentStatus
from msp_server.messages.presence import Close
from msp_server.store.conversations import Changes
from msp_server.store.outbox import CLOSED
from msp_server.store.schema import OutboxState
from msp_server.store.upkeep import Outcome
from tests.contract.given import (
    CUSTOMER,
    FILE,
    LEASE_S,
    NOW,
    OTHER_CUSTOMER,
    answer,
    answer_all,
    ask_to_pay,
    ask_to_sign_in,
    bury,
    claimed,
    close,
    receive,
    recorded,
    reply,
    reply_with_file,
    send_all,
)


def there(_name):
    return True


def not_there(_name):
    return False


def replay(store, message_id, is_there=there, now=NOW):
    return store.upkeep.replay(message_id, now, is_there).outcome


def replay_all(store, is_there=there):
    """Replay everything; give what became of it, in order."""
    steps = store.upkeep.replay_all(lambda: NOW, is_there)
    return [(one.message_id, one.outcome) for step in steps for one in step]


@pytest.fixture
def received(store):
    """Give a store in which a received message was given up."""
    receive(store, "1")
    bury(store.inbox, NOW + 1, "handler raised")
    return store


@pytest.fixture
def sent(store):
    """Give a store in which a message to be sent was given up."""
    store.outbox.put([reply("a")], NOW)
    bury(store.outbox, NOW + 1, "the gateway will not accept it")
    return store


# What was given up


def test_nothing_was_given_up(store):
    receive(store, "1")
    store.outbox.put([reply("a")], NOW)

    assert store.upkeep.buried(10) == []
    assert store.upkeep.count_buried() == 0


def test_what_was_given_up_tells_when_what_and_why(received):
    [buried] = received.upkeep.buried(10)

    assert (buried.direction, buried.message_id, buried.kind) == ("in", "1", "Text")
    assert (buried.reason, buried.created_at, buried.buried_at) == ("handler raised", NOW, NOW + 1)
    assert buried.customer_id == CUSTOMER


def test_of_both_directions_what_was_given_up_last_comes_last(store):
    receive(store, "1")
    store.outbox.put([reply("a"), reply("b")], NOW)
    bury(store.outbox, NOW + 1)
    bury(store.inbox, NOW + 2)
    bury(store.outbox, NOW + 3)

    assert [one.message_id for one in store.upkeep.buried(10)] == ["a", "1", "b"]
    assert [one.message_id for one in store.upkeep.buried(2)] == ["1", "b"]
    assert store.upkeep.count_buried() == 3


def test_what_was_given_up_in_one_conversation_has_nothing_of_others(sent):
    sent.outbox.put([reply("b", customer_id=OTHER_CUSTOMER)], NOW)
    bury(sent.outbox)
    conversation_id = sent.conversations.find(OTHER_CUSTOMER).id

    assert [one.message_id for one in sent.upkeep.buried(10, conversation_id)] == ["b"]


# Tried again


def test_a_received_message_goes_to_the_agent_again(received):
    assert replay(received, "1") is Outcome.AGAIN

    entry = claimed(received.inbox)
    assert (entry.message_id, entry.attempts, entry.failing_since) == ("1", 1, None)
    assert received.upkeep.count_buried() == 0


def test_a_message_is_sent_again_with_the_same_id_and_the_same_bytes(store):
    store.outbox.put([reply("a", "Grüße")], NOW)
    first = claimed(store.outbox)
    store.outbox.bury(first, "no", NOW)

    assert replay(store, "a") is Outcome.AGAIN

    again = claimed(store.outbox)
    assert (again.message_id, again.packed, again.headers, again.endpoint) == (
        first.message_id,
        first.packed,
        first.headers,
        first.endpoint,
    )
    assert store.outbox.finish(again, NOW)
    assert recorded(store, "a").reason is None


def test_its_time_to_fail_begins_anew(store):
    store.outbox.put([reply("a")], NOW)
    store.outbox.release(claimed(store.outbox), "busy", NOW, 0)
    bury(store.outbox)

    replay(store, "a")

    assert claimed(store.outbox).failing_since is None


def test_what_goes_again_goes_before_what_came_after_it(received):
    receive(received, "2")

    replay(received, "1")

    assert answer_all(received) == ["1", "2"]


def test_what_goes_again_waits_for_what_is_under_work(received):
    receive(received, "2")
    second = claimed(received.inbox)

    assert replay(received, "1") is Outcome.AGAIN

    assert received.inbox.claim(NOW, LEASE_S) is None
    assert received.inbox.finish(second, [], NOW)
    assert answer_all(received) == ["1"]


def test_what_goes_again_does_not_wait_for_what_is_tried_later(sent):
    sent.outbox.put([reply("b")], NOW)
    sent.outbox.release(claimed(sent.outbox), "busy", NOW, 30)

    replay(sent, "a")

    assert claimed(sent.outbox).message_id == "a"


def test_to_replay_twice_is_to_replay_once(received):
    replay(received, "1")

    assert replay(received, "1") is Outcome.NOT_BURIED
    assert answer_all(received) == ["1"]
    assert replay(received, "1") is Outcome.NOT_BURIED
    assert answer_all(received) == []


@pytest.mark.parametrize("odd", ["nobody", "\udcff", "a\0"])
def test_nobody_replays_what_is_not_there(sent, odd):
    with pytest.raises(KeyError):
        replay(sent, odd)


def test_what_is_given_up_again_can_be_replayed_again(received):
    for _ in range(2):
        assert replay(received, "1") is Outcome.AGAIN
        bury(received.inbox)


# A conversation that a desk has


def test_a_received_message_is_held_while_a_desk_has_the_conversation(received):
    receive(received, "2", NOW + 2)
    received.inbox.finish(claimed(received.inbox, NOW + 2), [], NOW + 2, Changes(desk="Kim"))

    assert replay(received, "1", now=NOW + 3) is Outcome.HELD

    assert recorded(received, "1").state == "HELD"
    assert received.inbox.claim(NOW + 3, LEASE_S) is None
    assert received.inbox.give_back(received.conversations.find(CUSTOMER).id, NOW + 4) == 1
    assert answer_all(received, NOW + 4) == ["1"]


# A customer who left


def test_nothing_goes_again_once_the_customer_has_left(received):
    received.outbox.put([reply("a")], NOW)
    bury(received.outbox)
    close(received, "2", NOW + 2)

    assert replay(received, "1") is Outcome.LEFT
    assert replay(received, "a") is Outcome.LEFT
    assert received.upkeep.count_buried() == 2


def test_what_was_said_before_the_customer_left_stays_so_when_they_are_back(received):
    received.outbox.put([reply("a")], NOW + 1)
    bury(received.outbox, NOW + 1)
    close(received, "2", NOW + 2)
    receive(received, "3", NOW + 3)

    assert replay(received, "1") is Outcome.LEFT
    assert replay(received, "a") is Outcome.LEFT


def test_what_was_put_out_once_they_are_back_goes_again(store):
    close(store, "1", NOW)
    receive(store, "2", NOW + 1)
    answer(store, now=NOW + 1)
    answer(store, reply("a"), now=NOW + 2)
    bury(store.outbox, NOW + 2)

    assert replay(store, "a", now=NOW + 3) is Outcome.AGAIN


def test_an_answer_that_came_too_late_does_not_go_again(store):
    receive(store, "1", NOW)
    entry = claimed(store.inbox)
    close(store, "2", NOW + 1)
    store.inbox.finish(entry, [reply("a")], NOW + 2)
    receive(store, "3", NOW + 3)

    assert recorded(store, "a").reason == CLOSED
    assert replay(store, "a") is Outcome.LEFT


# Files


def test_a_message_whose_file_is_there_goes_again(store):
    store.outbox.put([reply_with_file("a")], NOW)
    bury(store.outbox)
    asked = []

    assert replay(store, "a", lambda name: asked.append(name) or True) is Outcome.AGAIN
    assert asked == [FILE.file]


def test_a_message_whose_file_is_gone_stays(store):
    store.outbox.put([reply_with_file("a")], NOW)
    bury(store.outbox)

    assert replay(store, "a", not_there) is Outcome.FILE_GONE
    assert store.outbox.state("a")[0] is OutboxState.BURIED


def test_a_message_whose_file_is_uploaded_needs_it_no_more(store):
    store.outbox.put([reply_with_file("a")], NOW)
    entry = claimed(store.outbox)
    store.outbox.complete(entry, b'{"uploaded": true}')
    store.outbox.bury(entry, "no", NOW)

    assert replay(store, "a", not_there) is Outcome.AGAIN
    assert claimed(store.outbox).packed == b'{"uploaded": true}'


def test_files_of_what_can_go_again_are_kept(store):
    store.outbox.put([reply_with_file("a")], NOW)
    bury(store.outbox)

    assert store.outbox.spooled() == {FILE.file}


def test_files_of_what_was_uploaded_are_not_kept(store):
    store.outbox.put([reply_with_file("a")], NOW)
    entry = claimed(store.outbox)
    store.outbox.complete(entry, b"{}")
    store.outbox.bury(entry, "no", NOW)

    assert store.outbox.spooled() == set()


def test_files_are_not_kept_of_what_is_buried_because_the_customer_left(store):
    receive(store, "1")
    store.outbox.put([reply_with_file("a")], NOW)
    close(store, "2", NOW + 1)

    assert store.outbox.spooled() == set()


# Payments and sign-ins


@pytest.mark.parametrize("ask", [ask_to_pay, ask_to_sign_in])
def test_what_nobody_has_answered_is_asked_again(store, ask):
    store.outbox.put([ask("a")], NOW)
    bury(store.outbox)

    assert replay(store, "a") is Outcome.AGAIN


def test_what_is_paid_is_not_asked_for_again(store):
    store.outbox.put([ask_to_pay("a")], NOW)
    store.payments.open("a", NOW + 3600)
    store.payments.begin("token of a", "print", NOW)
    store.payments.settle("token of a", "print", PaymentStatus.SUCCESS, NOW)
    bury(store.outbox)

    assert replay(store, "a") is Outcome.OVER


def test_a_sign_in_whose_time_is_up_is_not_asked_for_again(store):
    store.outbox.put([ask_to_sign_in("a")], NOW)
    store.sign_ins.open("a", NOW + 3600)
    bury(store.outbox)

    assert replay(store, "a", now=NOW + 3600) is Outcome.OVER
    assert replay(store, "a", now=NOW + 3599) is Outcome.AGAIN


# Everything


def test_everything_goes_again_in_order(store):
    for customer in (CUSTOMER, OTHER_CUSTOMER):
        store.outbox.put([reply(f"{customer} a", customer_id=customer)], NOW)
        receive(store, f"{customer} 1", customer_id=customer)
        receive(store, f"{customer} 2", customer_id=customer)
        bury(store.outbox)
        bury(store.inbox)
        bury(store.inbox)

    replayed = replay_all(store)

    assert len(replayed) == 6
    assert {outcome for _, outcome in replayed} == {Outcome.AGAIN}
    assert store.upkeep.count_buried() == 0
    assert sorted(send_all(store)) == [f"{CUSTOMER} a", f"{OTHER_CUSTOMER} a"]
    answered = answer_all(store)
    for customer in (CUSTOMER, OTHER_CUSTOMER):
        of_customer = [one for one in answered if one.startswith(customer)]
        assert of_customer == [f"{customer} 1", f"{customer} 2"]


def test_what_is_to_be_sent_goes_again_before_what_is_to_be_answered(received):
    received.outbox.put([reply("a")], NOW)
    bury(received.outbox)

    assert [message_id for message_id, _ in replay_all(received)] == ["a", "1"]


def test_what_cannot_go_again_stays_and_is_said(received):
    close(received, "2", NOW + 2)
    received.outbox.put([reply("b", customer_id=OTHER_CUSTOMER)], NOW)
    bury(received.outbox)

    assert dict(replay_all(received)) == {"1": Outcome.LEFT, "b": Outcome.AGAIN}
    assert dict(replay_all(received)) == {"1": Outcome.LEFT}


def test_who_stops_in_the_middle_goes_on_where_they_stopped(store, monkeypatch):
    monkeypatch.setattr("msp_server.store.upkeep._PAGE", 2)
    for number in range(7):
        receive(store, str(number), customer_id=f"urn:mbid:{number % 3}")
        bury(store.inbox)

    steps = store.upkeep.replay_all(lambda: NOW, there)
    first = [*next(steps), *next(steps)]
    steps.close()

    assert store.upkeep.count_buried() == 7 - len(first)
    rest = replay_all(store)
    assert sorted([one.message_id for one in first] + [one for one, _ in rest]) == list("0123456")
    assert store.upkeep.count_buried() == 0


def test_a_close_that_was_given_up_is_not_answered_later(store):
    receive(store, "1", content=Close())
    bury(store.inbox)

    assert replay(store, "1") is Outcome.LEFT
