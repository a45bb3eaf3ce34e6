"""The addresses at which a file can be uploaded once, or downloaded for a while."""

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeVar

from msp_server.emulator.checks import ASSUMED, Refused
from msp_server.emulator.mmcs import Stored, new_owner

#: Addresses of each sort that are remembered; the oldest go first.
TICKET_LIMIT: Final = 10_000

T = TypeVar("T")


@dataclass(frozen=True)
class Upload:
    """A file that was announced."""

    business_id: str
    size_bytes: int
    #: Under which name it will rest.
    owner: str


@dataclass(frozen=True)
class _Download:
    stored: Stored
    #: On the clock that only goes forward.
    ends_s: float


class Tickets:
    """What each token of an address stands for; safe for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        #: None once it was used.
        self._uploads: OrderedDict[str, Upload | None] = OrderedDict()
        self._downloads: OrderedDict[str, _Download] = OrderedDict()

    def announce(self, business_id: str, size_bytes: int) -> tuple[str, Upload]:
        """Make the token of an address for one upload."""
        upload = Upload(business_id, size_bytes, new_owner())
        with self._lock:
            return _remember(self._uploads, upload), upload

    def use_upload(self, token: str) -> Upload:
        """Use up the address of an upload, however that ends.

        Raises:
            Refused: 404 there is none, 403 it was used already.

        Source: assumed.
        """
        with self._lock:
            if token not in self._uploads:
                raise Refused(
                    404,
                    "upload-url-unknown",
                    "This is no upload-url: POST to exactly the one that GET /v1/preUpload gave",
                    ASSUMED,
                )
            upload, self._uploads[token] = self._uploads[token], None
        if upload is None:
            raise Refused(
                403,
                "upload-url-used",
                "This upload-url was used already, and holds for one request whatever its answer: "
                "start again with GET /v1/preUpload",
                ASSUMED,
            )
        return upload

    def offer(self, stored: Stored, lasts_s: float) -> str:
        """Make the token of an address from which a file can be fetched for so long."""
        with self._lock:
            return _remember(self._downloads, _Download(stored, time.monotonic() + lasts_s))

    def find_download(self, token: str) -> Stored:
        """Give the file that an address leads to.

        Raises:
            Refused: 404 there is no such address, 403 it has expired.

        Source: observed (addresses expire), assumed (the statuses).
        """
        with self._lock:
            download = self._downloads.get(token)
        if download is None:
            raise Refused(
                404,
                "download-url-unknown",
                "This is no download-url: GET exactly the one that GET /v1/preDownload gave",
                ASSUMED,
            )
        if time.monotonic() >= download.ends_s:
            raise Refused(
                403,
                "download-url-expired",
                "This download-url has expired: fetch at once, or start again with "
                "GET /v1/preDownload (the switch download_expiry_s says how long it holds)",
                ASSUMED,
            )
        return download.stored

    def clear(self) -> None:
        """Forget every address."""
        with self._lock:
            self._uploads.clear()
            self._downloads.clear()


def _remember(tickets: OrderedDict[str, T], ticket: T) -> str:
    token = secrets.token_urlsafe(32)
    tickets[token] = ticket
    while len(tickets) > TICKET_LIMIT:
        tickets.popitem(last=False)
    return token
