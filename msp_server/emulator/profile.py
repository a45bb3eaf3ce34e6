"""What is to be known of a customer: name, opaque id, device and entry hints."""

import base64
import hashlib
import itertools
import re
from dataclasses import dataclass

from msp_server.emulator.packing import JsonObject

#: All that a device can have. Source: MSP REST API, "Sending Messages" (capability-list).
CAPABILITIES = ("LIST", "TIME", "QUICK", "FORM", "AUTH", "AUTH2")

#: Name of the first customer of the first business.
FIRST_NAME = "ava"

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_CAPABILITY = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LOCALE = re.compile(r"[A-Za-z0-9_-]{1,35}")
_HINT_LIMIT = 1_000
_ID_PREFIX = "urn:mbid:"
#: Apple's ids begin so; what the bytes mean is not known. Source: observed.
_ID_HEAD = b"\x01\x00\x00"


class ProfileUnfit(Exception):
    """A customer cannot be so; the text is a sentence that says why."""


@dataclass(frozen=True)
class Profile:
    """What the customer's device tells with every message."""

    #: What the device can show, in the order of the header capability-list.
    capabilities: tuple[str, ...] = CAPABILITIES
    locale: str | None = "en_US"
    #: The entry hints of a link that named them.
    intent: str | None = None
    group: str | None = None


def parse_profile(fields: JsonObject, known: Profile) -> Profile:
    """Read a profile from JSON, keeping what is known where a field is absent.

    Raises:
        ProfileUnfit: a field has a value that no device sends.
    """
    return Profile(
        capabilities=_parse_capabilities(fields.get("capabilities", list(known.capabilities))),
        locale=_parse_locale(fields.get("locale", known.locale)),
        intent=_parse_hint("intent", fields.get("intent", known.intent)),
        group=_parse_hint("group", fields.get("group", known.group)),
    )


def parse_name(name: object) -> str:
    """Read a customer's name.

    Raises:
        ProfileUnfit: it does not fit an address.
    """
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise ProfileUnfit("name has to be 1 to 32 of the characters a-z, 0-9 and -")


def make_customer_id(business_id: str, name: str) -> str:
    """Make the opaque id of a customer: always the same for the same business and name.

    Source: observed: `urn:mbid:` and Base64 text, 160 to 200 characters in all.
    """
    for attempt in itertools.count():
        seed = f"{business_id}\n{name}\n{attempt}\n".encode()
        digests = hashlib.sha512(seed + b"1").digest() + hashlib.sha512(seed + b"2").digest()
        text = base64.b64encode(_ID_HEAD + digests[:122]).decode()
        if "+" in text and "/" in text:  # what trips whoever puts an id into an address unescaped
            break
    return _ID_PREFIX + text


def _parse_capabilities(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and len(value) <= 32:
        names = tuple(
            name for name in value if isinstance(name, str) and _CAPABILITY.fullmatch(name)
        )
        if len(names) == len(value):
            return names
    raise ProfileUnfit("capabilities has to be a list of at most 32 words such as LIST or QUICK")


def _parse_locale(value: object) -> str | None:
    if value is None or (isinstance(value, str) and _LOCALE.fullmatch(value)):
        return value
    raise ProfileUnfit("locale has to look like en_US, or be null")


def _parse_hint(name: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and 0 < len(value) <= _HINT_LIMIT):
        return value
    raise ProfileUnfit(f"{name} has to be a text of 1 to {_HINT_LIMIT} characters, or null")
