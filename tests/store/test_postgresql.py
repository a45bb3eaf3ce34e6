"""Connections to PostgreSQL; what becomes of a whole server is in tests/faults."""

import threading
import time

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError, TimeoutError

from msp_server.errors import StoreUnavailable
from msp_server.store import postgresql
from msp_server.store.opening import open_store
from msp_server.store.postgresql import _Watch, open_engine, open_plain_engine
from tests.faults.cluster import line_to
from tests.postgresql import own_schema

DEADLINE_S = 20
CROWD = 4
A_DAY_S = 86_400


@pytest.fixture
def url():
    with own_schema() as url:
        yield make_url(url)


@pytest.fixture
def engine(url):
    engine = open_engine(url, connections=CROWD, wait_s=1)
    yield engine
    engine.dispose()


@pytest.fixture
def line(url):
    with line_to(url.port) as line:
        yield line


@pytest.fixture
def held_up(url, line, monkeypatch):
    """Give an engine with a connection, on a line that is held: PostgreSQL hangs."""
    monkeypatch.setattr(postgresql, "ANSWER_LIMIT_S", 0.4)
    monkeypatch.setattr(postgresql, "CROWD_LIMIT_S", 0.2)
    monkeypatch.setattr(postgresql, "CONNECT_LIMIT_S", 1)
    monkeypatch.setitem(postgresql._CONNECTION, "connect_timeout", 1)
    engine = open_engine(url.set(port=line.port), connections=CROWD, wait_s=1)
    read(engine, "SELECT 1")
    line.hold()
    yield engine
    line.release()
    engine.dispose()


def read(engine, sql):
    with engine.connect() as connection:
        return connection.execute(text(sql)).scalar()


def cut_connections(url):
    engine = create_engine(url)
    read(
        engine,
        "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'msp_server'",
    )
    engine.dispose()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("application_name", "msp_server"),
        ("lock_timeout", "3s"),
        ("statement_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("tcp_keepalives_idle", "10"),
    ],
)
def test_every_session_has_limits(engine, name, value):
    assert read(engine, f"SHOW {name}") == value


def test_what_the_address_says_counts_more(url):
    options = f"{url.query['options']} -c lock_timeout=1234"
    given = url.update_query_dict({"application_name": "mine", "options": options})
    engine = open_engine(given, connections=1, wait_s=1)

    assert read(engine, "SHOW application_name") == "mine"
    assert read(engine, "SHOW lock_timeout") == "1234ms"
    assert read(engine, "SHOW statement_timeout") == "5s"
    engine.dispose()


def test_a_plain_engine_has_the_limits_too(url):
    engine = open_plain_engine(url)

    assert read(engine, "SHOW lock_timeout") == "3s"
    engine.dispose()


def test_a_postgresql_that_may_lose_what_it_committed_is_refused(url):
    options = f"{url.query['options']} -c synchronous_commit=off"
    given = url.update_query_dict({"options": options})

    with pytest.raises(StoreUnavailable, match=r"synchronous_commit off.*SET synchronous_commit"):
        open_store(given.render_as_string(hide_password=False))


def test_a_connection_that_postgresql_ended_is_not_given_out(engine, url):
    pids = {read(engine, "SELECT pg_backend_pid()") for _ in range(3)}
    cut_connections(url)

    after = read(engine, "SELECT pg_backend_pid()")

    assert len(pids) == 1
    assert after not in pids


def test_many_connections_that_postgresql_ended_are_not_given_out(engine, url):
    connections = [engine.connect() for _ in range(CROWD)]
    for connection in connections:
        connection.execute(text("SELECT 1"))
        connection.close()
    cut_connections(url)

    assert [read(engine, "SELECT 1") for _ in range(2 * CROWD)] == [1] * 2 * CROWD


def test_who_waits_for_a_postgresql_that_hangs_is_freed(held_up):
    begun_at = time.monotonic()

    with pytest.raises(OperationalError):
        read(held_up, "SELECT 1")

    assert time.monotonic() - begun_at < DEADLINE_S


def test_who_waits_in_the_middle_of_a_transaction_is_freed(url, line, monkeypatch):
    monkeypatch.setattr(postgresql, "ANSWER_LIMIT_S", 0.4)
    engine = open_engine(url.set(port=line.port), connections=1, wait_s=1)

    def commit():
        with engine.begin() as connection:
            connection.execute(text("SELECT 1"))
            line.hold()

    with pytest.raises(OperationalError):
        commit()

    line.release()
    engine.dispose()


def test_while_one_tries_a_postgresql_that_hangs_others_are_told_at_once(held_up):
    with pytest.raises(OperationalError):
        read(held_up, "SELECT 1")
    errors = []
    start = threading.Barrier(CROWD)

    def try_it():
        start.wait(DEADLINE_S)
        try:
            read(held_up, "SELECT 1")
        except OperationalError as error:
            errors.append(str(error.orig))

    threads = [threading.Thread(target=try_it) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)

    assert errors.count("PostgreSQL does not answer") == CROWD - 1
    assert len(errors) == CROWD


def test_a_postgresql_that_hung_is_used_again(held_up, line, wait_for):
    with pytest.raises(OperationalError):
        read(held_up, "SELECT 1")

    line.release()

    def is_used():
        try:
            return read(held_up, "SELECT 1")
        except OperationalError:
            return None

    assert wait_for(is_used) == 1
    assert [read(held_up, "SELECT 1") for _ in range(CROWD)] == [1] * CROWD


def test_who_thinks_for_long_between_two_statements_is_not_cut_off(url):
    engine = create_engine(url)
    watch = _Watch(engine)
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))

        watch.look(time.monotonic() + A_DAY_S)

        assert connection.execute(text("SELECT 2")).scalar() == 2
    engine.dispose()


def test_a_connection_that_rests_is_not_cut_off(url):
    engine = create_engine(url)
    watch = _Watch(engine)
    pid = read(engine, "SELECT pg_backend_pid()")

    watch.look(time.monotonic() + A_DAY_S)

    assert read(engine, "SELECT pg_backend_pid()") == pid
    engine.dispose()


def test_more_threads_than_connections_wait_no_longer_than_told(engine):
    connections = [engine.connect() for _ in range(CROWD)]

    with pytest.raises(TimeoutError):
        engine.connect()

    for connection in connections:
        connection.close()


def test_the_watch_of_a_closed_engine_ends(url, wait_for):
    engine = open_engine(url, connections=1, wait_s=1)
    read(engine, "SELECT 1")

    engine.dispose()

    wait_for(lambda: "postgresql-watch" not in {thread.name for thread in threading.enumerate()})


def test_an_engine_is_watched_again_after_it_was_closed(url, line, monkeypatch):
    monkeypatch.setattr(postgresql, "ANSWER_LIMIT_S", 0.4)
    engine = open_engine(url.set(port=line.port), connections=1, wait_s=1)
    read(engine, "SELECT 1")
    engine.dispose()
    read(engine, "SELECT 1")

    line.hold()

    with pytest.raises(OperationalError):
        read(engine, "SELECT 1")
    line.release()
    engine.dispose()
