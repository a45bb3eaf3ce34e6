"""What a person at a terminal is shown, and what programs are given."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from msp_server.listing import (
    buried_line,
    conversation_heading,
    fetch_line,
    fetch_record,
    message_line,
    message_record,
    payment_lines,
    payment_record,
)
from msp_server.messages.apple_pay import LineItem, ShippingMethod
from msp_server.messages.payment import PaymentChange, PaymentStatus
from msp_server.messages.references import ANSWER_PLACE, Reference
from msp_server.store.conversations import ConversationRecord
from msp_server.store.fetches import FetchRecord
from msp_server.store.history import HistoryEntry
from msp_server.store.payments import PaymentRecord
from msp_server.store.schema import FetchState, PaymentState
from msp_server.store.upkeep import BuriedMessage

NOW = 1_700_000_000.25
SHOWN = "2023-11-14T22:13:20.250+00:00"
KEPT = Path("/kept")
#: Clears the screen, rings, ends the line, and turns the direction of writing.
CONTROLS = "\x1b[2J\x07\n\r\x9b1m\u202e\x00"

RECEIVED = HistoryEntry(
    direction="in",
    message_id="1",
    conversation_id="c",
    business_id="shop",
    customer_id="urn:mbid:alice",
    kind="Text",
    state="ANSWERED",
    reason=None,
    attempts=1,
    created_at=NOW,
    finished_at=NOW,
    headers={"id": "1"},
    packed=b'{"body": "Hello"}',
)
RECORD = ConversationRecord("c", "shop", "urn:mbid:alice", None, None, None, None, closed=False)
REFERENCE = Reference(
    place=0,
    name="cat.png",
    mime_type="image/png",
    size_bytes=12,
    key="00",
    url="https://a.example",
    owner="o",
    signature="",
)
FETCH = FetchRecord(
    message_id="1",
    conversation_id="c",
    reference=REFERENCE,
    state=FetchState.FETCHED,
    reason=None,
    file="abc",
    answer=None,
    created_at=NOW,
)
PAYMENT = PaymentRecord(
    seq=1,
    token="planted-token",
    conversation_id="c",
    business_id="shop",
    customer_id="urn:mbid:alice",
    message_id="1",
    request_id="order-7",
    name="order",
    state=PaymentState.ASKED,
    merchant_name="Example Shop",
    country="DE",
    currency="EUR",
    items=(LineItem("Kettle", Decimal("39.00")), LineItem("Discount", Decimal("-4.00"))),
    further={},
    shipping_methods={"std": ShippingMethod("Standard", Decimal("2.90"), identifier="std")},
    shipping="std",
    authorisation=None,
    authorised_total=None,
    settled={},
    course=((NOW, "asked", ""),),
    created_at=NOW,
    expires_at=NOW + 1,
)
CHANGED = replace(
    PAYMENT,
    further={PaymentChange.CARD: (LineItem("Card fee", Decimal("0.50")),)},
    course=((NOW, "asked", ""), (NOW, "changed", "card")),
)
PAID = replace(
    CHANGED,
    state=PaymentState.AUTHORISED,
    authorisation="planted-fingerprint",
    authorised_total=Decimal("38.40"),
    settled={"planted-fingerprint": PaymentStatus.SUCCESS},
    course=(*CHANGED.course, (NOW, "authorised", "")),
)


def is_harmless(line):
    """Tell whether a terminal only writes what it is given."""
    return line.isprintable()


# Messages


def test_a_message_is_a_line():
    assert message_line(RECEIVED) == f"{SHOWN} ← …id:alice ANSWERED Text               Hello"


def test_a_message_sent_has_the_other_arrow():
    assert " → " in message_line(replace(RECEIVED, direction="out"))


def test_a_reason_stands_at_the_end_of_the_line():
    assert message_line(replace(RECEIVED, reason="too late")).endswith("Hello  (too late)")


def test_a_long_text_is_cut():
    line = message_line(replace(RECEIVED, packed=json.dumps({"body": "x" * 1000}).encode()))

    assert line.endswith(" " + "x" * 60)


@pytest.mark.parametrize("packed", [b"", b"no JSON", b"[]", b"{}", b'{"body": 7}', b"\x1f\x8b"])
def test_what_cannot_be_read_is_a_line_without_words(packed):
    assert message_line(replace(RECEIVED, packed=packed)).rstrip().endswith("Text")


def test_an_interactive_message_says_what_stands_on_it():
    fields = {"interactiveData": {"receivedMessage": {"title": "Pick a time"}}}
    entry = replace(RECEIVED, kind="TimePicker", packed=json.dumps(fields).encode())

    assert message_line(entry).endswith("Pick a time")


@pytest.mark.parametrize("name", ["body", "reason"])
def test_no_control_character_of_a_message_reaches_the_terminal(name):
    hostile = (
        replace(RECEIVED, packed=json.dumps({"body": CONTROLS}).encode())
        if name == "body"
        else replace(RECEIVED, reason=CONTROLS)
    )

    assert is_harmless(message_line(hostile))


def test_no_control_character_of_a_customers_id_reaches_the_terminal():
    assert is_harmless(message_line(replace(RECEIVED, customer_id=f"urn:mbid:{CONTROLS}")))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("SENT", "(sent, perhaps more than once)"),
        ("BURIED", "(buried, may have been accepted)"),
        ("PENDING", "(may have been accepted)"),
    ],
)
def test_a_message_with_an_attempt_that_nobody_answered_says_so(state, words):
    sent = replace(RECEIVED, direction="out", state=state)

    assert message_line(replace(sent, unsure=1)).endswith(words)
    assert "accepted" not in message_line(sent)
    assert "once" not in message_line(sent)


def test_a_message_says_why_it_was_buried_beside_what_nobody_knows():
    buried = replace(RECEIVED, direction="out", state="BURIED", unsure=1, reason="given up")

    assert message_line(buried).endswith("(buried, may have been accepted; given up)")


def test_what_was_given_up_says_whether_it_may_have_been_accepted():
    buried = BuriedMessage(
        direction="out",
        message_id="1",
        conversation_id="c",
        business_id="shop",
        customer_id="urn:mbid:alice",
        kind="Text",
        reason="given up",
        created_at=NOW,
        buried_at=NOW,
    )

    assert buried_line(buried).endswith(" given up")
    assert "accepted" not in buried_line(buried)
    assert buried_line(replace(buried, unsure=1)).endswith(
        " buried, may have been accepted; given up"
    )


def test_a_message_as_json_has_everything():
    assert message_record(RECEIVED) == {
        "direction": "in",
        "message_id": "1",
        "conversation_id": "c",
        "business_id": "shop",
        "customer_id": "urn:mbid:alice",
        "kind": "Text",
        "state": "ANSWERED",
        "reason": None,
        "attempts": 1,
        "unsure": 0,
        "created_at": SHOWN,
        "finished_at": SHOWN,
        "headers": {"id": "1"},
        "fields": {"body": "Hello"},
    }


def test_a_message_that_is_not_finished_has_no_such_time():
    assert message_record(replace(RECEIVED, finished_at=None))["finished_at"] is None


def test_a_message_that_cannot_be_read_has_no_fields():
    assert message_record(replace(RECEIVED, packed=b"no JSON"))["fields"] == {}


# Conversations


def test_a_conversation_tells_whose_it_is():
    assert conversation_heading(RECORD) == "conversation c\ncustomer     urn:mbid:alice\n"


def test_a_conversation_that_was_handed_over_tells_to_which_desk():
    heading = conversation_heading(replace(RECORD, desk="billing", note="wants a refund"))

    assert "\nheld for     billing  wants a refund\n" in heading


def test_a_conversation_that_was_handed_over_without_a_note_is_fine():
    assert "\nheld for     billing" in conversation_heading(replace(RECORD, desk="billing"))


@pytest.mark.parametrize("name", ["desk", "note", "customer_id"])
def test_no_control_character_of_a_conversation_reaches_the_terminal(name):
    hostile = replace(replace(RECORD, desk="billing", note="n"), **{name: f"x{CONTROLS}"})

    lines = conversation_heading(hostile).split("\n")

    assert len(lines) == 4
    assert all(is_harmless(line) for line in lines)


# What was fetched


def test_a_file_is_a_line():
    assert fetch_line(FETCH, KEPT) == f"{SHOWN} FETCHED  cat.png 12 bytes  /kept/abc"


def test_a_file_whose_size_nobody_told_is_a_line_without_it():
    fetch = replace(FETCH, reference=replace(REFERENCE, size_bytes=None))

    assert fetch_line(fetch, KEPT) == f"{SHOWN} FETCHED  cat.png  /kept/abc"


def test_a_file_that_could_not_be_fetched_tells_why():
    fetch = replace(FETCH, state=FetchState.FAILED, file=None, reason="it came too late")

    assert fetch_line(fetch, KEPT).endswith("cat.png 12 bytes  (it came too late)")


def test_a_file_that_is_still_to_be_fetched_is_nowhere():
    fetch = replace(FETCH, state=FetchState.WAITING, file=None)

    assert fetch_line(fetch, KEPT).endswith("cat.png 12 bytes  ")


def test_a_large_answer_is_called_that():
    fetch = replace(FETCH, reference=replace(REFERENCE, place=ANSWER_PLACE))

    assert "a large answer 12 bytes" in fetch_line(fetch, KEPT)


@pytest.mark.parametrize(
    "hostile",
    [
        replace(FETCH, file=None, reason=CONTROLS),
        replace(FETCH, reference=replace(REFERENCE, name=CONTROLS)),
    ],
    ids=["reason", "name"],
)
def test_no_control_character_of_a_fetch_reaches_the_terminal(hostile):
    assert is_harmless(fetch_line(hostile, KEPT))


def test_a_file_as_json_has_everything():
    assert fetch_record(FETCH, KEPT) == {
        "message_id": "1",
        "conversation_id": "c",
        "place": 0,
        "name": "cat.png",
        "mime_type": "image/png",
        "size_bytes": 12,
        "state": FetchState.FETCHED,
        "reason": None,
        "file": "/kept/abc",
        "created_at": SHOWN,
    }


def test_a_file_that_is_not_there_has_no_path_in_json():
    assert fetch_record(replace(FETCH, file=None), KEPT)["file"] is None


# Payments


def test_a_payment_is_a_line_and_one_for_each_step():
    assert payment_lines(CHANGED).split("\n") == [
        f"{SHOWN} ASKED       …id:alice 38.40 EUR  Example Shop  order-7",
        f"  {SHOWN} asked",
        f"  {SHOWN} changed     card",
    ]


def test_a_payment_that_is_made_shows_what_was_taken():
    taken = replace(PAID, authorised_total=Decimal("37.90"))

    assert " 37.90 EUR  " in payment_lines(taken)


def test_a_payment_that_was_refused_shows_what_it_comes_to_and_why():
    refused = replace(
        CHANGED,
        state=PaymentState.REFUSED,
        authorised_total=Decimal("37.90"),
        course=((NOW, "asked", ""), (NOW, "refused", "STATUS_FAILURE")),
    )

    head, *_, last = payment_lines(refused).split("\n")

    assert " REFUSED " in head
    assert " 38.40 EUR  " in head
    assert last.endswith("refused     STATUS_FAILURE")


@pytest.mark.parametrize(
    "hostile",
    [
        replace(PAYMENT, merchant_name=CONTROLS),
        replace(PAYMENT, request_id=CONTROLS),
        replace(PAYMENT, customer_id=CONTROLS),
        replace(PAYMENT, course=((NOW, "asked", CONTROLS),)),
    ],
    ids=["merchant_name", "request_id", "customer_id", "course"],
)
def test_no_control_character_of_a_payment_reaches_the_terminal(hostile):
    lines = payment_lines(hostile).split("\n")

    assert len(lines) == 2
    assert all(is_harmless(line) for line in lines)


def test_a_payment_as_json_has_everything():
    assert payment_record(PAID) == {
        "message_id": "1",
        "request_id": "order-7",
        "name": "order",
        "conversation_id": "c",
        "business_id": "shop",
        "customer_id": "urn:mbid:alice",
        "state": PaymentState.AUTHORISED,
        "status": PaymentStatus.SUCCESS,
        "total": "38.40",
        "paid": "38.40",
        "currency": "EUR",
        "line_items": [
            {"label": "Kettle", "amount": "39.00", "type": "final"},
            {"label": "Discount", "amount": "-4.00", "type": "final"},
            {"label": "Standard", "amount": "2.90", "type": "final"},
            {"label": "Card fee", "amount": "0.50", "type": "final"},
        ],
        "shipping": "std",
        "course": [
            {"at": SHOWN, "what": "asked", "words": ""},
            {"at": SHOWN, "what": "changed", "words": "card"},
            {"at": SHOWN, "what": "authorised", "words": ""},
        ],
        "expires_at": "2023-11-14T22:13:21.250+00:00",
    }


@pytest.mark.parametrize(
    "unpaid", [PAYMENT, replace(PAID, state=PaymentState.REFUSED), replace(PAID, state="UNCLEAR")]
)
def test_a_payment_that_is_not_made_has_nothing_paid_in_json(unpaid):
    assert payment_record(unpaid)["paid"] is None


def test_a_payment_that_is_not_sent_yet_has_no_end_in_json():
    assert payment_record(replace(PAYMENT, expires_at=None))["expires_at"] is None


def test_a_payment_shows_nothing_that_opens_its_addresses():
    shown = payment_lines(PAID) + json.dumps(payment_record(PAID))

    assert "planted" not in shown
