"""The machine's clock is set back and forward, while messages wait and more come."""

import time
from contextlib import contextmanager

import pytest

from msp_server import Agent, Text
from tests.conftest import wait_for
from tests.faults.aftermath import assert_once_and_in_order, wait_until_answered
from tests.faults.load import Attempts, Load
from tests.postgresql import own_schema

HOUR_S = 3600
#: More than any customer can write in a test.
WITHOUT_END = 1_000_000
CUSTOMERS = ("ava", "ben", "cleo", "dora")
#: How long a worker that died keeps its conversations: four times as often is looked for the clock.
LEASE_S = 2
#: How long something may wait because of the clock; a busy machine is slow.
WAITING_LIMIT_S = 30


class Clock:
    """What this machine takes for the time."""

    def __init__(self):
        self._true = time.time
        self.ahead_s = 0

    def __call__(self):
        return self._true() + self.ahead_s

    def jump(self, seconds):
        self.ahead_s += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


@contextmanager
def sqlite_file():
    yield {}


@contextmanager
def postgresql_schema():
    with own_schema() as url:
        yield {"database_url": url}


@pytest.fixture(params=[sqlite_file, postgresql_schema], ids=["sqlite", "postgresql"])
def start(request, clock, start_msp):
    """Give a function that starts a server on a store of either kind."""
    # A token that was made before the clock jumped is refused after it, and rightly so.
    usual = {"lease_s": LEASE_S, "token_max_age_s": 0}
    with request.param() as database:
        yield lambda *agent, **changes: start_msp(*agent, **{**usual, **database, **changes})


def buried(msp):
    return [each for each in msp.store.history.newest(5000) if each.state == "BURIED"]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [-HOUR_S, HOUR_S])
def test_clock_that_jumps_there_and_back_loses_nothing_and_keeps_order(
    apple, start, clock, seconds
):
    apple.fault("status", endpoint="message", probability=0.2, status=503, count=None)
    with start() as msp, Attempts(apple) as attempts:
        with Load(apple, CUSTOMERS) as load:
            for jump_s in (0, seconds, -seconds):
                clock.jump(jump_s)
                load.go_on(WITHOUT_END, 60)
        apple.web.delete(f"{apple.url}/emulator/faults")
        wait_until_answered(attempts, load.written)

        assert buried(msp) == []
    assert_once_and_in_order(attempts)


@pytest.mark.parametrize("seconds", [-HOUR_S, HOUR_S])
def test_message_that_failed_for_a_moment_waits_for_no_hour_and_is_not_given_up(
    apple, start, clock, seconds
):
    apple.fault("status", endpoint="message", status=503, count=2)
    with start() as msp:
        apple.phone().text("hello")
        wait_for(apple.sends, "the first attempt", WAITING_LIMIT_S)
        clock.jump(seconds)

        bodies = wait_for(apple.phone().bodies, "the answer", WAITING_LIMIT_S)

        assert buried(msp) == []
    assert bodies == ["hello"]


def test_message_that_came_while_the_clock_was_ahead_waits_for_no_hour(apple, start, clock):
    with start():
        apple.fault("status", endpoint="message", status=503, count=1)
        clock.jump(HOUR_S)
        apple.phone().text("hello")
        wait_for(apple.sends, "the first attempt", WAITING_LIMIT_S)
        clock.jump(-HOUR_S)

        bodies = wait_for(apple.phone().bodies, "the answer", WAITING_LIMIT_S)

    assert bodies == ["hello"]


def test_server_that_starts_after_the_clock_was_set_back_goes_on_at_once(apple, start, clock):
    apple.fault("status", endpoint="message", status=503, count=1)
    with start():
        apple.phone().text("hello")
        wait_for(apple.sends, "the first attempt", WAITING_LIMIT_S)
    clock.jump(-HOUR_S)

    with start(lease_s=300):
        bodies = wait_for(apple.phone().bodies, "the answer", WAITING_LIMIT_S)

    assert bodies == ["hello"]


def test_handler_that_runs_while_the_clock_is_set_back_runs_once(apple, start, clock):
    agent, runs = Agent("slow"), []

    @agent.on(Text)
    def answer(text, _conversation):
        runs.append(text.body)
        clock.jump(-HOUR_S)
        still_s = 2 * LEASE_S
        time.sleep(still_s)
        return Text(text.body)

    with start(agent):
        apple.phone().text("hello")
        bodies = wait_for(apple.phone().bodies, "the answer", WAITING_LIMIT_S)

    assert bodies == runs == ["hello"]
