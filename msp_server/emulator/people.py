"""The people behind the customers: their names, as the wallet and the provider have them."""

import hashlib

from msp_server.emulator.packing import JsonObject

#: For customers whose names are no given names, such as customer-1.
_NAMES = ("Kim", "Alex", "Robin", "Sam", "Noor", "Yuki", "Sasha", "Dana")
_FAMILY = "Example"


def make_person(login: str) -> JsonObject:
    """Make the user record of a customer: always the same for the same name.

    Source: OpenID Connect Core 1.0, section 5.1 (the keys).
    """
    digest = hashlib.sha256(f"person\n{login}".encode()).digest()
    given = (
        login.capitalize() if login.isalpha() else _NAMES[_number_of(login, digest) % len(_NAMES)]
    )
    return {
        "sub": f"emulator-{digest.hex()[:16]}",
        "name": f"{given} {_FAMILY}",
        "given_name": given,
        "family_name": _FAMILY,
        "email": f"{login}@example.com",
        "email_verified": True,
        "locale": "en-US",
    }


def _number_of(login: str, digest: bytes) -> int:
    """Give the number a name ends with, from 0, else one that the name leads to."""
    last = login.rpartition("-")[2]
    return int(last) - 1 if last.isdecimal() else digest[0]
