import base64
import signal
import subprocess
import sys
import time

import pytest

FIT = {
    "MSP_ID": "msp",
    "MSP_SECRET": base64.b64encode(b"k" * 32).decode(),
    "MSP_BUSINESS_ID": "urn:biz:shop",
}


def start(environ, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "msp_server.emulator", *options],
        env=environ | {"PYTHONPATH": ":".join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_provider_of_the_variables_is_the_one(web):
    variables = {"MSP_OAUTH_CLIENT_ID": "of-the-shop", "MSP_OAUTH_CLIENT_SECRET": "of-the-shop's"}
    with start(FIT | variables, "--port", "0") as program:
        address = program.stdout.readline().partition(": ")[2].strip()
        form = {
            "grant_type": "authorization_code",
            "code": "x",
            "redirect_uri": "http://127.0.0.1:8002/",
            "client_id": "of-the-shop",
        }
        said = [
            web.post(f"{address}/oauth/token", data=form | {"client_secret": s}, timeout=5).json()
            for s in ("of-the-shop's", "emulator-client-secret")
        ]
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=5)

    assert [each["error"] for each in said] == ["invalid_grant", "invalid_client"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_emulator_prints_the_phones_address_and_ends_cleanly(number, web):
    with start(FIT, "--port", "0") as program:
        line = program.stdout.readline()
        address = line.removeprefix("The customer's phone: ").strip()
        said = web.get(f"{address}/emulator/", timeout=5).json()
        started = time.monotonic()
        program.send_signal(number)
        _, errors = program.communicate(timeout=5)

    assert said["business_ids"] == ["shop"]
    assert (program.returncode, errors) == (0, "")
    assert time.monotonic() - started < 2


def test_files_lie_in_the_directory_that_is_named_and_go_at_the_end(tmp_path, web):
    with start(
        FIT, "--port", "0", "--msp", "http://127.0.0.1:9", "--data-dir", tmp_path
    ) as program:
        address = program.stdout.readline().partition(": ")[2].strip()
        web.post(f"{address}/customers/ava/files", json={"make": [{"size": 7}]}, timeout=5)
        (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
        assert file.stat().st_size == 7

        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=5)

    assert list(tmp_path.iterdir()) == []


def test_every_unfit_setting_is_told_at_once():
    with start({"MSP_SECRET": "%%"}, "--host", "192.0.2.1") as program:
        _, errors = program.communicate(timeout=5)

    assert program.returncode == 2
    for name in ("--secret (MSP_SECRET)", "--msp-id (MSP_ID)", "--business-id", "--host"):
        assert name in errors


def test_taken_port_is_told_and_ends_with_one(emulator):
    with start(FIT, "--port", str(emulator.port)) as program:
        _, errors = program.communicate(timeout=5)

    assert program.returncode == 1
    assert "MSP_EMULATOR_PORT" in errors


def test_warning_is_printed_when_others_are_let_in(web):
    open_to = ("--host", "127.0.0.1", "--allow-host", "phone.example.test", "--allow-host", "desk")
    with start(FIT, "--port", "0", *open_to) as program:
        address = program.stdout.readline().partition(": ")[2].strip()
        port = address.rpartition(":")[2]
        answer = web.get(f"http://127.0.0.1:{port}/", headers={"Host": f"desk:{port}"}, timeout=5)
        program.send_signal(signal.SIGTERM)
        _, errors = program.communicate(timeout=5)

    assert answer.status_code == 200
    assert "Warning: there are no passwords" in errors
    assert "phone.example.test or desk" in errors


def test_names_come_from_the_variable_too():
    allowed = {"MSP_EMULATOR_ALLOW_HOST": "phone.example.test desk"}
    with start(FIT | allowed, "--port", "0") as program:
        program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        _, errors = program.communicate(timeout=5)

    assert "phone.example.test or desk" in errors


def test_replay_is_a_command_and_options_come_behind_it(tmp_path):
    missing = str(tmp_path / "missing.json")
    with (
        start(FIT, "replay", missing) as behind,
        start(FIT, "--port", "0", "replay", missing) as before,
    ):
        _, said = behind.communicate(timeout=10)
        _, told = before.communicate(timeout=10)

    assert (behind.returncode, before.returncode) == (2, 2)
    assert "cannot be read" in said
    assert "--port belongs behind replay" in told
