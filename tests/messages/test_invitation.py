import base64
import json
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.content import Unknown, parse_content
from msp_server.messages.image import Image
from msp_server.messages.interactive import BID
from msp_server.messages.invitation import Invitation, InvitationResponse
from msp_server.messages.limits import PNG_MAGIC
from msp_server.messages.presence import Close

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
NUMBER = "tel:+15550104477"
ACCEPTED = {
    "id": "yes",
    "displayContent": {
        "determinateResponse": {
            "title": "Yes",
            "subtitle": "You are now connected.",
            "type": {"yes": {}},
        }
    },
}


def response(**changes):
    """Make what comes back; what is None is left out."""
    data = {
        "version": "1",
        "requestIdentifier": NUMBER,
        "referenceId": "order-10442",
        "notification": ACCEPTED,
        **changes,
    }
    return {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "session",
            "data": {name: value for name, value in data.items() if value is not None},
        }
    }


# Sending


def test_to_wire_gives_what_apple_shows():
    interactive = json.loads((SAMPLES / "invitation.json").read_text("utf-8"))["interactiveData"]
    data = interactive["data"]
    logo = base64.b64decode(data["notification"]["parameters"]["brandLogo"])

    invitation = Invitation(
        "Example Shop", "order-10442", logo=Image(logo), request_id=data["requestIdentifier"]
    )

    assert invitation.to_wire() == {"interactiveData": interactive}


def test_to_wire_fills_in_what_was_left_out():
    assert Invitation("Example Shop", "order-10442").identified("message").to_wire() == {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "message",
            "useLiveLayout": True,
            "data": {
                "version": "1.0",
                "requestIdentifier": "message",
                "notification": {
                    "templateId": "binaryChoice.engage.noImage",
                    "referenceId": "order-10442",
                    "locale": "en-us",
                    "parameters": {"brandName": "Example Shop"},
                },
            },
        }
    }


def test_an_invitation_may_be_in_another_language():
    data = Invitation("Shop", "order", locale="de-de").to_wire()["interactiveData"]["data"]

    assert data["notification"]["locale"] == "de-de"


def test_every_device_shows_an_invitation():
    assert Invitation.capability is None


def test_the_answer_names_the_reference():
    assert Invitation("Shop", "order-10442", request_id="request").answer_key == "order-10442"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"brand": ""}, "brand"),
        ({"brand": 5}, "brand"),
        ({"reference": ""}, "reference"),
        ({"reference": 10442}, "reference"),
        ({"reference": None}, "reference"),
        ({"logo": "logo.png"}, "logo"),
        ({"locale": ""}, "locale"),
        ({"locale": 5}, "locale"),
    ],
)
def test_an_invitation_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        Invitation(**({"brand": "Shop", "reference": "order-10442"} | changes))

    assert caught.value.field == f"Invitation.{field}"


@pytest.mark.parametrize(
    "changes",
    [{"brand": "b" * 255}, {"reference": "r" * 1000}, {"logo": Image(PNG_MAGIC.ljust(200_000))}],
)
def test_an_invitation_at_the_edge_is_as_vendors_report(changes, require_reported):
    require_reported(Invitation(**({"brand": "Shop", "reference": "order"} | changes)), NUMBER)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"brand": "b" * 256}, "brand"),
        ({"reference": "r" * 1001}, "reference"),
        ({"reference": 'order "10442"'}, "reference"),
        ({"reference": "Ann's order"}, "reference"),
        ({"logo": Image(PNG_MAGIC.ljust(200_001))}, "logo.data"),
        ({"logo": Image(b"\xff\xd8\xffJPEG")}, "logo.data"),
    ],
)
def test_an_invitation_beyond_what_vendors_report_is_refused(changes, field, require_reported):
    invitation = Invitation(**({"brand": "Shop", "reference": "order"} | changes))

    with pytest.raises(ContentInvalid) as caught:
        require_reported(invitation, NUMBER)

    assert caught.value.field == f"Invitation.{field}"


# Accepted


def test_an_acceptance_comes_with_all_that_it_says():
    raw = response()

    content = parse_content("interactive", raw)

    assert content == InvitationResponse(
        accepted=True, references=("order-10442",), request_id=NUMBER, session_id="session"
    )
    assert content.raw is raw
    assert content.answer_key == "order-10442"


def test_the_reference_may_stand_in_the_notification():
    raw = response(referenceId=None, notification={**ACCEPTED, "referenceId": "order-10442"})

    assert parse_content("interactive", raw).references == ("order-10442",)


@pytest.mark.parametrize("reference", [None, "", 5, []])
def test_an_acceptance_may_come_without_reference(reference):
    content = parse_content("interactive", response(referenceId=reference))

    assert content.references == ()
    assert content.answer_key is None


@pytest.mark.parametrize("word", ["no", "Yes", "", None, True, 5, []])
def test_what_does_not_plainly_say_yes_is_no_acceptance(word):
    content = parse_content("interactive", response(notification={**ACCEPTED, "id": word}))

    assert not content.accepted


@pytest.mark.parametrize("notification", [5, "yes", [], {}])
def test_a_notification_in_another_shape_is_unknown(notification):
    raw = response(notification=notification)

    assert parse_content("interactive", raw) == Unknown("interactive")


def test_junk_in_any_field_harms_nothing(spoil_each):
    for raw in spoil_each(response()):
        content = parse_content("interactive", raw)

        assert isinstance(content, InvitationResponse | Unknown)


# Refused


def test_a_close_with_references_refuses():
    raw = {"type": "close", "sourceId": NUMBER, "referenceIds": ["order-1", "order-2"]}

    content = parse_content("close", raw)

    assert content == InvitationResponse(
        accepted=False, references=("order-1", "order-2"), closes=True
    )
    assert content.raw is raw
    assert content.answer_key == "order-1"


@pytest.mark.parametrize("references", [None, [], "order-1", 5, {"order": 1}])
def test_a_close_without_references_is_a_close(references):
    assert parse_content("close", {"referenceIds": references}) == Close()


@pytest.mark.parametrize("junk", [None, 5, "", [], {}])
def test_a_reference_that_is_no_text_is_left_out(junk):
    content = parse_content("close", {"referenceIds": [junk, "order-1"]})

    assert content.references == ("order-1",)


# Either


@pytest.mark.parametrize("accepted", [True, False])
def test_selection_is_what_was_decided(accepted):
    decided = InvitationResponse(accepted=accepted, references=("order-1", "order-2"))

    assert decided.selection == [accepted, "order-1", "order-2"]


def test_joined_names_what_it_answers():
    decided = InvitationResponse(accepted=True, references=("order-1",))

    assert decided.joined("welcome", {}) == InvitationResponse(
        accepted=True, references=("order-1",), to="welcome"
    )
