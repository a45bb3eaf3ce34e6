"""A business that uses every endpoint of Apple's, and a customer who makes it do so."""

import copy
import hashlib
import json

from msp_server import (
    Agent,
    ApplePay,
    Attachment,
    AttachmentError,
    Authenticate,
    AuthenticateResponse,
    Bubble,
    Image,
    Item,
    LineItem,
    ListPicker,
    ListPickerResponse,
    ResponseLost,
    Section,
    Text,
)
from msp_server.agents.pictures import APPLE, KETTLE, LEMON
from msp_server.agents.predicates import says
from msp_server.settings import ApplePaySettings, SignInSettings
from msp_server.store.schema import OutboxState
from tests.scenarios.conftest import free_port

#: Capabilities of a device that signs in the old way, and of one that does so the new way.
OLD = ["LIST", "TIME", "QUICK", "AUTH"]
NEW = ["LIST", "TIME", "QUICK", "AUTH2"]
#: What the customer sends: of some pieces, for they come one by one.
FILE = APPLE.data
#: What the customer is sent.
PHOTO = KETTLE.data

_LARGE = Image(APPLE.data + bytes(40_000))
_MENU = ListPicker(
    Bubble("Menu", image=_LARGE),
    [Section("Fruit", [Item("Apple", image=_LARGE), Item("Lemon", image=LEMON)])],
    name="menu",
    reusable=True,
)
_ORDER = ApplePay(
    "Your order",
    [LineItem("Kettle", "10.00")],
    merchant_name="Example Shop",
    country="US",
    currency="USD",
    name="order",
)


def digest(data):
    """Name bytes by a few letters."""
    return hashlib.sha256(data).hexdigest()[:12]


def make_agent():
    """Make the agent: what is not among its words it says back."""
    agent = Agent("shop")

    @agent.on(Text, where=lambda text, _conversation: bool(text.attachments))
    def tell_files(text, _conversation):
        return Text("\n".join(f"file {_found(each)}" for each in text.attachments))

    @agent.on(Text, where=says("menu"))
    def show_menu(_text, conversation):
        return conversation.sent_before("menu") or _MENU

    @agent.on(Text, where=says("photo"))
    def send_photo(_text, _conversation):
        return Text("Here: ", [Attachment(PHOTO, "kettle.png")])

    agent.on(Text, where=says("pay"))(lambda _text, _conversation: _ORDER)
    agent.on(Text, where=says("sign in"))(
        lambda _text, _conversation: Authenticate("Sign in", name="sign in")
    )
    agent.on(Text)(lambda text, _conversation: Text(text.body))

    @agent.on(ListPickerResponse)
    def tell_choice(picked, _conversation):
        return Text(f"chose {', '.join(picked.titles)}")

    @agent.on(AuthenticateResponse)
    def tell_sign_in(answered, _conversation):
        return Text(answered.user["name"] if answered.user else f"nobody: {answered.failure}")

    agent.on(ResponseLost)(lambda lost, _conversation: Text(f"lost: {lost.problem}"))
    return agent


def _found(attachment):
    try:
        with attachment.open() as file:
            return digest(file.read(10_000_000))
    except AttachmentError as error:
        return str(error)


def shop_settings(apple):
    """Give the settings of a server that takes payments and lets customers sign in."""
    port = free_port()
    return {
        "port": port,
        "endpoint": f"http://127.0.0.1:{port}",
        "payment_processor": "msp_server.agents.demonstration:processor",
        "apple_pay": ApplePaySettings(
            "merchant.com.example.shop",
            "shop.example.com",
            session_url=f"{apple.url}/paymentservices/paymentSession",
        ),
        "sign_in": SignInSettings(
            token_url=f"{apple.url}/oauth/token",
            user_url=f"{apple.url}/oauth/userinfo",
            client_id="emulator",
            client_secret="emulator-client-secret",
        ),
    }


def outbox(msp):
    """Give everything that we have for customers, in the order in which it was decided."""
    history = msp.store.history.newest(100_000)
    return [entry for entry in history if entry.direction == "out"]


def when_ended(msp):
    """Tell whether every message of ours is accepted or buried."""
    over = {OutboxState.SENT, OutboxState.BURIED}
    return all(entry.state in over for entry in outbox(msp))


def carried(send):
    """Name what a send carried; a payment gets another session each time it is tried."""
    if send["kind"] != "payment":
        return send["body_sha256"]
    fields = copy.deepcopy(send["fields"])
    del fields["interactiveData"]["data"]["payment"]["merchantSession"]
    return json.dumps(fields)
