import dataclasses
import json
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.capability import Capability
from msp_server.messages.content import Unknown, parse_content
from msp_server.messages.interactive import BID
from msp_server.messages.quick_reply import Choice, QuickReply, QuickReplyResponse

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
ITEMS = [{"identifier": "y", "title": "Yes"}, {"identifier": "n", "title": "No"}]


def response(replied=None, **reply):
    """Make what comes back; a field of the quick reply that is None is left out."""
    fields = {"items": ITEMS, "selectedIndex": 1, "selectedIdentifier": "n", **reply}
    data = {
        "version": "1.0",
        "requestIdentifier": "request",
        "quick-reply": {name: value for name, value in fields.items() if value is not None},
    }
    if replied is not None:
        data["replyMessage"] = {"title": replied}
    return {"interactiveData": {"bid": BID, "sessionIdentifier": "session", "data": data}}


def offered(*items):
    return {"data": {"quick-reply": {"summaryText": "Helpful?", "items": list(items)}}}


# Sending


def test_texts_stand_for_choices_numbered_from_one():
    assert QuickReply("Was that helpful?", ["Yes", "No"]).choices == (
        Choice("Yes", "1"),
        Choice("No", "2"),
    )


def test_a_choice_keeps_its_identifier_among_those_that_are_filled_in():
    reply = QuickReply("Helpful?", [Choice("Yes", "2"), "No", Choice("Perhaps")])

    assert [choice.identifier for choice in reply.choices] == ["2", "_2", "3"]


def test_items_become_a_tuple_that_nobody_changes():
    items = ["Yes", "No"]
    reply = QuickReply("Helpful?", items)
    items.append("Perhaps")

    assert isinstance(reply.items, tuple)
    assert len(reply.items) == 2


def test_a_quick_reply_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        QuickReply("Helpful?", ["Yes", "No"]).summary = "Really?"


def test_a_quick_reply_needs_a_device_that_shows_it():
    assert QuickReply.capability is Capability.QUICK


def test_to_wire_gives_what_apple_shows():
    sample = json.loads((SAMPLES / "quick_reply.json").read_text("utf-8"))

    reply = QuickReply(
        "Did the parcel arrive?",
        [
            Choice("Yes, thank you", "yes"),
            Choice("Not yet", identifier="no"),
            Choice("Ask a person", "person"),
        ],
        request_id="c0ffee00-0000-4000-8000-000000000002",
    )

    assert reply.to_wire() == {"interactiveData": sample["interactiveData"]}


def test_to_wire_gives_ids_that_were_filled_in():
    reply = QuickReply("Helpful?", ["Yes", "No"]).identified("message")

    assert reply.to_wire() == {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "message",
            "data": {
                "version": "1.0",
                "requestIdentifier": "message",
                "quick-reply": {
                    "summaryText": "Helpful?",
                    "items": [
                        {"identifier": "1", "title": "Yes"},
                        {"identifier": "2", "title": "No"},
                    ],
                },
            },
        }
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"summary": ""}, "QuickReply.summary"),
        ({"summary": 5}, "QuickReply.summary"),
        ({"summary": None}, "QuickReply.summary"),
        ({"items": []}, "QuickReply.items"),
        ({"items": "Yes"}, "QuickReply.items"),
        ({"items": None}, "QuickReply.items"),
        ({"items": ["Yes", 5]}, "QuickReply.items[1]"),
        ({"items": [Choice("Yes", "a"), Choice("No", "a")]}, "QuickReply.items.identifier"),
        ({"request_id": 5}, "QuickReply.request_id"),
        ({"colour": "red"}, "QuickReply.colour"),
    ],
)
def test_a_quick_reply_that_does_not_hold_cannot_be_made(changes, field):
    valid = {"summary": "Helpful?", "items": ["Yes", "No"]}

    with pytest.raises(ContentInvalid) as caught:
        QuickReply(**(valid | changes))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "Choice.title"),
        ({"title": 5}, "Choice.title"),
        ({"identifier": 5}, "Choice.identifier"),
    ],
)
def test_a_choice_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        Choice(**({"title": "Yes"} | changes))

    assert caught.value.field == field


def test_an_empty_text_is_no_choice():
    with pytest.raises(ContentInvalid, match="title"):
        QuickReply("Helpful?", ["Yes", ""])


@pytest.mark.parametrize(
    "reply",
    [
        QuickReply("Helpful?", ["Yes", "No"]),
        QuickReply("Helpful?", ["1", "2", "3", "4", "5"]),
        QuickReply("?" * 200, ["Yes", "No"]),
        QuickReply("Helpful?", ["Yes", "n" * 200]),
        QuickReply("Helpful?", ["Yes", Choice("No", "n" * 200)]),
    ],
)
def test_a_quick_reply_at_the_edge_is_as_vendors_report(reply, require_reported):
    require_reported(reply)


@pytest.mark.parametrize(
    ("reply", "field"),
    [
        (QuickReply("Helpful?", ["Yes"]), "QuickReply.items"),
        (QuickReply("Helpful?", ["1", "2", "3", "4", "5", "6"]), "QuickReply.items"),
        (QuickReply("?" * 201, ["Yes", "No"]), "QuickReply.summary"),
        (QuickReply("Help\nful?", ["Yes", "No"]), "QuickReply.summary"),
        (QuickReply("Helpful?", ["Yes", "n" * 201]), "QuickReply.items[1].title"),
        (QuickReply("Helpful?", ["Yes", "N\to"]), "QuickReply.items[1].title"),
        (
            QuickReply("Helpful?", ["Yes", Choice("No", "n" * 201)]),
            "QuickReply.items[1].identifier",
        ),
        (QuickReply("Helpful?", ["Yes", Choice("No", "")]), "QuickReply.items[1].identifier"),
    ],
)
def test_a_quick_reply_beyond_what_vendors_report_is_refused(reply, field, require_reported):
    with pytest.raises(ContentInvalid) as caught:
        require_reported(reply)

    assert caught.value.field == field


# What comes back


def test_a_tap_comes_with_all_that_it_says():
    raw = response()

    content = parse_content("interactive", raw)

    assert content == QuickReplyResponse(
        identifier="n", title="No", request_id="request", session_id="session"
    )
    assert content.raw is raw


@pytest.mark.parametrize("index", [1, "1", 1.0])
def test_the_place_counts_when_no_identifier_came(index):
    content = parse_content("interactive", response(selectedIdentifier=None, selectedIndex=index))

    assert (content.identifier, content.title) == ("n", "No")


def test_the_identifier_counts_before_the_place():
    content = parse_content("interactive", response(selectedIdentifier="y", selectedIndex=1))

    assert (content.identifier, content.title) == ("y", "Yes")


def test_an_identifier_may_come_as_a_number():
    items = [{"identifier": 7, "title": "Yes"}]

    content = parse_content("interactive", response(selectedIdentifier=7, items=items))

    assert (content.identifier, content.title) == ("7", "Yes")


def test_the_bubble_gives_the_title_when_the_items_did_not_come():
    content = parse_content("interactive", response("Sent: No", items=None))

    assert (content.identifier, content.title) == ("n", "Sent: No")


def test_a_tap_without_any_title_has_none():
    assert parse_content("interactive", response(items=None)).title == ""


@pytest.mark.parametrize("index", [-1, 2, 10**400, "x", True, None, [1]])
def test_a_tap_on_a_place_that_is_not_there_is_unknown(index):
    raw = response(selectedIdentifier=None, selectedIndex=index)

    assert parse_content("interactive", raw) == Unknown("interactive")


def test_a_tap_on_an_item_without_identifier_is_unknown():
    raw = response(selectedIdentifier=None, selectedIndex=0, items=[{"title": "Yes"}])

    assert parse_content("interactive", raw) == Unknown("interactive")


@pytest.mark.parametrize("reply", [None, 5, "n", [], {}, {"items": ITEMS}])
def test_a_quick_reply_in_another_shape_is_unknown(reply):
    raw = response()
    raw["interactiveData"]["data"]["quick-reply"] = reply

    assert parse_content("interactive", raw) == Unknown("interactive")


def test_junk_in_any_field_harms_nothing(spoil_each):
    for raw in spoil_each(response("No")):
        content = parse_content("interactive", raw)

        assert isinstance(content, QuickReplyResponse | Unknown)


def test_selection_is_the_identifier():
    assert QuickReplyResponse(identifier="n").selection == "n"


def test_joined_takes_the_title_from_what_was_sent():
    tapped = QuickReplyResponse(identifier="n", title="Tapped")

    assert tapped.joined("helpful", offered(*ITEMS)) == QuickReplyResponse(
        identifier="n", title="No", to="helpful"
    )


@pytest.mark.parametrize("data", [{}, {"data": 5}, offered(), offered({"identifier": "y"})])
def test_joined_keeps_the_title_when_what_was_sent_has_none(data):
    tapped = QuickReplyResponse(identifier="n", title="Tapped")

    assert tapped.joined(None, data) == tapped
