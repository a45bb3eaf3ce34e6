import dataclasses
from dataclasses import KW_ONLY, dataclass
from datetime import date
from typing import Annotated

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.checked import build, checked, require_reported, set_field
from msp_server.messages.limits import Authority, Limit, Unit

TITLE = Limit(Unit.CHARACTERS, 5, Authority.APPLE, "the label", lowest=1)
NOTE = Limit(Unit.CHARACTERS, 3, Authority.VENDOR, "a baker", since=date(2031, 3, 1))


@checked
class Slice:
    title: Annotated[str, TITLE]
    note: Annotated[str, NOTE] | None = None
    _: KW_ONLY
    warm: bool = False

    def __post_init__(self):
        if self.title == "stone":
            raise ContentInvalid("cannot be eaten", field="title", limit="bake it first")


@checked
class Cake:
    slices: tuple[Slice, ...]
    top: Slice | None = None
    words: list[str] | None = None
    key: dict[str, str] | None = None


@checked
class Empty:
    top: Slice | None = None

    def __post_init__(self):
        raise ContentInvalid("has nothing in it", limit="bake more")


def fault(make, *args, **kwargs):
    with pytest.raises(ContentInvalid) as raised:
        make(*args, **kwargs)
    return raised.value


def test_a_value_that_holds_is_made():
    made = Slice("plum", note="top", warm=True)

    assert (made.title, made.note, made.warm) == ("plum", "top", True)


def test_a_value_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Slice("plum").title = "apple"


def test_equal_values_are_one():
    assert {Slice("plum"), Slice("plum")} == {Slice("plum")}


def test_a_list_becomes_a_tuple():
    assert Cake([Slice("plum")]).slices == (Slice("plum"),)


@pytest.mark.parametrize(
    ("args", "kwargs", "field"),
    [
        ((5,), {}, "Slice.title"),
        ((), {"title": 5}, "Slice.title"),
        ((), {}, "Slice.title"),
        (("plum", 5), {}, "Slice.note"),
        (("plum",), {"warm": "?"}, "Slice.warm"),
        (("",), {}, "Slice.title"),
        (("plums!",), {}, "Slice.title"),
        (("stone",), {}, "Slice.title"),
        (("plum",), {"sour": True}, "Slice.sour"),
    ],
)
def test_a_value_that_does_not_hold_names_its_field(args, kwargs, field):
    assert fault(Slice, *args, **kwargs).field == field


def test_too_many_values_by_position_are_refused():
    assert fault(Slice, "plum", "top", True).field == "Slice[2]"


def test_a_field_that_there_is_not_is_named_however_it_is_spelled():
    assert str(fault(Slice, "plum", soUr=True)) == "Slice is no field there is: 'soUr'"


def test_a_fault_that_pydantic_finds_does_not_quote_the_value():
    assert "private" not in str(fault(Slice, "plum", warm="private"))


def test_a_fault_of_our_own_keeps_what_it_says():
    assert str(fault(Slice, "stone")) == "Slice.title cannot be eaten; bake it first"


def test_a_fault_that_belongs_to_no_field_names_the_value():
    assert str(fault(Empty)) == "Empty has nothing in it; bake more"


def test_a_fault_does_not_drag_the_one_of_pydantic_behind_it():
    assert fault(Slice, 5).__suppress_context__


def test_build_makes_a_value_of_json():
    made = build(Cake, {"slices": [{"title": "plum", "warm": True}], "top": {"title": "nut"}})

    assert made == Cake([Slice("plum", warm=True)], top=Slice("nut"))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "Cake.slices"),
        ({"slices": {}}, "Cake.slices"),
        ({"slices": ["plum"]}, "Cake.slices[0]"),
        ({"slices": [{"title": "plum"}, {}]}, "Cake.slices[1].title"),
        ({"slices": [{"title": "plum"}, {"title": ""}]}, "Cake.slices[1].title"),
        ({"slices": [{"title": "stone"}]}, "Cake.slices[0].title"),
        ({"slices": [], "top": {"title": "plums!"}}, "Cake.top.title"),
        ({"slices": [], "plate": 1}, "Cake.plate"),
        ({"slices": [], "words": [5]}, "Cake.words[0]"),
        ({"slices": [], "key": {"Not A Field": 5}}, "Cake.key"),
    ],
)
def test_build_names_the_path_to_the_field_at_fault(values, field):
    assert fault(build, Cake, values).field == field


def test_what_only_vendors_report_may_be_made():
    assert Slice("plum", "four").note == "four"


def test_require_reported_accepts_what_holds():
    require_reported(Cake([Slice("plum", "top")], words=["long words"]))


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (Slice("plum", "four"), "Slice.note"),
        (Cake([Slice("plum"), Slice("plum", "four")]), "Cake.slices[1].note"),
        (Cake([], top=Slice("plum", "four")), "Cake.top.note"),
        ([Slice("plum", "four")], "list[0].note"),
    ],
)
def test_require_reported_names_the_path_to_the_field_at_fault(value, field):
    error = fault(require_reported, value)

    assert (error.field, error.source) == (field, "a baker, since 2031-03-01")


@pytest.mark.parametrize("value", [5, "words", None, Slice])
def test_require_reported_finds_nothing_in_what_is_no_value_of_ours(value):
    require_reported(value)


def test_set_field_sets_a_field_of_a_frozen_value():
    @dataclass(frozen=True)
    class Plate:
        size: int

    plate = Plate(1)
    set_field(plate, "size", 2)

    assert plate.size == 2
