from datetime import date, datetime
from typing import Annotated

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.checked import checked, require_reported
from msp_server.messages.limits import PNG_MAGIC, Authority, Limit, Shape, Unit

LIMITS = {name: found for name, found in vars(limits).items() if isinstance(found, Limit)}
UPPER = [name for name, limit in LIMITS.items() if limit.highest is not None]
LOWER = [name for name, limit in LIMITS.items() if limit.lowest]
#: For each limit: who says it, the fewest, and the most.
SAID = {
    "REQUIRED": (Authority.APPLE, 1, None),
    "NOT_EMPTY": (Authority.APPLE, 1, None),
    "SHOWN_TEXT": (Authority.VENDOR, 0, 200),
    "IDENTIFIER": (Authority.VENDOR, 1, 200),
    "QUICK_REPLY_ITEMS": (Authority.VENDOR, 2, 5),
    "IMAGE": (Authority.VENDOR, 0, 200_000),
    "LINK_IMAGE": (Authority.APPLE, 0, 200_000),
    "URL": (Authority.VENDOR, 1, 8192),
    "APP_URL": (Authority.APPLE, 0, 65_536),
    "APP_ICON": (Authority.VENDOR, 0, 15_359),
    "QUESTION": (Authority.VENDOR, 1, None),
    "PAGE_IDENTIFIER": (Authority.VENDOR, 1, 19),
    "KEYBOARD": (Authority.VENDOR, 1, 64),
    "REFERENCE": (Authority.VENDOR, 1, 1000),
    "SCOPE": (Authority.APPLE, 1, 200),
    "STATE": (Authority.VENDOR, 1, 1024),
    "BRAND": (Authority.VENDOR, 1, 255),
}
#: For each shape: what has it, and what has not.
SHAPED = {
    Shape.PRINTABLE: (["Grüße 👋", "", "a\u202eb"], ["a\nb", "\0", "\x7f", "\x85", "\ud83d"]),
    Shape.ASCII: (["abc-1 ~", ""], ["é", "a\nb", "\x7f", "👋"]),
    Shape.UNQUOTED: (["order-10442", "«x»"], ["a'b", 'a"b', "a\u2019b", "\u2018b", "“b", "b”"]),
    Shape.PNG: ([PNG_MAGIC, PNG_MAGIC + b"x"], [b"", b"\xff\xd8\xff", PNG_MAGIC[:-1], b" \x89PNG"]),
    Shape.WORD: (
        ["openid", "r_emailaddress", "https://a.example/~!", ""],
        ["a b", 'a"b', "a\\b", "é"],
    ),
    Shape.KEYBOARD: (["numberPad", "", "uikeyboardtype"], ["UIKeyboardTypeURL", "UIKeyboardType"]),
}


def of_size(limit, size):
    """Make a value of the kind that a limit measures, as large as that."""
    if limit.unit is Unit.ITEMS:
        return ("x",) * size
    if limit.shape is Shape.PNG:
        return PNG_MAGIC.ljust(size, b"x")
    return "x" * size


def fault(limit, value, field=""):
    with pytest.raises(ContentInvalid) as raised:
        limit.check(value, field)
    return raised.value


def holder(limit, kind=object):
    @checked
    class Holder:
        value: Annotated[kind, limit]

    return Holder


def test_every_limit_is_as_it_was_said():
    assert {
        name: (each.said_by, each.lowest, each.highest) for name, each in LIMITS.items()
    } == SAID


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_says_who_says_so(name):
    assert LIMITS[name].source


@pytest.mark.parametrize("name", UPPER)
def test_what_is_as_large_as_allowed_holds(name):
    LIMITS[name].check(of_size(LIMITS[name], LIMITS[name].highest))


@pytest.mark.parametrize("name", UPPER)
def test_what_is_larger_by_one_does_not_hold(name):
    limit = LIMITS[name]

    error = fault(limit, of_size(limit, limit.highest + 1), "Cake.title")

    assert error.field == "Cake.title"
    assert error.problem == f"has {limit.highest + 1} {limit.unit}"
    assert f"{limit.highest} are allowed" in error.limit
    assert error.source.startswith(limit.source)


@pytest.mark.parametrize("name", LOWER)
def test_what_is_as_small_as_allowed_holds(name):
    LIMITS[name].check(of_size(LIMITS[name], LIMITS[name].lowest))


@pytest.mark.parametrize("name", LOWER)
def test_what_is_smaller_by_one_does_not_hold(name):
    limit = LIMITS[name]

    assert fault(limit, of_size(limit, limit.lowest - 1)).problem.startswith("has ")


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_not_there_holds(name):
    LIMITS[name].check(None)


@pytest.mark.parametrize(
    ("name", "is_checked"),
    [(name, limit.said_by is Authority.APPLE) for name, limit in LIMITS.items()],
)
def test_what_apple_says_is_checked_when_a_value_is_made_and_what_vendors_say_is_not(
    name, is_checked
):
    limit = LIMITS[name]
    size = limit.lowest - 1 if limit.highest is None else limit.highest + 1
    make = holder(limit)
    if is_checked:
        with pytest.raises(ContentInvalid, match=r"Holder\.value has"):
            make(of_size(limit, size))
    else:
        made = make(of_size(limit, size))
        with pytest.raises(ContentInvalid, match=r"Holder\.value has"):
            require_reported(made)


def test_require_reported_does_not_check_again_what_apple_says():
    made = holder(limits.REQUIRED, str)("x")
    object.__setattr__(made, "value", "")

    require_reported(made)


@pytest.mark.parametrize(
    ("shape", "value"), [(shape, value) for shape in SHAPED for value in SHAPED[shape][0]]
)
def test_a_value_of_the_shape_holds(shape, value):
    Limit(Unit.CHARACTERS, None, Authority.VENDOR, "somebody", shape=shape).check(value)


@pytest.mark.parametrize(
    ("shape", "value"), [(shape, value) for shape in SHAPED for value in SHAPED[shape][1]]
)
def test_a_value_of_another_shape_does_not_hold(shape, value):
    limit = Limit(Unit.CHARACTERS, None, Authority.VENDOR, "somebody", shape=shape)

    assert fault(limit, value).limit == f"it has to be {shape}"


def test_every_shape_is_tried():
    assert SHAPED.keys() == set(Shape)


@pytest.mark.parametrize(
    ("unit", "value", "size"),
    [
        (Unit.CHARACTERS, "a👋é", 3),
        (Unit.UTF16, "a👋é", 4),
        (Unit.UTF16, "\ud83d", 1),
        (Unit.BYTES, "a👋é", 7),
        (Unit.BYTES, "\ud83d", 3),
        (Unit.BYTES, b"abc", 3),
        (Unit.ITEMS, ["a", "b"], 2),
    ],
)
def test_a_limit_counts_in_its_unit(unit, value, size):
    Limit(unit, size, Authority.APPLE, "somebody").check(value)

    assert fault(Limit(unit, size - 1, Authority.APPLE, "somebody"), value).problem == (
        f"has {size} {unit}"
    )


@pytest.mark.parametrize(
    ("lowest", "highest", "said"),
    [
        (1, None, "at least 1 are needed"),
        (0, 1, "at most 1 are allowed"),
        (1, 2, "1 to 2 are allowed"),
        (2, 5, "2 to 5 are allowed"),
    ],
)
def test_a_fault_says_what_is_allowed(lowest, highest, said):
    limit = Limit(Unit.ITEMS, highest, Authority.APPLE, "somebody", lowest=lowest)

    assert fault(limit, [] if lowest else ["x"] * 9).limit == said


def test_a_fault_says_since_when():
    limit = Limit(Unit.ITEMS, 0, Authority.VENDOR, "somebody", since=date(2031, 3, 22))

    assert fault(limit, ["x"]).source == "somebody, since 2031-03-22"


def test_a_fault_shows_a_text_and_no_bytes():
    assert fault(limits.KEYBOARD, "UIKeyboardTypeURL").value == "UIKeyboardTypeURL"
    assert fault(limits.IMAGE, b"private").value is None


def test_what_is_of_vendors_change_log_has_its_day():
    assert isinstance(limits.SHOWN_TEXT.since, date)
    assert not isinstance(limits.SHOWN_TEXT.since, datetime)
    assert limits.SHOWN_TEXT.since.isoformat() in limits.IMAGES_SOURCE


def test_all_pictures_of_a_message_stay_below_five_million_bytes():
    assert limits.IMAGES_BYTES == 4_999_999


def test_a_message_measures_five_mebibytes_at_most():
    assert limits.MESSAGE_BYTES == 5_242_880
