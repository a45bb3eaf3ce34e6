"""The sheet in which a customer signs in: from the first page to the redirect that closes it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from msp_server.emulator.browser import Browser, Page, find_form
from msp_server.emulator.consent import LOGIN, add_query
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.reachable import without_query
from msp_server.emulator.shapes import text_in

#: A redirect to this closes the sheet. Source: observed.
CLOSING: Final = "messages-auth://"
#: How many addresses in a row are followed.
HOP_LIMIT: Final = 10
#: How much is kept of each thing that the closing redirect says.
WORDS_LIMIT: Final = 1_000


@dataclass(frozen=True)
class Closing:
    """What the redirect that closes the sheet says."""

    status: str
    error: str | None

    def to_json(self) -> JsonObject:
        """Give it as the JSON API shows it."""
        return {"status": self.status, "error": self.error}

    def to_answer(self) -> JsonObject:
        """Give what the device tells the business then.

        Source: observed (the words of both), assumed (which of them goes with which).
        """
        match self.status:
            case "success":
                return {"status": "success"}
            case "error":
                told: JsonObject = {"status": "failure"}
                return told if self.error is None else told | {"error_code": self.error}
            case _:
                return {"status": "unknown"}


class Sheet:
    """A browser that remembers where it was; `note` is told of each call to the business."""

    def __init__(self, browser: Browser, login: str, note: Callable[[Page], None]) -> None:
        self._browser = browser
        self._login = login
        self._note = note
        #: Every address that was called, in order.
        self.pages: list[Page] = []

    def open(self, address: str) -> Page:
        """Show the provider's page."""
        return self._visit(self._browser.get(address))

    def decide(self, page: Page, button: str, back: str) -> str | None:
        """Sign in and press a button, following the provider until it sends the customer back.

        Args:
            page: the provider's first page.
            button: value of the button.
            back: the redirect URI.

        Returns:
            The redirect URI with the provider's answer, which is not called yet; None where the
            provider did not come to it.
        """
        for _ in range(HOP_LIMIT):
            if page.location is not None:
                address = page.resolve(page.location)
                if _leads_to(back, address):
                    return address
                page = self.open(address)
                continue
            form = find_form(page.text, button) if page.status == 200 else None
            if form is None:
                self._complain(f"There is no form with a button of the value {button}")
                return None
            if LOGIN in form.fields:
                form.fields[LOGIN] = self._login
            address = page.resolve(form.action)
            page = self._visit(self._browser.post(address, form.fields))
        self._complain(f"The provider redirects more than {HOP_LIMIT} times")
        return None

    def call_back(self, address: str) -> Closing | None:
        """Call the business's redirect URI, and follow until the sheet closes.

        Source: observed.
        """
        for _ in range(HOP_LIMIT):
            page = self._visit(self._browser.get(address))
            self._note(page)
            if page.location is None:
                if page.error is None:
                    self._complain(f"This is no redirect to {CLOSING}: the sheet stays open")
                return None
            if page.location.lower().startswith(CLOSING):
                return _read_closing(page.location)
            address = page.resolve(page.location)
        self._complain(f"It redirects more than {HOP_LIMIT} times")
        return None

    def _visit(self, page: Page) -> Page:
        self.pages.append(page)
        return page

    def _complain(self, problem: str) -> None:
        """Say of the last call why it leads nowhere, unless that is known."""
        last = self.pages[-1]
        self.pages[-1] = replace(last, error=last.error or problem)


def make_address(oauth_url: str, oauth: JsonObject, client_id: str, back: str) -> str:
    """Make the address at which a customer signs in.

    Source: RFC 6749, section 4.1.1; that Apple composes it so is assumed; additionalParameters
    observed.
    """
    scope = oauth.get("scope")
    words = [word for word in scope if isinstance(word, str)] if isinstance(scope, list) else []
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": back,
        "scope": " ".join(words),
        "state": text_in(oauth, "state") or "",
    }
    address = add_query(oauth_url, parameters)
    more = (text_in(oauth, "additionalParameters") or "").lstrip("?&")
    return f"{address}&{more}" if more else address


def read_query(address: str) -> dict[str, str]:
    """Read what an address says behind its question mark; of a repeated name the first."""
    try:
        pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True, max_num_fields=64)
    except ValueError:
        return {}
    return dict(reversed(pairs))


def with_state(address: str, state: str) -> str:
    """Put another state into an address."""
    head, _, _ = address.partition("?")
    return f"{head}?{urlencode(read_query(address) | {'state': state}, errors='replace')}"


def _leads_to(back: str, address: str) -> bool:
    """Tell whether an address is the redirect URI, whatever was put behind it."""
    return without_query(address) == without_query(back)


def _read_closing(address: str) -> Closing:
    said = read_query(address)
    status, error = said.get("status", ""), said.get("error")
    return Closing(status[:WORDS_LIMIT], None if error is None else error[:WORDS_LIMIT])
