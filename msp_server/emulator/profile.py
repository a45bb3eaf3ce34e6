"""What is to be known of a customer: name, opaque id, telephone number, device and entry hints."""

import base64
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msp_server.emulator.devices import CAPABILITIES, DEVICES
from msp_server.emulator.packing import JsonObject

#: Name of the first customer of the first business.
FIRST_NAME = "ava"

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_CAPABILITY = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TIME_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
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

    #: Name of the device; None when its capabilities were given by hand.
    device: str | None = "iphone"
    #: What the device can show, in the order of the header capability-list.
    capabilities: tuple[str, ...] = CAPABILITIES
    locale: str | None = "en_US"
    #: IANA name of the zone whose time the device shows.
    time_zone: str = "America/New_York"
    #: The entry hints of a link that named them.
    intent: str | None = None
    group: str | None = None

    @property
    def opens_apps(self) -> bool:
        """Whether the device opens iMessage apps."""
        return self.device is None or DEVICES[self.device].opens_apps


def parse_profile(fields: JsonObject, known: Profile) -> Profile:
    """Read a profile from JSON, keeping what is known where a field is absent.

    Raises:
        ProfileUnfit: a field has a value that no device sends.
    """
    device, capabilities = _parse_device(fields, known)
    return Profile(
        device=device,
        capabilities=capabilities,
        time_zone=_parse_time_zone(fields.get("time_zone", known.time_zone)),
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


def make_customer_id(business_id: str, name: str, seed: str = "") -> str:
    """Make the opaque id of a customer: always the same for the same business, name and seed.

    Source: observed: `urn:mbid:` and Base64 text, 160 to 200 characters in all.
    """
    for attempt in itertools.count():
        told = f"{seed}{business_id}\n{name}\n{attempt}\n".encode()
        digests = hashlib.sha512(told + b"1").digest() + hashlib.sha512(told + b"2").digest()
        text = base64.b64encode(_ID_HEAD + digests[:122]).decode()
        if "+" in text and "/" in text:  # what trips whoever puts an id into an address unescaped
            break
    return _ID_PREFIX + text


def make_phone_numbers(business_id: str, name: str, seed: str = "") -> Iterator[str]:
    """Make telephone numbers for a customer, always the same ones in the same order.

    The first is the customer's unless another has it. Area code 555 belongs to nobody.
    """
    for attempt in itertools.count():
        told = f"{seed}{business_id}\n{name}\n{attempt}\nnumber"
        digest = hashlib.sha512(told.encode()).digest()
        yield f"tel:+1555{int.from_bytes(digest[:8]) % 10**7:07}"


def find_zone(name: str) -> ZoneInfo | None:
    """Give the time zone of that IANA name, or None if this machine knows none."""
    if not _TIME_ZONE.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a directory, such as "America"
        return None


def _parse_device(fields: JsonObject, known: Profile) -> tuple[str | None, tuple[str, ...]]:
    """Read device and capabilities; capabilities given by hand win over the device's."""
    device = fields.get("device")
    if "device" in fields and (not isinstance(device, str) or device not in DEVICES):
        raise ProfileUnfit(f"device has to be one of {', '.join(DEVICES)}")
    if "capabilities" in fields:
        return None, _parse_capabilities(fields["capabilities"])
    if isinstance(device, str):
        return device, DEVICES[device].capabilities
    return known.device, known.capabilities


def _parse_time_zone(value: object) -> str:
    if value == Profile.time_zone or (isinstance(value, str) and find_zone(value)):
        return str(value)
    raise ProfileUnfit("time_zone has to be an IANA name of this machine, such as Europe/Berlin")


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
