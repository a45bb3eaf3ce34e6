"""Find the emulator that runs, or start one."""

import socket
import subprocess
import sys
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from msp_server.emulation import first_customer, is_running, running_emulator
from msp_server.errors import ConfigurationError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def free(settings, monkeypatch):
    """Settings whose emulator's port is free."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return replace(settings, emulator_port=listener.getsockname()[1], emulated=True)


def test_emulator_is_started_for_the_block_and_ended_with_it(free):
    with running_emulator(free) as started:
        assert started
        assert is_running(free)

    assert not is_running(free)


def test_emulator_that_runs_is_used_and_left_running(free):
    with running_emulator(free):
        with running_emulator(free) as started:
            assert not started

        assert is_running(free)


def test_first_customer_is_one_of_our_business(free, apple):
    first = first_customer(replace(free, emulator_port=apple.emulator.port))

    assert first == apple.phone().id


def test_emulator_of_another_msp_is_named(free, apple):
    other = replace(free, emulator_port=apple.emulator.port, msp_id="another")

    with pytest.raises(ConfigurationError, match="another MSP ID"):
        is_running(other)


@pytest.mark.parametrize("body", [b"hello", b"[1]", b'{"name": "something"}'])
def test_something_else_on_the_port_is_named(free, body):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.handle_request).start()
        with pytest.raises(ConfigurationError, match="MSP_EMULATOR_PORT"):
            is_running(replace(free, emulator_port=server.server_port))


def test_emulator_ends_when_the_program_that_started_it_is_killed(free, wait_for):
    environment = free.environment()
    program = (
        "import subprocess, sys, time; subprocess.Popen("
        "[sys.executable, '-m', 'msp_server.emulator', '--until-stdin-ends'],"
        " stdin=subprocess.PIPE); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    wait_for(lambda: is_running(free), "the emulator")

    process.kill()
    process.wait()

    wait_for(lambda: not is_running(free), "its end")


def test_emulator_that_posts_to_another_server_is_named(free, apple):
    settings = replace(free, emulator_port=apple.emulator.port, port=9002)

    with pytest.raises(ConfigurationError, match="an emulator for the MSP at"):
        is_running(settings)


def test_program_that_says_nothing_on_the_port_is_soon_named(free, monkeypatch):
    monkeypatch.setattr("msp_server.emulation._LOOK_LIMIT_S", 0.1)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ConfigurationError, match="something else"),
    ):
        is_running(replace(free, emulator_port=silent.getsockname()[1]))
