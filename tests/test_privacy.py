"""The log of a real process, at DEBUG, holds nothing that a customer or a secret said."""

import base64
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]
AGENT = """
from msp_server import Agent, Text, Unknown

agent = Agent("fragile")

@agent.on(Text, where=lambda text, conversation: "marzipan" in text.body)
def echo(text, conversation):
    return Text(text.body)

@agent.on(Text)
def fail(text, conversation):
    raise ValueError(text.body)

@agent.on(Unknown)
def quote(unknown, conversation):
    return unknown.raw["planted"]
"""
PLANTED = ["marzipan", "nougat", "praline", "krokant", "truffle", "fondant"]


@pytest.fixture
def served(apple, tmp_path, wait_for):
    """Run `serve` at DEBUG as a process; give its address and a function that ends it."""
    settings = apple.emulator._parts.settings
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = apple.emulator.msp_url = f"http://127.0.0.1:{port}"
    (tmp_path / "fragile.py").write_text(AGENT)
    process = subprocess.Popen(
        [sys.executable, "-m", "msp_server", "serve"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{tmp_path}",
            "MSP_ID": settings.msp_id,
            "MSP_BUSINESS_ID": settings.business_ids[0],
            "MSP_SECRET": base64.b64encode(settings.api_secrets[0]).decode(),
            "MSP_GATEWAY": f"{apple.url}/v1",
            "MSP_PORT": str(port),
            "MSP_LOG_LEVEL": "DEBUG",
            "MSP_AGENT": "fragile:agent",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def end():
        process.terminate()
        return process.communicate(timeout=20)[0]

    try:
        assert "Server on" in process.stdout.readline()
        yield url, end
    finally:
        process.kill()
        process.communicate()


def test_log_at_debug_holds_no_words_tokens_secrets_or_whole_opaque_ids(apple, served):
    url, end = served
    phone, web = apple.phone(), requests.Session()

    phone.text("marzipan")
    phone.text("nougat")
    phone.raw({"type": "sweet", "planted": "praline", "intent": "krokant"})
    apple.fault("status", status=400)
    phone.text("marzipan again")
    web.post(f"{url}/message?truffle=1", data=b"fondant", headers={"Authorization": "Bearer a.b.c"})
    web.post(f"{url}/message", data=b"x", headers={"Authorization": "Basic truffle"})
    phone.wait_for_bodies(1)
    log = end()

    settings = apple.emulator._parts.settings
    secret = base64.b64encode(settings.api_secrets[0]).decode()
    assert [words for words in [*PLANTED, secret, phone.id, "eyJ"] if words in log] == []
    for stage in ("stored", "answered", "sent", "refused", "buried", "handler raised"):
        assert stage in log
