from msp_server.emulator import journal as journal_module
from msp_server.emulator.journal import Exchange, Journal, shown_headers


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
