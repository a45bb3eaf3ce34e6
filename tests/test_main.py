"""The command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from msp_server.__main__ import main

ROOT = Path(__file__).parents[1]
COMMANDS = ["run", "serve", "worker", "emulator", "send", "messages", "exercise", "check"]


@pytest.fixture
def environment(msp, apple, monkeypatch):
    """The environment of a user whose server is `msp`."""
    given = {
        "MSP_ID": msp.settings.msp_id,
        "MSP_BUSINESS_ID": msp.settings.business_ids[0],
        "MSP_SECRET": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "MSP_GATEWAY": f"{apple.url}/v1",
        "MSP_DATA_DIR": str(msp.settings.data_dir),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


def call(*arguments):
    return CliRunner().invoke(main, arguments)


def test_help_names_every_command():
    answer = call("--help")

    assert all(f"\n  {command} " in answer.output for command in COMMANDS)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "emulator"])
def test_every_command_has_help(command):
    answer = call(command, "--help")

    assert answer.exit_code == 0
    assert "Usage:" in answer.output


def test_emulators_help_is_the_emulators():
    done = subprocess.run(
        [sys.executable, "-m", "msp_server", "emulator", "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "--msp" in done.stdout


def test_faults_are_told_together_without_a_traceback(monkeypatch):
    monkeypatch.setenv("MSP_PORT", "many")
    monkeypatch.setenv("MSP_GATEWAY", "nowhere")

    answer = call("check")

    assert answer.exit_code == 1
    assert "MSP_PORT" in answer.output
    assert "MSP_GATEWAY" in answer.output
    assert "MSP_SECRET" in answer.output


def test_check_says_what_the_settings_come_to_and_no_secret(environment):
    answer = call("check")

    assert answer.exit_code == 0
    assert "settings are fit" in answer.output
    assert environment["MSP_SECRET"] not in answer.output


def test_send_goes_to_the_customer_who_wrote_last(environment, apple, msp):
    apple.phone("ben").text("hello")
    apple.phone("ben").wait_for_bodies(1)

    answer = call("send", "from the desk")

    assert "accepted by the gateway" in answer.output
    assert apple.phone("ben").bodies() == ["hello", "from the desk"]
    assert apple.phone("ben").entries()[1]["auto_reply"] is None


def test_send_goes_to_the_customer_it_names(environment, apple):
    answer = call("send", "from the desk", "--to", apple.phone().id)

    assert answer.exit_code == 0
    assert apple.phone().bodies() == ["from the desk"]


def test_send_sends_by_itself_when_no_server_runs(apple, environment, monkeypatch, tmp_path):
    monkeypatch.setenv("MSP_DATA_DIR", str(tmp_path / "other"))

    answer = call("send", "from the desk", "--to", apple.phone().id)

    assert answer.exit_code == 0
    assert apple.phone().bodies() == ["from the desk"]


def test_send_tells_why_a_message_was_buried(environment):
    answer = call("send", "hello", "--to", "urn:mbid:nobody")

    assert answer.exit_code == 1
    assert "404" in answer.output
    assert "Destination-Id" in answer.output


def test_send_says_that_it_still_waits(environment, apple, monkeypatch):
    monkeypatch.setattr("msp_server.__main__._SEND_LIMIT_S", 0.3)
    apple.fault("status", status=503, count=100)

    answer = call("send", "hello", "--to", apple.phone().id)

    assert answer.exit_code == 0
    assert "still waiting" in answer.output


def test_send_without_anybody_to_send_to_says_so(environment):
    answer = call("send", "hello")

    assert answer.exit_code == 1
    assert "--to" in answer.output


def test_send_to_a_customer_who_has_left_is_refused(environment, apple, msp):
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)
    apple.phone().close()

    answer = call("send", "come back", "--to", apple.phone().id)

    assert answer.exit_code == 1
    assert "closed" in answer.output


def test_send_goes_to_nobody_who_has_left(environment, apple, msp):
    apple.phone().text("hello")
    apple.phone("ben").text("hello")
    apple.phone("ben").close()
    apple.phone().wait_for_bodies(1)

    answer = call("send", "from the desk")

    assert answer.exit_code == 0
    assert apple.phone().bodies() == ["hello", "from the desk"]


def test_messages_shows_both_directions_on_one_line_each(environment, apple):
    apple.phone().text("hello\x1b[31m\nworld")
    apple.phone().wait_for_bodies(1)

    lines = call("messages").output.splitlines()

    assert len(lines) == 3
    assert "ANSWERED Text" in lines[1]
    assert "hello [31m world" in lines[1]
    assert "→" in lines[2]


def test_messages_as_json_has_everything(environment, apple, msp, wait_for):
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)
    wait_for(lambda: msp.store.history.newest(1)[0].state == "SENT")

    records = [json.loads(line) for line in call("messages", "--json").output.splitlines()]

    assert [record["direction"] for record in records] == ["in", "in", "out"]
    assert records[2]["state"] == "SENT"
    assert records[2]["fields"]["body"] == "hello"
    assert records[2]["customer_id"] == apple.phone().id
    assert records[1]["headers"]["capability-list"].startswith("LIST")


def test_messages_of_an_empty_store_says_so(environment):
    assert call("messages").output == "no messages yet\n"


def test_unknown_exercise_names_those_there_are():
    answer = call("exercise", "99")

    assert answer.exit_code == 1
    assert "03" in answer.output
