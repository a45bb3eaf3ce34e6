"""The server is told to stop while it is busy, and started again."""

import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from msp_server.app import GRACE_S
from msp_server.web.server import THREADS
from tests.conftest import wait_for
from tests.faults.aftermath import assert_once_and_in_order, wait_until_answered
from tests.faults.load import Attempts, Load
from tests.faults.servers import Line, connect, free_port, is_closed, post, running

pytestmark = pytest.mark.slow

#: More than any customer can write in a test.
WITHOUT_END = 1_000_000
CUSTOMERS = ("ava", "ben", "cleo", "dora")
#: More than the grace time of the web and of the loops: a busy machine is slow.
STOP_LIMIT_S = 2 * GRACE_S + 20


@pytest.fixture
def start(apple, tmp_path):
    """Give a function that starts a command of ours on the same store and port each time."""
    port = free_port()

    def start(*command, **settings):
        apple.emulator.msp_url = f"http://127.0.0.1:{port}"
        return running(tmp_path, f"{apple.url}/v1", command, port=port, **settings)

    return start


def told_to_stop(server):
    """Tell a process to stop, and give its exit code and how long it took."""
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    code = server.ends(STOP_LIMIT_S)
    return code, time.monotonic() - began


@pytest.mark.parametrize(
    ("stopped", "beside"),
    [
        pytest.param(["serve"], [], id="serve"),
        pytest.param(["serve", "--web-only"], ["worker"], id="web alone"),
        pytest.param(["worker"], ["serve", "--web-only"], id="worker"),
    ],
)
def test_stopping_under_load_loses_nothing_and_ends_well(apple, start, stopped, beside):
    apple.fault("delay", endpoint="message", delay_s=0.05, count=None)
    others = start(*beside) if beside else nullcontext()
    with others, Attempts(apple) as attempts, Load(apple, CUSTOMERS) as load:
        ends = []
        for _ in range(2):
            with start(*stopped) as server:
                load.go_on(WITHOUT_END, 40)
                ends.append(told_to_stop(server))
                said = server.said()
        with start(*stopped):
            load.go_on(WITHOUT_END, 40)
            load.stop()
            wait_until_answered(attempts, load.written)

    assert [code for code, _ in ends] == [0, 0]
    assert "Traceback" not in said
    assert_once_and_in_order(attempts)
    assert all(len(repeated) == 1 for repeated in attempts.accepted().values())


# The web


def test_requests_that_have_come_in_are_answered(start, tmp_path):
    with start("serve", "--web-only") as server, ThreadPoolExecutor(2 * THREADS) as pool:
        lines = [Line(server) for _ in range(2 * THREADS)]  # so that half of them wait for a thread
        with closing(sqlite3.connect(tmp_path / "var" / "msp.db")) as held:
            held.execute("BEGIN IMMEDIATE")  # so that nothing can be committed
            for number, line in enumerate(lines):
                line.deliver(f"held {number}")
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: is_closed(server), "the port to be closed")
            answers = pool.map(Line.answer, lines)
            held.rollback()
        statuses = list(answers)
        code = server.ends(STOP_LIMIT_S)

    assert code == 0
    assert set(statuses) <= {200, 503}  # some may have waited for too long
    assert statuses.count(200) > THREADS
    with closing(sqlite3.connect(tmp_path / "var" / "msp.db")) as store:
        stored = store.execute("SELECT count(*) FROM inbox").fetchone()
    assert stored == (statuses.count(200),)


def test_half_a_request_holds_nothing_up(start):
    with start("serve") as server:
        half = connect(server)
        half.sendall(b"POST /message HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhel")

        code, took_s = told_to_stop(server)
        half.close()

    assert code == 0
    assert took_s < GRACE_S


# The loops


AGENT = """
import time
from pathlib import Path
from msp_server import Agent, Text

agent = Agent("slow")

@agent.on(Text)
def answer(text, conversation):
    runs = Path({runs!r})
    first = not runs.exists()
    with runs.open("a") as file:
        file.write(text.body)
    time.sleep({seconds} if first else 0)
    return Text(text.body)
"""


@pytest.fixture
def runs(tmp_path):
    """The file in which the handler of `slow_agent` notes that it runs."""
    return tmp_path / "runs.txt"


@pytest.fixture
def slow_agent(runs):
    """Give a function that makes an agent whose first answer takes so many seconds."""

    def make(seconds):
        Path("slow_agent.py").write_text(AGENT.format(runs=str(runs), seconds=seconds))
        return "slow_agent:agent"

    return make


def test_handler_that_runs_is_let_finish(apple, start, slow_agent, runs):
    agent = slow_agent(seconds=2)
    with start("serve", agent=agent) as server:
        post(server.url, "slow 1")
        wait_for(runs.exists, "the handler")
        code, _ = told_to_stop(server)
    with start("serve", agent=agent):
        (send,) = wait_for(apple.sends, "the answer")

    assert code == 0
    assert send["fields"]["body"] == "slow 1"
    assert runs.read_text() == "slow 1"


def test_handler_that_takes_too_long_is_cut_off_and_runs_again(apple, start, slow_agent, runs):
    agent = slow_agent(seconds=300)
    with start("serve", agent=agent) as server:
        post(server.url, "slow 1")
        wait_for(runs.exists, "the handler")
        code, took_s = told_to_stop(server)
    with start("serve", agent=agent):
        (send,) = wait_for(apple.sends, "the answer")

    assert code == 0
    assert took_s >= GRACE_S
    assert send["fields"]["body"] == "slow 1"
    assert runs.read_text() == "slow 1slow 1"
