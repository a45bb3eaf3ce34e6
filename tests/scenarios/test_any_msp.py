"""The MSP of twenty lines out of the emulator's README, in a conversation with it."""

import base64
import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import MSP_ID, SECRET

README = Path(__file__).parents[2] / "msp_server" / "emulator" / "README.md"
LINES = re.search(r"```python msp\.py\n(.*?)```", README.read_text(), re.DOTALL)[1]


@pytest.fixture
def any_msp(apple, tmp_path, wait_for):
    """Run it as a process that knows nothing of this package."""
    (tmp_path / "msp.py").write_text(LINES)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    environment = {
        "MSP_ID": MSP_ID,
        "MSP_SECRET": base64.b64encode(SECRET).decode(),
        "MSP_GATEWAY": f"{apple.url}/v1",
        "PORT": str(port),
        "PATH": os.environ["PATH"],
    }
    with subprocess.Popen(
        [sys.executable, "msp.py"], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        wait_for(lambda: answers(port), "the MSP to listen")
        apple.emulator.msp_url = f"http://127.0.0.1:{port}"
        yield
        process.terminate()


def answers(port):
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_has_twenty_lines_and_nothing_of_ours():
    assert len([line for line in LINES.splitlines() if line.strip()]) <= 20
    assert "msp_server" not in LINES


@pytest.mark.usefixtures("any_msp")
def test_it_holds_a_conversation(apple):
    phone = apple.phone()

    assert phone.text("Hello")["status"] == 200
    assert phone.wait_for_bodies(1) == ["You wrote: Hello"]
    assert phone.text("Is the kettle there?")["status"] == 200
    assert phone.wait_for_bodies(2)[1] == "You wrote: Is the kettle there?"
    assert {exchange["status"] for exchange in apple.sends()} == {200}


@pytest.mark.usefixtures("any_msp")
def test_it_listens_to_apple_alone(apple):
    receipt = apple.phone().raw({"type": "text", "body": "x"}, {"Authorization": "Bearer a.b.c"})

    assert receipt["status"] is None
    assert apple.phone().bodies() == []
