"""Attempts, counted by a clock that the test turns."""

import sys
import threading

import pytest

from msp_server.web.rates import Rates


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rates(clock):
    """Three attempts, and one more every ten seconds."""
    return Rates(3, 10.0, clock)


def allowed(rates, name, attempts):
    return [rates.take(name) == 0 for _ in range(attempts)].count(True)


def test_as_many_attempts_as_the_bucket_holds_are_allowed_at_once(rates):
    assert allowed(rates, "ava", 10) == 3


def test_attempt_too_many_is_told_when_the_next_is_allowed(rates, clock):
    allowed(rates, "ava", 3)
    clock.now += 4

    wait_s = rates.take("ava")

    assert wait_s == pytest.approx(6)


def test_one_attempt_comes_back_with_time(rates, clock):
    allowed(rates, "ava", 3)

    clock.now += 10

    assert allowed(rates, "ava", 5) == 1


def test_refused_attempts_do_not_make_the_wait_longer(rates, clock):
    allowed(rates, "ava", 300)

    clock.now += 10

    assert rates.take("ava") == 0


def test_bucket_is_never_more_than_full(rates, clock):
    allowed(rates, "ava", 3)

    clock.now += 1_000_000

    assert allowed(rates, "ava", 10) == 3


def test_names_have_buckets_of_their_own(rates):
    allowed(rates, "ava", 3)

    assert rates.take("ben") == 0


def test_any_text_is_a_name(rates):
    assert [rates.take(name) for name in ("", "\0", "é☕", "\ud800", "x" * 100_000)] == [0.0] * 5


def test_flood_of_names_neither_grows_it_nor_lets_a_name_be_forgotten(rates):
    allowed(rates, "ava", 3)
    before = sys.getsizeof(rates._full_at)

    for number in range(100_000):
        rates.take(str(number))

    assert rates.take("ava") > 0
    assert sys.getsizeof(rates._full_at) == before


def test_one_thread_at_a_time_reads_the_clock_and_takes():
    held = []
    rates = Rates(3, 10.0, lambda: held.append(rates._lock.locked()) or 0.0)

    rates.take("ava")

    assert held == [True]


def test_threads_together_get_no_more_than_one_would(clock):
    rates = Rates(50, 10.0, clock)
    start = threading.Barrier(8)
    counts = []

    def attack():
        start.wait()
        counts.append(allowed(rates, "ava", 100))

    threads = [threading.Thread(target=attack) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == 50
