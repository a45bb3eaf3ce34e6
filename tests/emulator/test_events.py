import threading

import pytest

from msp_server.emulator import events as events_module
from msp_server.emulator.events import Events, TooManyReaders


def names(chapter):
    return [event.name for event in chapter.events]


def test_reader_gets_what_happened_behind_its_place():
    events = Events()
    events.tell("reset")
    number = events.read(0, 0).number
    events.tell("faults", {"a": 1})

    chapter = events.read(number, 0)

    assert names(chapter) == ["faults"]
    assert chapter.events[0].data == {"a": 1}
    assert (chapter.number, chapter.missed, chapter.ended) == (2, False, False)


def test_reader_waits_for_the_next_event():
    events = Events()
    got = []
    thread = threading.Thread(target=lambda: got.append(events.read(0, 5)))
    thread.start()

    events.tell("reset")
    thread.join(5)

    assert names(got[0]) == ["reset"]


def test_new_reader_begins_now_and_has_missed_what_was():
    events = Events()
    events.tell("reset")

    assert events.find_place(None) == (1, True)


def test_reader_that_comes_back_goes_on_where_it_was():
    events = Events()
    for _ in range(3):
        events.tell("reset")

    assert events.find_place(events.id_of(2)) == (2, False)
    assert events.find_place(events.id_of(3)) == (3, False)


@pytest.mark.parametrize("last_id", ["", "nonsense", "{key}-", "{key}-x", "{key}-9", "other-1"])
def test_place_that_is_not_known_is_told_as_missed(last_id):
    events = Events()
    events.tell("reset")

    assert events.find_place(last_id.format(key=events.key)) == (1, True)


def test_place_that_is_no_longer_kept_is_told_as_missed(monkeypatch):
    monkeypatch.setattr(events_module, "EVENT_LIMIT", 2)
    events = Events()
    for _ in range(4):
        events.tell("reset")

    assert events.find_place(events.id_of(1)) == (4, True)
    assert events.find_place(events.id_of(2)) == (2, False)
    assert events.read(1, 0).missed
    assert not events.read(2, 0).missed


def test_readers_are_bounded(monkeypatch):
    monkeypatch.setattr(events_module, "READER_LIMIT", 1)
    events = Events()
    events.join()

    with pytest.raises(TooManyReaders):
        events.join()
    events.leave()
    events.join()


def test_stop_lets_readers_go():
    events = Events()
    got = []
    thread = threading.Thread(target=lambda: got.append(events.read(0, 60)))
    thread.start()

    events.stop()
    thread.join(5)

    assert got[0].ended
