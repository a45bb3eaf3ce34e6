import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msp_server.messages.references import (
    ANSWER_PLACE,
    COUNT_LIMIT,
    Reference,
    parse_references,
)

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
SPELLINGS = json.loads((VECTORS / "signature-encoding.json").read_text("utf-8"))
SIGNATURE = SPELLINGS["base64"]
KEY = "00" + "ab" * 32
FIELDS = {
    "name": "tea.png",
    "mimeType": "image/png",
    "size": 2048,
    "signature": SPELLINGS["hex_upper"],
    "url": "https://mmcs.example/1",
    "owner": "owner-1",
    "key": KEY,
}
OLDER = {
    "name": "tea.png",
    "mime-type": "image/png",
    "file-size": "2048",
    "mmcs-signature-hex": SPELLINGS["hex_upper"],
    "mmcs-url": "https://mmcs.example/1",
    "mmcs-owner": "owner-1",
    "decryption-key": KEY,
}
READ = Reference(
    place=0,
    name="tea.png",
    mime_type="image/png",
    size_bytes=2048,
    key=KEY,
    url="https://mmcs.example/1",
    owner="owner-1",
    signature=SIGNATURE,
)
BID = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.example.extension"
NAMES = [*FIELDS, *OLDER, "signature-base64", "mmcs-signature", "bid", "dataRef"]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = (
    scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(), scalars, max_size=2)
)
descriptors = st.dictionaries(st.sampled_from(NAMES), json_values, max_size=9)


def changed(**changes):
    """Change some fields; None takes one out, `_` stands for `-`."""
    merged = {**FIELDS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def read(fields):
    (found,) = parse_references({"attachments": [fields]})
    return found


@pytest.mark.parametrize("fields", [FIELDS, OLDER, {**OLDER, **FIELDS}])
def test_a_reference_is_read_from_new_names_and_from_old_ones(fields):
    assert read(fields) == READ


@pytest.mark.parametrize("name", ["mimeType", "size", "signature", "url", "owner", "key"])
def test_an_old_name_counts_where_the_new_one_did_not_come(name):
    fields = {**OLDER, **FIELDS}
    del fields[name]

    assert read(fields) == READ


@pytest.mark.parametrize("value", ["", None, 5, ["x"]])
def test_an_old_name_counts_where_the_new_one_is_no_text(value):
    assert read({**OLDER, **FIELDS, "url": value}) == READ


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": SPELLINGS["hex_upper"]},
        {"signature": SPELLINGS["hex_lower"]},
        {"signature": SIGNATURE},
        {"signature": SPELLINGS["hex_upper"], "signature_base64": SIGNATURE},
        {"signature": None, "mmcs_signature_hex": SPELLINGS["hex_lower"]},
        {"signature": None, "signature_base64": SIGNATURE},
        {"signature": None, "mmcs_signature": SIGNATURE},
    ],
)
def test_a_signature_is_base64_however_it_came(changes):
    found = read(changed(**changes))

    assert (found.signature, found.problem) == (SIGNATURE, None)


def test_a_signature_in_hex_is_not_read_as_base64():
    signature = read(FIELDS).signature

    assert signature != SPELLINGS["trap"]["hex_read_as_base64_then_hex"]
    assert signature == SIGNATURE


@pytest.mark.parametrize("value", ["?", "é", "abc", "AVBM\n9eHV", SPELLINGS["hex_upper"][:-1]])
def test_a_signature_that_is_neither_hex_nor_base64_cannot_be_used(value):
    found = read(changed(signature=value))

    assert (found.signature, found.problem) == ("", "its descriptor has no usable signature")


@pytest.mark.parametrize(
    ("size", "size_bytes"),
    [
        (0, 0),
        ("0", 0),
        (2048, 2048),
        ("2048", 2048),
        (2048.0, 2048),
        (2**53 - 1, 2**53 - 1),
        (2**53, None),
        (-1, None),
        (1.5, None),
        ("1.5", None),
        ("many", None),
        ("", None),
        (True, None),
        (None, None),
        ([5], None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        ("9" * 5000, None),
    ],
)
def test_a_size_is_a_whole_number_or_a_text_that_reads_as_one(size, size_bytes):
    found = read(changed(size=size))

    assert (found.size_bytes, found.problem) == (size_bytes, None)


def test_a_size_that_is_no_number_gives_way_to_the_old_name():
    assert read(changed(size="?", file_size="5")).size_bytes == 5


@pytest.mark.parametrize("name", ["key", "url", "owner", "signature"])
@pytest.mark.parametrize("value", [None, "", 5, ["x"], {"x": "y"}])
def test_a_reference_that_lacks_a_field_says_which(name, value):
    assert read(changed(**{name: value})).problem == f"its descriptor has no usable {name}"


@pytest.mark.parametrize("name", ["key", "url", "owner"])
@pytest.mark.parametrize(
    "value", ["é", "a\nb", "a\r\nHost: x", "\0", "\x7f", "\ud800", "x" * 8193, "x" * 100_000]
)
def test_a_value_that_cannot_stand_in_a_header_says_which(name, value):
    found = read(changed(**{name: value}))

    assert found.problem == f"the {name} of its descriptor cannot stand in a header"
    assert len(getattr(found, name)) <= 8192


@pytest.mark.parametrize(("length", "fits"), [(8192, True), (8196, False)])
def test_a_signature_is_bounded_too(length, fits):
    found = read(changed(signature="A/wV" * (length // 4)))

    assert (found.problem is None) is fits


@pytest.mark.parametrize("name", ["key", "url", "owner"])
def test_a_value_of_8192_characters_is_read(name):
    found = read(changed(**{name: "x" * 8192}))

    assert (getattr(found, name), found.problem) == ("x" * 8192, None)


def test_name_and_type_of_a_reference_are_cleaned():
    found = read(changed(name="../../a\u202e.png", mimeType="Image PNG"))

    assert (found.name, found.mime_type) == ("a.png", "application/octet-stream")


def test_a_reference_without_name_and_type_has_those_of_unknown_files():
    found = read(changed(name=None, mimeType=None))

    assert (found.name, found.mime_type, found.problem) == (
        "file",
        "application/octet-stream",
        None,
    )


def test_attachments_keep_their_places():
    found = parse_references({"attachments": [FIELDS, changed(name="b.png"), {}]})

    assert [(each.place, each.name) for each in found] == [
        (0, "tea.png"),
        (1, "b.png"),
        (2, "file"),
    ]
    assert found[2].problem is not None


@pytest.mark.parametrize("count", [COUNT_LIMIT, COUNT_LIMIT + 1, 1000])
def test_so_many_attachments_and_no_more_are_looked_at(count):
    assert len(parse_references({"attachments": [FIELDS] * count})) == COUNT_LIMIT


@pytest.mark.parametrize("value", [None, 5, "x", {}, FIELDS, [], [5, "x", None]])
def test_attachments_of_another_shape_are_none(value):
    assert parse_references({"attachments": value}) == ()


def test_a_large_answer_is_read():
    (found,) = parse_references({"interactiveDataRef": {**FIELDS, "bid": BID, "title": "Menu"}})

    assert found == Reference(**{**vars(READ), "place": ANSWER_PLACE, "bid": BID})


@pytest.mark.parametrize("data", [None, {}, "x", []])
def test_a_large_answer_counts_where_nothing_came_directly(data):
    raw = {"interactiveDataRef": {**FIELDS, "bid": BID}, "interactiveData": data}

    assert len(parse_references(raw)) == 1


def test_an_answer_that_came_directly_counts_before_a_reference():
    raw = {"interactiveDataRef": {**FIELDS, "bid": BID}, "interactiveData": {"bid": BID}}

    assert parse_references(raw) == ()


@pytest.mark.parametrize("bid", [None, "", 5])
def test_a_large_answer_without_a_bid_cannot_be_used(bid):
    (found,) = parse_references({"interactiveDataRef": {**FIELDS, "bid": bid}})

    assert found.problem == "its descriptor has no usable bid"


def test_the_bid_of_an_attachment_is_not_kept():
    assert read(changed(bid=BID)).bid is None


@pytest.mark.parametrize("value", [None, {}, [], "x", 5])
def test_a_reference_to_an_answer_in_another_shape_is_none(value):
    assert parse_references({"interactiveDataRef": value}) == ()


def test_an_answer_comes_after_the_attachments():
    raw = {"attachments": [FIELDS], "interactiveDataRef": {**FIELDS, "bid": BID}}

    assert [each.place for each in parse_references(raw)] == [0, ANSWER_PLACE]


@pytest.mark.parametrize("fields", [FIELDS, {}, changed(url="\ud800"), changed(bid=BID)])
def test_a_reference_comes_back_from_json(fields):
    found = read(fields)

    assert Reference.from_json(found.to_json()) == found


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "attachments": st.lists(descriptors, max_size=3) | json_values,
            "interactiveDataRef": descriptors | json_values,
            "interactiveData": st.just({}) | json_values,
        },
    )
)
def test_any_json_gives_references_that_can_be_kept_or_nothing(raw):
    for found in parse_references(raw):
        assert Reference.from_json(found.to_json()) == found
        if found.problem is None:
            for value in (found.key, found.url, found.owner, found.signature):
                assert value.isascii()
                assert value.isprintable()
                assert 0 < len(value) <= 8192
