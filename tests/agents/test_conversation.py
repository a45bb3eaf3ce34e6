from dataclasses import FrozenInstanceError

import pytest

from msp_server.agents.conversation import Conversation
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId

CONVERSATION = Conversation(
    business_id=BusinessId("a1b2c3d4-e5f6-4789-8abc-def012345678"),
    customer_id=OpaqueId("urn:mbid:AQAAY7madeUp="),
    message_id=MessageId("3c1e6b0a-9f4d-4c1b-8a77-2f5d1e0c9b8a"),
)


@pytest.mark.parametrize("name", ["capabilities", "locale", "intent", "group"])
def test_conversation_does_not_know_what_nobody_told(name):
    assert getattr(CONVERSATION, name) is None


def test_conversation_cannot_be_changed_by_a_handler():
    with pytest.raises(FrozenInstanceError):
        CONVERSATION.locale = "en_US"
