"""Read the address of the landing page: everybody can write one, so every part is checked."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msp_server.agents.linker import Landing
from msp_server.errors import RequestUnreadable

#: Source: MSP API Tutorial, exercise 21.
ADDRESS_FIELDS: Final = ("id", "name", "logo")
NAME_LIMIT_CHARS: Final = 80
LOGO_LIMIT_CHARS: Final = 2048

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def parse_landing(fields: Mapping[str, str]) -> Landing:
    """Read which business an address, or the form made for it, is about.

    Raises:
        RequestUnreadable: saying which field does not hold, without what it says.
    """
    name = fields.get("name", "").strip()
    if not 1 <= len(name) <= NAME_LIMIT_CHARS or not name.isprintable():
        raise RequestUnreadable(f"name has to be 1 to {NAME_LIMIT_CHARS} printable characters")
    return Landing(_parse_id(fields.get("id", "")), name, _parse_logo(fields.get("logo", "")))


def _parse_id(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise RequestUnreadable("id has to be a UUID, such as 00000000-0000-0000-0000-000000000000")
    return text.lower()


def _parse_logo(text: str) -> str | None:
    if not text:
        return None
    unfit = RequestUnreadable(
        f"logo has to be an https address of at most {LOGO_LIMIT_CHARS} characters, without user"
    )
    if len(text) > LOGO_LIMIT_CHARS or any(not "!" <= char <= "~" or char == "\\" for char in text):
        raise unfit
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        raise unfit from None
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise unfit
    return text
