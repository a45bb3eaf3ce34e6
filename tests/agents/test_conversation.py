from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import pytest

from msp_server.agents.conversation import Conversation, Said
from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId

CONVERSATION = Conversation(
    business_id=BusinessId("a1b2c3d4-e5f6-4789-8abc-def012345678"),
    customer_id=OpaqueId("urn:mbid:AQAAY7madeUp="),
    message_id=MessageId("3c1e6b0a-9f4d-4c1b-8a77-2f5d1e0c9b8a"),
)


@pytest.mark.parametrize("name", ["capabilities", "locale", "intent", "group", "desk", "note"])
def test_conversation_does_not_know_what_nobody_told(name):
    assert getattr(CONVERSATION, name) is None


def test_conversation_cannot_be_changed_by_a_handler():
    with pytest.raises(FrozenInstanceError):
        CONVERSATION.locale = "en_US"


# What the device can show


@pytest.mark.parametrize(
    ("capabilities", "shows"),
    [
        (frozenset({Capability.FORM}), True),
        (frozenset({Capability.LIST}), False),
        (frozenset(), False),
        (None, True),
    ],
    ids=["form", "list", "nothing", "never said"],
)
def test_conversation_tells_what_the_device_shows(capabilities, shows):
    conversation = replace(CONVERSATION, capabilities=capabilities)

    assert conversation.shows(Capability.FORM) is shows


# What is remembered


def test_conversation_remembers_nothing_at_first():
    assert CONVERSATION.state == {}


def test_what_a_handler_puts_into_the_state_is_there():
    conversation = replace(CONVERSATION, state={})

    conversation.state["count"] = 1

    assert conversation.state == {"count": 1}


def test_two_conversations_do_not_share_what_they_remember():
    first, second = (
        Conversation(
            CONVERSATION.business_id, CONVERSATION.customer_id, CONVERSATION.message_id, id=id_
        )
        for id_ in "12"
    )

    first.state["count"] = 1

    assert second.state == {}


def test_conversation_without_a_past_has_no_history():
    assert CONVERSATION.history(5) == ()


def test_history_gives_as_many_as_it_is_asked_for():
    said = [
        Said("customer", "Text", body, datetime(2026, 3, 2, tzinfo=UTC), {"body": body})
        for body in ("one", "two", "three")
    ]
    conversation = replace(CONVERSATION, read_history=lambda count: said[-count:])

    assert [one.body for one in conversation.history(2)] == ["two", "three"]


def test_conversation_without_a_past_has_nothing_sent_before():
    assert CONVERSATION.sent_before("menu") is None


def test_sent_before_asks_by_name():
    sent = ByReference({"url": "https://a.example"}, name="menu", request_id="r")
    conversation = replace(CONVERSATION, find_sent_before={"menu": sent}.get)

    assert conversation.sent_before("menu") is sent
    assert conversation.sent_before("form") is None


# Handing over


def test_hand_over_names_the_desk_and_what_it_is_told():
    conversation = replace(CONVERSATION)

    conversation.hand_over("billing desk", note="wants a refund")

    assert (conversation.desk, conversation.note) == ("billing desk", "wants a refund")


def test_hand_over_without_a_note_tells_nothing():
    conversation = replace(CONVERSATION)

    conversation.hand_over("billing desk")

    assert (conversation.desk, conversation.note) == ("billing desk", "")


def test_the_last_hand_over_counts():
    conversation = replace(CONVERSATION)

    conversation.hand_over("billing desk", note="wants a refund")
    conversation.hand_over("repairs")

    assert (conversation.desk, conversation.note) == ("repairs", "")


@pytest.mark.parametrize("desk", ["", " ", "\n"])
def test_a_desk_needs_a_name(desk):
    conversation = replace(CONVERSATION)

    with pytest.raises(ValueError, match="needs a name"):
        conversation.hand_over(desk)
    assert conversation.desk is None
