"""What the tests of this room start from: samples, addresses, pictures, and answers."""

import json
from pathlib import Path

from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.invitation import Invitation

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
PLUGIN = "com.apple.messages.MSMessageExtensionBalloonPlugin"
BID = f"{PLUGIN}:0000000000:com.apple.icloud.apps.messages.business.extension"
APP = f"{PLUGIN}:TEAMID0001:com.example.delivery.MessagesExtension"
ID = "5f7f3b5e-0000-4000-8000-000000000003"
REQUEST = "c0ffee00-0000-4000-8000-000000000023"
SESSION = "2d1c0b0a-1111-4222-8333-444455556666"
CUSTOMER = "urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY="
NUMBER = "tel:+15550104477"


def sample(kind):
    return json.loads((SAMPLES / f"{kind}.json").read_text("utf-8"))


def png(size_bytes, fill=b"\0"):
    """Give what begins like a PNG picture and measures so much."""
    return b"\x89PNG\r\n\x1a\n".ljust(size_bytes, fill)


def outbound(content):
    """Put a content into its envelope."""
    return OutboundMessage(
        id=MessageId(ID),
        business_id=BusinessId("a1b2c3d4-e5f6-4789-8abc-def012345678"),
        customer_id=OpaqueId(NUMBER if isinstance(content, Invitation) else CUSTOMER),
        content=content,
        automated=True,
    )


def interactive(content):
    """Give the `interactiveData` of a content as it is sent."""
    return json.loads(json.dumps(outbound(content).content.to_wire()))["interactiveData"]


def answer(data, **beside):
    """Give a customer's answer with this in `data`, and that beside it."""
    inner = {"version": "1.0", "requestIdentifier": REQUEST, **data}
    frame = {"bid": BID, "sessionIdentifier": SESSION, "data": inner}
    return {"type": "interactive", "id": ID, "v": 1, "interactiveData": {**frame, **beside}}
