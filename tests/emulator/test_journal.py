from datetime import date

import pytest

from msp_server.emulator import journal as journal_module
from msp_server.emulator.answers import Answer
from msp_server.emulator.journal import Exchange, Journal, shown_headers, tell_kind


def make_exchange(size_bytes=10):
    return Exchange("to_msp", "POST", "http://x", {}, None, "", size_bytes, size_bytes, {})


def test_journal_keeps_the_newest(monkeypatch):
    monkeypatch.setattr(journal_module, "EXCHANGE_LIMIT", 3)
    journal = Journal()

    for _ in range(5):
        journal.add(make_exchange())

    assert [exchange.seq for exchange in journal.select(lambda _: True)] == [3, 4, 5]


def test_journal_is_bounded_by_size_too(monkeypatch):
    monkeypatch.setattr(journal_module, "JOURNAL_LIMIT_BYTES", 25)
    journal = Journal()

    for _ in range(5):
        journal.add(make_exchange(10))

    assert len(journal.select(lambda _: True)) == 2


def test_headers_are_shown_without_the_token():
    assert shown_headers([("ID", "1"), ("Authorization", "Bearer x")]) == {"id": "1"}


def test_exchange_to_the_msp_is_noted_whole(ava, journal):
    ava.do("text", body="Hello")

    exchange = journal(direction="to_msp")[-1]

    assert exchange["fields"]["body"] == "Hello"
    assert (exchange["status"], exchange["customer"]) == (200, "ava")
    assert exchange["jwt"]["claims"].keys() == {"aud", "iat"}
    assert exchange["jwt"]["verdict"] == "good"
    assert 0 < exchange["packed_bytes"] != exchange["unpacked_bytes"]
    assert len(exchange["body_sha256"]) == 64
    assert "authorization" not in exchange["headers"]


def test_refused_exchange_is_noted_with_rule_reason_and_claims(sender, make_token, journal):
    token = make_token(iss="other")
    sender.send(headers={"Authorization": f"Bearer {token}"}, body="Hello")

    (exchange,) = journal()

    assert (exchange["status"], exchange["rule"]) == (403, "token-issuer")
    assert "iss" in exchange["reason"]
    assert exchange["jwt"]["claims"]["iss"] == "other"
    assert "iss" in exchange["jwt"]["verdict"]
    assert exchange["fields"]["body"] == "Hello"
    assert token not in str(exchange)


def test_secrets_are_masked_in_the_journal_alone():
    fields = {"authenticate": {"oauth2": {"clientSecret": "s"}}}
    exchange = Exchange("to_gateway", "POST", "http://x", {}, None, "", 1, 1, fields)
    journal = Journal()

    journal.add(exchange)

    (kept,) = journal.select(lambda _: True)
    assert kept.fields == {"authenticate": {"oauth2": {"clientSecret": "…"}}}
    assert fields["authenticate"]["oauth2"]["clientSecret"] == "s"


def test_answer_that_comes_later_is_noted_and_counts(monkeypatch):
    monkeypatch.setattr(journal_module, "JOURNAL_LIMIT_BYTES", 30)
    journal = Journal()
    first, second = make_exchange(10), make_exchange(10)
    journal.add(first)
    journal.add(second)

    journal.note_answer(second, Answer({}, 15, text="x" * 15))

    assert journal.select(lambda _: True) == [second]
    assert second.to_json()["answer"]["text"] == "x" * 15


def test_answer_to_what_was_forgotten_counts_for_nothing(monkeypatch):
    monkeypatch.setattr(journal_module, "JOURNAL_LIMIT_BYTES", 30)
    journal = Journal()
    gone = make_exchange(10)
    journal.add(gone)
    journal.clear()

    journal.note_answer(gone, Answer({}, 100, text="x" * 100))
    journal.add(make_exchange(10))
    journal.add(make_exchange(10))

    assert len(journal.select(lambda _: True)) == 2


def test_body_that_unpacks_to_very_much_pushes_nothing_out():
    journal = Journal()
    journal.add(make_exchange())

    journal.add(make_exchange(1024**3))

    assert len(journal.select(lambda _: True)) == 2


def test_answer_of_the_msp_is_noted(ava, msp, journal):
    msp.status, msp.answer = "503 Busy", b'{"error": "busy"}'
    msp.extra = [("Set-Cookie", "a=s3cret"), ("Retry-After", "3")]

    ava.do("close")

    (exchange,) = journal()
    assert exchange["answer"]["fields"] == {"error": "busy"}
    assert exchange["answer"]["headers"]["retry-after"] == "3"
    assert exchange["answer"]["bytes"] == exchange["answer_bytes"] == 17
    assert "s3cret" not in str(exchange)


def test_answer_of_the_gateway_is_noted(mover, journal):
    place = mover.announce(3).json()

    (exchange,) = journal()

    assert exchange["kind"] == "preUpload"
    assert exchange["answer"]["fields"] == place
    assert exchange["answer"]["headers"]["content-type"] == "application/json"


def test_refusal_is_noted_with_its_source_and_date(sender, interactive, offer, journal):
    items = [{"identifier": str(n), "title": "x" * 201} for n in range(2)]
    data = interactive({"quick-reply": {"summaryText": "x" * 201, "items": items}}, bubbles=False)

    sender.send(type="interactive", body=None, interactiveData=data)

    (exchange,) = journal()
    assert (exchange["rule"], exchange["kind"]) == ("text-length", "quick_reply")
    assert exchange["source"].startswith("observed: ")
    assert exchange["since"] == "2026-08-21"
    assert "since 2026-08-21" in exchange["reason"]
    assert exchange["answer"]["headers"]["x-emulator-reason"]


def test_date_is_told_only_where_it_is_known():
    exchange = make_exchange()
    assert exchange.to_json()["since"] is None

    exchange.since = date(2026, 8, 21)

    assert exchange.to_json()["since"] == "2026-08-21"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": "text"}, "text"),
        ({"type": 7}, None),
        ({}, None),
        ({"type": "interactive", "interactiveData": {"data": {"event": {}}}}, "time_picker"),
    ],
)
def test_kind_is_the_type_or_what_it_shows(fields, kind):
    assert tell_kind(fields) == kind


def test_exchange_is_found_by_its_number():
    journal = Journal()
    journal.add(make_exchange())
    exchange = make_exchange()
    journal.add(exchange)

    assert journal.find(2) is exchange
    assert journal.find(3) is None
