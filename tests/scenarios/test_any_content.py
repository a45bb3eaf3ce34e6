"""Whatever an agent says that holds, the emulator accepts; it knows only the same facts."""

import json
import uuid

from hypothesis import HealthCheck, given, settings

from msp_server.app import make_gateway, make_merchant
from msp_server.messages.apple_pay import session_asked_for, with_session
from msp_server.messages.authenticate import with_client_secret
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.interactive import MESSAGE, Interactive
from msp_server.messages.invitation import Invitation
from msp_server.settings import ApplePaySettings
from tests.messages.strategies import contents

EXAMPLES = 400


def complete(packed, merchant, message_id):
    """Fill in what stands in no content: a merchant session, and the old flow's client secret."""
    interactive = json.loads(packed).get("interactiveData", {})
    if "payment" in interactive.get("data", {}):
        return with_session(packed, merchant.open_session(*session_asked_for(packed), message_id))
    return with_client_secret(packed, "example-of-a-provider")


def test_emulator_accepts_every_content_that_holds(apple, start_msp):
    customer = apple.web.get(f"{apple.url}/customers/ava").json()
    shop = ApplePaySettings(
        merchant_id="merchant.com.example.shop",
        domain="shop.example.com",
        session_url=f"{apple.url}/paymentservices/paymentSession",
    )

    with start_msp(apple_pay=shop) as msp:
        gateway, merchant = make_gateway(msp.settings), make_merchant(msp.settings)

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
            headers, packed = message.to_wire()
            endpoint = content.endpoint if isinstance(content, Interactive) else MESSAGE
            packed = complete(packed, merchant, message.id)
            assert gateway.send(headers, packed, message.id, endpoint).status == 200

        send()
