"""A server as a process, and a look through the log of every scenario."""

import base64
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from msp_server import PaymentProcessor, PaymentStatus
from msp_server.agents.demonstration import DemonstrationProcessor
from msp_server.settings import ApplePaySettings, SignInSettings

ROOT = Path(__file__).parents[2]


def said_and_named(apple):
    """Give every text said in a scenario, and every customer's opaque ID."""
    for customer in apple.web.get(f"{apple.url}/customers").json()["customers"]:
        yield customer["id"]
        url = f"{apple.url}/customers/{customer['name']}/transcript"
        for entry in apple.web.get(url).json()["entries"]:
            if entry.get("body"):
                yield entry["body"]
            for attachment in entry["fields"].get("attachments") or ():
                yield from (attachment["name"], attachment["key"])


@pytest.fixture(autouse=True)
def _log_holds_nothing_private(apple, caplog):
    yield
    settings = apple.emulator._parts.settings
    secrets = [base64.b64encode(key).decode() for key in settings.api_secrets]
    log = "\n".join(record.getMessage() for record in caplog.get_records("call"))
    private = [*said_and_named(apple), *secrets, "Bearer ey"]

    found = [words for words in private if re.search(rf"(?<!\w){re.escape(words)}(?!\w)", log)]

    assert found == []


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def planted(tmp_path, caplog):
    """A list of secrets; whatever a test puts into it must be in no file and no log afterwards."""
    secrets = []
    yield secrets
    files = [file for file in (tmp_path / "var").rglob("*") if file.is_file()]
    kept = b"\0".join(file.read_bytes() for file in files)
    kept += "\n".join(record.getMessage() for record in caplog.get_records("call")).encode()
    assert files
    assert b"conversations" in kept
    for secret in secrets:
        assert len(secret) > 6, "too short to be found by chance"
        for written in (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")):
            assert written not in kept, secret


@dataclass
class Processor(PaymentProcessor):
    """Does what a test says, and remembers what it was asked."""

    planted: list
    answers: list = field(default_factory=list)
    charged: list = field(default_factory=list)
    tracked: list = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def authorise(self, payment, authorisation):
        self.planted += _texts_in(authorisation.payment_token["paymentData"])
        for contact in (authorisation.billing, authorisation.shipping):
            self.planted += [contact.email_address, contact.phone_number, *contact.address_lines]
        self.planted[:] = filter(None, self.planted)
        self.meanwhile()
        answer = self.answers.pop(0) if self.answers else PaymentStatus.SUCCESS
        if isinstance(answer, Exception):
            raise answer
        self.charged.append((str(payment.total), payment.currency, authorisation.card.network))
        return answer

    def change_card(self, payment, card):
        return DemonstrationProcessor().change_card(payment, card)

    def change_address(self, payment, address):
        return DemonstrationProcessor().change_address(payment, address)

    def track_order(self, payment):
        self.tracked.append(payment.key)


def _texts_in(value):
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts_in(each)]
    return [value] if len(value) > 12 else []


@pytest.fixture
def processor(planted, monkeypatch):
    """A payment processor that a server of this test can name in its settings."""
    made = Processor(planted)
    monkeypatch.setitem(sys.modules, "processor_of_test", SimpleNamespace(processor=made))
    return made


@pytest.fixture
def start_selling(start_msp, apple, processor, planted):
    """Give a function that starts a server which takes payments and lets customers sign in."""

    def start(agent, **changes):
        port = free_port()
        planted.append("emulator-client-secret")
        return start_msp(
            agent,
            port=port,
            endpoint=f"http://127.0.0.1:{port}",
            payment_processor="processor_of_test:processor",
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
            **changes,
        )

    return start


@pytest.fixture
def start_server(apple, tmp_path, wait_for):
    """Give a context manager that runs `serve` as a process, on the same store each time."""
    settings = apple.emulator._parts.settings
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MSP_ID": settings.msp_id,
        "MSP_BUSINESS_ID": settings.business_ids[0],
        "MSP_SECRET": base64.b64encode(settings.api_secrets[0]).decode(),
        "MSP_GATEWAY": f"{apple.url}/v1",
        "MSP_PORT": str(port),
        "MSP_DATA_DIR": str(tmp_path / "var"),
    }

    def is_ready():
        try:
            return requests.Session().get(f"{url}/readyz").status_code == 200
        except requests.ConnectionError:
            return False

    @contextmanager
    def start(agent="msp_server.agents.echo:agent"):
        apple.emulator.msp_url = url
        process = subprocess.Popen(
            [sys.executable, "-m", "msp_server", "serve"],
            env={**environment, "MSP_AGENT": agent},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(is_ready, "the server")
            yield process
        finally:
            process.kill()
            process.wait()

    return start
