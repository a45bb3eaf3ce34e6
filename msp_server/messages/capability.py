"""What a customer's device can show."""

from enum import StrEnum


class Capability(StrEnum):
    """One kind of message that not every device can show.

    Source: MSP REST API, "Common Specifications".
    """

    #: Quick replies.
    QUICK = "QUICK"
    #: List pickers.
    LIST = "LIST"
    #: Time pickers.
    TIME = "TIME"
    #: Sign-in, the old flow.
    AUTH = "AUTH"
    #: Sign-in, the new flow.
    AUTH2 = "AUTH2"
    #: Forms.
    FORM = "FORM"


def parse_capabilities(header: str) -> frozenset[Capability]:
    """Read the header `capability-list`: comma-separated, without regard to case.

    Names not known yet are left out. Some deliver the commas as `%2C` (observed).

    Source: MSP REST API, "Common Specifications".
    """
    names = {name.strip().upper() for name in header.upper().replace("%2C", ",").split(",")}
    return frozenset(capability for capability in Capability if capability in names)
