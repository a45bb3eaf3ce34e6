"""Dates in forms: reads and writes them in the format the business chose."""

import re
from datetime import date
from typing import Final

from msp_server.emulator.time_replies import MONTHS

#: The format of a page that names none. Source: observed.
DEFAULT_FORMAT: Final = "MM/dd/yyyy"
#: The longest format that is read.
FORMAT_LIMIT: Final = 64

_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T.*)?")
_TOKEN = re.compile(r"'([^']*)'|(y+|M+|d+)|(.)", re.DOTALL)
_DIGITS: Final = {
    "y": r"(?P<y>[0-9]{1,4})",
    "yy": r"(?P<yy>[0-9]{2})",
    "yyyy": r"(?P<y>[0-9]{4})",
    "M": r"(?P<M>[0-9]{1,2})",
    "MM": r"(?P<M>[0-9]{1,2})",
    "MMM": r"(?P<name>[A-Za-z]{3})",
    "MMMM": r"(?P<name>[A-Za-z]{3,9})",
    "d": r"(?P<d>[0-9]{1,2})",
    "dd": r"(?P<d>[0-9]{1,2})",
}


class FormatUnfit(Exception):
    """A date format that is not understood here; the text is a sentence that says why."""


class DateFormat:
    """A format such as `MM/dd/yyyy`: years, months and days, and signs between them.

    Raises:
        FormatUnfit: other letters, a part that is missing, or one that comes twice.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        tokens = [found.groups() for found in _TOKEN.finditer(pattern[:FORMAT_LIMIT])]
        letters = sorted(token[0] for _, token, _ in tokens if token)
        known = all(token in _DIGITS for _, token, _ in tokens if token)
        strange = any(sign.isalpha() or sign == "'" for _, _, sign in tokens if sign)
        if letters != ["M", "d", "y"] or not known or strange or len(pattern) > FORMAT_LIMIT:
            raise FormatUnfit(
                f"dateFormat {pattern[:FORMAT_LIMIT]!r} is not understood here: "
                f"write a year, a month and a day, such as {DEFAULT_FORMAT}"
            )
        #: Each part: words as they stand, or letters to fill in.
        self._parts = [
            (quoted if quoted is not None else sign or "", token or "")
            for quoted, token, sign in tokens
        ]
        self._expression = re.compile(
            "".join(_DIGITS[token] if token else re.escape(words) for words, token in self._parts)
        )

    def parse(self, text: str) -> date | None:
        """Read a date written in this format or as `YYYY-MM-DD`."""
        iso = _ISO.fullmatch(text)
        try:
            if iso:
                return date.fromisoformat(iso[1])
            read = self._expression.fullmatch(text)
            return _to_date(read.groupdict()) if read else None
        except ValueError:  # a 30th of February
            return None

    def write(self, day: date) -> str:
        """Write a date in this format."""
        written = {
            "y": str(day.year),
            "yy": f"{day.year % 100:02}",
            "yyyy": f"{day.year:04}",
            "M": str(day.month),
            "MM": f"{day.month:02}",
            "MMM": MONTHS[day.month - 1][:3],
            "MMMM": MONTHS[day.month - 1],
            "d": str(day.day),
            "dd": f"{day.day:02}",
        }
        return "".join(written[token] if token else words for words, token in self._parts)


def _to_date(parts: dict[str, str]) -> date | None:
    year = int(parts["y"]) if "y" in parts else 2000 + int(parts["yy"])
    if "M" in parts:
        return date(year, int(parts["M"]), int(parts["d"]))
    named = [
        number
        for number, month in enumerate(MONTHS, start=1)
        if parts["name"].capitalize() in (month, month[:3])
    ]
    return date(year, named[0], int(parts["d"])) if named else None
