import pytest
from pydantic import SkipValidation
from pydantic.dataclasses import dataclass

from msp_server.messages.raw import (
    JsonObject,
    label_in,
    number_in,
    object_in,
    objects_in,
    present,
    raw_fields,
    text_in,
)


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


def test_present_leaves_out_what_has_no_value():
    assert present(a=1, b=None, c="", d=0, e=False) == {"a": 1, "c": "", "d": 0, "e": False}


@pytest.mark.parametrize("value", [None, "", 5, True, ["x"], {"x": "y"}, b"x"])
def test_text_in_gives_nothing_but_a_text(value):
    assert text_in({"a": value}, "a") is None


def test_text_in_gives_a_text():
    assert (text_in({"a": "x"}, "a"), text_in({"a": "x"}, "b")) == ("x", None)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("x", "x"),
        ("5", "5"),
        (5, "5"),
        (0, "0"),
        (-5, "-5"),
        (10**18 - 1, "9" * 18),
        (10**18, None),
        (-(10**18), None),
        (10**400, None),
        (5.0, None),
        (True, None),
        ("", None),
        (None, None),
        (["x"], None),
        ({}, None),
    ],
)
def test_label_in_gives_a_text_or_a_whole_number(value, label):
    assert label_in({"a": value}, "a") == label


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (1.5, 1.5),
        ("1800", 1800),
        ("-100", -100),
        (" 5 ", 5),
        ("1e3", 1000),
        ("٣", 3),
        (True, None),
        (None, None),
        ("", None),
        ("five", None),
        ("0x10", None),
        ([5], None),
        ({}, None),
        (float("nan"), None),
        (float("-inf"), None),
        ("nan", None),
        ("Infinity", None),
        ("9" * 5000, None),
        (10**400, None),
        ("\ud800", None),
    ],
)
def test_number_in_gives_a_number_or_a_text_that_reads_as_one(value, number):
    assert number_in({"a": value}, "a") == number


@pytest.mark.parametrize(
    ("value", "found"), [({"x": 1}, {"x": 1}), ({}, {}), (None, {}), ([{"x": 1}], {}), ("x", {})]
)
def test_object_in_gives_an_object_or_an_empty_one(value, found):
    assert object_in({"a": value}, "a") == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([{"x": 1}, {}], [{"x": 1}, {}]),
        ([{"x": 1}, None, "x", [{}]], [{"x": 1}]),
        ([], []),
        ({"x": 1}, []),
        (None, []),
        ("x", []),
    ],
)
def test_objects_in_gives_the_objects_of_a_list(value, found):
    assert objects_in({"a": value}, "a") == found


def test_what_is_not_there_is_nothing():
    assert number_in({}, "a") is None
    assert label_in({}, "a") is None
    assert (object_in({}, "a"), objects_in({}, "a")) == ({}, [])
