"""Requests to the MSP under test, as Apple makes them."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TypeAlias
from uuid import uuid4

import requests
from urllib3.exceptions import HTTPError

from msp_server.emulator.journal import Exchange, Journal, fingerprint, shown_headers, shown_token
from msp_server.emulator.packing import JsonObject, pack, to_json
from msp_server.emulator.phones import Customer
from msp_server.emulator.tokens import sign

#: Source: MSP REST API, "Receiving Messages" (Apple waits up to 30 s; an older text).
TIMEOUT_S = 30.0
#: How much of an answer's body is read, and how much of that a reason quotes.
ANSWER_LIMIT_BYTES = 64 * 1024
QUOTE_LIMIT = 200
SESSION_LIMIT = 16

#: Headers to replace, or with None to leave out.
Overrides: TypeAlias = Mapping[str, str | None]


@dataclass(frozen=True)
class Outcome:
    """How one request to the MSP ended."""

    #: The answer's HTTP status; None when there was no answer.
    status: int | None
    #: Why the message counts as not delivered; None when the MSP answered 200.
    error: str | None
    seconds: float


class Msp:
    """The MSP under test. Keeps connections open from one request to the next."""

    def __init__(self, url: str, msp_id: str, api_secret: bytes, journal: Journal) -> None:
        #: Base address; may be set at any time.
        self.url = url
        self._msp_id = msp_id
        self._api_secret = api_secret
        self._journal = journal
        self._idle: deque[requests.Session] = deque(maxlen=SESSION_LIMIT)

    def send(self, customer: Customer, fields: JsonObject, overrides: Overrides) -> Outcome:
        """POST one message of a customer and note the exchange in the journal."""
        packed = pack(fields)
        headers = self._headers(customer, fields) | {
            name.lower(): value for name, value in overrides.items()
        }
        present = {name: value for name, value in headers.items() if value is not None}
        url = f"{self.url.rstrip('/')}/message"
        outcome = self._post(url, packed, present)
        self._journal.add(
            Exchange(
                direction="to_msp",
                method="POST",
                url=url,
                headers=shown_headers(present.items()),
                jwt=shown_token(
                    present.get("authorization"),
                    "replaced by the sender" if "authorization" in overrides else "good",
                ),
                body_sha256=fingerprint(packed),
                packed_bytes=len(packed),
                unpacked_bytes=len(to_json(fields)),
                fields=fields,
                status=outcome.status,
                reason=outcome.error,
                seconds=outcome.seconds,
                message_id=present.get("id"),
                customer=customer.name,
            )
        )
        return outcome

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _headers(self, customer: Customer, fields: JsonObject) -> dict[str, str | None]:
        token = sign(self._msp_id, self._api_secret, int(time.time()))
        return {
            "authorization": f"Bearer {token}",
            "id": _text(fields.get("id")),
            "source-id": _text(fields.get("sourceId")),
            "destination-id": _text(fields.get("destinationId")),
            "capability-list": ",".join(customer.profile.capabilities),
            "content-encoding": "gzip",
            "content-type": "application/json",
        }

    def _post(self, url: str, packed: bytes, headers: dict[str, str]) -> Outcome:
        session = self._take_session()
        started = time.perf_counter()
        try:
            with session.post(
                url,
                data=packed,
                headers=headers,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            ) as answer:
                said = answer.raw.read(ANSWER_LIMIT_BYTES, decode_content=False)
                status, error = answer.status_code, _judge(answer.status_code, said)
        except (requests.RequestException, HTTPError, OSError, ValueError) as failure:
            status, error = None, f"The MSP did not answer at {url}: {_cause(failure)}"
        self._idle.append(session)
        return Outcome(status, error, round(time.perf_counter() - started, 6))

    def _take_session(self) -> requests.Session:
        try:
            return self._idle.pop()
        except IndexError:
            session = requests.Session()
            session.trust_env = False  # no proxy and no .netrc between us and loopback
            session.headers.clear()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            return session


def make_envelope(customer: Customer) -> JsonObject:
    """Make the fields every message of a customer has, with a new id.

    Source: MSP REST API, "Incoming Messages".
    """
    fields: JsonObject = {
        "id": str(uuid4()),
        "v": 1,
        "sourceId": customer.customer_id,
        "destinationId": customer.business_id,
    }
    hints = {name: getattr(customer.profile, name) for name in ("locale", "intent", "group")}
    return fields | {name: hint for name, hint in hints.items() if hint is not None}


def _text(value: object) -> str | None:
    """Give a field as a header's value, or None where it cannot be one."""
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return value
    return None


def _judge(status: int, said: bytes) -> str | None:
    if status == 200:
        return None
    quoted = said.decode(errors="replace").strip()[:QUOTE_LIMIT]
    return f"The MSP answered {status}" + (f": {quoted}" if quoted else "")


def _cause(failure: Exception) -> str:
    match failure:
        case requests.Timeout():
            return f"nothing came for {TIMEOUT_S:.0f} s"
        case requests.ConnectionError() if "refused" in str(failure).lower():
            return "connection refused; is it running?"
        case requests.ConnectionError() | HTTPError():
            return "the connection was closed or could not be made"
        case _:
            return type(failure).__name__
