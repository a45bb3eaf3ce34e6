"""Sending: takes messages from the outbox to the gateway."""

import json
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msp_server import metrics
from msp_server.delivery.completing import Completing
from msp_server.delivery.files import Files
from msp_server.errors import (
    AddressRefused,
    AttachmentError,
    AttachmentUnusable,
    CredentialsRefused,
    MspError,
    RemoteBusy,
    RemoteError,
    RemoteRefused,
    RemoteUnreachable,
    StoreError,
)
from msp_server.messages.outgoing_file import complete, files_from_json
from msp_server.remote.gateway import Gateway
from msp_server.remote.http import HttpAnswer
from msp_server.remote.transfer import Transfer
from msp_server.store.base import Entry
from msp_server.store.opening import Store
from msp_server.wire.cipher import CHUNK_BYTES, encrypt, parse_key

log = logging.getLogger(__name__)

#: The first delay before a second attempt, doubled for each further one.
FIRST_DELAY_S: Final = 0.5
#: The longest delay between two attempts.
LONGEST_DELAY_S: Final = 60.0
#: How long to wait before a store that failed is asked again to note a success.
NOTE_AGAIN_S: Final = 0.5
_TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True)
class EncryptedFile:
    """A file that is encrypted while it is read, as often as it is read."""

    path: Path
    key: bytes

    @property
    def size_bytes(self) -> int:
        """How much it measures, encrypted or not.

        Raises:
            AttachmentUnusable: it is not there any more.
        """
        with _readable():
            return self.path.stat().st_size

    def __iter__(self) -> Iterator[bytes]:
        """Give it in chunks.

        Raises:
            AttachmentUnusable: it cannot be read any more.
        """
        with _readable(), self.path.open("rb") as file:
            yield from encrypt(iter(lambda: file.read(CHUNK_BYTES), b""), self.key)


@contextmanager
def _readable() -> Iterator[None]:
    """Say of what the system refuses that it is the file's fault, and no server's."""
    try:
        yield
    except OSError as error:
        raise AttachmentUnusable(f"cannot be read any more: {error.strerror}") from error


@dataclass(frozen=True)
class Sending:
    """Sends one entry of the outbox at a time."""

    store: Store
    gateway: Gateway
    #: Uploads files.
    transfer: Transfer
    #: Fills in what must not lie in the store.
    completing: Completing
    #: Where files wait for being sent.
    outgoing: Files
    #: Gives seconds since 1970.
    now: Callable[[], float]
    #: How long an entry may fail before it is buried.
    give_up_s: float
    #: How long a store that fails is asked again to note what the gateway accepted.
    note_limit_s: float = 60.0

    def claim(self, lease_s: float) -> Entry | None:
        """Claim the next entry that is due, unless sending is held or it is too early for one."""
        return self.store.outbox.claim(self.now(), lease_s)

    def extend(self, entry: Entry, lease_s: float) -> None:
        """Keep a claim."""
        self.store.outbox.extend(entry, self.now(), lease_s)

    def bring_forward(self) -> int:
        """Make due what a clock that was set back would keep waiting."""
        return self.store.outbox.bring_forward(self.now())

    def work(self, entry: Entry) -> None:
        """Send a claimed entry; release it, hold it or bury it if that fails.

        Raises:
            StoreError: the store did not note what became of it; the entry's lease runs out, and
                it is sent again with the same id and the same bytes.
        """
        try:
            packed = entry.packed if entry.uploaded else self._upload(entry)
            if packed is None:
                return  # another worker has it now, and will send it with other bytes
            packed = self.completing.complete(entry, packed)
            answer = self._send(entry, packed)
        except CredentialsRefused as error:
            self._hold(entry, error)
        except AddressRefused as error:
            self._bury(entry, error, "its file was not uploaded")
        except RemoteRefused as error:
            asked = "gateway" if self._is_from_gateway(error) else "other side"
            self._bury(entry, error, f"the {asked} will not accept it")
        except RemoteError as error:
            self._release(entry, error)
        except AttachmentError as error:
            self._bury(entry, error, "its file cannot be had any more")
        else:
            self._end(entry, read_data_ref(answer.body))

    def send_next(self, lease_s: float = 60) -> bool:
        """Send the next entry that is due; False when there is none."""
        entry = self.claim(lease_s)
        if entry is not None:
            self.work(entry)
        return entry is not None

    def _send(self, entry: Entry, packed: bytes) -> HttpAnswer:
        """Send a message's bytes, and count what is answered."""
        try:
            answer = self.gateway.send(entry.headers, packed, entry.message_id, entry.endpoint)
        except RemoteError as error:
            metrics.count_send(error.status)
            raise
        metrics.SENDS.labels("accepted").inc()
        return answer

    def _end(self, entry: Entry, data_ref: str | None) -> None:
        """Be done with a message that the gateway accepted."""
        if not self._note_accepted(entry, data_ref):
            log.warning("accepted too late, claim lost message_id=%.80r", entry.message_id)
            return
        self._drop_files(entry)
        log.info(
            "sent message_id=%.80r kind=%s attempts=%d unsure=%d",
            entry.message_id,
            entry.kind,
            entry.attempts,
            entry.unsure,
        )

    def _note_accepted(self, entry: Entry, data_ref: str | None) -> bool:
        """Note that the gateway accepted a message: who leaves it at that sends it twice.

        Returns:
            False when the claim had been lost meanwhile; then nothing was changed.

        Raises:
            StoreError: the store failed for `note_limit_s`.
        """
        ends_at = time.monotonic() + self.note_limit_s
        while True:
            try:
                return self.store.outbox.finish(entry, self.now(), data_ref)
            except StoreError as error:
                if time.monotonic() >= ends_at:
                    raise
                log.warning("not noted yet message_id=%.80r error=%s", entry.message_id, error)
                time.sleep(NOTE_AGAIN_S)

    def _upload(self, entry: Entry) -> bytes | None:
        """Upload a message's files, and give its bytes, which stay the same from now on.

        Returns:
            None when the claim had been lost meanwhile.
        """
        files = files_from_json(entry.files)
        business_id = entry.headers["Source-Id"]
        uploaded = []
        for file in files:
            body = EncryptedFile(self.outgoing.path(file.file), parse_key(file.key))
            uploaded.append(self.transfer.upload(business_id, body, entry.message_id))
            metrics.ATTACHMENT_BYTES.labels("up").inc(file.size_bytes)
            log.info("uploaded message_id=%.80r size_bytes=%d", entry.message_id, file.size_bytes)
        packed = complete(entry.packed, files, uploaded)
        return packed if self.store.outbox.complete(entry, packed) else None

    def _drop_files(self, entry: Entry) -> None:
        """Remove the files of a message that has ended; what is missed, the next start sweeps."""
        for file in files_from_json(entry.files):
            self.outgoing.remove(file.file)

    def _hold(self, entry: Entry, error: CredentialsRefused) -> None:
        now = self.now()
        delay_s = self.store.pace.hold(now, 0, backoff_s)
        metrics.PAUSES.inc()
        metrics.RETRIES.labels("sending").inc()
        self.store.outbox.hold(entry, str(error), now, delay_s)
        log.error(
            "held message_id=%.80r error=%s; all sending pauses for %.1f s: "
            "check MSP_ID, MSP_SECRET and MSP_GATEWAY",
            entry.message_id,
            error,
            delay_s,
        )

    def _release(self, entry: Entry, error: RemoteError) -> None:
        now = self.now()
        if self._is_unsure(entry, error):
            entry = self.store.outbox.doubt(entry)
        if isinstance(error, RemoteBusy) and self._is_too_fast(error):
            self._slow_down(entry, error, now)
        doubled_s = FIRST_DELAY_S * 2.0 ** min(entry.attempts, 32)
        failing_s = fails_for_s(entry.failing_since, now, doubled_s)
        delay_s = delay_after_s(failing_s)
        if isinstance(error, RemoteBusy) and error.delay_s is not None:
            delay_s = max(delay_s, error.delay_s)
        delay_s = min(delay_s, self.give_up_s - failing_s)  # one last attempt when time is up
        if delay_s <= 0:
            self._bury(entry, error, f"given up after {failing_s:.0f} s (MSP_SEND_GIVE_UP_S)")
            return
        metrics.RETRIES.labels("sending").inc()
        self.store.outbox.release(entry, str(error), now, delay_s)
        log.warning(
            "released message_id=%.80r attempts=%d unsure=%d again_in_s=%.1f error=%s",
            entry.message_id,
            entry.attempts,
            entry.unsure,
            delay_s,
            error,
        )

    def _slow_down(self, entry: Entry, error: RemoteBusy, now: float) -> None:
        """Let all wait when the gateway finds that we send too much, not one conversation alone.

        A 503 holds nobody else: it speaks of the gateway, of which Apple has more than one.
        """
        pause_s = self.store.pace.hold(now, error.delay_s or 0, backoff_s)
        metrics.PAUSES.inc()
        log.warning(
            "slowed message_id=%.80r; nothing is sent for %.1f s: "
            "the gateway takes no more, set MSP_SENDS_PER_S",
            entry.message_id,
            pause_s,
        )

    def _is_too_fast(self, error: RemoteBusy) -> bool:
        return error.status == _TOO_MANY_REQUESTS and self._is_from_gateway(error)

    def _is_unsure(self, entry: Entry, error: RemoteError) -> bool:
        """Tell whether the message itself, and not what it needs, was on its way."""
        address = f"{self.gateway.base_url}/{entry.endpoint}"
        return isinstance(error, RemoteUnreachable) and error.unsure and error.address == address

    def _is_from_gateway(self, error: RemoteError) -> bool:
        return error.address.startswith(self.gateway.base_url)

    def _bury(self, entry: Entry, error: MspError, why: str) -> None:
        answer = error.answer if isinstance(error, RemoteError) else ""
        said = f", which said: {answer}" if answer else ""
        if self.store.outbox.bury(entry, f"{why}: {error}{said}", self.now()):
            log.error(
                "buried message_id=%.80r kind=%s unsure=%d %s error=%s",
                entry.message_id,
                entry.kind,
                entry.unsure,
                why,
                error,
            )


def read_data_ref(answer: bytes) -> str | None:
    """Give the `dataRef` of the gateway's answer, as JSON; None if there is none.

    Source: MSP API Tutorial, exercise 08.
    """
    try:
        fields = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    data_ref = fields.get("dataRef") if isinstance(fields, dict) else None
    return json.dumps(data_ref) if isinstance(data_ref, dict) and data_ref else None


def fails_for_s(since: float | None, now: float, limit_s: float) -> float:
    """Give how long something fails, seconds.

    Args:
        since: seconds since 1970; None if this is its first failure.
        now: seconds since 1970; before `since` if the clock was set back.
        limit_s: the most that its attempts account for. More is not believed: a clock that was
            set forward between two of them would bury what failed for a moment.
    """
    return min(max(0.0, now - (now if since is None else since)), limit_s)


def delay_after_s(failing_s: float) -> float:
    """Give the delay before the next attempt: as long as it has failed, so each is the double.

    Attempts are not counted: those that we were at fault for make nobody wait.
    """
    return min(LONGEST_DELAY_S, FIRST_DELAY_S + failing_s) * _jitter()


def backoff_s(attempts: int) -> float:
    """Give the delay after so many attempts: doubled each time."""
    longest = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempts - 1, 16))
    return longest * _jitter()


def _jitter() -> float:
    """Shorten a delay by up to half at random, so that many senders do not come back together."""
    return random.uniform(0.5, 1)  # noqa: S311 - a delay, not a secret
