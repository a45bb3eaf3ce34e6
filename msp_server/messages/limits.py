"""Limits on what is sent, as data: how much, who says so, and since when.

What Apple says is checked when a content is made; what only a vendor reports, when an answer
enters the outbox, and the setting `MSP_CONTENT_LIMITS` relaxes it.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from msp_server.errors import ContentInvalid


class Authority(StrEnum):
    """Who says that there is a limit."""

    #: Apple's documentation or samples.
    APPLE = "Apple"
    #: Vendors who met it; Apple's own text was not found.
    VENDOR = "vendor"


class Unit(StrEnum):
    """What a limit counts."""

    CHARACTERS = "characters"
    UTF16 = "UTF-16 units"
    BYTES = "bytes"
    ITEMS = "items"


class Shape(StrEnum):
    """What a value must look like, whatever its size."""

    PRINTABLE = "printable characters alone"
    ASCII = "printable ASCII alone"
    UNQUOTED = "no quotation mark and no apostrophe"
    PNG = "a PNG picture"
    KEYBOARD = "a name without UIKeyboardType before it"
    WORD = "one word of printable ASCII"


PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"

#: Control characters, and halves of surrogate pairs.
_NO_PRINT: Final = ("Cc", "Cs")
_MEASURES: Final[Mapping[Unit, Callable[[Any], int]]] = {
    Unit.CHARACTERS: len,
    Unit.UTF16: lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    Unit.BYTES: lambda value: (
        len(value) if isinstance(value, bytes) else len(value.encode("utf-8", "surrogatepass"))
    ),
    Unit.ITEMS: len,
}
_SHAPES: Final[Mapping[Shape, Callable[[Any], bool]]] = {
    Shape.PRINTABLE: lambda text: all(unicodedata.category(each) not in _NO_PRINT for each in text),
    Shape.ASCII: lambda text: text.isascii() and text.isprintable(),
    Shape.UNQUOTED: lambda text: not set(text) & set("\"'\u2018\u2019\u201c\u201d"),
    Shape.PNG: lambda data: data.startswith(PNG_MAGIC),
    Shape.WORD: lambda text: text.isascii() and text.isprintable() and not set(text) & set(' "\\'),
    Shape.KEYBOARD: lambda name: not name.startswith("UIKeyboardType"),
}


@dataclass(frozen=True)
class Limit:
    """One limit; stands in the annotation of the field it holds for."""

    unit: Unit
    highest: int | None
    said_by: Authority
    source: str
    lowest: int = 0
    shape: Shape | None = None
    since: date | None = None

    def check(self, value: Any, field: str = "") -> None:  # noqa: ANN401 - as its unit measures
        """Measure a value.

        Args:
            value: of the type that the unit measures; None passes.
            field: the path to where it stands, for the error.

        Raises:
            ContentInvalid: it is too large, too small, or of another shape.
        """
        if value is None:
            return
        size = _MEASURES[self.unit](value)
        if size < self.lowest or (self.highest is not None and size > self.highest):
            raise self._invalid(f"has {size} {self.unit}", self._allowed(), value, field)
        if self.shape is not None and not _SHAPES[self.shape](value):
            raise self._invalid("is of another shape", f"it has to be {self.shape}", value, field)

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401 - as pydantic declares it
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        """Let what Apple says be checked when the value is made."""
        schema = handler(source)
        if self.said_by is Authority.VENDOR:
            return schema

        def checked(value: object) -> object:
            self.check(value)
            return value

        return core_schema.no_info_after_validator_function(checked, schema)

    def _allowed(self) -> str:
        if self.highest is None:
            return f"at least {self.lowest} are needed"
        if self.lowest:
            return f"{self.lowest} to {self.highest} are allowed"
        return f"at most {self.highest} are allowed"

    def _invalid(self, problem: str, limit: str, value: object, field: str) -> ContentInvalid:
        since = f", since {self.since.isoformat()}" if self.since else ""
        return ContentInvalid(
            problem,
            field=field,
            value=value if isinstance(value, str) else None,
            limit=limit,
            source=f"{self.source}{since}",
        )


_APPLE: Final = Authority.APPLE
_VENDOR: Final = Authority.VENDOR
_COMPLIANCE: Final = 'Webex Connect change log, "Apple Messages for Business compliance updates"'
_COMPLIANCE_SINCE: Final = date(2026, 8, 21)
_INPUT_CHECKS: Final = "a vendor's input checks"
_INTERACTIVE: Final = 'MSP REST API, "Type Interactive"'

#: A text that a customer must be shown.
REQUIRED: Final = Limit(Unit.CHARACTERS, None, _APPLE, _INTERACTIVE, lowest=1)
#: What must have something in it: sections, items, timeslots, pages.
NOT_EMPTY: Final = Limit(Unit.ITEMS, None, _APPLE, _INTERACTIVE, lowest=1)
#: Every text shown in an interactive message.
SHOWN_TEXT: Final = Limit(
    Unit.CHARACTERS,
    200,
    _VENDOR,
    _COMPLIANCE,
    shape=Shape.PRINTABLE,
    since=_COMPLIANCE_SINCE,
)
IDENTIFIER: Final = Limit(Unit.CHARACTERS, 200, _VENDOR, _INPUT_CHECKS, lowest=1)
#: Choices of a quick reply. 1 was allowed in writing, and answered with 400.
QUICK_REPLY_ITEMS: Final = Limit(Unit.ITEMS, 5, _VENDOR, "three vendors, one after a 400", lowest=2)
#: A picture in an interactive message or an invitation.
IMAGE: Final = Limit(
    Unit.BYTES, 200_000, _VENDOR, _COMPLIANCE, shape=Shape.PNG, since=_COMPLIANCE_SINCE
)
#: All pictures of an interactive message together, in Base64 as they travel.
IMAGES_BYTES: Final = 5_000_000 - 1
IMAGES_SOURCE: Final = f"{_COMPLIANCE}, since {_COMPLIANCE_SINCE.isoformat()}"
#: The picture of a rich link.
LINK_IMAGE: Final = Limit(Unit.BYTES, 200_000, _APPLE, 'MSP REST API, "Type Rich Link"')
URL: Final = Limit(Unit.BYTES, 8192, _VENDOR, _INPUT_CHECKS, lowest=1)
#: What a custom iMessage app is given.
APP_URL: Final = Limit(Unit.BYTES, 64 * 1024, _APPLE, 'Business Chat API, "InteractiveMessageData"')
APP_ICON: Final = Limit(Unit.BYTES, 15_359, _VENDOR, _INPUT_CHECKS, shape=Shape.PNG)
#: What a page of a form asks.
QUESTION: Final = Limit(Unit.CHARACTERS, None, _VENDOR, _INPUT_CHECKS, lowest=1)
PAGE_IDENTIFIER: Final = Limit(Unit.UTF16, 19, _VENDOR, _INPUT_CHECKS, lowest=1)
KEYBOARD: Final = Limit(
    Unit.CHARACTERS,
    64,
    _VENDOR,
    _COMPLIANCE,
    lowest=1,
    shape=Shape.KEYBOARD,
    since=_COMPLIANCE_SINCE,
)
REFERENCE: Final = Limit(
    Unit.CHARACTERS, 1000, _VENDOR, "a vendor's tests", lowest=1, shape=Shape.UNQUOTED
)
#: What a sign-in asks for: one word of OAuth's. Source: RFC 6749, section 3.3.
SCOPE: Final = Limit(
    Unit.CHARACTERS, 200, _APPLE, "RFC 6749, section 3.3", lowest=1, shape=Shape.WORD
)
STATE: Final = Limit(Unit.BYTES, 1024, _VENDOR, "a vendor's tests", lowest=1, shape=Shape.ASCII)
BRAND: Final = Limit(Unit.CHARACTERS, 255, _VENDOR, _INPUT_CHECKS, lowest=1)
#: The whole message as JSON. Source: one vendor passes on at most this.
MESSAGE_BYTES: Final = 5 * 1024 * 1024
MESSAGE_SOURCE: Final = "a vendor's limit on the whole message"
