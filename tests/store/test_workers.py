"""The roll of workers; on both engines in tests/contract."""

import pytest

from msp_server.store.opening import open_store
from msp_server.store.workers import Worker
from tests.postgresql import own_schema

NOW = 1_700_000_000.25
DAY_S = 86_400


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
        yield store
        store.close()
        return
    with own_schema() as url:
        store = open_store(url)
        yield store
        store.close()


def test_a_worker_is_seen_since_it_last_said_so(store):
    store.workers.note("a", "here:1", NOW)
    store.workers.note("b", "there:2", NOW - 10)

    assert store.workers.seen_since(NOW - 5) == [Worker("a", "here:1", NOW)]


def test_a_worker_that_says_so_again_is_one_worker(store):
    store.workers.note("a", "here:1", NOW)
    store.workers.note("a", "here:1", NOW + 5)

    assert store.workers.seen_since(NOW) == [Worker("a", "here:1", NOW + 5)]


def test_a_worker_that_ended_is_seen_no_more(store):
    store.workers.note("a", "here:1", NOW)
    store.workers.note("b", "there:2", NOW)

    store.workers.forget("a")

    assert [worker.token for worker in store.workers.seen_since(NOW)] == ["b"]


def test_a_worker_that_said_nothing_for_a_day_is_forgotten(store):
    store.workers.note("a", "here:1", NOW)

    store.workers.note("b", "there:2", NOW + DAY_S + 1)

    assert [worker.token for worker in store.workers.seen_since(0)] == ["b"]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_the_clock_is_postgresqls(store):
    before = store.workers.clock()

    assert 0 <= store.workers.clock() - before < 60
