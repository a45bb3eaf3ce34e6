"""How fast all workers of a store send together, on every engine; the clock is the test's."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.presence import Close
from msp_server.messages.text import Text
from msp_server.store.base import FAR_FUTURE_S
from msp_server.store.opening import open_store
from msp_server.store.outbox import CLOSED
from msp_server.store.pace import BURST_S, take_place
from msp_server.store.schema import OutboxState

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
NOW = 1_700_000_000.25
LEASE_S = 60


def backoff_s(refusals):
    return 2.0 ** (refusals - 1)


def put(store, *message_ids, customer_id="urn:mbid:alice"):
    messages = [
        OutboundMessage(each, BUSINESS, customer_id, Text("Hello"), True) for each in message_ids
    ]
    store.outbox.put(messages, NOW)


def put_for_many(store, count):
    for number in range(count):
        put(store, str(number), customer_id=f"urn:mbid:{number}")


def send_all(store, now):
    """Send what may go now; give how many that were."""
    sent = 0
    while (entry := store.outbox.claim(now, LEASE_S)) is not None:
        assert store.outbox.finish(entry, now)
        sent += 1
    return sent


@pytest.fixture
def start(database_url):
    """Give a function that opens the store for several workers with one limit."""
    with ExitStack() as opened:

        def open_stores(sends_per_s, workers=1):
            return [
                opened.enter_context(closing(open_store(database_url, sends_per_s)))
                for _ in range(workers)
            ]

        yield open_stores


def send_for(stores, length_s, looks_s):
    """Let workers look in turn for what may go, as loops do; give when each message went."""
    now, times = NOW, []
    while now < NOW + length_s:
        for store in stores:
            times += [now] * send_all(store, now)
        now += looks_s
    return times


# So many a second


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    ("sends_per_s", "length_s", "looks_s"),
    [(0.5, 60, 0.5), (4, 16, 0.1), (40, 4, 0.1)],
    ids=["slow", "staging", "fast"],
)
def test_as_many_go_as_were_set_however_many_workers_look(
    start, workers, sends_per_s, length_s, looks_s
):
    stores = start(sends_per_s, workers)
    put(stores[0], *map(str, range(int(sends_per_s * length_s * 1.5))))

    times = send_for(stores, length_s, looks_s)

    after_the_burst = [at for at in times if at >= NOW + BURST_S]
    assert len(after_the_burst) / (length_s - BURST_S) == pytest.approx(sends_per_s, rel=0.1)


def test_as_many_go_as_were_set_from_many_conversations(start):
    stores = start(20, workers=3)
    put_for_many(stores[0], 120)

    times = send_for(stores, 4, looks_s=0.1)

    after_the_burst = [at for at in times if at >= NOW + BURST_S]
    assert len(after_the_burst) / (4 - BURST_S) == pytest.approx(20, rel=0.1)


def test_workers_that_look_at_the_same_moment_take_one_place_each(start):
    stores = start(0.5, workers=4)
    put_for_many(stores[0], 8)
    assert send_all(stores[0], NOW) == 1

    with ThreadPoolExecutor(4) as pool:
        entries = list(pool.map(lambda store: store.outbox.claim(NOW + 2, LEASE_S), stores))

    assert sum(entry is not None for entry in entries) == 1


def test_a_place_is_taken_once_whatever_was_seen_before(store):
    with store._database.write() as connection:
        places = [take_place(connection, at, 2) for at in (NOW, NOW, NOW + 1.75, NOW + 2)]

    assert places == [True, False, False, True]


@pytest.mark.parametrize(("sends_per_s", "burst"), [(0.5, 1), (1, 1), (10, 10)])
def test_after_a_rest_a_seconds_worth_goes_at_once_and_no_more(start, sends_per_s, burst):
    (store,) = start(sends_per_s)
    put_for_many(store, 30)

    assert [send_all(store, NOW), send_all(store, NOW)] == [burst, 0]


def test_a_long_rest_is_no_reason_for_more(start):
    (store,) = start(4)
    put_for_many(store, 30)
    send_all(store, NOW)

    assert send_all(store, NOW + 100) == 4


def test_order_is_kept_while_it_is_too_early(start):
    (store,) = start(1)
    put(store, "c", "a", "b")
    ids = []

    for look in range(5):
        entry = store.outbox.claim(NOW + look * 0.75, LEASE_S)
        if entry is not None:
            store.outbox.finish(entry, NOW + look * 0.75)
            ids.append(entry.message_id)

    assert ids == ["c", "a", "b"]


def test_without_a_limit_all_goes_at_once(start):
    (store,) = start(0)
    put_for_many(store, 30)

    assert send_all(store, NOW) == 30


def test_a_limit_that_was_taken_away_holds_nothing(start):
    limited, unlimited = *start(0.01), *start(0)
    put_for_many(limited, 5)
    send_all(limited, NOW)

    assert send_all(unlimited, NOW) == 4


def test_places_are_taken_by_messages_alone(start):
    (store,) = start(0.5)

    assert store.outbox.claim(NOW, LEASE_S) is None

    put_for_many(store, 1)
    assert send_all(store, NOW) == 1


def test_a_clock_that_was_set_back_makes_nobody_wait_for_it(start):
    (store,) = start(1)
    put_for_many(store, 5)
    send_all(store, NOW)
    store.outbox.bring_forward(NOW - 3600)

    assert send_all(store, NOW - 3600) == 1
    assert send_all(store, NOW - 3600) == 0
    assert send_all(store, NOW - 3599) == 1


# Until when nobody sends


def test_nothing_is_claimed_from_the_beginning_of_a_pause_to_its_end(store):
    put(store, "a")

    pause_s = store.pace.hold(NOW, 0, backoff_s)

    claims = [store.outbox.claim(at, LEASE_S) for at in (NOW, NOW + pause_s - 0.01, NOW + pause_s)]
    assert [entry and entry.message_id for entry in claims] == [None, None, "a"]


def test_a_pause_holds_every_worker(start):
    first, second = start(0, workers=2)
    put(first, "a")

    first.pace.hold(NOW, 0, backoff_s)

    assert second.outbox.claim(NOW, LEASE_S) is None


def test_a_pause_holds_nothing_that_is_received(store):
    store.inbox.put(InboundMessage("1", BUSINESS, "urn:mbid:alice", Text("Hi")), {}, b"{}", NOW)

    store.pace.hold(NOW, 30, backoff_s)

    assert store.inbox.claim(NOW, LEASE_S) is not None


def test_a_pause_lasts_as_long_as_was_asked_for(store):
    assert store.pace.hold(NOW, 30, backoff_s) == 30


def test_a_pause_is_no_shorter_than_our_own(store):
    assert store.pace.hold(NOW, 0.25, backoff_s) == 1


def test_a_pause_grows_with_each_refusal(store):
    now, pauses = NOW, []

    for _ in range(4):
        pauses.append(store.pace.hold(now, 0, backoff_s))
        now += pauses[-1]

    assert pauses == [1, 2, 4, 8]


def test_a_pause_is_short_again_after_a_success(store):
    put(store, "a")
    store.pace.hold(NOW, 0, backoff_s)
    store.pace.hold(NOW + 1, 0, backoff_s)

    assert send_all(store, NOW + 3) == 1

    assert store.pace.hold(NOW + 3, 0, backoff_s) == 1


def test_a_success_during_a_pause_changes_nothing(store):
    put(store, "a")
    entry = store.outbox.claim(NOW, LEASE_S)
    store.pace.hold(NOW, 0, backoff_s)

    store.outbox.finish(entry, NOW + 0.25)

    assert store.pace.hold(NOW + 1, 0, backoff_s) == 2


def test_refusals_at_the_same_moment_count_as_one(start):
    stores = start(0, workers=4)

    with ThreadPoolExecutor(8) as pool:
        pauses = set(pool.map(lambda each: each.pace.hold(NOW, 0, backoff_s), [*stores, *stores]))

    assert pauses == {1}
    assert stores[0].pace.hold(NOW + 1, 0, backoff_s) == 2


def test_a_refusal_during_a_pause_waits_for_its_end(store):
    store.pace.hold(NOW, 0, backoff_s)

    assert store.pace.hold(NOW + 0.25, 0, backoff_s) == 0.75


def test_a_longer_wait_that_is_asked_for_during_a_pause_counts(store):
    put(store, "a")
    store.pace.hold(NOW, 0, backoff_s)

    assert store.pace.hold(NOW + 0.25, 30, backoff_s) == 30

    assert store.outbox.claim(NOW + 30, LEASE_S) is None
    assert store.outbox.claim(NOW + 30.25, LEASE_S) is not None


def test_a_pause_of_another_clock_holds_nothing(store):
    put(store, "a")
    store.pace.hold(NOW + FAR_FUTURE_S + 1, 0, backoff_s)

    assert store.outbox.claim(NOW, LEASE_S) is not None


def test_a_pause_is_begun_beside_one_of_another_clock(store):
    store.pace.hold(NOW + 3600, 0, backoff_s)

    assert store.pace.hold(NOW, 0, backoff_s) == 2


# Attempts that ended without word


def unsure(store):
    """Give how many attempts ended without an answer, by message id, of what was sent."""
    sent = [entry for entry in store.history.newest(100) if entry.direction == "out"]
    return {entry.message_id: entry.unsure for entry in sent}


def test_a_message_accepted_at_its_first_attempt_is_sure(store):
    put(store, "a")

    send_all(store, NOW)

    assert unsure(store) == {"a": 0}


def test_a_released_message_is_sure(store):
    put(store, "a")

    store.outbox.release(store.outbox.claim(NOW, LEASE_S), "busy", NOW, 0)

    assert store.outbox.claim(NOW, LEASE_S).unsure == 0


def test_a_doubt_is_counted_and_stays(store):
    put(store, "a")
    entry = store.outbox.doubt(store.outbox.claim(NOW, LEASE_S))
    store.outbox.release(entry, "no answer", NOW, 0)

    again = store.outbox.claim(NOW, LEASE_S)
    store.outbox.finish(again, NOW)

    assert (entry.unsure, again.unsure, unsure(store)) == (1, 1, {"a": 1})


def test_a_doubt_is_told_of_what_was_given_up(store):
    store.inbox.put(InboundMessage("1", BUSINESS, "urn:mbid:bob", Text("Hi")), {}, b"{}", NOW)
    store.inbox.bury(store.inbox.claim(NOW, LEASE_S), "handler raised", NOW)
    put(store, "a")
    store.outbox.bury(store.outbox.doubt(store.outbox.claim(NOW, LEASE_S)), "given up", NOW)

    buried = {each.message_id: each.unsure for each in store.upkeep.buried(10)}

    assert buried == {"1": 0, "a": 1}


def test_a_doubt_of_who_lost_its_claim_is_not_noted(store):
    put(store, "a")
    late = store.outbox.claim(NOW, LEASE_S)
    store.outbox.finish(store.outbox.claim(NOW + LEASE_S, LEASE_S), NOW + LEASE_S)

    store.outbox.doubt(late)

    assert unsure(store) == {"a": 1}


def test_a_claim_whose_lease_ran_out_is_a_doubt(store):
    put(store, "a")
    store.outbox.claim(NOW, LEASE_S)

    assert store.outbox.claim(NOW + LEASE_S, LEASE_S).unsure == 1
    assert store.outbox.claim(NOW + 2 * LEASE_S, LEASE_S).unsure == 2
    assert unsure(store) == {"a": 2}


def test_a_claim_that_is_taken_back_is_a_doubt_once(store):
    put(store, "a", "b")
    store.outbox.claim(NOW, LEASE_S)

    store.outbox.recover(NOW)

    assert store.outbox.claim(NOW, LEASE_S).unsure == 1
    assert unsure(store) == {"a": 1, "b": 0}


def test_received_messages_are_taken_back_without_a_doubt(store):
    store.inbox.put(InboundMessage("1", BUSINESS, "urn:mbid:alice", Text("Hi")), {}, b"{}", NOW)
    store.inbox.claim(NOW, LEASE_S)

    assert store.inbox.recover(NOW) == 1

    assert store.inbox.claim(NOW, LEASE_S).unsure == 0
    assert [entry.unsure for entry in store.history.newest(9)] == [0]


@pytest.mark.parametrize("take_back", ["recover", "claim"])
def test_a_claim_that_ended_after_the_customer_left_is_a_doubt(store, take_back):
    put(store, "a")
    store.outbox.claim(NOW, LEASE_S)
    store.inbox.put(InboundMessage("1", BUSINESS, "urn:mbid:alice", Close()), {}, b"{}", NOW)

    if take_back == "recover":
        store.outbox.recover(NOW)
    else:
        assert store.outbox.claim(NOW + LEASE_S, LEASE_S) is None

    assert store.outbox.state("a") == (OutboxState.BURIED, CLOSED)
    assert unsure(store) == {"a": 1}
