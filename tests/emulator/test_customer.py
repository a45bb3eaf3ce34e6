import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests


def test_first_customers_stand_ready_one_for_each_business(emulator, settings, web):
    customers = web.get(f"{emulator.url}/customers", timeout=5).json()["customers"]

    assert [customer["name"] for customer in customers] == ["ava", "ava-2"]
    assert [customer["business_id"] for customer in customers] == list(settings.business_ids)
    assert customers[0]["capabilities"] == ["LIST", "TIME", "QUICK", "FORM", "AUTH", "AUTH2"]
    assert customers[0]["device"] == "iphone"
    assert customers[0]["time_zone"] == "America/New_York"
    assert customers[0]["phone_number"].startswith("tel:+1555")


def test_entry_hints_and_locale_come_with_every_message(emulator, msp, web):
    profile = {
        "name": "ben",
        "locale": "fr_CA",
        "intent": "buy",
        "group": "shoes",
        "capabilities": ["QUICK"],
    }
    web.post(f"{emulator.url}/customers", json=profile, timeout=5)

    web.post(f"{emulator.url}/customers/ben/typing", json={"state": "start"}, timeout=5)

    received = msp.next()
    assert received.fields.items() >= {"locale": "fr_CA", "intent": "buy", "group": "shoes"}.items()
    assert received.headers["capability-list"] == "QUICK"


def test_close_and_a_later_text_shut_and_open_the_conversation(ava, msp):
    ava.do("close")
    assert msp.next().fields["type"] == "close"
    assert ava.transcript()["open"] is False

    ava.do("typing", state="end")
    assert ava.profile()["open"] is False

    ava.do("text", body="Here again")
    assert ava.transcript()["open"] is True


def test_text_shows_as_sending_until_the_msp_answers(ava, msp):
    msp.may_answer.clear()

    with ThreadPoolExecutor() as pool:
        receipt = pool.submit(ava.do, "text", body="Hello")
        msp.next()
        before = ava.transcript()
        msp.may_answer.set()
        receipt.result(timeout=5)

    assert [entry["status"] for entry in before["entries"]] == ["sending", "sending"]
    after = ava.transcript(changes_after=before["changes"], of=before["transcript"])
    assert [entry["status"] for entry in after["entries"]] == ["accepted", "accepted"]


def test_transcript_waits_for_the_next_entry(ava, sender):
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(ava.transcript, after=0, wait_s=20)
        sender.send(body="Good morning")

        assert reading.result(timeout=5)["entries"][0]["body"] == "Good morning"


def test_transcript_gives_only_what_came_after(ava):
    ava.do("text", body="One")
    seen = ava.transcript()["entries"][-1]["seq"]

    assert ava.transcript(after=seen, wait_s=0.01)["entries"] == []


def test_waiting_reader_goes_when_the_emulator_stops(emulator, ava):
    started = time.monotonic()
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(ava.transcript, after=99, wait_s=30)
        ava.profile()
        emulator.stop()
        with suppress(requests.ConnectionError):  # raised if it had not been taken up yet
            assert reading.result(timeout=5)["entries"] == []

    assert time.monotonic() - started < 2


def test_business_is_typing_until_it_says_something(ava, sender):
    sender.send(type="typing_start", body=None)
    assert ava.transcript()["typing"] is True

    sender.send()
    assert ava.transcript()["typing"] is False


def test_business_stops_typing(ava, sender):
    sender.send(type="typing_start", body=None)
    sender.send(type="typing_end", body=None)

    assert ava.transcript()["typing"] is False


def test_added_customer_of_a_taken_name_is_409(emulator, web):
    first = web.post(f"{emulator.url}/customers", timeout=5)
    assert first.status_code == 201

    again = web.post(f"{emulator.url}/customers", json={"name": first.json()["name"]}, timeout=5)

    assert again.status_code == 409
    assert "already" in again.json()["error"]


def test_change_keeps_what_is_not_named(emulator, ava, web):
    answer = web.patch(f"{emulator.url}/customers/ava", json={"intent": "buy"}, timeout=5)

    assert answer.status_code == 200
    assert ava.profile()["intent"] == "buy"
    assert ava.profile()["locale"] == "en_US"


@pytest.mark.parametrize(
    ("method", "path", "packed"),
    [
        ("POST", "/customers", "["),
        ("POST", "/customers", "[]"),
        ("POST", "/customers", '{"name": "Ava B"}'),
        ("POST", "/customers", '{"name": 7}'),
        ("POST", "/customers", '{"business_id": "x"}'),
        ("POST", "/customers", '{"business_id": ["x"]}'),
        ("POST", "/customers", '{"capabilities": "LIST"}'),
        ("POST", "/customers", '{"capabilities": ["LIST,TIME"]}'),
        ("POST", "/customers", '{"locale": 7}'),
        ("POST", "/customers", '{"device": "nokia"}'),
        ("POST", "/customers", '{"time_zone": "Europe/Nowhere"}'),
        ("PATCH", "/customers/ava", '{"phone_number": "tel:+15551234567"}'),
        ("POST", "/customers", '{"intent": ""}'),
        ("POST", "/customers", '{"colour": "blue"}'),
        ("PATCH", "/customers/ava", '{"name": "eve"}'),
        ("POST", "/customers/ava/text", ""),
        ("POST", "/customers/ava/text", '{"body": ""}'),
        ("POST", "/customers/ava/text", '{"body": 7}'),
        ("POST", "/customers/ava/typing", '{"state": ["start"]}'),
        ("POST", "/customers/ava/raw", '{"fields": 7}'),
        ("POST", "/customers/ava/raw", '{"headers": 7}'),
        ("POST", "/customers/ava/raw", '{"headers": {"a b": "x"}}'),
        ("POST", "/customers/ava/raw", '{"headers": {"content-length": "1"}}'),
        ("POST", "/customers/ava/raw", '{"headers": {"x": "a\\r\\nb: c"}}'),
        ("POST", "/customers/ava/raw", '{"headers": {"x": 7}}'),
        ("GET", "/customers/ava/transcript?after=x", ""),
        ("GET", "/customers/ava/transcript?after=-1", ""),
        ("GET", "/customers/ava/transcript?wait_s=31", ""),
        ("GET", "/customers/ava/transcript?wait_s=nan", ""),
        ("GET", "/customers/ava/transcript?changes_after=x", ""),
    ],
)
def test_unfit_request_is_400_with_a_sentence(emulator, method, path, packed, web):
    answer = web.request(method, emulator.url + path, data=packed, timeout=5)

    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 20


@pytest.mark.parametrize("rest", ["", "/transcript", "/text"])
def test_unknown_customer_is_404_with_a_sentence(emulator, rest, web):
    method = "POST" if rest == "/text" else "GET"

    answer = web.request(method, f"{emulator.url}/customers/eve{rest}", timeout=5)

    assert answer.status_code == 404
    assert "no customer" in answer.json()["error"]
