"""Serve until told to stop, as processes."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def environment(tmp_path):
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MSP_PORT": str(free_port()),
        "MSP_EMULATOR_PORT": str(free_port()),
        "MSP_DATA_DIR": str(tmp_path / "var"),
        "MSP_AGENT": "msp_server.agents.echo:agent",
    }


@pytest.fixture
def start(environment):
    """Give a function that starts a command and waits for its first line."""
    processes = []

    def start(*arguments, first="", **changes):
        process = subprocess.Popen(
            [sys.executable, "-m", "msp_server", *arguments],
            env={**environment, **changes},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        while first not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def say(environment, body):
    url = f"http://127.0.0.1:{environment['MSP_EMULATOR_PORT']}/customers/ava"
    web = requests.Session()
    receipt = web.post(f"{url}/text", json={"body": body}).json()
    answers = web.get(f"{url}/transcript", params={"after": 2, "wait_s": 10}).json()["entries"]
    return receipt["status"], [entry["body"] for entry in answers if entry["from"] == "business"]


def test_run_without_settings_holds_a_conversation(start, environment):
    start("run", first="Next: open")

    assert say(environment, "hello") == (200, ["hello"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_ends_cleanly_with_its_emulator_when_told_to(start, environment, number):
    process = start("run", first="Next: open")

    process.send_signal(number)
    _, errors = process.communicate(timeout=15)

    assert process.returncode == 0
    assert "Traceback" not in errors
    with pytest.raises(requests.ConnectionError):
        requests.Session().get(f"http://127.0.0.1:{environment['MSP_EMULATOR_PORT']}/")


def test_run_for_a_gateway_of_apples_starts_the_server_alone_and_says_what_to_enter(
    start, environment
):
    process = start(
        "run",
        first="Gateway",
        MSP_ID="11112222-3333-4444-5555-666677778888",
        MSP_BUSINESS_ID="0f0e0d0c-0b0a-0908-0706-050403020100",
        MSP_SECRET="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        MSP_GATEWAY="staging",
        MSP_ENDPOINT="https://msp.example.com/",
    )

    process.terminate()
    printed = process.stdout.read()

    assert "MSP message endpoint: https://msp.example.com\n" in printed
    assert "Apple appends /message" in printed
    with pytest.raises(requests.ConnectionError):
        requests.Session().get(f"http://127.0.0.1:{environment['MSP_EMULATOR_PORT']}/")


def test_web_and_worker_as_two_processes_hold_a_conversation(start, environment):
    start("emulator", first="phone")
    start("serve", "--web-only", first="Server on")
    start("worker", first="Worker")

    assert say(environment, "hello") == (200, ["hello"])


def test_worker_ends_cleanly_when_told_to(start):
    process = start("worker", first="Worker")

    process.terminate()
    _, errors = process.communicate(timeout=15)

    assert process.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize("arguments", [("serve",), ("run",)])
def test_port_that_is_taken_is_named_with_its_cure(environment, arguments):
    with socket.create_server(("127.0.0.1", int(environment["MSP_PORT"]))):
        done = subprocess.run(
            [sys.executable, "-m", "msp_server", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "MSP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_second_server_on_the_same_store_is_refused(start, environment):
    start("serve", first="Server on")

    done = subprocess.run(
        [sys.executable, "-m", "msp_server", "serve"],
        env={**environment, "MSP_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "another server or worker runs" in done.stderr


def test_certificate_of_no_use_is_a_warning_and_messages_go_on(start, environment, tmp_path):
    environment["MSP_APPLE_PAY_CERTIFICATE"] = str(tmp_path / "missing.pem")
    process = start("serve")

    process.terminate()
    _, said = process.communicate(timeout=20)

    assert "no payment can be sent: MSP_APPLE_PAY_CERTIFICATE" in said


@pytest.mark.parametrize(
    ("arguments", "first"), [(("run",), "Next"), (("serve",), "Server on"), (("worker",), "Worker")]
)
def test_metrics_are_on_the_admin_port_of_whatever_runs(start, environment, arguments, first):
    port = str(free_port())
    process = start(*arguments, first=first, MSP_ADMIN_PORT=port)

    told = requests.Session().get(f"http://127.0.0.1:{port}/metrics").text
    process.terminate()
    _, errors = process.communicate(timeout=15)

    assert 'msp_loop_threads{loop="answering"}' in told
    assert process.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_admin_port_that_is_taken_is_named_with_its_cure(environment, command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "msp_server", command],
            env={**environment, "MSP_ADMIN_PORT": port},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert f"MSP_ADMIN_PORT: 127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "a worker beside a server needs one of its own" in done.stderr


def test_log_in_json_is_one_object_a_line(start, environment):
    process = start("run", first="Next: open", MSP_LOG_FORMAT="json")
    say(environment, "hello")

    process.terminate()
    _, log = process.communicate(timeout=15)

    lines = [json.loads(line) for line in log.splitlines()]
    stored = next(line for line in lines if line["message"].startswith("stored "))
    assert (stored["level"], stored["kind"], stored["new"]) == ("INFO", "TypingStart", True)
    assert len(stored["message_id"]) == 36
    assert max(map(len, log.splitlines())) < 1024
