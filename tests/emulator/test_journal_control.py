import threading

import pytest


@pytest.fixture
def ask(emulator, web):
    def ask(method="GET", rest="", **query):
        address = f"{emulator.url}/emulator/journal{rest}"
        return web.request(method, address, params=query, timeout=5)

    return ask


def test_journal_is_chosen_by_direction_customer_and_place(ava, sender, journal):
    ava.do("text", body="Hello")
    sender.send()

    assert len(journal()) == 3
    assert [e["direction"] for e in journal(direction="to_gateway")] == ["to_gateway"]
    assert journal(customer="ben") == []
    assert [e["seq"] for e in journal(limit=1)] == [3]
    assert [e["seq"] for e in journal(after=1, limit=1)] == [2]
    assert [e["seq"] for e in journal(before=3, limit=1)] == [2]


def test_journal_is_chosen_by_kind_status_and_text(ava, sender, journal):
    ava.do("text", body="Hello")
    sender.send(id="no-uuid")

    assert [e["seq"] for e in journal(kind="typing_start")] == [1]
    assert [e["seq"] for e in journal(status="4xx")] == [3]
    assert [e["seq"] for e in journal(text="hELLO")] == [2]


def test_reader_waits_for_an_exchange_that_fits(ava, journal):
    got = []
    thread = threading.Thread(target=lambda: got.extend(journal(kind="close", wait_s=5)))
    thread.start()

    ava.do("text", body="Hello")
    ava.do("close")
    thread.join(5)

    assert [exchange["kind"] for exchange in got] == ["close"]


def test_summaries_have_neither_headers_nor_bodies(ava, journal):
    ava.do("text", body="Hello")

    summary, whole = journal(summary=1)[-1], journal()[-1]

    assert whole.keys() - summary.keys() == {
        *("headers", "jwt", "body_sha256", "fields", "source", "since", "answer")
    }
    assert "Hello" not in str(summary)
    assert summary.items() <= whole.items()


def test_one_exchange_is_shown_whole(ava, ask, journal):
    ava.do("text", body="Hello")

    shown = ask(rest="/2").json()

    assert shown == journal()[1]
    assert shown["fields"]["body"] == "Hello"
    assert shown["answer"]["text"] == "ok"


@pytest.mark.parametrize(
    ("method", "rest"), [("GET", "/7"), ("GET", "/7/curl"), ("POST", "/7/resend")]
)
def test_exchange_that_is_not_there_is_404(ask, method, rest):
    answer = ask(method, rest)

    assert answer.status_code == 404
    assert "There is no exchange 7" in answer.json()["error"]


def test_journal_can_be_cleared(ava, ask, journal):
    ava.do("close")

    ask("DELETE")

    assert journal() == []
    assert ask(rest="/1").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"direction": "up"},
        {"limit": "x"},
        {"wait_s": 99},
        {"status": "bad"},
        {"before": -1},
    ],
)
def test_unfit_question_is_400_with_a_sentence(ask, query):
    answer = ask(**query)

    assert answer.status_code == 400
    assert answer.json()["error"]
