import pytest

from msp_server.emulator.shapes import number_in, object_in, objects_in, picked, text_in


@pytest.mark.parametrize("value", [None, 7, True, [], {}, ""])
def test_what_is_no_text_counts_as_absent(value):
    assert text_in({"key": value}, "key") is None


def test_text_is_given():
    assert text_in({"key": "words"}, "key") == "words"


@pytest.mark.parametrize("value", [None, 7, "x", [1]])
def test_what_is_no_object_counts_as_empty(value):
    assert object_in({"key": value}, "key") == {}
    assert objects_in({"key": value}, "key") == []


def test_objects_of_an_array_keep_their_order():
    assert objects_in({"key": [{"a": 1}, 7, {"b": 2}]}, "key") == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("value", "number"),
    [(60, 60), ("-100", -100), (1.5, 1.5), (True, None), ("x", None), ([], None), (10**400, None)],
)
def test_number_may_be_a_text(value, number):
    assert number_in({"key": value}, "key") == number


def test_keys_that_are_there_are_picked():
    assert picked({"a": 1, "b": None, "c": 3}, "a", "b", "d") == {"a": 1, "b": None}
