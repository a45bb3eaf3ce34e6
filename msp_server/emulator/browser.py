"""The browser inside Messages: fetches one address at a time, and follows nothing by itself."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from msp_server.emulator.packing import JsonObject
from msp_server.emulator.reachable import find_objection, without_query

#: How long a whole answer may take. Source: MSP API Tutorial, exercise 20.
TIMEOUT_S: Final = 30.0
#: How much of an answer is read, and how much at a time.
ANSWER_LIMIT_BYTES: Final = 256 * 1024
CHUNK_BYTES: Final = 8 * 1024
#: The longest address that is followed.
LOCATION_LIMIT: Final = 16 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

Method: TypeAlias = Literal["GET", "POST"]


@dataclass(frozen=True)
class Page:
    """What came from one address."""

    method: Method
    address: str
    #: None when there was no whole answer.
    status: int | None
    #: Where a redirect leads, as it was sent.
    location: str | None = None
    text: str = ""
    #: Why there is no answer, or why the address was not even called.
    error: str | None = None

    def resolve(self, reference: str) -> str:
        """Give the whole address that this page means by a shorter one."""
        try:
            return urljoin(self.address, reference)
        except ValueError:
            return reference  # which is no address, and will not be called

    def to_json(self) -> JsonObject:
        """Give the call as the JSON API shows it: no query, for it may hold a code."""
        return {
            "method": self.method,
            "address": without_query(self.address),
            "status": self.status,
            "error": self.error,
        }


@dataclass(frozen=True)
class Form:
    """The form of a page, as one of its buttons sends it."""

    #: Where it goes; empty for the page's own address.
    action: str
    fields: dict[str, str]


class Browser(AbstractContextManager["Browser"]):
    """Keeps cookies as long as the sheet is open; use it as a context manager."""

    def __init__(
        self, allowed_origins: Callable[[], tuple[str, ...]], timeout_s: float = TIMEOUT_S
    ) -> None:
        self._allowed_origins = allowed_origins
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc between us and loopback

    def get(self, address: str) -> Page:
        """Fetch an address."""
        return self._call("GET", address, None)

    def post(self, address: str, fields: dict[str, str]) -> Page:
        """Send a form to an address."""
        return self._call("POST", address, fields)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def _call(self, method: Method, address: str, fields: dict[str, str] | None) -> Page:
        objection = find_objection(address, self._allowed_origins())
        if objection:
            return Page(method, address, None, error=f"Not called: {objection}")
        ends_s = time.monotonic() + self._timeout_s
        try:
            with self._session.request(
                method,
                address,
                data=fields,
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
            ) as answer:
                text = _read(answer, ends_s)
        except (requests.RequestException, HTTPError, OSError, ValueError) as failure:
            return Page(method, address, None, error=_cause(failure, self._timeout_s))
        location = answer.headers.get("Location") if answer.status_code in _REDIRECTS else None
        if location is not None and len(location) > LOCATION_LIMIT:
            return Page(method, address, answer.status_code, error="The redirect is too long")
        return Page(method, address, answer.status_code, location, text)


def find_form(text: str, button: str) -> Form | None:
    """Find the first form of a page, and fill it in as the button of that value does."""
    reader = _FormReader(button)
    with suppress(ValueError, AssertionError):  # what is no HTML at all
        reader.feed(text)
    return reader.form if reader.pressed else None


class _FormReader(HTMLParser):
    def __init__(self, button: str) -> None:
        super().__init__()
        self._button = button
        self._done = False
        self.form: Form | None = None
        self.pressed = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note the form itself, its fields, and the button that is pressed."""
        given = {name: value or "" for name, value in attributes}
        if tag == "form" and self.form is None:
            self.form = Form(given.get("action", ""), {})
        if self.form is None or self._done or "name" not in given:
            return
        value = given.get("value", "")
        if tag == "button":
            if value != self._button:
                return
            self.pressed = True
        if tag in {"input", "button"}:
            self.form.fields[given["name"]] = value

    def handle_endtag(self, tag: str) -> None:
        """Note the end of the form."""
        self._done = self._done or (tag == "form" and self.form is not None)


def _read(answer: requests.Response, ends_s: float) -> str:
    """Read an answer up to the limit, in the time there is."""
    read = bytearray()
    # Piece by piece, as they come: waiting for a full one would let a slow answer go on forever.
    while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=True):
        read += chunk
        if len(read) >= ANSWER_LIMIT_BYTES:
            break
        if time.monotonic() >= ends_s:
            raise requests.Timeout
    return bytes(read[:ANSWER_LIMIT_BYTES]).decode(errors="replace")


def _cause(failure: Exception, timeout_s: float) -> str:
    match failure:
        case requests.Timeout() | ReadTimeoutError():
            return f"Not answered in {timeout_s:g} s"
        case requests.ConnectionError() if "refused" in str(failure).lower():
            return "Connection refused; is it running?"
        case requests.ConnectionError():
            return "The connection was closed or could not be made"
        case _:
            return f"The answer cannot be read ({type(failure).__name__})"
