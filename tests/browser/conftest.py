"""The customer's phone in a real Chromium: a server, an emulator, and its page."""

import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from msp_server.agents.guide import agent as guide
from msp_server.settings import ApplePaySettings, SignInSettings

NAMES_OF_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
APPLE_BID = (
    "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"
    "com.apple.icloud.apps.messages.business.extension"
)
#: How long anything on the page may take.
LIMIT_MS = 20_000
#: Where pictures of the page are kept; without it, none are made.
SCREENSHOTS = os.environ.get("SCREENSHOTS")
#: The page reports what its policy blocks; anything it blocks is a fault of the page.
REPORT_VIOLATIONS = """
  document.addEventListener("securitypolicyviolation", async (event) => {
    await window.reportViolation(`${event.effectiveDirective}: ${event.blockedURI}`);
    window.reported = true;
  });
"""

expect.set_options(timeout=LIMIT_MS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES_OF_CHROMIUM)), None)
    if path is None:
        pytest.exit("Chromium is not here: apt-get install chromium", returncode=1)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@dataclass
class Screen:
    """The page in a browser, and what its user sees and does there."""

    page: Page
    url: str
    #: What no test may see: errors of the page, blocked resources, dialogs, calls elsewhere.
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note whatever is wrong from now on."""
        page, faults = self.page, self.faults
        page.expose_function("reportViolation", lambda what: faults.append(f"blocked {what}"))
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("pageerror", lambda error: faults.append(f"error {error}"))
        page.on("dialog", self._note_dialog)
        page.on("request", self._note_request)

    def _note_dialog(self, dialog) -> None:
        self.faults.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _note_request(self, request) -> None:
        address = urlsplit(request.url)
        if address.scheme != "data" and address.netloc != urlsplit(self.url).netloc:
            self.faults.append(f"call to {request.url}")

    def open(self) -> None:
        self.page.goto(self.url)
        expect(self.page.get_by_label("Device", exact=True)).not_to_have_value("")

    @property
    def messages(self) -> Locator:
        return self.page.get_by_role("list", name="Messages", exact=True)

    @property
    def sheet(self) -> Locator:
        return self.page.get_by_role("dialog")

    def entries(self, by: str) -> Locator:
        """Give the lines of `customer` or `business`."""
        return self.page.locator(f".entry.{by}")

    def write(self, words: str) -> None:
        """Write as a person does, and send."""
        self.page.get_by_label("Message", exact=True).fill(words)
        self.page.get_by_role("button", name="Send", exact=True).click()

    def sees(self, words: str) -> None:
        """Wait until the business says so."""
        expect(self.entries("business").filter(has_text=words).last).to_be_visible()

    def said(self, words: str) -> None:
        """Wait until the customer's own bubble says so."""
        expect(self.entries("customer").filter(has_text=words).last).to_be_visible()

    def tap(self, name: str) -> None:
        """Tap a button of the conversation, the last of that name."""
        self.messages.get_by_role("button", name=name).last.click()

    def open_sheet(self, words: str, card: str) -> Locator:
        """Write something, and tap the bubble that comes; gives its sheet."""
        self.write(words)
        self.tap(card)
        expect(self.sheet).to_be_visible()
        return self.sheet

    def confirm(self, name: str) -> None:
        """Press the large button of the sheet."""
        self.sheet.get_by_role("button", name=name, exact=True).click()

    def hold(self, device: str) -> None:
        """Have the customer hold another device."""
        with self.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            self.page.get_by_label("Device", exact=True).select_option(label=device)

    def picture(self, name: str) -> None:
        """Keep two pictures of what is shown, light and dark, if pictures are wanted."""
        if SCREENSHOTS is None:
            return
        settled = "() => Promise.all(document.getAnimations().map((each) => each.finished))"
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.evaluate(
                f"Promise.race([({settled})(), new Promise((go) => setTimeout(go, 400))])"
            )
            self.page.screenshot(path=Path(SCREENSHOTS) / f"{name}, {scheme}.png")


@dataclass
class Business:
    """Sends to Apple's gateway whatever a test says, as an MSP of another make would."""

    apple: object
    settings: object

    def __post_init__(self) -> None:
        self.customer_id = self.apple.phone().id

    def send(self, **fields) -> None:
        message = {
            "v": 1,
            "type": "text",
            "id": str(uuid.uuid4()),
            "sourceId": self.settings.business_ids[0],
            "destinationId": self.customer_id,
            **fields,
        }
        authenticates = "authenticate" in message.get("interactiveData", {}).get("data", {})
        endpoint = "authenticate" if authenticates else "message"
        answer = self.apple.web.post(
            f"{self.apple.url}/v1/{endpoint}", json=message, headers=self._headers(message)
        )
        assert answer.status_code == 200, answer.headers.get("x-emulator-reason", answer.text)

    def send_interactive(self, feature, received=None, images=(), **more) -> None:
        """Send one that has the usual frame around what matters."""
        data = {"version": "1.0", "requestIdentifier": str(uuid.uuid4()), **feature}
        if images:
            data["images"] = list(images)
        bubbles = {"receivedMessage": {"style": "icon", **received}} if received else {}
        bubbles |= {"replyMessage": {"title": "Answered", "style": "icon"}} if received else {}
        interactive = {"bid": APPLE_BID, "useLiveLayout": True, "data": data, **bubbles, **more}
        self.send(type="interactive", interactiveData=interactive)

    def invite(self, number, brand="Example Shop") -> None:
        """Invite the owner of a telephone number."""
        parameters = {"brandName": brand}
        notification = {
            "templateId": "binaryChoice.engage.noImage",
            "referenceId": "order-10442",
            "locale": "en-us",
            "parameters": parameters,
        }
        data = {
            "version": "1.0",
            "requestIdentifier": str(uuid.uuid4()),
            "notification": notification,
        }
        self.send(
            type="interactive",
            destinationId=number,
            interactiveData={"bid": APPLE_BID, "useLiveLayout": True, "data": data},
        )

    def _headers(self, message) -> dict[str, str]:
        claims = {"iss": self.settings.msp_id, "iat": int(time.time())}
        token = jwt.encode(claims, self.settings.api_secrets[0], "HS256")
        headers = {
            "Authorization": f"Bearer {token}",
            "id": message["id"],
            "Source-Id": message["sourceId"],
            "Destination-Id": message["destinationId"],
        }
        if message["destinationId"].startswith("tel:"):
            headers["message-type"] = "notification"
        return headers


@pytest.fixture
def business(apple):
    return Business(apple, apple.emulator._parts.settings)


@pytest.fixture
def start_shop(start_msp, apple):
    """Give a function that starts a server with an agent, as `make run` sets it up."""

    def start(agent=guide):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        return start_msp(
            agent,
            port=port,
            endpoint=f"http://127.0.0.1:{port}",
            payment_processor="msp_server.agents.demonstration:processor",
            apple_pay=ApplePaySettings(
                "merchant.com.example.shop",
                "shop.example.com",
                session_url=f"{apple.url}/paymentservices/paymentSession",
            ),
            sign_in=SignInSettings(
                token_url=f"{apple.url}/oauth/token",
                user_url=f"{apple.url}/oauth/userinfo",
                client_id="emulator",
                client_secret="emulator-client-secret",
            ),
        )

    return start


@pytest.fixture
def open_page(chromium, apple):
    """Give a context manager that opens the page; nothing may have gone wrong on it at the end."""

    @contextmanager
    def opened(script="", **how):
        options = {"viewport": {"width": 480, "height": 940}, "locale": "en-US", **how}
        with chromium.new_context(**options) as context:
            context.set_default_timeout(LIMIT_MS)
            screen = Screen(context.new_page(), apple.url)
            screen.watch()
            if script:
                screen.page.add_init_script(script)
            screen.open()
            yield screen
            assert screen.faults == []

    return opened


@pytest.fixture
def screen(open_page):
    """The page, with nobody behind it."""
    with open_page() as opened:
        yield opened


@pytest.fixture
def guided(start_shop, screen):
    """The page, with the guide of this server behind it."""
    with start_shop():
        yield screen
