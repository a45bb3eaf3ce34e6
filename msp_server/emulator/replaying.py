"""Plays the customer's half of a conversation again; compares what the MSP says now with then."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import requests

from msp_server.emulator.comparing import compare
from msp_server.emulator.conversation_file import (
    SavedConversation,
    SavedDeed,
    SavedMessage,
    parse_conversation,
)
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.shapes import objects_in, text_in

#: How long one request to the emulator may take: the MSP has 30 s for each call of a payment.
_REQUEST_LIMIT_S: Final = 300.0
#: The longest the emulator lets a reader wait.
_WAIT_LIMIT_S: Final = 30.0


class ReplayImpossible(Exception):
    """A conversation cannot be played at all; the text is a sentence that says why."""


@dataclass(frozen=True)
class Waiting:
    """How long a replay waits."""

    #: For as many answers as there were then, after each thing that the customer does.
    answers_s: float = 30.0
    #: For one more, once they have come.
    more_s: float = 0.3


@dataclass(frozen=True)
class Replay:
    """How a replay went."""

    #: What is said now.
    now: SavedConversation
    #: A unified diff, as far as it went; empty where nothing differs.
    diff: str
    #: Why it went no further, if it did not go to the end.
    stopped: str | None = None

    @property
    def same(self) -> bool:
        """Whether the MSP says what it said then."""
        return not self.diff and self.stopped is None


@dataclass(frozen=True)
class Part:
    """One thing the customer does, and what the business said until the next."""

    number: int
    message: SavedMessage
    answers: tuple[int, ...]


def replay(
    url: str,
    then: SavedConversation,
    waiting: Waiting | None = None,
    name: str = "conversation",
    ignored: Collection[str] = (),
) -> Replay:
    """Play a conversation on a running emulator.

    Args:
        url: where the emulator is.
        then: the conversation.
        waiting: how long to wait.
        name: what to call the conversation in the diff.
        ignored: keys that do not count.

    Raises:
        ReplayImpossible: there is nothing to play, or the MSP is not there.
    """
    first, parts = _split(then.messages)
    if not parts:
        raise ReplayImpossible("The conversation holds nothing that the customer did")
    if first:
        raise ReplayImpossible(
            f"The conversation begins with {first} of the business: a replay plays the customer's "
            "half, and has nothing that would bring these about"
        )
    with requests.Session() as web:
        web.trust_env = False
        player = _Player(web, url, waiting or Waiting())
        player.take_phone(then.customer)
        for part in parts:
            stopped = player.play(part)
            if stopped is not None:
                break
        now = player.save(then.customer)
    played = SavedConversation(then.customer, then.messages[: part.number + len(part.answers)])
    return Replay(now, compare(played, now, name, ignored), stopped)


def _split(messages: tuple[SavedMessage, ...]) -> tuple[int, list[Part]]:
    """Give how many messages stand before the customer's first, and the parts."""
    starts = [n for n, message in enumerate(messages) if message.sender == "customer"]
    ends = [*starts[1:], len(messages)]
    return (starts[0] if starts else len(messages)), [
        Part(start + 1, messages[start], tuple(range(start + 2, end + 1)))
        for start, end in zip(starts, ends, strict=False)
    ]


@dataclass
class _Player:
    """Does what the customer did, on one phone."""

    web: requests.Session
    url: str
    waiting: Waiting
    #: The phone's name on the emulator.
    name: str = ""
    #: The last message on the phone that was seen.
    seen: int = 0
    #: By the number of a message of the business then: the id of the one that came now.
    ids: dict[int, str] = field(default_factory=dict)

    def take_phone(self, customer: JsonObject) -> None:
        """Have a customer like the one there was, on whose phone there is nothing."""
        name, business_id = text_in(customer, "name"), text_in(customer, "business_id")
        told = self._call("GET", "/emulator/")
        known = told.get("business_ids")
        business = business_id if isinstance(known, list) and business_id in known else None
        profile = {k: v for k, v in customer.items() if k not in ("name", "business_id")}
        customers = objects_in(self._call("GET", "/customers"), "customers")
        present = next((each for each in customers if each["name"] == name), None)
        if present and business == present["business_id"] and self._is_empty(str(name)):
            self.name = str(self._call("PATCH", f"/customers/{name}", profile)["name"])
        else:
            new: JsonObject = {"business_id": business} if business else {}
            new |= {"name": name} if name and present is None else {}
            self.name = str(self._call("POST", "/customers", new | profile)["name"])

    def play(self, part: Part) -> str | None:
        """Do one thing and wait for the answers; give why the replay cannot go on, or None."""
        deed = part.message.deed or _as_raw(part.message)
        told = dict(deed.fields)
        if deed.to is not None:
            if deed.to not in self.ids:
                return f"Message {part.number}: message {deed.to}, which it is about, did not come"
            told["to"] = self.ids[deed.to]
        before = self.seen
        answer = self.web.post(
            f"{self.url}/customers/{self.name}/{deed.name}", json=told, timeout=_REQUEST_LIMIT_S
        )
        if answer.status_code == 502 and before == 0:
            raise ReplayImpossible(_reason_of(answer))
        if answer.status_code not in (200, 502):
            return f"Message {part.number}: the customer cannot {deed.name}: {_reason_of(answer)}"
        came = self._await(before, len(part.answers))
        self.ids |= dict(zip(part.answers, map(str, (each["id"] for each in came)), strict=False))
        if len(came) < len(part.answers):
            return self._tell_missing(part, len(came))
        return None

    def save(self, customer: JsonObject) -> SavedConversation:
        """Give the conversation as it is now, under the customer there was."""
        answer = self.web.get(
            f"{self.url}/customers/{self.name}/transcript/file", timeout=_REQUEST_LIMIT_S
        )
        return SavedConversation(customer, parse_conversation(answer.content).messages)

    def _is_empty(self, name: str) -> bool:
        return not objects_in(self._call("GET", f"/customers/{name}/transcript"), "entries")

    def _await(self, after: int, count: int) -> list[JsonObject]:
        """Wait for so many messages of the business, and for those that nobody expects."""
        deadline = time.monotonic() + self.waiting.answers_s
        came = self._read(after, 0.0)
        while (left_s := deadline - time.monotonic()) > 0:
            enough = len(came) >= count
            more = self._read(self.seen, min(left_s, self.waiting.more_s) if enough else left_s)
            if enough and not more:
                break
            came += more
        return came

    def _read(self, after: int, wait_s: float) -> list[JsonObject]:
        """Read what the business sent after a message on the phone."""
        wait = f"{min(wait_s, _WAIT_LIMIT_S):.3f}"
        path = f"/customers/{self.name}/transcript?after={after}&wait_s={wait}"
        entries = objects_in(self._call("GET", path), "entries")
        self.seen = max([self.seen, *(int(str(entry["seq"])) for entry in entries)])
        return [entry for entry in entries if entry["from"] == "business"]

    def _tell_missing(self, part: Part, count: int) -> str:
        what = (part.message.deed or _as_raw(part.message)).name
        sentence = (
            f"Message {part.number} ({what}) was answered by {len(part.answers)} then, and by "
            f"{count} in {self.waiting.answers_s:g} s now"
        )
        exchanges = objects_in(
            self._call("GET", "/emulator/journal?direction=to_gateway"), "exchanges"
        )
        refused = [text_in(each, "reason") for each in exchanges if each.get("status") != 200]
        if refused:
            return f"{sentence}; the gateway refused what the MSP sent: {refused[-1]}"
        if not exchanges:
            return (
                f"{sentence}; nothing came to the gateway at {self.url}/v1: is that where the MSP "
                "sends to (MSP_GATEWAY)? --port says on which port the gateway listens"
            )
        return sentence

    def _call(self, method: str, path: str, fields: JsonObject | None = None) -> JsonObject:
        answer = self.web.request(
            method, f"{self.url}{path}", json=fields, timeout=_REQUEST_LIMIT_S
        )
        if answer.status_code >= 400:
            raise ReplayImpossible(_reason_of(answer))
        told = answer.json()
        return told if isinstance(told, dict) else {}


def _as_raw(message: SavedMessage) -> SavedDeed:
    """Give the deed that sends what nobody knows the deed of."""
    return SavedDeed("raw", {"fields": {"type": message.kind} | message.fields})


def _reason_of(answer: requests.Response) -> str:
    """Give the sentence of the emulator's answer."""
    told = answer.json()
    if not isinstance(told, dict):
        return f"The emulator answered {answer.status_code}"
    steps = objects_in(told, "steps")
    receipt = told.get("message")
    sources = [told, *([receipt] if isinstance(receipt, dict) else []), *steps]
    reasons = (text_in(source, "error") for source in sources)
    return next(filter(None, reasons), f"The emulator answered {answer.status_code}")
