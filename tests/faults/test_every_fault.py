"""Every fault that Apple's side can have, alone: what becomes of each message, and why.

The faults are the emulator's own list: one that is new there is tried here by itself, and has to
end well unless the functions below say otherwise.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

import pytest

from msp_server.emulator.fault_kinds import KINDS, Header
from msp_server.store.schema import OutboxState
from tests.faults.shop import (
    FILE,
    NEW,
    PHOTO,
    carried,
    digest,
    make_agent,
    outbox,
    shop_settings,
    when_ended,
)

BUSY = (408, 429)
CREDENTIALS = (401, 403)
STATUSES = (302, 400, 401, 403, 404, 408, 429, 500, 503)
SOME_STATUSES = (400, 401, 503)
#: What else is said of a fault; each of them is a fault of its own.
VARIANTS = {
    "delay": [{"delay_s": 0.05}],
    "drip": [{"delay_s": 0.005}],
    "no_header": [{"header": header} for header in get_args(Header)],
}
#: By what a customer says, which endpoints we ask.
SENDING = {
    "message": "hello",
    "authenticate": "sign in",
    "dataRef": "menu",
    "preUpload": "photo",
    "upload": "photo",
    "session": "pay",
}
FETCHING = ("preDownload", "download", "decodePayload", "descriptor")
SIGNING_IN = ("token", "userinfo")
RECEIVING = ("msp",)


@dataclass(frozen=True)
class Case:
    """One fault that is ordered."""

    do: str
    endpoint: str
    fields: dict = field(default_factory=dict)

    def __str__(self):
        return "-".join([self.endpoint, self.do, *map(str, self.fields.values())])

    @property
    def status(self):
        """What it answers; None for one that answers nothing wrong."""
        if self.do == "expired":
            return 400 if self.endpoint == "dataRef" else 403
        return self.fields.get("status")

    @property
    def refuses(self):
        """Tell whether it answers that a request will never be accepted."""
        if self.status is None or self.status in BUSY or self.status in CREDENTIALS:
            return False
        return self.status < 500

    def order(self, apple, **times):
        apple.fault(self.do, endpoint=self.endpoint, **self.fields, **times)


def variants(do, endpoint):
    if do == "status":
        statuses = STATUSES if endpoint == "message" else SOME_STATUSES
        return [{"status": status} for status in statuses]
    return VARIANTS.get(do, [{}])


def cases_at(*endpoints):
    return [
        Case(do, endpoint, fields)
        for do, kind in KINDS.items()
        for endpoint in kind.endpoints
        if endpoint in endpoints
        for fields in variants(do, endpoint)
    ]


def test_every_endpoint_that_can_fail_is_among_those_that_are_tried():
    there_are = {endpoint for kind in KINDS.values() for endpoint in kind.endpoints}

    assert there_are == {*SENDING, *FETCHING, *SIGNING_IN, *RECEIVING}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("msp_server.delivery.sending.FIRST_DELAY_S", 0.02)
    monkeypatch.setattr("msp_server.remote.http.READ_TIMEOUT_S", 0.5)


@pytest.fixture
def start_shop(apple, start_msp):
    return lambda **changes: start_msp(make_agent(), **shop_settings(apple), **changes)


@pytest.fixture
def shop(start_shop):
    with start_shop() as msp:
        yield msp


def used_up(apple):
    faults = apple.web.get(f"{apple.url}/emulator/faults").json()
    return [(fault["do"], fault["happened"]) for fault in faults["used_up"]]


def clear_faults(apple):
    apple.web.delete(f"{apple.url}/emulator/faults")


# What we send


def is_final(case):
    """Tell whether the first refusal of a send is the last."""
    # Who keeps files' bytes has no say in messages: the upload begins again.
    return case.refuses and case.endpoint != "upload"


def is_held(case):
    """Tell whether we have failed, and not the message."""
    own = case.endpoint in {"message", "authenticate", "preUpload"}
    return own and case.status in CREDENTIALS


def final_reason(case):
    """Say why a message is buried that is refused."""
    asked = "other side" if case.endpoint == "session" else "gateway"
    return f"the {asked} will not accept it", f"answered {case.status}", f"answered {case.status}"


def ask(apple, case, wait_for, shop, **times):
    """Order the fault, and have a customer make us ask its endpoint."""
    if case.endpoint == "dataRef":
        apple.phone("first").text("menu")
        find = shop.store.outbox.find_reusable
        wait_for(lambda: find(shop.settings.business_ids[0], "menu"), "the reference")
    phone = apple.phone("kim", capabilities=NEW)
    case.order(apple, **times)
    phone.text(SENDING[case.endpoint])
    return phone


def sent_to(shop, phone):
    """Give what we have for a customer in the outbox."""
    return [entry for entry in outbox(shop) if entry.customer_id == phone.id]


def assert_same_id_and_bytes(apple, entry):
    sends = [send for send in apple.sends() if send["id"] == entry.message_id]
    assert len({carried(send) for send in sends}) <= 1
    return sends


@pytest.mark.parametrize("case", cases_at(*SENDING), ids=str)
def test_send_that_meets_a_fault_once_is_accepted_or_buried_with_what_was_said(
    apple, shop, wait_for, caplog, case
):
    phone = ask(apple, case, wait_for, shop, count=1)
    phone.text("and then?")

    wait_for(lambda: len(sent_to(shop, phone)) == 2 and when_ended(shop), "the end")
    first, then = sent_to(shop, phone)
    assert used_up(apple) == [(case.do, 1)]
    assert then.state == OutboxState.SENT
    sends = assert_same_id_and_bytes(apple, first)
    shown = phone.entries()
    if is_final(case):
        assert first.state == OutboxState.BURIED
        assert all(words in first.reason for words in final_reason(case))
        assert first.attempts == 1
        assert [entry["body"] for entry in shown] == ["and then?"]
    else:
        assert (first.state, first.reason) == (OutboxState.SENT, None)
        assert sends[-1]["status"] == 200
        assert [entry["id"] for entry in shown] == [first.message_id, then.message_id]
    assert ("all sending pauses" in caplog.text) is is_held(case)


@pytest.mark.parametrize("case", cases_at(*SENDING), ids=str)
def test_send_that_meets_a_fault_for_ever_is_buried_in_time_but_not_for_our_token(
    apple, start_shop, wait_for, case
):
    with start_shop(send_give_up_s=0.4) as shop:
        phone = ask(apple, case, wait_for, shop, probability=1)
        if is_held(case):
            wait_for(lambda: sent_to(shop, phone) and sent_to(shop, phone)[0].attempts >= 4)
            clear_faults(apple)
        wait_for(lambda: sent_to(shop, phone) and when_ended(shop), "the end")
        (entry,) = sent_to(shop, phone)

    assert_same_id_and_bytes(apple, entry)
    if case.do == "delay" or is_held(case):
        assert entry.state == OutboxState.SENT
    elif is_final(case):
        assert entry.state == OutboxState.BURIED
        assert all(words in entry.reason for words in final_reason(case))
        assert entry.attempts == 1
    else:
        assert entry.state == OutboxState.BURIED
        assert entry.reason.startswith("given up after ")
        assert "(MSP_SEND_GIVE_UP_S)" in entry.reason
        assert entry.attempts > 1
        assert case.status is None or f"answered {case.status}" in entry.reason


def times_at(apple, path):
    return [
        datetime.fromisoformat(send["at"]) for send in apple.sends() if send["path"].endswith(path)
    ]


@pytest.mark.parametrize("endpoint", ["message", "authenticate", "preUpload", "session"])
def test_busy_server_is_left_alone_for_as_long_as_it_says(apple, shop, wait_for, endpoint):
    case = Case("status", endpoint, {"status": 429, "retry_after": "1"})
    phone = ask(apple, case, wait_for, shop, count=1)

    phone.wait_for_entries(1)

    path = "/paymentSession" if endpoint == "session" else f"/{endpoint}"
    first, second = times_at(apple, path)
    assert (second - first).total_seconds() >= 0.99


# What we fetch


@pytest.fixture
def _soon_given_up(monkeypatch):
    monkeypatch.setattr("msp_server.delivery.fetching.REFUSALS_LIMIT", 2)
    monkeypatch.setattr("msp_server.delivery.fetching.GIVE_UP_S", 0.1)


def file_fares(case, *, once):
    """Say what the agent is told of a customer's file."""
    if case.do in {"delay", "drip"}:
        return "whole"
    if case.do in {"garble", "wrong_key"}:
        return "other bytes"  # nothing that comes with a file tells them from the right ones
    if case.do == "wrong_size":
        return "bytes"
    return "whole" if once else "answered" if case.status else ""


def assert_told(body, case, *, once):
    told = body.removeprefix("file ")
    match file_fares(case, once=once):
        case "whole":
            assert told == digest(FILE)
        case "other bytes":
            assert told != digest(FILE)
            assert len(told) == len(digest(FILE))
        case words:
            assert told != digest(FILE)
            assert words in told


FILES = [case for case in cases_at(*FETCHING) if case.endpoint != "decodePayload"]


@pytest.mark.parametrize("case", FILES, ids=str)
def test_file_that_meets_a_fault_once_comes_whole_if_anything_can_be_done(apple, shop, case):
    case.order(apple, count=1)

    apple.phone().files(("a.png", "image/png", FILE))
    apple.phone().text("and then?")

    told, then = apple.phone().wait_for_bodies(2)
    assert used_up(apple) == [(case.do, 1)]
    assert_told(told, case, once=True)
    assert then == "and then?"


@pytest.mark.parametrize("case", FILES, ids=str)
@pytest.mark.usefixtures("_soon_given_up")
def test_agent_is_told_why_a_file_cannot_be_had(apple, shop, case):
    case.order(apple, probability=1)

    apple.phone().files(("a.png", "image/png", FILE))
    apple.phone().text("and then?")

    told, then = apple.phone().wait_for_bodies(2)
    assert_told(told, case, once=False)
    assert then == "and then?"


def answer_menu(apple, case, **times):
    apple.switch(reference_reply="always")
    apple.phone().text("menu")
    apple.phone().wait_for_entries(1)
    case.order(apple, **times)
    apple.phone().do("choose", titles=["Apple"])
    apple.phone().text("and then?")
    return apple.phone().wait_for_bodies(2)


@pytest.mark.parametrize("case", cases_at(*FETCHING), ids=str)
def test_large_answer_that_meets_a_fault_once_comes_whole_if_anything_can_be_done(
    apple, shop, case
):
    told, then = answer_menu(apple, case, count=1)

    assert used_up(apple) == [(case.do, 1)]
    if case.endpoint == "descriptor":
        assert told.startswith("lost: ")
    else:
        assert told == "chose Apple"
    assert then == "and then?"


@pytest.mark.parametrize("case", cases_at(*FETCHING), ids=str)
@pytest.mark.usefixtures("_soon_given_up")
def test_agent_is_told_of_a_large_answer_that_cannot_be_had(apple, shop, case):
    told, then = answer_menu(apple, case, probability=1)

    if case.do in {"delay", "drip"}:
        assert told == "chose Apple"
    else:
        assert told.startswith("lost: ")
    assert then == "and then?"


# Who signs in


def sign_in_fails(case):
    """Say why nobody is signed in; None where somebody is."""
    if case.do == "delay":
        return None
    if case.do == "garble":
        return "unreadable"
    busy = case.status is None or case.status in BUSY or case.status >= 500
    return "unreachable" if busy else "refused"


@pytest.mark.parametrize("case", cases_at(*SIGNING_IN), ids=str)
def test_sign_in_that_meets_a_fault_ends_once_and_says_how(apple, shop, case):
    phone = apple.phone("kim", capabilities=NEW)
    phone.text("sign in")
    phone.wait_for_entries(1)
    case.order(apple, count=1)

    phone._post("sign_in")
    phone.text("and then?")

    told, then = phone.wait_for_bodies(2)
    assert used_up(apple) == [(case.do, 1)]
    failure = sign_in_fails(case)
    assert told == "Kim Example" if failure is None else failure in told
    assert then == "and then?"


# What we receive


def status_of(case):
    """Say what we answer to a customer's message."""
    if case.do in {"delay", "repeat"}:
        return 200
    if case.do == "no_header":
        return 404 if case.fields["header"] == "destination-id" else 200
    refusals = {"no_token": 401, "bad_gzip": 400, "cut_gzip": 400, "gzip_bomb": 413}
    return None if case.do == "truncate" else refusals.get(case.do, 403)


@pytest.mark.parametrize("case", cases_at(*RECEIVING), ids=str)
def test_message_that_is_acknowledged_is_recorded_once_and_any_other_not_at_all(
    apple, shop, wait_for, case
):
    apple.phone().text("before")
    case.order(apple, count=1)

    receipt = apple.phone().text("the one")
    apple.phone().text("after")

    wait_for(lambda: "after" in apple.phone().bodies(), "the last answer")
    assert used_up(apple) == [(case.do, 1)]
    assert receipt["status"] == status_of(case)
    taken = ["the one"] if receipt["status"] == 200 else []
    assert apple.phone().bodies() == ["before", *taken, "after"]
    kept = [entry.kind for entry in shop.store.history.newest(100) if entry.direction == "in"]
    assert kept.count("Text") == 2 + len(taken)


def test_photo_that_is_sent_is_the_one_that_was_meant(apple, shop):
    apple.phone().text("photo")

    (entry,) = apple.phone().wait_for_entries(1)

    assert apple.phone().attachment(entry["id"]) == PHOTO
