"""For every test: no settings from outside, no network but loopback, and a server to talk to."""

import ipaddress
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from msp_server import Agent
from msp_server.agents.echo import agent as echo
from msp_server.agents.router import Router
from msp_server.app import create_app, open_store_of, working
from msp_server.emulator import Emulator, EmulatorSettings
from msp_server.settings import Settings
from msp_server.store.opening import Store
from msp_server.web.server import bind
from msp_server.web.serving import serving

MSP_ID = "11112222-3333-4444-5555-666677778888"
BUSINESS_ID = "0f0e0d0c-0b0a-0908-0706-050403020100"
SECRET = bytes(range(32))
DEADLINE_S = 10

for _name in [name for name in os.environ if name.startswith(("MSP_", "CSP_", "BIZ_"))]:
    if _name != "MSP_TEST_SOAK":  # sets no server, but how much is tried
        del os.environ[_name]

_connect = socket.socket.connect


def _connect_to_loopback(self: socket.socket, address: object) -> None:
    if isinstance(address, tuple):
        host = "127.0.0.1" if address[0] == "localhost" else address[0]
        assert ipaddress.ip_address(host).is_loopback, f"a test wanted to reach {address}"
    _connect(self, address)


socket.socket.connect = _connect_to_loopback


@pytest.fixture(autouse=True)
def _own_directory(tmp_path, monkeypatch):
    """Work where no .env lies and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MSP_DATA_DIR", str(tmp_path / "var"))


@pytest.fixture(autouse=True)
def _log_everything():
    """Let nothing escape the tests that search the log."""
    logging.getLogger("msp_server").setLevel(logging.DEBUG)


def wait_for(condition, what="it", limit_s=DEADLINE_S):
    """Wait until a condition holds, and give what it gave."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        threading.Event().wait(0.005)
    raise AssertionError(f"waited {limit_s} s for {what}")


@pytest.fixture(name="wait_for")
def _wait_for():
    return wait_for


@dataclass
class Phone:
    """A customer's phone, by the emulator's JSON API."""

    url: str
    name: str
    web: requests.Session

    def _post(self, what, **fields):
        return self.web.post(f"{self.url}/customers/{self.name}/{what}", json=fields).json()

    def do(self, deed, **fields):
        """Do what a customer's finger does, such as `tap`; the MSP has to take it."""
        receipt = self._post(deed, **fields)
        assert receipt.get("status") == 200, receipt
        return receipt

    def files(self, *files, body=""):
        """Send files, each a name, a type and bytes."""
        receipt = self.web.post(
            f"{self.url}/customers/{self.name}/files",
            data={"body": body},
            files=[("file", (name, data, mime_type)) for name, mime_type, data in files],
        ).json()
        assert receipt.get("status") == 200, receipt
        return receipt

    def make_files(self, *files, body=""):
        """Send files of any bytes, each a name, a type and a size."""
        made = [{"name": name, "type": kind, "size": size} for name, kind, size in files]
        return self.do("files", body=body, make=made)

    def attachment(self, message_id, index=0):
        """Open a file of a message on the phone."""
        url = f"{self.url}/customers/{self.name}/attachments/{message_id}/{index}"
        answer = self.web.get(url)
        assert answer.status_code == 200, answer.text
        return answer.content

    def text(self, body):
        return self._post("text", body=body)

    def typing(self, state="start"):
        return self._post("typing", state=state)

    def close(self):
        return self._post("close")

    def raw(self, fields, headers=None):
        return self._post("raw", fields=fields, headers=headers or {})

    def entries(self):
        """Give what the business said."""
        transcript = self.web.get(f"{self.url}/customers/{self.name}/transcript").json()
        return [entry for entry in transcript["entries"] if entry["from"] == "business"]

    def bodies(self):
        return [entry["body"] for entry in self.entries() if entry["type"] == "text"]

    def wait_for_entries(self, count):
        return wait_for(
            lambda: entries if len(entries := self.entries()) >= count else None,
            f"{count} messages",
        )

    def wait_for_bodies(self, count):
        return wait_for(
            lambda: bodies if len(bodies := self.bodies()) >= count else None, f"{count} texts"
        )

    @property
    def id(self):
        return self.web.get(f"{self.url}/customers/{self.name}").json()["id"]


@dataclass
class Apple:
    """The emulator, with its control plane."""

    emulator: Emulator
    web: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self):
        return self.emulator.url

    def phone(self, name="ava", **profile):
        if name != "ava":
            answer = self.web.post(f"{self.url}/customers", json={"name": name, **profile})
            assert answer.status_code in (201, 409), answer.text
        return Phone(self.url, name, self.web)

    def fault(self, do, **fields):
        answer = self.web.post(f"{self.url}/emulator/faults", json={"do": do, **fields})
        assert answer.status_code == 201, answer.text

    def switch(self, **positions):
        answer = self.web.patch(f"{self.url}/emulator/switches", json=positions)
        assert answer.status_code == 200, answer.text

    def sends(self):
        """Give the journal's exchanges in which the MSP sent something."""
        journal = self.web.get(
            f"{self.url}/emulator/journal", params={"direction": "to_gateway", "limit": 5000}
        )
        return journal.json()["exchanges"]


@pytest.fixture
def apple() -> Iterator[Apple]:
    settings = EmulatorSettings(
        msp_id=MSP_ID, api_secrets=(SECRET,), business_ids=(BUSINESS_ID,), port=0
    )
    with Emulator(settings) as emulator, requests.Session() as web:
        yield Apple(emulator, web)


@dataclass
class Msp:
    """A server of ours, as `serve` runs it, in threads of this process."""

    settings: Settings
    store: Store
    url: str


@contextmanager
def running_msp(settings: Settings, agent: Agent | Router) -> Iterator[Msp]:
    """Serve on a free port while the block lasts."""
    router = agent if isinstance(agent, Router) else Router(default=agent)
    store = open_store_of(settings)
    with working(settings, store, router) as on_stored:
        port = settings.port if settings.endpoint else 0
        server = bind(create_app(settings, store, on_stored), "127.0.0.1", port)
        with serving(server, DEADLINE_S):
            yield Msp(settings, store, f"http://127.0.0.1:{server.effective_port}")
    store.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a server that never reaches its gateway."""
    return make_settings(tmp_path, "http://127.0.0.1:9/v1")


def make_settings(directory: Path, gateway_url: str, **changes: object) -> Settings:
    return Settings(
        **{
            "msp_id": MSP_ID,
            "business_ids": (BUSINESS_ID,),
            "api_secrets": (SECRET,),
            "gateway_url": gateway_url,
            "emulated": False,
            "data_dir": directory / "var",
            "database_url": f"sqlite:///{directory / 'var' / 'msp.db'}",
            **changes,
        }
    )


@pytest.fixture
def start_msp(apple: Apple, tmp_path: Path):
    """Give a function that starts a server which the emulator talks to."""

    @contextmanager
    def start(agent: Agent | Router = echo, **changes: object) -> Iterator[Msp]:
        settings = make_settings(tmp_path, f"{apple.url}/v1", **changes)
        with running_msp(settings, agent) as msp:
            apple.emulator.msp_url = msp.url
            yield msp

    return start


@pytest.fixture
def msp(start_msp) -> Iterator[Msp]:
    with start_msp() as running:
        yield running


@pytest.fixture
def new_id():
    return lambda: str(uuid.uuid4())
