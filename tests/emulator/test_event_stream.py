import json
import threading
import time

import pytest
import requests
from flask import Flask

from msp_server.emulator import event_stream
from msp_server.emulator import events as events_module
from msp_server.emulator.events import Events


class Follower:
    """A reader of the stream, as a browser is one."""

    def __init__(self, url, last_id=None):
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        self.answer = requests.get(
            f"{url}/emulator/events", headers=headers, stream=True, timeout=10
        )
        self._lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)

    def next(self):
        """Give the id, name and data of the next event; None at the end."""
        told = {}
        for line in self._lines:
            if line and not line.startswith(":"):
                key, _, value = line.partition(": ")
                told[key] = value
            elif "event" in told:
                return told["id"], told["event"], json.loads(told["data"])
        return None

    def next_named(self, name):
        while (told := self.next()) is not None:
            if told[1] == name:
                return told
        pytest.fail(f"the stream ended before {name}")


@pytest.fixture
def follow(emulator):
    followers = []

    def follow(last_id=None):
        followers.append(Follower(emulator.url, last_id))
        return followers[-1]

    yield follow
    for follower in followers:
        follower.answer.close()


def test_stream_is_one_of_events_and_says_where_the_reader_stands(follow):
    follower = follow()

    assert follower.answer.status_code == 200
    assert follower.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert follower.answer.headers["cache-control"] == "no-store"
    _, name, data = follower.next()
    assert (name, data) == ("ready", {"missed": True})


def test_exchange_is_told_and_told_again_with_its_answer(follow, sender, journal):
    follower = follow()

    sender.send(body="naïve \u2028 words")

    _, _, first = follower.next_named("exchange")
    _, _, second = follower.next_named("exchange")
    assert first["seq"] == second["seq"] == journal()[-1]["seq"]
    assert (first["answer_bytes"], second["answer_bytes"]) == (None, 0)
    assert (second["kind"], second["status"]) == ("text", 200)
    assert "fields" not in second


def test_change_of_a_transcript_is_told_with_its_count(follow, ava, sender):
    follower = follow()

    sender.send()

    _, _, told = follower.next_named("transcript")
    reading = ava.transcript()
    assert told == {
        "customer": "ava",
        "transcript": reading["transcript"],
        "changes": reading["changes"],
    }


def test_faults_switches_customers_and_reset_are_told(
    follow, emulator, web, order_fault, set_switches, ava
):
    follower = follow()

    order_fault("drop")
    set_switches(duplicate_tap=True)
    ava.change(device="mac")
    web.delete(f"{emulator.url}/emulator/journal", timeout=5)
    web.post(f"{emulator.url}/emulator/reset", timeout=5)

    assert follower.next()[1] == "ready"
    assert follower.next()[1:] == ("faults", {})
    _, name, positions = follower.next()
    assert (name, positions["duplicate_tap"]) == ("switches", True)
    assert follower.next()[1:] == ("customers", {"customer": "ava"})
    assert follower.next()[1:] == ("journal_cleared", {})
    assert follower.next_named("reset")[2] == {}


def test_reader_that_comes_back_misses_nothing(follow, order_fault):
    first = follow()
    first.next()
    order_fault("drop")
    last_id, _, _ = first.next()
    first.answer.close()
    order_fault("drop")

    second = follow(last_id)

    assert second.next()[1:] == ("ready", {"missed": False})
    assert second.next()[1] == "faults"


def test_reader_that_comes_back_too_late_is_told_so(follow):
    assert follow("other-7").next()[1:] == ("ready", {"missed": True})


def test_readers_are_bounded(follow, monkeypatch):
    monkeypatch.setattr(events_module, "READER_LIMIT", 1)
    follow().next()

    answer = follow().answer

    assert answer.status_code == 503
    assert answer.json()["error"]


def test_reader_that_is_gone_makes_room(emulator, web, follow, monkeypatch, order_fault, wait_for):
    monkeypatch.setattr(events_module, "READER_LIMIT", 1)
    first = follow()
    first.next()
    first.answer.close()

    def comes_in():
        order_fault("drop")  # the next word shows that nobody listens
        return follow().answer.status_code == 200

    wait_for(comes_in)


def test_asking_for_headers_alone_takes_no_room_for_long(emulator, web, monkeypatch, wait_for):
    monkeypatch.setattr(events_module, "READER_LIMIT", 1)
    address = f"{emulator.url}/emulator/events"

    for _ in range(3):  # the room is free a moment after the answer
        wait_for(lambda: web.head(address, timeout=5).status_code == 200)


def test_stream_ends_when_the_emulator_stops(follow, emulator):
    follower = follow()
    follower.next()
    started = time.monotonic()

    stopping = threading.Thread(target=emulator.stop)
    stopping.start()

    assert follower.next() is None
    stopping.join(5)
    assert time.monotonic() - started < 5


def test_silence_is_broken_by_a_heartbeat():
    events = Events()
    app = Flask("x")
    app.register_blueprint(event_stream.blueprint(events, heartbeat_s=0.01))

    told = app.test_client().get("/emulator/events").response

    assert "event: ready" in next(told).decode()
    assert next(told) == b": nothing new\n\n"
