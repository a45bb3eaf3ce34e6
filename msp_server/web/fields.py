"""Read the fields of an address or a form: every name once, all of it readable."""

from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qsl

from msp_server.errors import RequestUnreadable

#: The most that fields may measure together.
FIELDS_LIMIT_BYTES: Final = 16 * 1024

_NUMBER_LIMIT: Final = 64


def read_fields(packed: bytes, names: Collection[str]) -> dict[str, str]:
    """Read `name=value&…`; what is not among `names` is left out.

    Raises:
        RequestUnreadable: too much of it, not in UTF-8, or one of `names` twice. What came is not
            said again.
    """
    if len(packed) > FIELDS_LIMIT_BYTES:
        raise RequestUnreadable(f"fields of more than {FIELDS_LIMIT_BYTES} bytes")
    try:
        pairs = parse_qsl(
            packed.decode(), keep_blank_values=True, errors="strict", max_num_fields=_NUMBER_LIMIT
        )
    except ValueError:
        problem = f"fields are not in UTF-8, or more than {_NUMBER_LIMIT}"
        raise RequestUnreadable(problem) from None  # the error quotes what came
    known = [(name, value) for name, value in pairs if name in names]
    fields = dict(known)
    if len(fields) < len(known):
        raise RequestUnreadable("a field is there more than once: send each once")
    return fields
