"""The bell, on PostgreSQL."""

import threading
import time

import pytest
from sqlalchemy import create_engine, make_url, text

from msp_server.store import bell as bell_module
from msp_server.store.bell import Bell
from msp_server.store.postgresql import open_plain_engine
from tests.postgresql import own_schema

DEADLINE_S = 20
MANY = 1000


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(bell_module, "PAUSE_S", 0.02)


@pytest.fixture
def url():
    with own_schema() as url:
        yield make_url(url).update_query_dict({"application_name": "bell-test"})


@pytest.fixture
def engine(url):
    engine = open_plain_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def make_bell(engine):
    """Give a function that makes a bell, as each process has one."""
    bells = []

    def make():
        bells.append(Bell(engine))
        return bells[-1]

    yield make
    for bell in bells:
        bell.close()


class Ear:
    """Counts how often it was called back."""

    def __init__(self):
        self._changed = threading.Condition()
        self.count = 0

    def __call__(self):
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: self.count >= count, DEADLINE_S)


def cut_connections(url):
    """Let PostgreSQL end every connection of the bells."""
    engine = create_engine(url.update_query_dict({"application_name": "cutter"}))
    with engine.begin() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE application_name = 'bell-test'"
            )
        ).all()
    engine.dispose()
    return len(ended)


def test_a_ring_is_heard_by_who_listens(make_bell):
    heard = Ear()
    bell = make_bell()
    with bell.listening(heard):
        heard.wait_for(1)  # it listens now

        bell.ring()

        heard.wait_for(2)


def test_a_ring_is_heard_by_every_process(make_bell):
    ears = [Ear(), Ear()]
    first, second, third = make_bell(), make_bell(), make_bell()
    with first.listening(ears[0]), second.listening(ears[1]):
        for ear in ears:
            ear.wait_for(1)

        third.ring()

        for ear in ears:
            ear.wait_for(2)


def test_who_begins_to_listen_is_called_back_for_what_was_rung_before(make_bell):
    heard = Ear()

    with make_bell().listening(heard):
        heard.wait_for(1)


def test_many_rings_at_once_are_few_notifications(make_bell, monkeypatch):
    monkeypatch.setattr(bell_module, "GATHER_S", 0.05)
    heard = Ear()
    bell = make_bell()
    with bell.listening(heard):
        heard.wait_for(1)

        for _ in range(MANY):
            bell.ring()
        heard.wait_for(2)

        assert heard.count < MANY / 10


def test_ringing_waits_for_nobody(make_bell):
    bell = make_bell()
    begun_at = time.monotonic()

    for _ in range(MANY):
        bell.ring()

    assert time.monotonic() - begun_at < 5


def test_a_bell_whose_connections_were_cut_rings_again(make_bell, url, wait_for):
    heard = Ear()
    bell = make_bell()
    with bell.listening(heard):
        heard.wait_for(1)
        bell.ring()
        heard.wait_for(2)

        assert cut_connections(url) == 2
        heard.wait_for(3)  # it listens again
        count = heard.count
        bell.ring()

        heard.wait_for(count + 1)


def test_losing_the_bell_is_logged_once_and_without_words_of_the_database(
    make_bell, url, caplog, wait_for
):
    heard = Ear()
    bell = make_bell()
    with bell.listening(heard):
        heard.wait_for(1)

        cut_connections(url)
        heard.wait_for(2)

    lost = [record.getMessage() for record in caplog.records if "bell lost" in record.getMessage()]
    assert len(lost) == 1
    assert lost[0] in ("bell lost error=AdminShutdown", "bell lost error=OperationalError")


def test_a_bell_that_nobody_can_reach_neither_waits_nor_fails(caplog, wait_for):
    engine = open_plain_engine(make_url("postgresql+psycopg://postgres@127.0.0.1:1/test"))
    bell = Bell(engine)
    heard = Ear()

    with bell.listening(heard):
        bell.ring()
        wait_for(lambda: caplog.text.count("bell lost") == 2)

    assert heard.count == 0
    bell.close()


def test_the_threads_of_a_closed_bell_end(make_bell, wait_for):
    bell = make_bell()
    with bell.listening(lambda: None):
        bell.ring()

    bell.close()

    wait_for(lambda: not [t for t in threading.enumerate() if t.name.startswith("bell-")])
