"""Fetching: gets what a message points at, at once: references live for seconds."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from msp_server import metrics
from msp_server.delivery.files import Files
from msp_server.delivery.resolving import ANSWER_LIMIT_BYTES, read_answer
from msp_server.delivery.sending import backoff_s, fails_for_s
from msp_server.errors import (
    AddressRefused,
    AttachmentError,
    AttachmentUnusable,
    KeyUnreadable,
    RemoteError,
    RemoteRefused,
    SizeMismatch,
    WebhookError,
)
from msp_server.messages.references import ANSWER_PLACE
from msp_server.remote.transfer import Stored, Transfer
from msp_server.store.fetches import Fetch
from msp_server.store.opening import Store
from msp_server.wire.cipher import decrypt, parse_key
from msp_server.wire.packing import UNPACKED_LIMIT_BYTES, unpack

log = logging.getLogger(__name__)

#: How long a reference may fail: the conversation waits meanwhile.
GIVE_UP_S: Final = 60.0
#: The most that one attempt is counted for: so there are three at least, whatever the clock says.
_ATTEMPT_LIMIT_S: Final = GIVE_UP_S / 3
#: How often what was refused, or came in another size, is tried: each time with a fresh address.
REFUSALS_LIMIT: Final = 4


@dataclass(frozen=True)
class Fetching:
    """Fetches one reference at a time."""

    store: Store
    transfer: Transfer
    #: Where attachments are kept.
    attachments: Files
    #: Gives seconds since 1970.
    now: Callable[[], float]
    #: Called when a message may have become ready to be answered.
    on_fetched: Callable[[], None]

    def claim(self, lease_s: float) -> Fetch | None:
        """Claim the next reference that is due."""
        return self.store.fetches.claim(self.now(), lease_s)

    def extend(self, fetch: Fetch, lease_s: float) -> None:
        """Keep a claim."""
        self.store.fetches.extend(fetch, self.now(), lease_s)

    def bring_forward(self) -> int:
        """Make due what a clock that was set back would keep waiting."""
        return self.store.fetches.bring_forward(self.now())

    def work(self, fetch: Fetch) -> None:
        """Fetch a claimed reference; release it or note that it failed if it cannot be had.

        Raises:
            StoreError: the store did not note what became of it; the lease runs out, and it is
                fetched again.
        """
        problem = fetch.reference.problem
        if problem is not None:
            self._fail(fetch, problem)
            return
        try:
            if fetch.reference.place == ANSWER_PLACE:
                self._fetch_answer(fetch)
            else:
                self._fetch_file(fetch)
        except (KeyUnreadable, AttachmentUnusable, WebhookError) as error:
            self._fail(fetch, str(error))
        except AddressRefused as error:
            log.error("refused message_id=%.80r error=%s", fetch.message_id, error)  # noqa: TRY400 - nothing more to see
            self._fail(fetch, str(error))
        except (SizeMismatch, RemoteRefused) as error:
            self._retry(fetch, error, final=fetch.attempts >= REFUSALS_LIMIT)
        except (AttachmentError, RemoteError) as error:
            self._retry(fetch, error, final=False)

    def fetch_next(self, lease_s: float = 60) -> bool:
        """Fetch the next reference that is due; False when there is none."""
        fetch = self.claim(lease_s)
        if fetch is not None:
            self.work(fetch)
        return fetch is not None

    def _fetch_file(self, fetch: Fetch) -> None:
        key = parse_key(fetch.reference.key)
        with self._download(fetch) as chunks:
            stored = self.attachments.write(decrypt(chunks, key), _file_name(fetch))
        if self.store.fetches.finish_file(fetch, stored.name, self.now()):
            self._tell(fetch, stored.size_bytes)

    def _fetch_answer(self, fetch: Fetch) -> None:
        key = parse_key(fetch.reference.key)
        with self._download(fetch) as chunks:
            packed = bytearray()
            for chunk in decrypt(chunks, key):
                packed += chunk
                if len(packed) > ANSWER_LIMIT_BYTES:
                    raise AttachmentUnusable(f"measures more than {ANSWER_LIMIT_BYTES} bytes")
        answer = self.transfer.decode_payload(
            fetch.business_id, fetch.reference.bid or "", bytes(packed), fetch.message_id
        )
        raw = unpack(self.store.inbox.packed(fetch.inbox_seq), UNPACKED_LIMIT_BYTES)
        content = read_answer(raw, answer)
        if self.store.fetches.finish_answer(fetch, answer, content, self.now()):
            self._tell(fetch, len(answer))

    def _download(self, fetch: Fetch) -> AbstractContextManager[Iterator[bytes]]:
        reference = fetch.reference
        return self.transfer.download(
            fetch.business_id,
            Stored(reference.url, reference.owner, reference.signature),
            reference.size_bytes,
            fetch.message_id,
        )

    def _tell(self, fetch: Fetch, size_bytes: int) -> None:
        metrics.ATTACHMENT_BYTES.labels("down").inc(size_bytes)
        log.info(
            "fetched message_id=%.80r place=%d size_bytes=%d attempts=%d",
            fetch.message_id,
            fetch.reference.place,
            size_bytes,
            fetch.attempts,
        )
        self.on_fetched()

    def _retry(self, fetch: Fetch, error: Exception, *, final: bool) -> None:
        now = self.now()
        failing_s = fails_for_s(fetch.failing_since, now, fetch.attempts * _ATTEMPT_LIMIT_S)
        if final or failing_s >= GIVE_UP_S:
            self._fail(fetch, str(error))
            return
        metrics.RETRIES.labels("fetching").inc()
        self.store.fetches.release(fetch, str(error), now, backoff_s(fetch.attempts))
        log.warning(
            "released message_id=%.80r place=%d attempts=%d error=%s",
            fetch.message_id,
            fetch.reference.place,
            fetch.attempts,
            error,
        )

    def _fail(self, fetch: Fetch, reason: str) -> None:
        if self.store.fetches.fail(fetch, reason, self.now()):
            log.error(
                "not fetched message_id=%.80r place=%d attempts=%d, its reason is in: "
                "python -m msp_server messages attachments",
                fetch.message_id,
                fetch.reference.place,
                fetch.attempts,
            )
            self.on_fetched()


def _file_name(fetch: Fetch) -> str:
    """Name the file of a reference: always the same, so that a second try replaces the first."""
    return hashlib.sha256(f"{fetch.message_id}/{fetch.reference.place}".encode()).hexdigest()[:32]
