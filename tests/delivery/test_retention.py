import logging
import sqlite3
from contextlib import closing

import pytest

from msp_server.delivery import retention
from msp_server.delivery.files import Files
from msp_server.delivery.retention import Remover, Retention, resting
from msp_server.errors import StoreBusy
from msp_server.store.opening import open_store
from msp_server.store.pruning import Cut, Pruned
from tests.contract.given import (
    DAY_S,
    NOW,
    answer,
    bury,
    ids,
    receive,
    receive_files,
    reply,
    reply_with_file,
)

THEN = NOW + 100 * DAY_S
GRACE_S = 10


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def remover(store, tmp_path):
    return Remover(store.pruning, Files(tmp_path / "attachments"), Files(tmp_path / "outgoing"))


@pytest.fixture
def old(store):
    """Give a store in which five messages were answered a hundred days ago and one today."""
    for number in range(5):
        receive(store, f"old {number}")
        answer(store)
    receive(store, "new", THEN)
    answer(store, now=THEN)
    return store


@pytest.fixture
def start(remover):
    """Give a function that starts retention; it is stopped at the end."""
    started = []

    def start(days=30.0, remover=remover):
        started.append(Retention(remover, days, lambda: THEN))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        assert each.stop(GRACE_S)


def remove(remover, *, buried=False):
    return list(remover.remove(Cut.of(THEN - 30 * DAY_S, THEN, buried=buried)))


def test_the_files_of_what_goes_are_removed(store, remover):
    for name in receive_files(store, "1", "a.png", "b.png"):
        remover.attachments.write([b"data"], name)
    answer(store)

    remove(remover)

    assert list(remover.attachments.directory.iterdir()) == []


def test_files_of_what_was_given_up_are_removed_with_it(store, remover):
    store.outbox.put([reply_with_file("a")], NOW)
    remover.outgoing.write([b"data"], "f" * 32)
    bury(store.outbox)

    remove(remover)
    assert len(list(remover.outgoing.directory.iterdir())) == 1
    remove(remover, buried=True)
    assert list(remover.outgoing.directory.iterdir()) == []


def test_no_file_is_removed_before_it_is_committed_that_nobody_needs_it(store, remover, tmp_path):
    [name] = receive_files(store, "1", "a.png")
    remover.attachments.write([b"data"], name)
    answer(store)
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute(
            "CREATE TRIGGER kept BEFORE DELETE ON inbox BEGIN SELECT RAISE(FAIL, 'x'); END"
        )

    with pytest.raises(Exception, match="refused"):
        remove(remover)

    assert remover.attachments.path(name).exists()


def test_a_file_that_is_gone_already_stops_nothing(store, remover):
    receive_files(store, "1", "a.png")
    answer(store)

    [(_, pruned)] = remove(remover)

    assert (pruned.received, len(pruned.attachments)) == (1, 1)


def test_what_is_old_goes_by_itself(old, start, wait_for):
    start()

    wait_for(lambda: ids(old) == {"new"})


def test_what_was_given_up_stays(store, start, wait_for):
    receive(store, "buried")
    bury(store.inbox)
    store.outbox.put([reply("buried too")], NOW)
    bury(store.outbox)
    receive(store, "answered")
    answer(store)

    start()

    wait_for(lambda: ids(store) == {"buried", "buried too"})


def test_it_looks_again_after_a_while(old, start, wait_for, monkeypatch):
    monkeypatch.setattr(retention, "EVERY_S", 0.01)
    start()
    wait_for(lambda: ids(old) == {"new"})

    receive(old, "old as well")
    answer(old)

    wait_for(lambda: ids(old) == {"new"})


def test_it_tells_what_went(old, start, wait_for, caplog):
    caplog.set_level(logging.INFO)

    start()

    wait_for(lambda: "pruned received=5 sent=0 conversations=0 attachments=0" in caplog.text)


class Failing:
    """A remover that fails so often, and then removes."""

    def __init__(self, remover, *errors):
        self.remover = remover
        self.errors = list(errors)

    def remove(self, cut):
        if self.errors:
            raise self.errors.pop(0)
        return self.remover.remove(cut)


def test_what_fails_is_logged_and_tried_again(old, remover, start, wait_for, caplog, monkeypatch):
    monkeypatch.setattr(retention, "EVERY_S", 0.01)
    failing = Failing(remover, StoreBusy("store is busy"), ValueError("what a customer said"))

    start(remover=failing)

    wait_for(lambda: ids(old) == {"new"})
    assert "not pruned error=store is busy" in caplog.text
    assert "not pruned error=ValueError" in caplog.text
    assert "what a customer said" not in caplog.text


class Endless:
    """A remover that always finds more."""

    def __init__(self):
        self.steps = 0

    def remove(self, _cut):
        while True:
            self.steps += 1
            yield 1, Pruned()


def test_it_stops_between_two_steps(start, wait_for):
    endless = Endless()
    running = start(remover=endless)
    wait_for(lambda: endless.steps > 2)

    assert running.stop(GRACE_S)


def test_it_rests_as_long_as_a_step_took():
    rests = []

    assert list(resting(iter("ab"), rests.append)) == ["a", "b"]
    assert len(rests) == 2
    assert all(0 <= rest_s < 10 for rest_s in rests)
