"""README's first screens, typed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from msp_server.agents.conversation import Conversation

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_first_commands_are_make_run_and_make_test():
    (block,) = re.findall(r"```\n(make run.*?)```", README, re.DOTALL)

    assert [line.split("#")[0].strip() for line in block.splitlines()] == ["make run", "make test"]


def test_ten_lines_of_an_agent_answer_a_customer(tmp_path, start_msp, apple, monkeypatch):
    block = re.search(r"Write `shop.py`:\n\n```python\n(.*?)```", README, re.DOTALL)[1]
    (tmp_path / "shop.py").write_text(block)
    monkeypatch.syspath_prepend(str(tmp_path))
    shop = __import__("shop")

    with start_msp(shop.agent):
        apple.phone().text("What are your hours?")
        apple.phone().text("Marzipan")

        assert apple.phone().wait_for_bodies(2) == [
            "We are open from nine to five.",
            "Ask me about our hours.",
        ]
    assert shop.tell_hours(None, Conversation("b", "c", "m")).body.startswith("We are open")
    assert len([line for line in block.splitlines() if line.strip()]) <= 10


def test_gunicorns_line_names_a_wsgi_app(tmp_path):
    target = re.search(r"gunicorn '(.*?):(\w+)\(\)'", README)

    made = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from {target[1]} import {target[2]} as make; print(make().test_client()"
            ".get('/readyz').status_code)",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert made.stdout == "200\n"
