"""Several machines on one PostgreSQL, which restarts, is away, or hangs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
import requests
from sqlalchemy import make_url, text

from msp_server.agents.echo import agent as echo
from msp_server.agents.router import Router
from msp_server.app import create_app, open_store_of, working
from msp_server.errors import StoreBusy, StoreError
from msp_server.messages.envelope import InboundMessage
from msp_server.messages.text import Text
from msp_server.store import postgresql
from msp_server.store.bell import Bell
from msp_server.store.opening import open_store
from msp_server.web.server import THREADS, bind
from tests.conftest import BUSINESS_ID, make_settings
from tests.faults.cluster import line_to, running_cluster
from tests.faults.servers import post
from tests.postgresql import own_schema

#: How soon something has to be over that waits for PostgreSQL's answer, on a busy machine.
A_FEW_SECONDS = 20
RETRY_LIMIT_S = 60
LEASE_S = 60

pytestmark = pytest.mark.timeout(300)


@contextmanager
def web_only(settings):
    """Take messages in, as `serve --web-only` does on a machine of its own."""
    with closing(open_store_of(settings)) as store:
        server = bind(create_app(settings, store), "127.0.0.1", 0)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.effective_port}"
        finally:
            server.trigger.pull_trigger(lambda: server.asyncore.close_all(server._map, True))
            thread.join()
            server.task_dispatcher.shutdown()


@contextmanager
def worker(settings):
    """Answer and send, as `worker` does on a machine of its own."""
    with closing(open_store_of(settings)) as store, working(settings, store, Router(echo)):
        yield store


@pytest.fixture(scope="module")
def cluster():
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def database(cluster, new_id):
    """Give the name of an empty database on a PostgreSQL that runs."""
    name = f"d{new_id().replace('-', '')}"
    engine = postgresql.open_plain_engine(url_of(cluster.port, "postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return name


def address(port, name):
    return f"postgresql+psycopg://postgres@127.0.0.1:{port}/{name}"


def url_of(port, name):
    return make_url(address(port, name))


@pytest.fixture
def line(cluster):
    with line_to(cluster.port) as line:
        yield line


def get(url, path):
    """Ask, and give the status and how long it took."""
    begun_at = time.monotonic()
    with requests.Session() as web:
        status = web.get(f"{url}{path}", timeout=60).status_code
    return status, time.monotonic() - begun_at


# The bell between machines


@pytest.fixture
def machines(apple, tmp_path):
    """Give a function that lets one machine take in what another answers."""

    @contextmanager
    def run():
        with own_schema() as url:
            settings = make_settings(tmp_path, f"{apple.url}/v1", database_url=url)
            with web_only(settings) as address, worker(settings):
                apple.emulator.msp_url = address
                yield

    return run


def test_what_one_machine_takes_in_another_answers_at_once(apple, machines, monkeypatch):
    monkeypatch.setattr("msp_server.app.POLL_S", 1000)
    monkeypatch.setattr("msp_server.app.SLOW_POLL_S", 1000)

    with machines():
        for number in range(1, 4):
            apple.phone().text(f"hello {number}")
            apple.phone().wait_for_bodies(number)


def test_what_the_bell_does_not_tell_a_look_finds(apple, machines, monkeypatch):
    monkeypatch.setattr(Bell, "ring", lambda _bell: None)

    with machines():
        for number in range(1, 4):
            apple.phone().text(f"hello {number}")
            apple.phone().wait_for_bodies(number)


def test_workers_on_one_postgresql_are_all_on_the_roll(apple, tmp_path, wait_for):
    with own_schema() as url:
        settings = make_settings(tmp_path, f"{apple.url}/v1", database_url=url)
        with worker(settings), worker(settings) as store:
            wait_for(lambda: len(store.workers.seen_since(0)) == 2)


# A PostgreSQL that restarts or is away


def test_after_a_restart_the_first_message_is_taken_and_answered(
    apple, start_msp, cluster, database
):
    with start_msp(database_url=address(cluster.port, database)) as msp:
        apple.phone().text("before")
        apple.phone().wait_for_bodies(1)
        for _ in range(10):
            post(msp.url, "so that there are many connections")

        cluster.stop("immediate")
        cluster.start()

        assert apple.phone().text("after")["status"] == 200
        assert apple.phone().wait_for_bodies(2) == ["before", "after"]


def test_while_postgresql_is_away_messages_are_refused_and_afterwards_all_goes_on(
    apple, start_msp, cluster, database, wait_for, size
):
    away_s = size(4, 60)
    apple.fault("status", status=503, count=1000)
    # What was under way when it went is free again once its lease has ended.
    with start_msp(database_url=address(cluster.port, database), lease_s=2) as msp:
        assert apple.phone().text("before")["status"] == 200
        cluster.stop("fast")
        ends_at = time.monotonic() + away_s
        looks = []
        while time.monotonic() < ends_at:
            answer = post(msp.url, "refused")
            looks.append((answer.status_code, answer.headers.get("Retry-After")))
            looks.append(get(msp.url, "/healthz")[0])
        not_ready = get(msp.url, "/readyz")[0]
        apple.web.delete(f"{apple.url}/emulator/faults")

        cluster.start()

        assert set(looks) == {(503, "5"), 200}
        assert not_ready == 503
        assert apple.phone().text("after")["status"] == 200
        wait_for(lambda: len(apple.phone().bodies()) == 2, "both answers", limit_s=90)
        assert apple.phone().bodies() == ["before", "after"]
        wait_for(lambda: get(msp.url, "/readyz")[0] == 200)


# A PostgreSQL that hangs


def test_while_postgresql_hangs_messages_are_refused_soon_and_health_is_told(
    apple, start_msp, line, database, wait_for
):
    with (
        start_msp(database_url=address(line.port, database)) as msp,
        ThreadPoolExecutor(2 * THREADS) as pool,
    ):
        wait_for(lambda: post(msp.url, "before").status_code == 200)
        line.hold()
        begun_at = time.monotonic()

        answers = list(pool.map(lambda _: post(msp.url, "hello"), range(2 * THREADS)))

        took_s = time.monotonic() - begun_at
        healthy = [get(msp.url, "/healthz") for _ in range(20)]
        begun_at = time.monotonic()
        later = [post(msp.url, "hello").status_code for _ in range(5)]
        later_took_s = time.monotonic() - begun_at
        print(f"flood {took_s:.1f} s, health {max(healthy)[1]:.3f} s, later {later_took_s:.1f} s")  # noqa: T201
        assert {answer.status_code for answer in answers} == {503}
        assert took_s < A_FEW_SECONDS
        assert {status for status, _ in healthy} == {200}
        assert set(later) == {503}
        assert later_took_s < A_FEW_SECONDS

        line.release()

        wait_for(lambda: post(msp.url, "after").status_code == 200, limit_s=RETRY_LIMIT_S)


def test_health_is_told_while_messages_wait_for_a_postgresql_that_hangs(
    start_msp, line, database, wait_for
):
    with (
        start_msp(database_url=address(line.port, database)) as msp,
        ThreadPoolExecutor(2 * THREADS) as pool,
    ):
        wait_for(lambda: post(msp.url, "before").status_code == 200)
        line.hold()
        for _ in range(2 * THREADS):
            pool.submit(post, msp.url, "hello")

        status, took_s = get(msp.url, "/healthz")

        print(f"health {took_s:.3f} s")  # noqa: T201
        assert status == 200
        assert took_s < A_FEW_SECONDS
        line.release()


# A machine that vanishes


def test_a_machine_that_vanishes_in_a_transaction_keeps_its_conversation_not_for_long(
    line, cluster, database, wait_for
):
    def put(store, message_id):
        message = InboundMessage(message_id, BUSINESS_ID, "urn:mbid:a", Text("Hi"))
        return store.inbox.put(message, {}, b"{}", time.time())

    with (
        closing(open_store(address(cluster.port, database))) as here,
        closing(open_store(address(line.port, database))) as there,
    ):
        put(here, "1")
        vanished = there._database.write()
        connection = vanished.__enter__()
        connection.execute(text("SELECT id FROM conversations FOR UPDATE")).all()
        line.hold()

        with pytest.raises(StoreBusy, match="lock timeout"):
            put(here, "2")

        def is_put():
            try:
                return put(here, "2")
            except StoreError:
                return False

        wait_for(is_put, "the conversation", RETRY_LIMIT_S)
        line.release()
        with pytest.raises(StoreError):
            vanished.__exit__(None, None, None)
