import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "msp_server" / "emulator" / "README.md").read_text()
#: The README's MSP, started by each test that wants it.
CONFTEST = """
import os, socket, subprocess, sys, time

import pytest


@pytest.fixture
def start_my_msp():
    started = []

    def start(environment):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = str(listening.getsockname()[1])
        environment = {"PATH": os.environ["PATH"], "PORT": port, **environment}
        started.append(
            subprocess.Popen([sys.executable, "msp.py"], env=environment, stderr=subprocess.DEVNULL)
        )
        deadline = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", int(port))) and time.monotonic() < deadline:
            pass
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.kill()
        process.wait()
"""


@pytest.fixture
def run(tmp_path):
    """Run one test in a pytest of its own, and give what it said."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    msp = re.search(r"```python msp\.py\n(.*?)```", README, re.DOTALL)[1]
    (tmp_path / "msp.py").write_text(msp)

    def run(body, ini="", before=""):
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini}")
        (tmp_path / "test_it.py").write_text(
            f"import pytest\n{before}\ndef test_it(msp_emulator, start_my_msp):\n"
            + "\n".join(f"    {line}" for line in body.splitlines())
        )
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "msp_server.emulator.pytest_plugin", "-q"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    return run


START = "msp_emulator.msp_url = start_my_msp(msp_emulator.environment)\n"
SAVE = """
import pathlib
address = f"{msp_emulator.url}/customers/ava/transcript/file"
pathlib.Path("hello.json").write_text(msp_emulator.web.get(address).text)
"""


def test_msp_and_customers_talk(run):
    said = run(
        START
        + """
msp_emulator.text("Hello")
bea = msp_emulator.customer("bea", device="mac")
bea.text("One")
bea.text("Two")
answers = [*bea.wait_for_answers(1), *bea.wait_for_answers(1)]
assert {each["body"] for each in answers} == {"You wrote: One", "You wrote: Two"}
assert [each["body"] for each in msp_emulator.wait_for_answers()] == ["You wrote: Hello"]
assert bea.wait_for_answers(0) == []
assert msp_emulator.gateway_url == msp_emulator.url + "/v1"
assert msp_emulator.msp_url.startswith("http://127.0.0.1:")
"""
    )

    assert "1 passed" in said, said


def test_saved_conversation_is_played_and_says_nothing_where_it_is_the_same(run):
    said = run(
        START
        + 'msp_emulator.text("Hello")\nmsp_emulator.wait_for_answers()'
        + SAVE
        + 'msp_emulator.replay("hello.json")'
    )

    assert "1 passed" in said, said


def test_difference_fails_the_test_with_the_diff(run):
    said = run(
        START
        + 'msp_emulator.text("Hello")\nmsp_emulator.wait_for_answers()'
        + SAVE
        + 'changed = pathlib.Path("hello.json").read_text().replace("You wrote", "You said")\n'
        + 'pathlib.Path("hello.json").write_text(changed)\nmsp_emulator.replay("hello.json")'
    )

    assert "1 failed" in said
    assert '+    "body": "You wrote: Hello"' in said


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("msp_emulator.text('Hello')", "ava cannot text: The MSP did not answer"),
        ("msp_emulator.do('tap', title='Yes')", "ava cannot tap: There is no quick_reply"),
        ("msp_emulator.wait_for_answers(2, limit_s=0.1)", "0 of 2 answers came in 0.1 s"),
        ("msp_emulator.customer('Not Fit')", "name has to be"),
        (
            "open('a.json', 'w').write('{}')\nmsp_emulator.replay('a.json')",
            "a.json cannot be played: It has to begin with format",
        ),
    ],
)
def test_what_cannot_be_done_fails_the_test_with_a_sentence(run, body, sentence):
    said = run('msp_emulator.msp_url = "http://127.0.0.1:1"\n' + body)

    assert "1 failed" in said
    assert sentence in said


def test_lines_of_pytests_settings_hold(run):
    said = run(
        'assert (msp_emulator.msp_id, msp_emulator.secret) == ("shop-msp", "a2V5")\n'
        'assert msp_emulator.business_ids == ("shop", "other")\n'
        'assert msp_emulator.msp_url == "http://127.0.0.1:9000"',
        ini="msp_emulator_msp_id = shop-msp\nmsp_emulator_secret = a2V5\n"
        "msp_emulator_business_id = shop, other\nmsp_emulator_msp = http://127.0.0.1:9000\n",
    )

    assert "1 passed" in said, said


def test_fixture_of_the_settings_can_be_replaced(run):
    said = run(
        'assert msp_emulator.msp_id == "mine"',
        before="""
from msp_server.emulator import EmulatorSettings

@pytest.fixture
def msp_emulator_settings():
    return EmulatorSettings(
        msp_id="mine", api_secrets=(b"x" * 32,), business_ids=("shop",), port=0
    )
""",
    )

    assert "1 passed" in said, said
