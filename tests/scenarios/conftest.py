"""A server as a process, and a look through the log of every scenario."""

import base64
import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

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
