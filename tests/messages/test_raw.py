from pydantic import SkipValidation
from pydantic.dataclasses import dataclass

from msp_server.messages.raw import JsonObject, raw_fields


@dataclass(frozen=True)
class Smoke:
    colour: str
    raw: SkipValidation[JsonObject] = raw_fields()


def test_raw_is_empty_on_what_we_write():
    assert Smoke("white").raw == {}


def test_raw_is_not_shared():
    assert Smoke("white").raw is not Smoke("white").raw


def test_raw_does_not_count_in_comparison():
    assert Smoke("white", raw={"a": 1}) == Smoke("white", raw={"a": 2})


def test_raw_is_not_shown():
    assert "secret" not in repr(Smoke("white", raw={"a": "secret"}))
