"""For pytest: the fixture `msp_emulator`, an emulator of one's own for each test.

It serves an MSP in any language: the test starts it, or it runs already.
"""

import base64
import secrets
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
import requests

from msp_server.emulator.app import Emulator
from msp_server.emulator.conversation_file import FileUnfit, parse_conversation
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.profile import FIRST_NAME
from msp_server.emulator.replaying import ReplayImpossible, Waiting, replay
from msp_server.emulator.settings import EmulatorSettings, parse_business_ids, parse_secrets
from msp_server.emulator.shapes import objects_in

_REQUEST_LIMIT_S: Final = 300.0
#: How long a reader of a transcript may wait at once.
_WAIT_LIMIT_S: Final = 30.0
#: How long a test waits for answers if it does not say.
_ANSWERS_LIMIT_S: Final = 10.0
_SECRET_BYTES: Final = 32
#: Lines of pytest's own settings: name, what it says, what holds without it.
_LINES: Final = (
    ("msp_emulator_msp", "base address of the MSP under test", EmulatorSettings.msp_url),
    ("msp_emulator_port", "port of the gateway; 0 takes a free one", "0"),
    ("msp_emulator_msp_id", "the MSP's id", "0a1b2c3d-0000-4000-8000-000000000001"),
    ("msp_emulator_secret", "secret shared with the MSP, in Base64; else one is made", ""),
    ("msp_emulator_business_id", "id of a business; several with commas", "example-business"),
)


@dataclass
class Phone:
    """One customer's phone."""

    url: str
    name: str
    web: requests.Session
    #: Up to here `wait_for_answers` gave what came.
    seen: int = 0

    def text(self, body: str) -> JsonObject:
        """Write a text; gives the receipt."""
        return self.do("text", body=body)

    def do(self, deed: str, **fields: object) -> JsonObject:
        """Do what a finger does: `tap`, `choose`, `pay` and whatever else the JSON API has.

        Fails the test where it cannot be done, or the MSP gives no answer.
        """
        answer = self.web.post(
            f"{self.url}/customers/{self.name}/{deed}", json=fields, timeout=_REQUEST_LIMIT_S
        )
        told: JsonObject = answer.json()
        if answer.status_code != 200:
            pytest.fail(f"{self.name} cannot {deed}: {told.get('error', told)}")
        return told

    def wait_for_answers(
        self, count: int = 1, limit_s: float = _ANSWERS_LIMIT_S
    ) -> list[JsonObject]:
        """Give the business's next messages, as the transcript shows them; what follows waits.

        Fails the test where fewer come in time.
        """
        deadline = time.monotonic() + limit_s
        answers: list[JsonObject] = []
        after = self.seen
        while len(answers) < count and (left_s := deadline - time.monotonic()) > 0:
            entries = self._read(after, left_s)
            after = max([after, *map(_seq_of, entries)])
            answers += [entry for entry in entries if entry["from"] == "business"]
        if len(answers) < count:
            shown = [each.get("body", each.get("shows", each["type"])) for each in answers]
            pytest.fail(f"{len(answers)} of {count} answers came in {limit_s:g} s: {shown}")
        given = answers[:count]
        self.seen = max([self.seen, *map(_seq_of, given)])
        return given

    def _read(self, after: int, wait_s: float) -> list[JsonObject]:
        answer = self.web.get(
            f"{self.url}/customers/{self.name}/transcript",
            params={"after": str(after), "wait_s": f"{min(wait_s, _WAIT_LIMIT_S):.3f}"},
            timeout=_REQUEST_LIMIT_S,
        )
        return objects_in(answer.json(), "entries")


class MspEmulator(Phone):
    """An emulator that runs, and the phone of its first customer."""

    def __init__(
        self, emulator: Emulator, settings: EmulatorSettings, web: requests.Session
    ) -> None:
        super().__init__(emulator.url, FIRST_NAME, web)
        self._emulator = emulator
        #: What the MSP sends to.
        self.gateway_url = f"{emulator.url}/v1"
        self.msp_id = settings.msp_id
        #: The secret shared with the MSP, in Base64.
        self.secret = base64.b64encode(settings.api_secrets[0]).decode()
        self.business_ids = settings.business_ids

    @property
    def msp_url(self) -> str:
        """Base address of the MSP under test; may be set at any time."""
        return self._emulator.msp_url

    @msp_url.setter
    def msp_url(self, url: str) -> None:
        self._emulator.msp_url = url

    @property
    def environment(self) -> dict[str, str]:
        """What an MSP that is started for the test has to know, by the names used here."""
        return {
            "MSP_ID": self.msp_id,
            "MSP_SECRET": self.secret,
            "MSP_BUSINESS_ID": ",".join(self.business_ids),
            "MSP_GATEWAY": self.gateway_url,
        }

    def customer(self, name: str, **profile: object) -> Phone:
        """Add a customer: `device`, `locale`, `business_id` and whatever else a profile has."""
        new = {"name": name, **profile}
        answer = self.web.post(f"{self.url}/customers", json=new, timeout=_REQUEST_LIMIT_S)
        if answer.status_code != 201:
            pytest.fail(str(answer.json()["error"]))
        return Phone(self.url, name, self.web)

    def replay(
        self,
        file: str | Path,
        ignored: Collection[str] = (),
        waiting: Waiting | None = None,
    ) -> None:
        """Play a saved conversation; fails the test with a diff where the MSP says another thing.

        Args:
            file: what the phone saved.
            ignored: keys of messages whose values do not count.
            waiting: how long to wait.
        """
        path = Path(file)
        try:
            then = parse_conversation(path.read_bytes())
            played = replay(self.url, then, waiting, path.name, ignored)
        except (FileUnfit, ReplayImpossible) as error:
            pytest.fail(f"{path.name} cannot be played: {error}")
        if not played.same:
            pytest.fail("\n".join(filter(None, (played.stopped, played.diff))), pytrace=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let pytest's own settings say what the emulator has to know."""
    for name, what, default in _LINES:
        parser.addini(name, f"Emulator of Apple's Messages for Business: {what}.", default=default)


@pytest.fixture
def msp_emulator_settings(pytestconfig: pytest.Config) -> EmulatorSettings:
    """Give the emulator's settings, out of pytest's own; a fixture of the same name replaces it."""
    ini = {name: str(pytestconfig.getini(name)).strip() for name, _, _ in _LINES}
    secret = ini["msp_emulator_secret"]
    return EmulatorSettings(
        msp_id=ini["msp_emulator_msp_id"],
        api_secrets=parse_secrets(secret) or (secrets.token_bytes(_SECRET_BYTES),),
        business_ids=parse_business_ids(ini["msp_emulator_business_id"]),
        msp_url=ini["msp_emulator_msp"],
        port=int(ini["msp_emulator_port"]),
        seed=uuid4().hex,
    )


@pytest.fixture
def msp_emulator(msp_emulator_settings: EmulatorSettings) -> Iterator[MspEmulator]:
    """Give an emulator of Apple's side; its customers are strangers to every MSP."""
    with Emulator(msp_emulator_settings) as emulator, requests.Session() as web:
        web.trust_env = False  # no proxy and no .netrc between us and loopback
        yield MspEmulator(emulator, msp_emulator_settings, web)


def _seq_of(entry: JsonObject) -> int:
    return int(str(entry["seq"]))
