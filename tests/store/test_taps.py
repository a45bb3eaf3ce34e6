import json
from contextlib import contextmanager

import pytest

from msp_server.messages.envelope import parse_message
from msp_server.store.opening import open_store
from msp_server.store.taps import REPEATED, SAME_TAP_S, find_same_tap

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
OTHER_CUSTOMER = "urn:mbid:bob"
NOW = 1_700_000_000.25
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


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def tap(store):
    """Give a function that lets a customer tap."""

    def put(message_id="1", at=NOW, customer=CUSTOMER):
        fields = {"id": message_id, "type": "interactive", "v": 1, "interactiveData": TAP}
        headers = {"id": message_id, "source-id": customer, "destination-id": BUSINESS}
        store.inbox.put(parse_message(headers, fields), {}, json.dumps(fields).encode(), at)

    return put


@pytest.fixture
def find(store):
    """Give a function that looks for the tap that was made first."""

    def look(message_id="2", at=NOW, **changes):
        with rows(store) as connection:
            first = connection.exec_driver_sql("SELECT conversation_id, tap FROM inbox").first()
            wanted = {"conversation_id": first.conversation_id, "tap": first.tap} | changes
            return find_same_tap(connection, now=at, message_id=message_id, **wanted)

    return look


@contextmanager
def rows(store):
    with store._database.read() as connection:
        yield connection


def test_the_same_tap_is_found_by_its_message(tap, find):
    tap("1")

    assert find("2") == "1"


def test_a_tap_is_not_the_same_as_itself(tap, find):
    tap("1")

    assert find("1") is None


def test_what_is_no_tap_is_the_same_as_nothing(tap, find):
    tap("1")

    assert find("2", tap=None) is None


def test_another_tap_is_not_the_same(tap, find):
    tap("1")

    assert find("2", tap="0" * 64) is None


def test_a_tap_in_another_conversation_is_not_the_same(tap, find):
    tap("1")

    assert find("2", conversation_id="other") is None


@pytest.mark.parametrize(
    ("later_s", "first"),
    [(0, "1"), (SAME_TAP_S - 0.25, "1"), (SAME_TAP_S, "1"), (SAME_TAP_S + 0.25, None)],
)
def test_a_tap_counts_as_the_same_for_a_while(tap, find, later_s, first):
    tap("1")

    assert find("2", NOW + later_s) == first


def test_a_tap_long_after_is_not_the_same(tap, find):
    tap("1")

    assert find("2", NOW - SAME_TAP_S - 0.25) is None


def test_the_first_of_several_is_found(tap, find):
    tap("1")
    tap("2", NOW + 1)

    assert find("3", NOW + 2) == "1"


def test_the_second_tap_says_which_it_repeats(store, tap):
    tap("1")
    tap("2", NOW + 1)

    with rows(store) as connection:
        found = connection.exec_driver_sql("SELECT state, reason FROM inbox ORDER BY seq").all()

    assert [tuple(row) for row in found] == [
        ("RECEIVED", None),
        ("ANSWERED", REPEATED.format("1")),
    ]
