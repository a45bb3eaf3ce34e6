import pytest

from msp_server.emulator.checks import Refused
from msp_server.emulator.content_limits import IDENTIFIER, PAGE_IDENTIFIER, REFERENCE_ID, Rule
from msp_server.emulator.pieces import Piece, check_unique


def make_piece(vendor_limits=True, **fields):
    return Piece(fields, "message", "a page", vendor_limits)


@pytest.mark.parametrize(
    ("read", "value", "words"),
    [
        (Piece.text, None, "message.key is missing: add it"),
        (Piece.text, "", "message.key is empty"),
        (Piece.text, 7, "message.key is 7: it has to be a string"),
        (Piece.text_if_any, ["x"], "has to be a string"),
        (Piece.words, "x" * 201, "measures 201 characters: shorten it to 200"),
        (Piece.words, "two\nlines", "holds '\\n'"),
        (Piece.words, "half \ud83d", "holds '\\ud83d'"),
        (Piece.words_if_any, "x" * 201, "measures 201"),
        (Piece.identifier, "x" * 201, "measures 201"),
        (Piece.address, "example.com", "absolute address"),
        (Piece.address, "ftp://example.com", "absolute address"),
        (Piece.address, "https://", "absolute address"),
        (Piece.address, "https://exa mple.com", "absolute address"),
        (Piece.address, "https://example.com/" + "x" * 8173, "measures 8,193 bytes"),
        (Piece.flag, "true", "has to be true or false"),
        (Piece.flag, 0, "has to be true or false"),
        (Piece.number, None, "is missing"),
        (Piece.number, True, "has to be a number"),
        (Piece.number, "1", "has to be a number"),
        (Piece.number, float("inf"), "has to be a number"),
        (Piece.piece, None, "is missing"),
        (Piece.piece, [], "has to be an object"),
        (Piece.piece_if_any, "x", "has to be an object"),
        (Piece.pieces, None, "is missing"),
        (Piece.pieces, {}, "has to be a list"),
        (Piece.pieces, [], "is an empty list"),
        (Piece.pieces, [{}, 7], "message.key[1] is 7"),
    ],
)
def test_value_that_does_not_hold_is_refused(read, value, words):
    with pytest.raises(Refused) as caught:
        read(make_piece(key=value), "key")

    assert caught.value.status == 400
    assert words in caught.value.reason


@pytest.mark.parametrize(
    ("read", "value", "gives"),
    [
        (Piece.text, "x", "x"),
        (Piece.text_if_any, None, None),
        (Piece.text_if_any, "", ""),
        (Piece.words, "x" * 200, "x" * 200),
        (Piece.words, "👩‍👩‍👧 né \u00a0 中", "👩‍👩‍👧 né \u00a0 中"),
        (Piece.words_if_any, None, None),
        (Piece.identifier, "x" * 200, "x" * 200),
        (Piece.address, "HTTP://localhost:1/?a#b", "HTTP://localhost:1/?a#b"),
        (Piece.flag, None, False),
        (Piece.flag, True, True),
        (Piece.number, -1.5, -1.5),
        (Piece.piece_if_any, None, None),
    ],
)
def test_value_that_holds_is_given(read, value, gives):
    assert read(make_piece(key=value), "key") == gives


def test_longest_address_is_taken():
    address = "https://example.com/" + "x" * 8172

    assert make_piece(key=address).address("key") == address


@pytest.mark.parametrize(
    ("value", "words"), [(-1, "at least 0 and at most 5"), (6, "at most 5"), (1.5, None)]
)
def test_number_stays_within_its_bounds(value, words):
    piece = make_piece(key=value)

    if words is None:
        assert piece.number("key", 0, 5) == value
    else:
        with pytest.raises(Refused, match=words):
            piece.number("key", 0, 5)


@pytest.mark.parametrize(("value", "gives"), [(None, None), (0, 0), (2.0, 2)])
def test_whole_number_is_given(value, gives):
    assert make_piece(key=value).whole_if_any("key", 0) == gives


@pytest.mark.parametrize("value", [-1, 1.5, True, "1"])
def test_whole_number_that_is_none_is_refused(value):
    with pytest.raises(Refused):
        make_piece(key=value).whole_if_any("key", 0)


def test_choice_names_what_there_is():
    piece = make_piece(key="c")

    with pytest.raises(Refused, match="'c': write a or b"):
        piece.choice("key", ("a", "b"))


def test_choice_has_its_default_where_the_key_is_missing():
    piece = make_piece()

    assert piece.choice("key", ("a", "b"), default="a") == "a"
    with pytest.raises(Refused, match="missing"):
        piece.choice("key", ("a", "b"))


@pytest.mark.parametrize(
    ("wrong", "right"), [("listPickerItem", "items"), ("url", "URL"), ("quickReply", "quick-reply")]
)
def test_known_misspelling_is_named(wrong, right):
    with pytest.raises(Refused, match=f"{right} is missing: rename {wrong} to {right}"):
        make_piece(**{wrong: "x"}).text(right)


def test_length_is_counted_as_the_limit_says():
    woman = "👩" * 10  # 10 code points, 20 UTF-16 units

    make_piece().check_length("key", woman, IDENTIFIER)
    with pytest.raises(Refused, match="measures 20 UTF-16 units"):
        make_piece().check_length("key", woman, PAGE_IDENTIFIER)


def test_what_only_vendors_report_is_not_checked_when_switched_off():
    piece = make_piece(vendor_limits=False)

    piece.check_length("key", "x" * 2_000, REFERENCE_ID)
    with pytest.raises(Refused, match=r"message\.key does not fit"):
        piece.check(False, Rule("apples", "a page"), "key", "does not fit")


def test_inner_piece_knows_its_place_and_source():
    outer = make_piece(list=[{}, {"inner": {}}])

    inner = outer.pieces("list")[1].piece("inner", "another page")

    assert (inner.path, inner.source) == ("message.list[1].inner", "another page")
    assert inner.vendor_limits


def test_refusal_of_a_key_names_the_source_of_its_piece():
    with pytest.raises(Refused) as caught:
        make_piece().text("key")

    assert (caught.value.rule, caught.value.source) == ("key-missing", "a page")


def test_repeated_value_is_refused_with_both_places():
    pieces = make_piece(items=[{"id": "a"}, {"id": "b"}, {"id": "a"}]).pieces("items")

    with pytest.raises(Refused, match=r"message.items\[2\].id is 'a' as in message.items\[0\]"):
        check_unique(pieces, "id", Rule("repeated", "a page"))
    check_unique(pieces[:2], "id", Rule("repeated", "a page"))


def test_reason_of_a_long_value_is_short():
    with pytest.raises(Refused) as caught:
        make_piece(key="x" * 100_000).choice("key", ("a",))

    assert len(caught.value.reason) < 200
