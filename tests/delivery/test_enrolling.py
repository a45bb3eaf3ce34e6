"""Being on the roll of workers, and who has another directory."""

import os
import socket
import time

import pytest

from msp_server.delivery import enrolling
from msp_server.delivery.enrolling import ALIVE_S, alive, enrolled, find_strangers
from msp_server.errors import ConfigurationError, StoreBusy
from msp_server.store.opening import open_store
from msp_server.store.workers import Worker

DAY_S = 86_400


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(enrolling, "BEAT_S", 0.02)


@pytest.fixture
def workers(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store.workers
    store.close()


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "var" / "workers"


def on_the_roll(workers):
    return workers.seen_since(0)


def test_a_worker_is_on_the_roll_with_its_machine_and_process(workers, directory, wait_for):
    with enrolled(workers, directory, time.time):
        (worker,) = wait_for(lambda: on_the_roll(workers))

    assert worker.name == f"{socket.gethostname()}:{os.getpid()}"


def test_a_worker_says_again_and_again_that_it_lives(workers, directory, wait_for):
    with enrolled(workers, directory, time.time):
        (first,) = wait_for(lambda: on_the_roll(workers))

        wait_for(lambda: on_the_roll(workers)[0].seen_at > first.seen_at)


def test_a_worker_that_ended_leaves_nothing(workers, directory, wait_for):
    with enrolled(workers, directory, time.time):
        wait_for(lambda: on_the_roll(workers))

    assert on_the_roll(workers) == []
    assert list(directory.iterdir()) == []


def test_a_worker_with_the_same_directory_is_no_stranger(workers, directory, wait_for):
    with enrolled(workers, directory, time.time):
        wait_for(lambda: on_the_roll(workers))

        assert find_strangers(alive(workers, time.time()), directory) == []


def test_a_worker_with_another_directory_is_named(workers, directory, tmp_path, wait_for):
    with enrolled(workers, directory, time.time):
        wait_for(lambda: on_the_roll(workers))

        (fault,) = find_strangers(alive(workers, time.time()), tmp_path / "other" / "workers")

    assert fault.name == "MSP_DATA_DIR"
    assert f"{socket.gethostname()}:{os.getpid()} has another directory" in str(fault)


def test_a_worker_that_said_nothing_for_a_while_is_not_alive(workers):
    workers.note("a", "here:1", 1000.0)

    assert alive(workers, 1000.0 + ALIVE_S) == [Worker("a", "here:1", 1000.0)]
    assert alive(workers, 1000.0 + ALIVE_S + 1) == []


def test_a_store_that_is_away_does_not_end_a_worker(
    workers, directory, monkeypatch, caplog, wait_for
):
    def fail(*_arguments):
        raise StoreBusy("store is busy")

    with enrolled(workers, directory, time.time), monkeypatch.context() as patched:
        patched.setattr(type(workers), "note", fail)
        wait_for(lambda: "not on the roll error=store is busy" in caplog.text)
        patched.undo()
        for worker in on_the_roll(workers):
            workers.forget(worker.token)

        wait_for(lambda: on_the_roll(workers))


def test_files_of_workers_that_died_long_ago_are_removed(workers, directory):
    directory.mkdir(parents=True)
    (directory / "old").touch()
    (directory / "new").touch()
    os.utime(directory / "old", (time.time() - DAY_S - 1,) * 2)

    with enrolled(workers, directory, time.time):
        pass

    assert [file.name for file in directory.iterdir()] == ["new"]


def test_a_directory_that_cannot_be_written_is_a_fault_of_the_settings(workers, tmp_path):
    (tmp_path / "file").touch()

    with (
        pytest.raises(ConfigurationError, match="MSP_DATA_DIR"),
        enrolled(workers, tmp_path / "file" / "workers", time.time),
    ):
        pass
