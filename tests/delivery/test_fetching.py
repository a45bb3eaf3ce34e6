import json
import logging
import random
from contextlib import contextmanager

import pytest

from msp_server.delivery.fetching import GIVE_UP_S, REFUSALS_LIMIT, Fetching
from msp_server.delivery.files import Files
from msp_server.delivery.resolving import ANSWER_LIMIT_BYTES, Resolving
from msp_server.errors import (
    AddressRefused,
    CredentialsRefused,
    RemoteBusy,
    RemoteRefused,
    RemoteUnreachable,
    SizeMismatch,
    StoreError,
)
from msp_server.messages.content import DataRef, ResponseLost
from msp_server.messages.envelope import parse_message
from msp_server.messages.quick_reply import QuickReplyResponse
from msp_server.messages.text import Text
from msp_server.store.opening import open_store
from msp_server.store.schema import FetchState
from msp_server.wire.cipher import encrypt

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
OTHER_CUSTOMER = "urn:mbid:bob"
NOW = 1_700_000_000.25
LEASE_S = 60
KEY = bytes(range(32))
PLAIN = b"this is a photo"
BID = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.icloud.apps"
REPLY = {
    "bid": BID,
    "sessionIdentifier": "2d1c0b0a-1111-4222-8333-444455556667",
    "data": {
        "version": "1.0",
        "requestIdentifier": "c0ffee00-0000-4000-8000-000000000006",
        "quick-reply": {
            "summaryText": "Tea or juice?",
            "selectedIdentifier": "tea",
            "selectedIndex": 0,
            "items": [
                {"identifier": "tea", "title": "Tea"},
                {"identifier": "juice", "title": "Juice"},
            ],
        },
    },
}


class Clock:
    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at


class FakeTransfer:
    """Apple's store and its decoder, which do what a test says."""

    def __init__(self):
        self.encrypted = b"".join(encrypt([PLAIN], KEY))
        self.decoded = json.dumps(REPLY).encode()
        #: What becomes of the next downloads: an error is raised, a function called.
        self.next = []
        self.always = None
        #: Raised once all bytes came.
        self.at_end = None
        self.downloads = []
        self.decodings = []

    @contextmanager
    def download(self, business_id, source, size_bytes, message_id):
        self.downloads.append((business_id, source, size_bytes, message_id))
        outcome = self.next.pop(0) if self.next else self.always
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            outcome()
        yield self._chunks()

    def _chunks(self):
        yield self.encrypted[:7]
        yield self.encrypted[7:]
        if self.at_end is not None:
            raise self.at_end

    def decode_payload(self, business_id, bid, body, message_id):
        self.decodings.append((business_id, bid, body, message_id))
        if isinstance(self.decoded, Exception):
            raise self.decoded
        return self.decoded


def failed(kind):
    return kind("it failed", method="GET", address="https://gateway/v1/preDownload")


REFUSED = failed(RemoteRefused)
MISMATCH = SizeMismatch("14 bytes came, 15 were said")


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def transfer():
    return FakeTransfer()


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "attachments")


@pytest.fixture
def woken():
    """List a mark for each time that answering was told."""
    return []


@pytest.fixture
def fetching(store, transfer, files, clock, woken):
    return Fetching(store, transfer, files, clock, lambda: woken.append("woken"))


@pytest.fixture(autouse=True)
def _no_chance(monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda _shortest, longest: longest)


def reference(**changes):
    return {
        "name": "photo.jpg",
        "mimeType": "image/jpeg",
        "size": len(PLAIN),
        "key": f"00{KEY.hex()}",
        "url": "https://p54-content.icloud.com/M0011",
        "owner": "M0011",
        "signature": "01B40E09F49BBAEFBAA43BA171A67B50FFF8D9ED4F",
    } | changes


@pytest.fixture
def receive(store, clock):
    """Give a function that puts a message in the inbox as the webhook does."""

    def put(message_id="1", customer=CUSTOMER, **fields):
        fields = {"id": message_id, "v": 1} | fields
        headers = {"id": message_id, "source-id": customer, "destination-id": BUSINESS}
        message = parse_message(headers, fields)
        assert store.inbox.put(message, headers, json.dumps(fields).encode(), clock.at)

    return put


@pytest.fixture
def receive_photo(receive):
    def put(message_id="1", customer=CUSTOMER, **changes):
        receive(
            message_id,
            customer,
            type="text",
            body="\ufffc",
            attachments=[reference(**changes)],
        )

    return put


@pytest.fixture
def receive_answer(receive):
    def put(message_id="1", customer=CUSTOMER, **changes):
        receive(
            message_id,
            customer,
            type="interactive",
            interactiveDataRef=reference(bid=BID, title="Tea", **changes),
        )

    return put


def records(store):
    return store.fetches.newest(100)


def fetch_all(fetching, clock, seconds=3 * GIVE_UP_S):
    """Let time pass; give how often something was tried."""
    tries = 0
    for _ in range(int(seconds * 2)):
        while fetching.fetch_next(LEASE_S):
            tries += 1
        clock.at += 0.5
    return tries


def left(files):
    return list(files.directory.iterdir()) if files.directory.exists() else []


# Files


def test_fetch_next_finds_nothing_where_nothing_is_to_be_fetched(fetching, receive):
    receive(type="text", body="Hi")

    assert fetching.fetch_next() is False


def test_a_file_is_fetched_at_once(fetching, store, files, receive_photo):
    receive_photo()

    assert fetching.fetch_next() is True
    (record,) = records(store)
    assert record.state is FetchState.FETCHED
    assert files.path(record.file).read_bytes() == PLAIN


def test_a_file_is_asked_for_as_the_message_says(fetching, transfer, receive_photo):
    receive_photo("message 7")

    fetching.fetch_next()

    ((business_id, source, size_bytes, message_id),) = transfer.downloads
    assert (business_id, size_bytes, message_id) == (BUSINESS, len(PLAIN), "message 7")
    assert (source.url, source.owner, source.signature_base64) == (
        "https://p54-content.icloud.com/M0011",
        "M0011",
        "AbQOCfSbuu+6pDuhcaZ7UP/42e1P",
    )


def test_a_file_is_fetched_once(fetching, transfer, clock, receive_photo):
    receive_photo()

    fetch_all(fetching, clock)

    assert len(transfer.downloads) == 1


def test_answering_is_told_of_what_was_fetched(fetching, woken, receive_photo):
    receive_photo()

    fetching.fetch_next()

    assert woken == ["woken"]


def test_a_wrong_key_gives_a_file_of_other_bytes(fetching, store, files, receive_photo):
    receive_photo(key="00" + "ff" * 32)

    fetching.fetch_next()

    body = files.path(records(store)[0].file).read_bytes()
    assert (len(body), body != PLAIN) == (len(PLAIN), True)


@pytest.mark.parametrize("key", ["ab" * 32, f"00{'ab' * 31}", f"00{'xy' * 32}", "AAAA"])
def test_a_key_that_is_none_fails_at_once_and_asks_nobody(
    key, fetching, store, transfer, woken, receive_photo
):
    receive_photo(key=key)

    fetching.fetch_next()

    assert (records(store)[0].state, transfer.downloads, woken) == (
        FetchState.FAILED,
        [],
        ["woken"],
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"url": ""},
        {"url": "https://x\r\nb: c"},
        {"owner": "gr\u00fc\u00df"},
        {"owner": None},
        {"signature": ""},
        {"key": ""},
        {"url": "x" * 9000},
    ],
)
def test_a_descriptor_that_is_unusable_fails_at_once_and_asks_nobody(
    changes, fetching, store, transfer, receive_photo
):
    receive_photo(**changes)

    fetching.fetch_next()

    (record,) = records(store)
    assert (record.state, transfer.downloads) == (FetchState.FAILED, [])
    assert record.reason


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a\0b", "x" * 5000, "..", "CON"])
def test_the_customers_name_names_no_file_of_ours(name, fetching, store, files, receive_photo):
    receive_photo(name=name)

    fetching.fetch_next()

    assert [path.name for path in left(files)] == [records(store)[0].file]


# What is tried again


@pytest.mark.parametrize("kind", [RemoteBusy, RemoteUnreachable, CredentialsRefused, RemoteRefused])
def test_what_may_be_had_later_is_fetched_later(
    kind, fetching, store, transfer, clock, receive_photo
):
    transfer.next = [failed(kind)]
    receive_photo()

    assert fetch_all(fetching, clock) == 2
    assert records(store)[0].state is FetchState.FETCHED


def test_what_waits_says_why(fetching, store, transfer, receive_photo):
    transfer.always = failed(RemoteBusy)
    receive_photo()

    fetching.fetch_next()

    (record,) = records(store)
    assert (record.state, record.reason) == (FetchState.WAITING, str(transfer.always))


def test_what_waits_is_not_fetched_before_its_delay(fetching, transfer, clock, receive_photo):
    transfer.always = failed(RemoteBusy)
    receive_photo()
    fetching.fetch_next()
    clock.at += 0.25

    assert fetching.fetch_next() is False


@pytest.mark.parametrize("error", [MISMATCH, REFUSED], ids=["mismatch", "refused"])
def test_mismatches_and_refusals_are_given_up_after_some_attempts(
    error, fetching, store, transfer, clock, receive_photo
):
    transfer.always = error
    receive_photo()

    assert fetch_all(fetching, clock) == REFUSALS_LIMIT
    assert (records(store)[0].state, records(store)[0].reason) == (FetchState.FAILED, str(error))


def test_what_is_never_there_is_given_up_in_time(fetching, store, transfer, clock, receive_photo):
    transfer.always = failed(RemoteUnreachable)
    receive_photo()

    while records(store)[0].state is FetchState.WAITING:
        fetching.fetch_next()
        clock.at += 0.5

    assert GIVE_UP_S <= clock.at - NOW <= 2 * GIVE_UP_S


def test_a_clock_set_forward_gives_nothing_up_that_failed_for_a_moment(
    fetching, store, transfer, clock, receive_photo
):
    transfer.next = [failed(RemoteUnreachable), failed(RemoteUnreachable)]
    receive_photo()
    fetching.fetch_next()
    clock.at += 3600

    fetch_all(fetching, clock)

    assert records(store)[0].state is FetchState.FETCHED


def test_a_clock_set_back_keeps_no_file_waiting(fetching, store, transfer, clock, receive_photo):
    transfer.next = [failed(RemoteUnreachable)]
    receive_photo()
    fetching.fetch_next()
    clock.at -= 3600

    assert fetching.bring_forward() == 1

    assert fetching.fetch_next()
    assert records(store)[0].state is FetchState.FETCHED


def test_nothing_is_left_of_a_file_that_broke_off(fetching, transfer, files, receive_photo):
    transfer.at_end = MISMATCH
    receive_photo()

    fetching.fetch_next()

    assert left(files) == []


def test_a_refused_address_is_not_tried_again_and_is_an_error(
    fetching, store, transfer, clock, receive_photo, caplog
):
    transfer.always = AddressRefused(
        "evil.example is none of MSP_CONTENT_HOSTS", method="GET", address="https://evil.example/"
    )
    receive_photo()

    assert fetch_all(fetching, clock) == 1
    assert records(store)[0].state is FetchState.FAILED
    assert [r.levelno for r in caplog.records if "MSP_CONTENT_HOSTS" in r.message] == [
        logging.ERROR
    ]


def test_a_disk_that_cannot_be_written_is_tried_again_and_given_up_with_its_reason(
    fetching, store, files, clock, receive_photo
):
    files.directory.write_bytes(b"in the way")
    receive_photo()

    assert fetch_all(fetching, clock) > 1
    assert records(store)[0].reason.startswith("cannot be kept: ")


def test_a_disk_that_can_be_written_again_keeps_the_file(
    fetching, store, files, clock, receive_photo
):
    files.directory.write_bytes(b"in the way")
    receive_photo()
    fetching.fetch_next(LEASE_S)
    files.directory.unlink()

    fetch_all(fetching, clock)

    assert records(store)[0].state is FetchState.FETCHED
    assert records(store)[0].reason is None


# Claims


def test_what_is_claimed_is_not_claimed_again(fetching, receive_photo):
    receive_photo()

    assert fetching.claim(LEASE_S).message_id == "1"
    assert fetching.claim(LEASE_S) is None


def test_extend_keeps_the_claim(fetching, clock, receive_photo):
    receive_photo()
    fetch = fetching.claim(LEASE_S)
    clock.at += LEASE_S - 1

    fetching.extend(fetch, LEASE_S)

    clock.at += LEASE_S - 1
    assert fetching.claim(LEASE_S) is None


def test_who_lost_its_claim_changes_nothing_and_its_file_is_the_one_of_who_has_it(
    fetching, transfer, files, clock, woken, receive_photo
):
    def lose_claim():
        clock.at += LEASE_S
        assert fetching.claim(LEASE_S) is not None

    transfer.next = [lose_claim]
    receive_photo()

    fetching.fetch_next(LEASE_S)

    assert (records(fetching.store)[0].state, woken) == (FetchState.WAITING, [])
    clock.at += LEASE_S
    fetching.fetch_next(LEASE_S)
    (file,) = left(files)
    assert records(fetching.store)[0].file == file.name


def test_who_lost_its_claim_does_not_fail_what_another_fetches(
    fetching, store, transfer, clock, receive_photo
):
    def lose_claim():
        clock.at += LEASE_S
        fetching.claim(LEASE_S)
        raise AddressRefused("no", method="GET", address="https://evil.example/")

    transfer.next = [lose_claim]
    receive_photo()

    fetching.fetch_next(LEASE_S)

    assert records(store)[0].state is FetchState.WAITING


def test_two_files_of_a_message_do_not_wait_for_each_other(fetching, receive):
    receive(type="text", body="\ufffc\ufffc", attachments=[reference(), reference(name="b.jpg")])

    assert [fetching.claim(LEASE_S).reference.name for _ in range(2)] == ["photo.jpg", "b.jpg"]


# The conversation


def test_a_conversation_waits_for_what_is_fetched(store, clock, receive_photo):
    receive_photo()

    assert store.inbox.claim(clock.at, LEASE_S) is None


def test_a_conversation_goes_on_once_it_is_fetched(fetching, store, clock, receive, receive_photo):
    receive_photo("1")
    receive("2", type="text", body="And?")
    assert store.inbox.claim(clock.at, LEASE_S) is None

    fetching.fetch_next()

    entry = store.inbox.claim(clock.at, LEASE_S)
    assert entry.message_id == "1"
    store.inbox.finish(entry, [], clock.at)
    assert store.inbox.claim(clock.at, LEASE_S).message_id == "2"


def test_a_conversation_goes_on_once_it_cannot_be_fetched(
    fetching, store, transfer, clock, receive_photo
):
    transfer.always = failed(RemoteUnreachable)
    receive_photo()
    assert store.inbox.claim(clock.at, LEASE_S) is None

    fetch_all(fetching, clock)

    assert store.inbox.claim(clock.at, LEASE_S).message_id == "1"


def test_a_conversation_waits_for_the_last_of_its_files(fetching, store, clock, receive):
    receive(type="text", body="\ufffc\ufffc", attachments=[reference(), reference()])
    fetching.fetch_next()
    assert store.inbox.claim(clock.at, LEASE_S) is None

    fetching.fetch_next()

    assert store.inbox.claim(clock.at, LEASE_S) is not None


def test_another_conversation_does_not_wait(store, clock, receive, receive_photo):
    receive_photo("1")
    receive("2", OTHER_CUSTOMER, type="text", body="Hi")

    assert store.inbox.claim(clock.at, LEASE_S).message_id == "2"


def test_a_conversation_that_is_answered_meanwhile_waits_behind_it(
    fetching, store, clock, receive, receive_photo
):
    receive("1", type="text", body="Hi")
    entry = store.inbox.claim(clock.at, LEASE_S)
    receive_photo("2")
    fetching.fetch_next()

    assert store.inbox.claim(clock.at, LEASE_S) is None
    store.inbox.finish(entry, [], clock.at)
    assert store.inbox.claim(clock.at, LEASE_S).message_id == "2"


# Large answers


@pytest.mark.parametrize(
    "decoded", [REPLY, {"interactiveData": REPLY}], ids=["data on top", "interactiveData on top"]
)
def test_a_large_answer_reads_as_if_it_had_come_by_itself(
    decoded, fetching, store, transfer, clock, receive_answer
):
    transfer.decoded = json.dumps(decoded).encode()
    receive_answer()

    fetching.fetch_next()

    entry = store.inbox.claim(clock.at, LEASE_S)
    raw = json.loads(entry.packed)
    found = Resolving(fetching.attachments).resolve(DataRef(raw=raw), store.fetches.of(entry.seq))
    assert isinstance(found, QuickReplyResponse)
    assert (found.identifier, entry.kind) == ("tea", "QuickReplyResponse")


def test_a_large_answer_is_decoded_as_it_was_encrypted(fetching, transfer, receive_answer):
    receive_answer("7")

    fetching.fetch_next()

    assert transfer.decodings == [(BUSINESS, BID, PLAIN, "7")]


def test_a_large_answer_leaves_no_file(fetching, files, receive_answer):
    receive_answer()

    fetching.fetch_next()

    assert left(files) == []


def test_a_large_answer_beyond_the_limit_fails_at_once(
    fetching, store, transfer, clock, receive_answer
):
    transfer.encrypted = bytes(ANSWER_LIMIT_BYTES + 1)
    receive_answer()

    assert fetch_all(fetching, clock, 10) == 1
    assert records(store)[0].reason == f"measures more than {ANSWER_LIMIT_BYTES} bytes"


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_large_answer_that_decodes_to_junk_fails(junk, fetching, store, transfer, receive_answer):
    transfer.decoded = junk
    receive_answer()

    fetching.fetch_next()

    assert records(store)[0].state is FetchState.FAILED


def test_a_large_answer_that_the_gateway_cannot_decode_is_lost_and_says_why(
    fetching, store, files, transfer, clock, receive_answer
):
    transfer.decoded = REFUSED
    receive_answer()

    fetch_all(fetching, clock)

    entry = store.inbox.claim(clock.at, LEASE_S)
    raw = json.loads(entry.packed)
    lost = Resolving(files).resolve(DataRef(raw=raw), store.fetches.of(entry.seq))
    assert isinstance(lost, ResponseLost)
    assert lost.problem == str(REFUSED)


def test_a_large_answer_beside_a_direct_one_is_not_fetched(fetching, receive):
    receive(type="interactive", interactiveData=REPLY, interactiveDataRef=reference(bid=BID))

    assert fetching.fetch_next() is False


def test_the_same_tap_by_reference_is_answered_once(fetching, store, clock, receive_answer):
    receive_answer("1")
    clock.at += 1
    receive_answer("2")
    while fetching.fetch_next():
        pass

    entry = store.inbox.claim(clock.at, LEASE_S)
    store.inbox.finish(entry, [], clock.at)
    assert (entry.message_id, store.inbox.claim(clock.at, LEASE_S)) == ("1", None)


def test_the_same_tap_direct_and_by_reference_is_answered_once(
    fetching, store, clock, receive, receive_answer
):
    receive("1", type="interactive", interactiveData=REPLY)
    clock.at += 1
    receive_answer("2")
    fetching.fetch_next()

    entry = store.inbox.claim(clock.at, LEASE_S)
    store.inbox.finish(entry, [], clock.at)
    assert (entry.message_id, store.inbox.claim(clock.at, LEASE_S)) == ("1", None)


def test_another_choice_by_reference_is_answered_too(
    fetching, store, transfer, clock, receive_answer
):
    receive_answer("1")
    fetching.fetch_next()
    transfer.decoded = transfer.decoded.replace(
        b'"selectedIdentifier": "tea", "selectedIndex": 0',
        b'"selectedIdentifier": "juice", "selectedIndex": 1',
    )
    clock.at += 1
    receive_answer("2")
    fetching.fetch_next()

    entry = store.inbox.claim(clock.at, LEASE_S)
    store.inbox.finish(entry, [], clock.at)
    assert store.inbox.claim(clock.at, LEASE_S).message_id == "2"


# What is logged


@pytest.mark.parametrize("always", [None, failed(RemoteBusy), MISMATCH, REFUSED])
def test_the_log_does_not_tell_name_key_or_address(
    always, fetching, transfer, clock, receive_photo, caplog
):
    caplog.set_level(logging.DEBUG)
    transfer.always = always
    receive_photo()

    fetch_all(fetching, clock)

    for secret in ("photo", KEY.hex(), "icloud.com", "M0011"):
        assert secret not in caplog.text


def test_a_store_that_does_not_note_what_was_fetched_is_reported(
    fetching, store, receive_photo, monkeypatch
):
    def fail(*_arguments):
        raise StoreError("the disk is gone")

    receive_photo()
    monkeypatch.setattr(store.fetches, "finish_file", fail)

    with pytest.raises(StoreError):
        fetching.fetch_next()


def test_text_is_the_kind_of_a_message_with_a_file(fetching, store, files, clock, receive_photo):
    receive_photo()
    fetching.fetch_next()
    entry = store.inbox.claim(clock.at, LEASE_S)

    found = Resolving(files).resolve(Text("\ufffc"), store.fetches.of(entry.seq))

    assert [each.name for each in found.attachments] == ["photo.jpg"]
