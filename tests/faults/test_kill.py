"""Server and workers are killed with `kill -9` at random moments, under load.

Each test is one clause of what is promised, held against what one long killing left behind.
"""

import hashlib
import os
import random
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import requests
from sqlalchemy import create_engine, make_url, select

from msp_server.app import SENDING_THREADS
from msp_server.emulator import Emulator, EmulatorSettings
from msp_server.store.schema import INBOX, OUTBOX, InboxState, OutboxState
from tests.conftest import BUSINESS_ID, MSP_ID, SECRET, Apple, wait_for
from tests.faults.conftest import size
from tests.faults.load import Attempts, Load
from tests.faults.processes import Fleet, free_port
from tests.postgresql import own_schema

pytestmark = [pytest.mark.slow, pytest.mark.timeout(size(900, 9000))]

KILLS = size(100, 1000)
CUSTOMERS = [f"customer-{number}" for number in range(24)]
#: How many messages may be acknowledged between two kills, and the most that a kill waits for.
MESSAGES = 24
MESSAGES_AWAITED = 12
#: How many of the killed were not ready yet.
KILLED_WHILE_STARTING = 0.15
STARTING_S = 0.3
#: How long a killed worker keeps its conversations; a living one must be able to extend it.
LEASE_S = 10
#: How long the gateway takes.
GATEWAY_S = 0.02
SETTLING_LIMIT_S = 300

#: What runs on each engine.
ALONE = {"server": ["serve"]}
TOGETHER = {"web": ["serve", "--web-only"], "worker 1": ["worker"], "worker 2": ["worker"]}

BEING_SENT = select(OUTBOX.c.message_id, OUTBOX.c.claim).where(
    OUTBOX.c.state == OutboxState.CLAIMED
)


@dataclass
class Aftermath:
    """What is known when the last one was killed, and everything has settled."""

    engine: str
    seed: int
    #: What was acknowledged, in this order.
    written: list
    #: Rows of the store.
    inbox: list
    outbox: list
    #: What the gateway was asked for, and of that what it accepted: by message id, in the order
    #: in which it accepted each for the first time.
    attempts: list
    accepted: dict
    #: What was being sent at each kill of a process that sends: message ids and claims.
    under_way: list = field(default_factory=list)

    def repeats(self):
        """Give how often each message was accepted again."""
        return {name: len(each) - 1 for name, each in self.accepted.items() if len(each) > 1}


@contextmanager
def reading(database_url):
    """Give a function that reads a store, over a connection that is kept."""
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield lambda statement: connection.execute(statement).all()
    finally:
        engine.dispose()


@contextmanager
def reading_what_was_left(database_url, directory):
    """Give a function that reads a store of which no process is left.

    Of a file it reads a copy: the next one to start has to find it as it is.
    """
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        with reading(database_url) as read:
            yield read
        return

    def read(statement):
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{url.database}{suffix}", directory / f"copy.db{suffix}")
        with reading(f"sqlite:///{directory / 'copy.db'}") as read_copy:
            return read_copy(statement)

    yield read


def waiting():
    """Give statements that find what is not answered, and what is not sent."""
    states = [InboxState.RECEIVED, InboxState.CLAIMED]
    yield select(INBOX.c.seq).where(INBOX.c.state.in_(states)).limit(1)
    states = [OutboxState.PENDING, OutboxState.CLAIMED]
    yield select(OUTBOX.c.seq).where(OUTBOX.c.state.in_(states)).limit(1)


@dataclass
class Killing:
    """Kills one process of a fleet after the other, at random moments."""

    fleet: Fleet
    load: Load
    chance: random.Random
    read: Callable
    under_way: list = field(default_factory=list)

    def kill_one(self):
        """Let the fleet work, kill one of its processes, and start it again."""
        member = self.chance.choice(list(self.fleet.members.values()))
        self._let_work(member)
        self.fleet.kill(member.name)
        if member.arguments != TOGETHER["web"]:
            self.under_way.append({tuple(row) for row in self.read(BEING_SENT)})
        self.fleet.start(member.name, *member.arguments)

    def _let_work(self, member):
        if self.chance.random() < KILLED_WHILE_STARTING:
            self.load.go_on(MESSAGES, 0)
            pause(self.chance.uniform(0, STARTING_S))
            return
        self.fleet.wait_until_ready(member.name)
        self.load.go_on(MESSAGES, self.chance.randrange(MESSAGES_AWAITED))
        pause(self.chance.uniform(0, GATEWAY_S))


def pause(length_s):
    """Let a random time pass."""
    threading.Event().wait(length_s)


@contextmanager
def slow_apple():
    """Run an emulator whose gateway takes its time, so that a kill finds sends under way."""
    settings = EmulatorSettings(
        msp_id=MSP_ID, api_secrets=(SECRET,), business_ids=(BUSINESS_ID,), port=0
    )
    with Emulator(settings) as emulator, requests.Session() as web:
        apple = Apple(emulator, web)
        apple.fault("delay", endpoint="message", delay_s=GATEWAY_S, probability=1)
        yield apple


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory):
    """Give a directory, the address of an empty store, and what runs on it."""
    directory = tmp_path_factory.mktemp("kill")
    if request.param == "sqlite":
        yield directory, f"sqlite:///{directory / 'var' / 'msp.db'}", ALONE
    else:
        with own_schema() as database_url:
            yield directory, database_url, TOGETHER


@pytest.fixture(scope="module")
def aftermath(database):
    """Kill under load, let everything settle, and tell what there is."""
    directory, database_url, processes = database
    seed = int(os.environ.get("TEST_SEED") or secrets.randbelow(2**32))
    settings = {"MSP_LOG_LEVEL": "WARNING"}
    if processes is TOGETHER:
        settings["MSP_LEASE_S"] = str(LEASE_S)
    with (
        slow_apple() as apple,
        Fleet(directory, f"{apple.url}/v1", database_url, free_port(), settings) as fleet,
        Attempts(apple) as attempts,
        Load(apple, CUSTOMERS) as load,
    ):
        apple.emulator.msp_url = fleet.url
        for name, arguments in processes.items():
            fleet.start(name, *arguments)
            fleet.wait_until_ready(name)
        with reading_what_was_left(database_url, directory) as read:
            killing = Killing(fleet, load, random.Random(seed), read)  # noqa: S311 - no secret
            for _ in range(KILLS):
                killing.kill_one()
        load.stop()
        with reading(database_url) as read:
            wait_for(lambda: not any(map(read, waiting())), "all to be answered", SETTLING_LIMIT_S)
            inbox, outbox = read(select(INBOX)), read(select(OUTBOX))
    return Aftermath(
        engine=make_url(database_url).get_backend_name(),
        seed=seed,
        written=load.written,
        inbox=inbox,
        outbox=outbox,
        attempts=attempts.made,
        accepted=attempts.accepted(),
        under_way=killing.under_way,
    )


@pytest.fixture(autouse=True)
def _tell_seed(aftermath):
    """Have a failure name what begins the same killing again."""
    print(f"TEST_SEED={aftermath.seed}")  # noqa: T201


def test_killing_found_a_server_at_work(aftermath):
    assert len(aftermath.written) > 5 * KILLS
    assert sum(map(bool, aftermath.under_way)) > KILLS / 10
    assert aftermath.repeats()


def test_acknowledged_message_is_recorded_once(aftermath):
    recorded = Counter(row.message_id for row in aftermath.inbox)

    assert {recorded[each.message_id] for each in aftermath.written} == {1}


def test_recorded_message_is_answered(aftermath):
    assert {row.state for row in aftermath.inbox} == {InboxState.ANSWERED}


def test_recorded_message_has_one_answer_in_the_store(aftermath):
    answers = Counter(row.answers for row in aftermath.outbox)

    assert answers == dict.fromkeys((row.message_id for row in aftermath.inbox), 1)


def test_acknowledged_message_has_one_answer_id_at_the_gateway(aftermath):
    ids = {}
    for message_id, attempts in aftermath.accepted.items():
        ids.setdefault(attempts[0].body, []).append(message_id)

    assert {len(ids[each.body]) for each in aftermath.written} == {1}
    assert all(len(each) == 1 for each in ids.values())


def test_answer_in_the_store_is_what_the_gateway_accepted(aftermath):
    assert {row.state for row in aftermath.outbox} == {OutboxState.SENT}
    assert {row.message_id for row in aftermath.outbox} == set(aftermath.accepted)


def test_message_is_sent_with_the_same_bytes_each_time(aftermath):
    stored = {row.message_id: sha256(row.packed) for row in aftermath.outbox}

    sent = {(each.message_id, each.body_sha256) for each in aftermath.attempts}

    assert sent == set(stored.items())


def test_message_is_sent_again_at_most_once_for_each_kill_that_found_it_under_way(aftermath):
    cut_off = Counter(message_id for message_id, _claim in set().union(*aftermath.under_way))

    assert Counter(aftermath.repeats()) <= cut_off


def test_no_more_is_under_way_than_one_message_of_each_conversation_and_thread(aftermath):
    senders = 1 if aftermath.engine == "sqlite" else 2
    most = min(senders * SENDING_THREADS, len(CUSTOMERS))

    assert max(map(len, aftermath.under_way)) <= most
    assert sum(aftermath.repeats().values()) <= len(aftermath.under_way) * most


def test_conversation_is_answered_in_the_order_in_which_it_was_acknowledged(aftermath):
    for customer in CUSTOMERS:
        written = [each.body for each in aftermath.written if each.customer == customer]
        accepted = [each[0] for each in aftermath.accepted.values()]
        answers = [each.body for each in accepted if each.customer == customer]

        assert [body for body in answers if body in set(written)] == written
        assert answers == sorted(answers, key=number_of)


def number_of(body):
    return int(body.rpartition(" ")[2])


def sha256(packed):
    return hashlib.sha256(packed).hexdigest()
