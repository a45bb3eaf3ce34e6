"""Customers who write without pause, and what the gateway saw of the answers."""

import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass

import requests

#: How long a customer waits who was not acknowledged.
PAUSE_S = 0.15
LIMIT_S = 60


@dataclass(frozen=True)
class Written:
    """A message of a customer that the server acknowledged."""

    message_id: str
    customer: str
    body: str


@dataclass(frozen=True)
class Attempt:
    """A request of the server's to send something."""

    message_id: str
    customer: str | None
    body: str
    body_sha256: str
    status: int | None


class Load:
    """Customers who write without pause, as far as they may, and remember what was acknowledged.

    Every other one is like Apple, which delivers again what was not acknowledged; the rest write
    something new.
    """

    def __init__(self, apple, customers):
        self.written = []
        self._allowed = 0
        self._stopping = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._write, args=(apple.phone(name), bool(place % 2)))
            for place, name in enumerate(customers)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    def stop(self):
        """Let every customer end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def go_on(self, allowed, awaited):
        """Let some more messages be acknowledged, and wait for the first of them."""
        with self._changed:
            self._allowed = len(self.written) + allowed
            wanted = len(self.written) + awaited
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: len(self.written) >= wanted, LIMIT_S)

    def _write(self, phone, repeats):
        with requests.Session() as phone.web:
            number = 0
            message = None
            while self._may_go_on():
                if message is None or not repeats:
                    number += 1
                    message = Written(str(uuid.uuid4()), phone.name, f"{phone.name} {number}")
                fields = {"id": message.message_id, "type": "text", "body": message.body}
                if phone.raw(fields)["status"] == 200:
                    self._note(message)
                    message = None
                else:
                    threading.Event().wait(PAUSE_S)

    def _may_go_on(self):
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or len(self.written) < self._allowed)
            return not self._stopping

    def _note(self, message):
        with self._changed:
            self.written.append(message)
            self._changed.notify_all()


class Attempts:
    """Every request of the server's to send something, collected while the journal forgets."""

    def __init__(self, apple):
        self.made = []
        self._journal = apple.emulator._parts.journal
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._collect)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._stopping.set()
        self._thread.join()

    def accepted(self):
        """Give those that the gateway accepted, by message id, in the order of their first one."""
        found = defaultdict(list)
        for attempt in list(self.made):
            if attempt.status == 200:
                found[attempt.message_id].append(attempt)
        return found

    def _collect(self):
        seen = 0
        while not self._stopping.is_set():
            for exchange in self._journal.select(lambda each, seen=seen: each.seq > seen, 0.2):
                seen = exchange.seq
                if exchange.direction == "to_gateway":
                    self.made.append(
                        Attempt(
                            exchange.message_id,
                            exchange.customer,
                            (exchange.fields or {}).get("body"),
                            exchange.body_sha256,
                            exchange.status,
                        )
                    )
