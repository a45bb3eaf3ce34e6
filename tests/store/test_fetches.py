"""What holds of fetches on SQLite alone."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from msp_server.errors import StoreError
from msp_server.messages.content import parse_content
from msp_server.messages.envelope import parse_message
from msp_server.store import opening
from msp_server.store.opening import open_store
from msp_server.store.schema import FetchState

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
OTHER_CUSTOMER = "urn:mbid:bob"
NOW = 1_700_000_000.25
LEASE_S = 60
DEADLINE_S = 30
TAP = {
    "sessionIdentifier": "2d1c0b0a-1111-4222-8333-444455556667",
    "data": {
        "requestIdentifier": "c0ffee00-0000-4000-8000-000000000006",
        "quick-reply": {
            "selectedIdentifier": "tea",
            "selectedIndex": 0,
            "items": [{"identifier": "tea", "title": "Tea"}],
        },
    },
}
CONTENT = parse_content("interactive", {"type": "interactive", "interactiveData": TAP})
ANSWER = json.dumps(TAP).encode()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file, monkeypatch):
    monkeypatch.setattr(opening, "_BUSY_TIMEOUT_MS", 10)
    store = open_store(f"sqlite:///{file}")
    yield store
    store.close()


def reference(**fields):
    return {
        "name": "photo.jpg",
        "mimeType": "image/jpeg",
        "size": "12",
        "key": "00" + "ab" * 32,
        "url": "https://p54-content.icloud.com/M0011",
        "owner": "M0011",
        "signature": "01B40E09",
    } | fields


def put(store, message_id="1", customer=CUSTOMER, at=NOW, **fields):
    fields = {"id": message_id, "v": 1, "type": "text", "body": "\ufffc"} | fields
    headers = {"id": message_id, "source-id": customer, "destination-id": BUSINESS}
    message = parse_message(headers, fields)
    return store.inbox.put(message, headers, json.dumps(fields).encode(), at)


def put_photos(store, message_id="1", customer=CUSTOMER, count=1, at=NOW):
    names = [reference(name=f"{number}.jpg") for number in range(count)]
    return put(store, message_id, customer, at, attachments=names)


def put_answer(store, message_id="1", customer=CUSTOMER, at=NOW):
    return put(
        store, message_id, customer, at, type="interactive", interactiveDataRef=reference(bid="b")
    )


def claimed(store, at=NOW):
    fetch = store.fetches.claim(at, LEASE_S)
    assert fetch is not None
    return fetch


def inbox_row(file, message_id="1"):
    with closing(sqlite3.connect(file)) as other:
        return other.execute(
            "SELECT kind, state, reason FROM inbox WHERE message_id = ?", [message_id]
        ).fetchone()


def test_every_reference_of_a_message_is_to_be_fetched(store):
    put_photos(store, count=3)

    assert [claimed(store).reference.name for _ in range(3)] == ["0.jpg", "1.jpg", "2.jpg"]
    assert store.fetches.claim(NOW, LEASE_S) is None


def test_a_message_that_comes_again_is_fetched_once(store):
    assert put_photos(store) is True
    assert put_photos(store) is False

    assert len(store.fetches.newest(100)) == 1


def test_a_claim_tells_what_is_to_be_fetched(store):
    put_photos(store, "message 7")

    fetch = claimed(store)

    assert (fetch.message_id, fetch.business_id, fetch.attempts, fetch.created_at) == (
        "message 7",
        BUSINESS,
        1,
        NOW,
    )
    assert (fetch.reference.name, fetch.reference.size_bytes) == ("0.jpg", 12)


def test_a_claim_that_ran_out_is_claimed_again(store):
    put_photos(store)
    claimed(store)

    assert store.fetches.claim(NOW + LEASE_S - 1, LEASE_S) is None
    assert claimed(store, NOW + LEASE_S).attempts == 2


def test_recover_takes_every_claim_back(store):
    put_photos(store)
    first = claimed(store)

    store.fetches.recover(NOW)

    assert claimed(store).seq == first.seq
    assert store.fetches.finish_file(first, "name", NOW) is False


def test_what_is_due_by_a_clock_that_was_set_back_is_brought_forward(store):
    put_photos(store, at=NOW + 3600)
    late = claimed(store, NOW + 3600)

    assert store.fetches.bring_forward(NOW) == 1
    assert claimed(store, NOW).seq == late.seq


def test_a_claim_that_is_extended_by_the_clock_set_back_is_kept(store):
    put_photos(store)
    late = claimed(store, NOW + 3600)
    store.fetches.extend(late, NOW, LEASE_S)

    assert store.fetches.bring_forward(NOW) == 0


def test_eight_workers_claim_each_reference_once(store):
    put_photos(store, count=20)

    with ThreadPoolExecutor(8) as pool:
        fetches = list(pool.map(lambda _: store.fetches.claim(NOW, LEASE_S), range(30)))

    seqs = [fetch.seq for fetch in fetches if fetch is not None]
    assert (len(seqs), len(set(seqs))) == (20, 20)


def test_a_file_that_was_fetched_is_noted(store):
    put_photos(store)

    assert store.fetches.finish_file(claimed(store), "abc", NOW) is True
    (record,) = store.fetches.newest(1)
    assert (record.state, record.file) == (FetchState.FETCHED, "abc")
    assert store.fetches.files() == {"abc"}


def test_what_has_ended_is_not_claimed_again(store):
    put_photos(store, count=2)
    store.fetches.finish_file(claimed(store), "abc", NOW)
    store.fetches.fail(claimed(store), "expired", NOW)

    assert store.fetches.claim(NOW + 10 * LEASE_S, LEASE_S) is None


@pytest.mark.parametrize(
    "end",
    [
        lambda fetches, fetch: fetches.finish_file(fetch, "abc", NOW),
        lambda fetches, fetch: fetches.finish_answer(fetch, ANSWER, CONTENT, NOW),
        lambda fetches, fetch: fetches.fail(fetch, "expired", NOW),
    ],
    ids=["finish_file", "finish_answer", "fail"],
)
def test_who_lost_its_claim_changes_nothing(end, store):
    put_photos(store)
    lost = claimed(store)
    claimed(store, NOW + LEASE_S)

    assert end(store.fetches, lost) is False
    (record,) = store.fetches.newest(1)
    assert (record.state, record.file, record.answer) == (FetchState.WAITING, None, None)


@pytest.mark.parametrize("reason", ["a\0b", "\ud800", "x" * 100_000])
def test_any_reason_can_be_noted(reason, store):
    put_photos(store)
    fetch = claimed(store)

    store.fetches.release(fetch, reason, NOW, 0)
    store.fetches.fail(claimed(store), reason, NOW)

    assert len(store.fetches.newest(1)[0].reason) <= 10_000


def test_of_gives_the_references_of_one_message_with_the_answer_first(store):
    put(
        store,
        type="interactive",
        interactiveDataRef=reference(bid="b"),
        attachments=[reference(), reference()],
    )
    put_photos(store, "2")
    inbox_seq = claimed(store).inbox_seq

    assert [each.reference.place for each in store.fetches.of(inbox_seq)] == [-1, 0, 1]


def test_newest_gives_the_oldest_first_and_can_be_of_one_conversation(store):
    for number in range(3):
        put_photos(store, f"{number}", at=NOW + number)
    put_photos(store, "other", OTHER_CUSTOMER)
    conversation_id = store.fetches.newest(4)[0].conversation_id

    assert [each.message_id for each in store.fetches.newest(2)] == ["2", "other"]
    assert [each.message_id for each in store.fetches.newest(2, conversation_id)] == ["1", "2"]


def test_a_decoded_answer_is_kept_with_its_kind(store, file):
    put_answer(store)
    assert inbox_row(file) == ("DataRef", "RECEIVED", None)

    store.fetches.finish_answer(claimed(store), ANSWER, CONTENT, NOW)

    assert store.fetches.newest(1)[0].answer == ANSWER
    assert inbox_row(file) == ("QuickReplyResponse", "RECEIVED", None)


def test_a_decoded_answer_that_repeats_a_tap_is_answered(store, file):
    put(store, "1", type="interactive", interactiveData=TAP)
    put_answer(store, "2", at=NOW + 1)

    store.fetches.finish_answer(claimed(store, NOW + 1), ANSWER, CONTENT, NOW + 1)

    assert inbox_row(file, "2")[1:] == ("ANSWERED", "the same tap as message 1")


def test_taps_by_reference_that_are_decoded_together_are_answered_once(store, file):
    for number in range(8):
        put_answer(store, f"{number}", at=NOW + number / 8)
    fetches = [claimed(store, NOW + 1) for _ in range(8)]

    def finish(fetch):
        return store.fetches.finish_answer(fetch, ANSWER, CONTENT, NOW + 1)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(finish, fetches, timeout=DEADLINE_S))

    states = [inbox_row(file, f"{number}")[1] for number in range(8)]
    assert sorted(states) == ["ANSWERED"] * 7 + ["RECEIVED"]


def test_a_repeated_answer_lets_what_is_behind_it_go(store):
    put(store, "1", type="interactive", interactiveData=TAP)
    put_answer(store, "2", at=NOW + 1)
    put(store, "3", at=NOW + 2)
    store.inbox.finish(store.inbox.claim(NOW, LEASE_S), [], NOW)
    assert store.inbox.claim(NOW + 2, LEASE_S) is None

    store.fetches.finish_answer(claimed(store, NOW + 2), ANSWER, CONTENT, NOW + 2)

    assert store.inbox.claim(NOW + 2, LEASE_S).message_id == "3"


def test_a_message_is_not_answered_before_its_last_reference_has_ended(store):
    put_photos(store, count=2)
    store.fetches.fail(claimed(store), "expired", NOW)
    assert store.inbox.claim(NOW, LEASE_S) is None

    store.fetches.finish_file(claimed(store), "abc", NOW)

    assert store.inbox.claim(NOW, LEASE_S).message_id == "1"


def test_a_conversation_that_is_being_answered_is_not_claimed_beside_it(store):
    put(store, "1")
    assert store.inbox.claim(NOW, LEASE_S).message_id == "1"
    put_photos(store, "2")

    store.fetches.finish_file(claimed(store), "abc", NOW)

    assert store.inbox.claim(NOW, LEASE_S) is None


def test_finish_raises_while_somebody_else_writes_and_can_be_repeated(store, file):
    put_photos(store)
    fetch = claimed(store)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            store.fetches.finish_file(fetch, "abc", NOW)

    assert store.fetches.finish_file(fetch, "abc", NOW) is True


def test_a_claimed_fetch_tells_whether_another_was_due(store):
    put_photos(store, count=2)

    assert [store.fetches.claim(NOW, LEASE_S).more_due for _ in range(2)] == [True, False]
