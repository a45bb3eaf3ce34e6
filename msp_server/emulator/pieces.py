"""Reads a message piece by piece; what a piece lacks is refused with its place and the cure."""

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import Refused, quoted
from msp_server.emulator.content_limits import Limit, Rule
from msp_server.emulator.packing import JsonObject

#: Spellings that others have sent by mistake, and the right key.
MISSPELT = {
    "quickReply": "quick-reply",
    "quick_reply": "quick-reply",
    "list-picker": "listPicker",
    "timePicker": "event",
    "form": "dynamic",
    "listPickerItem": "items",
    "listPickerItems": "items",
    "pageItems": "items",
    "timeSlots": "timeslots",
    "url": "URL",
    "received": "receivedMessage",
    "reply": "replyMessage",
}
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
_INFINITE = (math.inf, -math.inf)
#: Control characters, and halves of surrogate pairs, which are no characters at all.
_UNPRINTABLE = {"Cc", "Cs"}


@dataclass(frozen=True)
class Piece:
    """One JSON object of a message, with what has to be said when it is refused."""

    fields: JsonObject
    #: Where in the message it stands.
    path: str
    #: Where it is written which keys it needs.
    source: str
    #: Whether what only vendors report is checked too.
    vendor_limits: bool

    def has(self, key: str) -> bool:
        """Tell whether there is such a key; null counts as none."""
        return self.fields.get(key) is not None

    def refused(self, rule: Rule, key: str, problem: str) -> Refused:
        """Make the refusal of a message because of one key, or of the piece itself without one."""
        place = f"{self.path}.{key}" if key else self.path
        return Refused(400, rule.name, f"{place} {problem}", rule.source, rule.since)

    def unfit(self, rule: str, key: str, problem: str) -> Refused:
        """Make the refusal of a key that is not what the piece's source says it is."""
        return self.refused(Rule(rule, self.source), key, problem)

    def check(self, holds: bool, rule: Rule, key: str, problem: str) -> None:
        """Refuse the message unless a rule holds or is not applied.

        Raises:
            Refused: 400.
        """
        if not holds and (self.vendor_limits or not rule.vendor):
            raise self.refused(rule, key, problem)

    def text(self, key: str) -> str:
        """Read a text that has to be there and say something."""
        self._require(key)
        text = self.text_if_any(key)
        if not text:
            raise self.unfit(limits.KEY_EMPTY, key, "is empty: write something there")
        return text

    def text_if_any(self, key: str) -> str | None:
        """Read a text that may be missing or empty."""
        value = self.fields.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.unfit(limits.KEY_TYPE, key, f"is {quoted(value)}: it has to be a string")

    def words(self, key: str) -> str:
        """Read a text that the customer will see."""
        text = self.text(key)
        self._check_words(key, text)
        return text

    def words_if_any(self, *keys: str) -> None:
        """Read texts that the customer will see, where there are any."""
        for key in keys:
            self._check_words(key, self.text_if_any(key) or "")

    def identifier(self, key: str, limit: Limit = limits.IDENTIFIER) -> str:
        """Read a text by which something is found again."""
        text = self.text(key)
        self.check_length(key, text, limit)
        return text

    def address(self, key: str) -> str:
        """Read the absolute address of something on the web."""
        text = self.text(key)
        if not _WEB_ADDRESS.fullmatch(text):
            raise self.refused(
                limits.URL_FORM,
                key,
                f"is {quoted(text)}: write an absolute address such as https://example.com/",
            )
        size = len(text.encode(errors="surrogatepass"))
        limit = limits.ADDRESS
        self.check(
            size <= limit.value,
            limit,
            key,
            f"measures {size:,} bytes: shorten it to {limit.words} at most",
        )
        return text

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        """Read a word out of some; without a default it has to be there."""
        if default is not None and not self.has(key):
            return default
        text = self.text(key)
        known = list(choices)
        if text not in known:
            raise self.unfit(
                limits.KEY_VALUE, key, f"is {quoted(text)}: write {' or '.join(known)}"
            )
        return text

    def flag(self, key: str) -> bool:
        """Read a boolean that is false where it is missing."""
        value = self.fields.get(key, False)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self.unfit(limits.KEY_TYPE, key, f"is {quoted(value)}: it has to be true or false")

    def number(self, key: str, lowest: float = -math.inf, highest: float = math.inf) -> float:
        """Read a number within bounds."""
        self._require(key)
        value = self.fields[key]
        # JSON has no infinity, but 1e999 is read as one.
        if isinstance(value, bool) or not isinstance(value, int | float) or value in _INFINITE:
            raise self.unfit(limits.KEY_TYPE, key, f"is {quoted(value)}: it has to be a number")
        if not lowest <= value <= highest:
            above = "" if highest == math.inf else f" and at most {highest:g}"
            raise self.refused(
                limits.NUMBER, key, f"is {quoted(value)}: it has to be at least {lowest:g}{above}"
            )
        return value

    def whole_if_any(self, key: str, lowest: int) -> int | None:
        """Read a whole number that may be missing."""
        if not self.has(key):
            return None
        value = self.number(key, lowest)
        if value != int(value):
            raise self.refused(
                limits.NUMBER, key, f"is {quoted(value)}: it has to be a whole number"
            )
        return int(value)

    def piece(self, key: str, source: str | None = None) -> "Piece":
        """Give an object inside this one, that has to be there."""
        self._require(key)
        return self._inside(self.fields[key], key, source)

    def piece_if_any(self, key: str, source: str | None = None) -> "Piece | None":
        """Give an object inside this one, if there is one."""
        return self.piece(key, source) if self.has(key) else None

    def pieces(self, key: str, *, may_be_empty: bool = False) -> list["Piece"]:
        """Give the objects of a list inside this one."""
        self._require(key)
        value = self.fields[key]
        if not isinstance(value, list):
            raise self.unfit(limits.KEY_TYPE, key, f"is {quoted(value)}: it has to be a list")
        if not value and not may_be_empty:
            raise self.unfit(limits.KEY_EMPTY, key, "is an empty list: put something in")
        return [self._inside(inner, f"{key}[{index}]", None) for index, inner in enumerate(value)]

    def check_length(self, key: str, text: str, limit: Limit) -> None:
        """Refuse a text that is too long, counted in code points or as the limit's unit says."""
        count = len(text)
        if limit.unit == "UTF-16 units":
            count = len(text.encode("utf-16-le", errors="surrogatepass")) // 2
        self.check(
            count <= limit.value,
            limit,
            key,
            f"measures {count:,} {limit.unit}: shorten it to {limit.value:,} at most",
        )

    def _check_words(self, key: str, text: str) -> None:
        self.check_length(key, text, limits.TEXT)
        unprintable = next((c for c in text if unicodedata.category(c) in _UNPRINTABLE), "")
        self.check(
            not unprintable,
            limits.TEXT_PRINTABLE,
            key,
            f"holds {unprintable!r}: take out line ends and other control characters",
        )

    def _require(self, key: str) -> None:
        if self.has(key):
            return
        wrong = next((k for k, right in MISSPELT.items() if right == key and self.has(k)), None)
        cure = "add it" if wrong is None else f"rename {wrong} to {key}"
        raise self.unfit(limits.KEY_MISSING, key, f"is missing: {cure}")

    def _inside(self, value: object, key: str, source: str | None) -> "Piece":
        if not isinstance(value, dict):
            raise self.unfit(limits.KEY_TYPE, key, f"is {quoted(value)}: it has to be an object")
        return Piece(value, f"{self.path}.{key}", source or self.source, self.vendor_limits)


def check_unique(pieces: Iterable[Piece], key: str, rule: Rule) -> None:
    """Refuse a text that stands under the same key of two pieces.

    Raises:
        Refused: 400.
    """
    seen: dict[object, str] = {}
    for piece in pieces:
        value = piece.fields[key]
        piece.check(
            value not in seen,
            rule,
            key,
            f"is {quoted(value)} as in {seen.get(value)}: give each its own",
        )
        seen[value] = piece.path
