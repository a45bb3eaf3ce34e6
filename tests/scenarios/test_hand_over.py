"""A customer asks for a person, is held for the desk, and comes back to the agent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from msp_server.agents.guide import agent as guide
from msp_server.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(apple):
    """Give a function that runs a command of ours beside the server, as a person at a desk does."""

    def run(settings: Settings, *arguments):
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "MSP_ID": settings.msp_id,
            "MSP_BUSINESS_ID": settings.business_ids[0],
            "MSP_SECRET": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "MSP_GATEWAY": settings.gateway_url,
        }
        done = subprocess.run(
            [sys.executable, "-m", "msp_server", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_conversation_goes_to_the_desk_and_back(apple, start_msp, desk, wait_for):
    phone = apple.phone()

    with start_msp(guide) as msp:
        phone.text("person, please")
        (told,) = phone.wait_for_bodies(1)
        conversation = msp.store.conversations.find(phone.id)
        assert conversation.id in told
        phone.text("count")
        shown = desk(msp.settings, "messages", "--conversation", conversation.id)
        desk(msp.settings, "send", "--to", conversation.id, "Hello, this is Kim.")
        phone.text("count again")
        given = desk(msp.settings, "send", "--to", conversation.id, "--give-back")
        bodies = phone.wait_for_bodies(3)

    assert "HELD" in shown
    assert "asked the guide for a person" in shown
    assert "messages that go to the agent: 1" in given
    assert bodies[1:] == ["Hello, this is Kim.", "You asked me to count 1 time."]
