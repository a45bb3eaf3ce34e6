"""Whatever an agent says that holds, the emulator accepts; it knows only the same facts."""

import uuid

from hypothesis import HealthCheck, given, settings

from msp_server.app import make_gateway
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.invitation import Invitation
from tests.messages.strategies import contents

EXAMPLES = 300


def test_emulator_accepts_every_content_that_holds(apple, start_msp):
    customer = apple.web.get(f"{apple.url}/customers/ava").json()

    with start_msp() as msp:
        gateway = make_gateway(msp.settings)

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(contents())
        def send(content):
            invites = isinstance(content, Invitation)
            message = OutboundMessage(
                str(uuid.uuid4()),
                msp.settings.business_ids[0],
                customer["phone_number"] if invites else customer["id"],
                content,
                automated=True,
            )
            message.require_reported()
            assert gateway.send(*message.to_wire(), message.id).status == 200

        send()
