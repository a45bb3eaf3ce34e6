"""README's program in another language, word for word, where Node is there."""

import os
import re
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from msp_server.agents.program import Program
from tests.scenarios.program import SECRET

NODE = shutil.which("node")
README = (Path(__file__).parents[2] / "README.md").read_text()


@contextmanager
def node(directory, secret):
    """Run README's program until the block ends; give its address."""
    (program,) = re.findall(r"```js\n(.*?)```", README, re.DOTALL)
    file = directory / "agent.js"
    file.write_text(program)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {**os.environ, "PORT": str(port), "MSP_AGENT_SECRET": secret}
    with subprocess.Popen([NODE, file], env=variables) as running:
        yield f"http://127.0.0.1:{port}/"
        running.kill()


@pytest.mark.skipif(NODE is None, reason="Node is not here")
def test_a_program_in_node_answers(start_msp, apple, tmp_path):
    with (
        node(tmp_path, SECRET) as url,
        start_msp(Program(url), agent_secret=SECRET),
    ):
        apple.phone().text("hello")

        assert apple.phone().wait_for_bodies(1) == ["You said: hello"]
