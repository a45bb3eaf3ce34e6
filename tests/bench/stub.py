"""The smallest gateway there can be: answers each message at once, and notes when it came.

It checks nothing; what it costs is little beside what is measured. `python stub.py PORT`.
"""

import asyncio
import json
import re
import sys
import time
from urllib.parse import parse_qsl

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class State:
    """What all connections share."""

    def __init__(self):
        self.arrivals = []
        self.status = 200
        self.delay_s = 0.0

    def reset(self, query):
        mode = dict(parse_qsl(query))
        self.arrivals = []
        self.status = int(mode.get("status", 200))
        self.delay_s = float(mode.get("delay_s", 0))

    def first_arrivals(self):
        """Give when each text came for the first time, by its words."""
        first = {}
        for body, at in self.arrivals:
            first.setdefault(json.loads(body).get("body"), at)
        return first


class Connection(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, state):
        self._state = state
        self._unread = b""

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._unread += data
        while (head_end := self._unread.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._unread, 0, head_end)
            end = head_end + 4 + (int(length[1]) if length else 0)
            if len(self._unread) < end:
                return
            head, body = self._unread[:head_end], self._unread[head_end + 4 : end]
            self._unread = self._unread[end:]
            self._take(head, body)

    def _take(self, head, body):
        if head.startswith(b"POST"):
            if self._state.status == 200:
                self._state.arrivals.append((body, time.monotonic()))
            loop = asyncio.get_running_loop()
            loop.call_later(self._state.delay_s, self._answer, self._state.status, b"")
        else:
            path, _, query = head.split(b" ")[1].decode().partition("?")
            self._answer(200, json.dumps(self._tell(path, query)).encode())

    def _tell(self, path, query):
        match path:
            case "/count":
                return len(self._state.arrivals)
            case "/arrivals":
                return self._state.first_arrivals()
            case "/reset":
                return self._state.reset(query)

    def _answer(self, status, body):
        if not self._transport.is_closing():
            head = b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            self._transport.write(head + body)


async def main(port):
    """Serve until told to stop."""
    state = State()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(state), "127.0.0.1", port, backlog=256)
    print("up", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
