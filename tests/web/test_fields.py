"""The fields of addresses and forms."""

import pytest

from msp_server.errors import RequestUnreadable
from msp_server.web.fields import FIELDS_LIMIT_BYTES, read_fields

NAMES = ("id", "name")


def test_fields_are_read_and_others_left_out():
    fields = read_fields(b"id=1&name=Caf%C3%A9+au%20lait&utm_source=x&utm_source=y", NAMES)

    assert fields == {"id": "1", "name": "Café au lait"}


def test_empty_field_is_there_and_missing_one_is_not():
    assert read_fields(b"name=", NAMES) == {"name": ""}


def test_nothing_is_no_field():
    assert read_fields(b"", NAMES) == {}


@pytest.mark.parametrize(
    "packed",
    [
        b"id=1&id=1",
        b"id=1&%69d=2",
        b"name=%ff",
        b"name=\xff\xfe",
        b"name=%ed%a0%80",
        b"&".join([b"x=1"] * 65),
        b"name=" + b"a" * FIELDS_LIMIT_BYTES,
    ],
)
def test_fields_that_do_not_hold_are_refused(packed):
    with pytest.raises(RequestUnreadable):
        read_fields(packed, NAMES)


def test_refusal_does_not_carry_what_came():
    with pytest.raises(RequestUnreadable) as refused:
        read_fields(b"name=marzipan%ff", NAMES)

    assert refused.value.__suppress_context__
    assert "marzipan" not in str(refused.value)
