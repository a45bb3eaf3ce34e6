"""The server is killed with `kill -9` under load, and started again."""

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]
CUSTOMERS = ("ava", "ben", "cleo", "dora")
KILLS = 3
TEXTS_BETWEEN_KILLS = 40


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def start_server(apple, tmp_path, wait_for):
    """Give a context manager that runs `serve` as a process, on the same store each time."""
    settings = apple.emulator._parts.settings
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MSP_ID": settings.msp_id,
        "MSP_BUSINESS_ID": settings.business_ids[0],
        "MSP_SECRET": base64.b64encode(settings.api_secrets[0]).decode(),
        "MSP_GATEWAY": f"{apple.url}/v1",
        "MSP_PORT": str(port),
        "MSP_AGENT": "msp_server.agents.echo:agent",
        "MSP_DATA_DIR": str(tmp_path / "var"),
    }

    def is_ready():
        try:
            return requests.Session().get(f"{url}/readyz").status_code == 200
        except requests.ConnectionError:
            return False

    @contextmanager
    def start():
        apple.emulator.msp_url = url
        process = subprocess.Popen(
            [sys.executable, "-m", "msp_server", "serve"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(is_ready, "the server")
            yield process
        finally:
            process.kill()
            process.wait()

    return start


class Load:
    """Customers who write without pause, and remember what was acknowledged."""

    def __init__(self, apple):
        self.acknowledged = defaultdict(list)
        self._stopping = threading.Event()
        self._counted = threading.Condition()
        self._count = 0
        self._threads = [
            threading.Thread(target=self._write, args=(apple.phone(name),)) for name in CUSTOMERS
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more):
        with self._counted:
            wanted = self._count + more
            assert self._counted.wait_for(lambda: self._count >= wanted, 30)

    def _write(self, phone):
        phone.web = requests.Session()
        number = 0
        while not self._stopping.is_set():
            number += 1
            receipt = phone.text(f"{phone.name} {number}")
            if receipt["status"] == 200:
                with self._counted:
                    self.acknowledged[phone.name].append(f"{phone.name} {number}")
                    self._count += 1
                    self._counted.notify_all()
            else:
                self._stopping.wait(0.02)


def accepted_by_customer(apple):
    """Give the sends that the gateway accepted, by customer, each id at its first time."""
    accepted = defaultdict(dict)
    for send in apple.sends():
        if send["status"] == 200:
            accepted[send["customer"]].setdefault(send["id"], send)
    return accepted


@pytest.mark.slow
def test_server_killed_under_load_answers_each_acknowledged_message_once_and_in_order(
    apple, start_server, wait_for
):
    with Load(apple) as load:
        for _ in range(KILLS):
            with start_server() as process:
                load.wait_for(TEXTS_BETWEEN_KILLS)
                process.send_signal(signal.SIGKILL)
        with start_server():
            load.wait_for(TEXTS_BETWEEN_KILLS)
            load.__exit__()
            wanted = {name: set(texts) for name, texts in load.acknowledged.items()}

            def is_answered(name):
                sends = accepted_by_customer(apple)[name].values()
                return wanted[name] <= {send["fields"]["body"] for send in sends}

            wait_for(lambda: all(map(is_answered, CUSTOMERS)), "every acknowledged message")

    bodies_of_id = defaultdict(set)
    for send in apple.sends():
        bodies_of_id[send["id"]].add(send["body_sha256"])
    assert all(len(bodies) == 1 for bodies in bodies_of_id.values())
    for sends in accepted_by_customer(apple).values():
        answers = [send["fields"]["body"] for send in sends.values()]
        numbers = [int(answer.split()[1]) for answer in answers]
        assert len(set(answers)) == len(answers)
        assert numbers == sorted(numbers)
