"""Custom iMessage apps: bubbles of the business's own app."""

import base64
import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Final, Self
from urllib.parse import parse_qs, quote, urlencode

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.checked import checked, set_field
from msp_server.messages.image import Gallery, Image
from msp_server.messages.interactive import (
    BID,
    Bubble,
    Bubbled,
    Response,
    Title,
    frame,
)
from msp_server.messages.raw import JsonObject, object_in, present, text_in

_BID: Final = re.compile(
    r"com\.apple\.messages\.MSMessageExtensionBalloonPlugin:([^:\s]+):([^:\s]+)"
)
#: A query of RFC 3986.
_QUERY: Final = re.compile(r"\?(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_SOURCE: Final = "MSP API Tutorial, exercise 22"
#: Pictures inside a bubble are named in `data`, which a custom app does not have.
_NO_PICTURE: Final = "a custom app shows its own pictures"


@checked
class CustomApp(Bubbled):
    """A bubble of an iMessage app of the business's own, on iPhone and iPad.

    Source: MSP API Tutorial, exercise 22; Business Chat API, "InteractiveMessageData".
    """

    #: `com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM:EXTENSION`.
    bid: str
    #: Number in the App Store.
    app_id: int
    app_name: Title
    #: What the app is told: a query string that begins with `?`, or names and texts.
    url: str | Mapping[str, str]
    _: KW_ONLY
    #: What is shown where the app is not installed.
    icon: Image | None = None
    #: Whether the app draws the bubble itself.
    live_layout: bool = True

    def __post_init__(self) -> None:
        """Check what names the app, and encode what it is told, once."""
        super().__post_init__()
        if not _BID.fullmatch(self.bid) or self.bid == BID:
            raise _invalid("bid", "names no app", "team and bundle id of the extension")
        if self.app_id <= 0:
            raise _invalid("app_id", "is no number of an app", "as the App Store shows it")
        url = self.url if isinstance(self.url, str) else _encode(self.url)
        if not _QUERY.fullmatch(url):
            raise _invalid("url", "is no query string", "begin it with ?, percent-encoded once")
        limits.APP_URL.check(url, "url")
        set_field(self, "url", url)
        for name, bubble in (("received", self.received), ("replied", self.replied)):
            if isinstance(bubble, Bubble) and bubble.image is not None:
                raise _invalid(f"{name}.image", "cannot be shown", _NO_PICTURE)

    def require_reported(self) -> None:
        """Check what vendors report of the message as a whole."""
        super().require_reported()
        if self.icon is not None:
            limits.APP_ICON.check(self.icon.data, "icon.data")

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give nothing: a custom app has no `data`."""
        return {}

    def to_wire(self) -> JsonObject:
        """Give the fields that stand beside the envelope."""
        bubbles = self.bubbles(Gallery())
        if self.replied is None:
            del bubbles["replyMessage"]  # the app makes it
        return {
            "interactiveData": {
                "bid": self.bid,
                "appId": self.app_id,
                "appName": self.app_name,
                **present(appIcon=base64.b64encode(self.icon.data).decode() if self.icon else None),
                "URL": self.url,
                **present(sessionIdentifier=self.session_id),
                "useLiveLayout": self.live_layout,
                **bubbles,
            }
        }


@dataclass(frozen=True, kw_only=True)
class CustomAppResponse(Response):
    """A custom iMessage app answered. Only the session joins it to what was sent."""

    bid: str
    app_name: str | None
    #: What the app says: its query string, as it came.
    url: str

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the app says, decoded; of a name that comes several times, the first.

        A plus sign is one: iOS writes a space as `%20` (assumed).
        """
        query = self.url.partition("?")[2].replace("+", "%2B")
        try:
            decoded = parse_qs(query, keep_blank_values=True, max_num_fields=1000)
        except ValueError:
            return {}
        return {name: values[0] for name, values in decoded.items()}

    @property
    def selection(self) -> object:
        """What the app says, as a value that JSON can hold."""
        return self.url

    @classmethod
    def parse(cls, raw: JsonObject) -> Self | None:
        """Read a response, or give None when its shape is not known.

        Source: Business Chat API, "InteractiveMessageData"; MSP API Tutorial, "Advanced
        Interactive Messaging".
        """
        interactive = object_in(raw, "interactiveData")
        bid = text_in(interactive, "bid")
        if bid is None or bid == BID:
            return None
        shared = frame(raw)
        received = text_in(object_in(interactive, "receivedMessage"), "title")
        shared["title"] = shared["title"] or received or ""
        return cls(
            bid=bid,
            app_name=text_in(interactive, "appName"),
            url=text_in(interactive, "URL") or "",
            **shared,
        )


def _encode(parameters: Mapping[str, str]) -> str:
    try:
        return f"?{urlencode(parameters, quote_via=quote)}"
    except UnicodeEncodeError as error:
        raise _invalid("url", "has half of a surrogate pair in it", "give whole letters") from error


def _invalid(field: str, problem: str, limit: str) -> ContentInvalid:
    return ContentInvalid(problem, field=field, limit=limit, source=_SOURCE)
