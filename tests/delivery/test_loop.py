import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from msp_server import metrics
from msp_server.agents.agent import Agent
from msp_server.agents.router import Router
from msp_server.delivery import loop as loop_module
from msp_server.delivery.answering import Answering
from msp_server.delivery.asking import Asking
from msp_server.delivery.cut_offs import CutOffs
from msp_server.delivery.equipping import Equipping
from msp_server.delivery.files import Files
from msp_server.delivery.loop import Loop
from msp_server.delivery.preparing import Preparing
from msp_server.delivery.resolving import Resolving
from msp_server.delivery.signing_in import SigningIn
from msp_server.errors import StoreBusy
from msp_server.messages.envelope import InboundMessage
from msp_server.messages.ids import new_message_id
from msp_server.messages.text import Text
from msp_server.store.opening import open_store
from msp_server.wire.file_addresses import FileAddresses

DEADLINE_S = 10
LEASE_S = 0.06
NEVER_S = 1000


@dataclass(frozen=True)
class FakeEntry:
    message_id: str
    more_due: bool = True


class FakeWork:
    """Entries in a row; claims and work fail or wait as told."""

    def __init__(self, *message_ids):
        self._changed = threading.Condition()
        self._waiting = deque(FakeEntry(name) for name in message_ids)
        self.claims_failing = []
        #: What `work` does first, by message id.
        self.during = {}
        self.extending_fails = False
        self.idle = 0
        self.leases = []
        self.done = []
        self.extended = []
        #: How much a clock that was set back would keep waiting: a number, or what it raises.
        self.far = 0
        #: What was extended before each look.
        self.looks = []

    def put(self, message_id, *, more_due=True):
        with self._changed:
            self._waiting.append(FakeEntry(message_id, more_due))

    def claim(self, lease_s):
        with self._changed:
            if self.claims_failing:
                raise self.claims_failing.pop(0)
            if not self._waiting:
                self.idle += 1
                self._changed.notify_all()
                return None
            self.leases.append(lease_s)
            return self._waiting.popleft()

    def extend(self, entry, _lease_s):
        with self._changed:
            self.extended.append(entry.message_id)
            self._changed.notify_all()
        if self.extending_fails:
            raise StoreBusy

    def bring_forward(self):
        with self._changed:
            self.looks.append(list(self.extended))
            self._changed.notify_all()
        if isinstance(self.far, Exception):
            raise self.far
        return self.far

    def work(self, entry):
        self.during.get(entry.message_id, lambda: None)()
        with self._changed:
            self.done.append(entry.message_id)
            self._changed.notify_all()

    def wait_for(self, condition):
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE_S)


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(loop_module, "PAUSE_S", 0.005)


@pytest.fixture
def start():
    """Give a function that starts a loop, which is stopped at the end, its threads and all."""
    loops = []

    def start_loop(work, threads=1, lease_s=LEASE_S, poll_s=0.005):
        loop = Loop("testing", work, threads, lease_s, poll_s)
        loops.append(loop)
        loop.start()
        return loop

    yield start_loop
    for loop in loops:
        loop.stop(DEADLINE_S)
    join()


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def held_up(start):
    """Give a loop of one thread, the work it is held up in, and what lets it go on."""
    work = FakeWork("long", "next")
    begun, go_on = threading.Event(), threading.Event()
    work.during["long"] = lambda: (begun.set(), go_on.wait(DEADLINE_S))
    loop = start(work)
    assert begun.wait(DEADLINE_S)
    yield loop, work, go_on
    go_on.set()


class Lookers(FakeWork):
    """Work whose claims wait until as many look at a time as may, and remember how many did."""

    def __init__(self, *message_ids):
        super().__init__(*message_ids)
        self._counting = threading.Lock()
        self._all_look = threading.Barrier(loop_module.LOOKING_AT_A_TIME)
        self.looking = 0
        self.most = 0

    def claim(self, lease_s):
        with self._counting:
            self.looking += 1
            self.most = max(self.most, self.looking)
        with suppress(threading.BrokenBarrierError):
            self._all_look.wait(0.2)
        try:
            return super().claim(lease_s)
        finally:
            with self._counting:
                self.looking -= 1


def test_a_loop_looks_with_a_few_threads_at_a_time_however_many_work(start):
    names = [str(number) for number in range(40)]
    work = Lookers(*names)
    at_work = threading.Barrier(20)
    for name in names:
        work.during[name] = lambda: at_work.wait(DEADLINE_S)

    start(work, threads=20)
    work.wait_for(lambda: len(work.done) == len(names))

    assert work.most == loop_module.LOOKING_AT_A_TIME


def join():
    """Wait until every thread of the loops that a test started has ended."""
    for thread in threading.enumerate():
        if thread.name.startswith("testing-"):
            thread.join(DEADLINE_S)
            assert not thread.is_alive()


# Working


def test_a_loop_works_on_all_that_is_due(start):
    work = FakeWork("1", "2", "3")

    start(work)

    work.wait_for(lambda: work.done == ["1", "2", "3"])


def test_a_loop_finds_what_comes_later_by_itself(start):
    work = FakeWork()
    start(work)
    work.wait_for(lambda: work.idle)

    work.put("1")

    work.wait_for(lambda: work.done == ["1"])


def test_a_woken_loop_works_without_waiting_for_its_next_look(start):
    work = FakeWork()
    loop = start(work, threads=4, lease_s=NEVER_S, poll_s=NEVER_S)
    work.wait_for(lambda: work.idle)

    work.put("1")
    loop.wake()

    work.wait_for(lambda: work.done == ["1"])


def test_wakes_of_a_busy_loop_do_not_pile_up(held_up):
    loop, _work, _go_on = held_up

    for _ in range(1000):
        loop.wake()

    assert loop._wakeups == 1


def test_one_wake_is_enough_for_all_that_is_due(start):
    work = FakeWork()
    loop = start(work, threads=3, lease_s=NEVER_S, poll_s=NEVER_S)
    work.wait_for(lambda: work.idle)
    together = threading.Barrier(3, timeout=DEADLINE_S)
    work.during = dict.fromkeys("123", together.wait)

    for name in "123":
        work.put(name)
    loop.wake()

    work.wait_for(lambda: sorted(work.done) == ["1", "2", "3"])


@pytest.mark.parametrize(("more_due", "threads"), [(True, 2), (False, 1)])
def test_another_thread_looks_only_where_something_else_was_due(start, more_due, threads):
    work = FakeWork()
    loop = start(work, threads=4, lease_s=NEVER_S, poll_s=NEVER_S)
    work.wait_for(lambda: work.idle)
    seen = []
    work.during["1"] = lambda: seen.append(len(loop._threads))

    work.put("1", more_due=more_due)
    loop.wake()
    work.wait_for(lambda: work.done)

    assert seen == [threads]


def test_a_loop_has_as_many_under_work_as_threads(start):
    work = FakeWork("1", "2", "3")
    together = threading.Barrier(3, timeout=DEADLINE_S)
    work.during = dict.fromkeys("123", together.wait)

    start(work, threads=3)

    work.wait_for(lambda: sorted(work.done) == ["1", "2", "3"])


def test_a_loop_claims_with_its_lease(start):
    work = FakeWork("1")

    start(work)
    work.wait_for(lambda: work.done)

    assert work.leases == [LEASE_S]


def test_the_threads_of_a_loop_have_its_name(start):
    work = FakeWork("1")
    names = []
    work.during["1"] = lambda: names.append(threading.current_thread().name)

    start(work)
    work.wait_for(lambda: work.done)

    assert names == ["testing-0"]


def test_conversations_are_answered_beside_each_other(store, start, settings):
    together = threading.Barrier(3, timeout=DEADLINE_S)
    answered = threading.Semaphore(0)
    agent = Agent("front desk")
    agent.on(Text)(lambda _text, _conversation: (together.wait(), None)[1])
    for number in range(3):
        message = InboundMessage(f"{number}", "business", f"urn:mbid:{number}", Text("Hi"))
        packed = b'{"type": "text", "id": "%d", "body": "Hi"}' % number
        headers = {"source-id": f"urn:mbid:{number}", "destination-id": "business"}
        store.inbox.put(message, headers, packed, time.time())

    preparing = Preparing(
        time.time,
        new_message_id,
        True,
        Files(Path("outgoing")),
        Equipping(settings, bytes(32)),
    )
    start(
        Answering(
            store,
            Router(agent),
            Resolving(Files(Path("attachments"))),
            SigningIn(store, None, [bytes(32)], time.time),
            Asking(None, FileAddresses("", (bytes(32),), time.time), time.time),
            preparing,
            CutOffs(Path("cut_offs")),
            time.time,
            answered.release,
            DEADLINE_S,
        ),
        threads=3,
        lease_s=DEADLINE_S,  # a slow disk must not lose a claim
    )
    all_answered = [answered.acquire(timeout=DEADLINE_S) for _ in range(3)]

    assert (all_answered, {one.state for one in store.history.newest(3)}) == (
        [True] * 3,
        {"ANSWERED"},
    )


# Errors


def test_a_claim_that_the_store_fails_does_not_end_the_loop(start):
    work = FakeWork("1")
    work.claims_failing = [StoreBusy(), StoreBusy()]

    start(work)

    work.wait_for(lambda: work.done == ["1"])


def test_a_failing_store_is_logged(start, caplog):
    work = FakeWork("1")
    work.claims_failing = [StoreBusy("store is busy")]

    start(work)
    work.wait_for(lambda: work.done)

    assert "store failed loop=testing error=store is busy" in caplog.text


@pytest.mark.parametrize("error", [StoreBusy("busy"), ValueError("unexpected")])
def test_work_that_fails_does_not_end_the_loop(start, error):
    work = FakeWork("1", "2")

    def fail():
        raise error

    work.during["1"] = fail

    start(work)

    work.wait_for(lambda: work.done == ["2"])


def test_an_unexpected_error_is_logged_with_where_it_happened(start, caplog):
    work = FakeWork("1", "2")

    def stumble():
        raise ValueError("a secret")

    work.during["1"] = stumble

    start(work)
    work.wait_for(lambda: work.done)

    assert "in stumble" in caplog.text


def test_an_unexpected_error_is_logged_without_what_it_says(start, caplog):
    work = FakeWork("1", "2")
    words = "a secret"

    def stumble():
        raise ValueError(words)

    work.during["1"] = stumble

    start(work)
    work.wait_for(lambda: work.done)

    assert words not in caplog.text


def test_a_loop_rests_after_an_error(start, monkeypatch):
    monkeypatch.setattr(loop_module, "PAUSE_S", NEVER_S)
    work = FakeWork("1")
    work.claims_failing = [StoreBusy()]

    loop = start(work)
    work.wait_for(lambda: not work.claims_failing or work.done)
    loop.stop(DEADLINE_S)
    join()

    assert work.done == []


# Stopping


def test_a_stopped_loop_claims_nothing(start):
    work = FakeWork()
    loop = start(work, threads=4)

    loop.stop(DEADLINE_S)
    join()
    work.put("1")
    loop.wake()

    assert work.done == []


def test_a_loop_that_begins_nothing_does_not_wait_for_what_is_under_work(held_up):
    loop, work, go_on = held_up

    loop.begin_nothing()
    go_on.set()

    assert loop.stop(DEADLINE_S) is True
    assert work.done == ["long"]


def test_a_stopped_loop_asks_its_store_nothing_more(held_up):
    loop, work, go_on = held_up
    go_on.set()

    loop.stop(DEADLINE_S)
    looks = len(work.looks)

    assert not loop._keeper.is_alive()
    assert len(work.looks) == looks


def test_a_loop_with_nothing_to_do_stops_at_once(start):
    work = FakeWork()
    loop = start(work, threads=4, lease_s=NEVER_S, poll_s=NEVER_S)
    work.wait_for(lambda: work.idle)

    assert loop.stop(0) is True


def test_the_threads_of_a_stopped_loop_end(start):
    work = FakeWork()
    loop = start(work, threads=4, lease_s=NEVER_S, poll_s=NEVER_S)
    work.wait_for(lambda: work.idle)

    loop.stop(0)

    join()


def test_stop_tells_that_something_is_still_under_work(held_up):
    loop, _work, _go_on = held_up

    assert loop.stop(0.01) is False


def test_stop_waits_for_what_is_under_work(held_up):
    loop, work, go_on = held_up
    stopped = []
    stopping = threading.Thread(target=lambda: stopped.append(loop.stop(DEADLINE_S)))

    stopping.start()
    assert loop._stopping.wait(DEADLINE_S)
    go_on.set()
    stopping.join(DEADLINE_S)

    assert (stopped, work.done[:1]) == ([True], ["long"])


def test_a_loop_told_to_stop_begins_nothing_after_what_is_under_work(held_up):
    loop, work, go_on = held_up
    loop.stop(0)

    go_on.set()
    join()

    assert work.done == ["long"]


def test_work_that_failed_is_not_waited_for(start):
    work = FakeWork("1", "2")

    def fail():
        raise ValueError

    work.during["1"] = fail
    loop = start(work)
    work.wait_for(lambda: work.done == ["2"])

    assert loop.stop(DEADLINE_S) is True


# Keeping claims


def test_claims_of_long_work_are_extended_again_and_again(held_up):
    _loop, work, _go_on = held_up

    work.wait_for(lambda: work.extended[:3] == ["long"] * 3)


def test_what_a_clock_set_back_keeps_waiting_is_looked_for_after_claims_are_extended(held_up):
    _loop, work, _go_on = held_up

    work.wait_for(lambda: len(work.looks) >= 3)

    assert all(look.count("long") > number for number, look in enumerate(work.looks[:3]))


def test_what_a_clock_set_back_kept_waiting_is_logged(held_up, caplog):
    _loop, work, _go_on = held_up
    work.far = 7
    looks = len(work.looks)
    work.wait_for(lambda: len(work.looks) >= looks + 2)

    assert "clock was set back loop=testing brought_forward=7" in caplog.text


def test_claims_are_extended_though_looking_for_what_waits_fails(held_up, caplog):
    _loop, work, _go_on = held_up
    work.far = StoreBusy()
    tried = len(work.extended)

    work.wait_for(lambda: len(work.extended) >= tried + 3)

    assert "not brought forward loop=testing error=StoreBusy" in caplog.text


def test_a_claim_that_cannot_be_extended_is_tried_again(held_up):
    _loop, work, _go_on = held_up

    work.extending_fails = True
    tried = len(work.extended)

    work.wait_for(lambda: len(work.extended) >= tried + 3)


def test_a_claim_that_cannot_be_extended_is_logged(held_up, caplog):
    loop, work, go_on = held_up
    work.extending_fails = True
    tried = len(work.extended)

    work.wait_for(lambda: len(work.extended) >= tried + 3)
    go_on.set()
    loop.stop(DEADLINE_S)
    join()

    assert "claim not extended message_id='long'" in caplog.text


def test_claims_of_finished_work_are_not_extended(held_up):
    _loop, work, go_on = held_up
    go_on.set()
    work.wait_for(lambda: work.idle >= 10)
    work.extended.clear()

    work.wait_for(lambda: work.idle >= 30)

    assert work.extended == []


def test_stop_waits_for_an_entry_that_is_just_being_claimed(start):
    work = FakeWork("1")
    claiming, go_on = threading.Event(), threading.Event()
    claim = work.claim
    work.claim = lambda lease_s: (claiming.set(), go_on.wait(DEADLINE_S), claim(lease_s))[2]
    loop = start(work)
    assert claiming.wait(DEADLINE_S)

    stopped = loop.stop(0.01)
    go_on.set()
    join()

    assert (stopped, work.done) in [(False, ["1"]), (True, [])]


def test_an_unexpected_error_of_extend_does_not_end_the_looking(held_up):
    _loop, work, go_on = held_up

    def fail(_entry, _lease_s):
        work.extended.append("tried")
        raise ValueError

    work.extend = fail
    while not work.extended:
        threading.Event().wait(0.001)
    go_on.set()
    work.wait_for(lambda: work.idle)

    work.put("later")

    work.wait_for(lambda: "later" in work.done)


def test_a_loop_goes_on_when_the_system_has_no_more_threads(start, monkeypatch, caplog):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    work = FakeWork("1")
    loop = Loop("testing", work, 2, LEASE_S, 0.005)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        loop.wake()
    assert "no further thread" in caplog.text

    loop.start()

    work.wait_for(lambda: work.done == ["1"])
    loop.stop(DEADLINE_S)


def shown(name):
    return metrics.REGISTRY.get_sample_value(name, {"loop": "testing"})


def test_a_loop_is_shown_with_its_threads_and_what_they_work_on(start):
    go_on = threading.Event()
    work = FakeWork("1", "2")
    work.during = {"1": go_on.wait, "2": go_on.wait}
    loop = start(work, threads=2)

    work.wait_for(lambda: shown("msp_loop_working") == 2)

    assert shown("msp_loop_threads") == 2
    assert shown("msp_loop_looked_seconds") < DEADLINE_S
    go_on.set()
    loop.stop(DEADLINE_S)
    assert shown("msp_loop_threads") is None


def test_time_since_a_loop_looked_begins_anew_with_each_look(start, wait_for):
    start(FakeWork())
    seen = [shown("msp_loop_looked_seconds")]

    def fell():
        seen.append(shown("msp_loop_looked_seconds"))
        return seen[-1] < max(seen)

    wait_for(fell, "a look")


def test_time_since_a_loop_looked_grows_while_it_does_not(start):
    start(FakeWork(), lease_s=NEVER_S, poll_s=NEVER_S)

    first, second = shown("msp_loop_looked_seconds"), shown("msp_loop_looked_seconds")

    assert first < second
