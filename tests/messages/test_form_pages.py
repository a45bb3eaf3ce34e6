from datetime import date

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.form import Form
from msp_server.messages.form_pages import (
    DatePage,
    InputPage,
    Keyboard,
    Option,
    PickerPage,
    SelectPage,
)
from msp_server.messages.image import Gallery, Image
from msp_server.messages.limits import PNG_MAGIC

PICTURE = Image(PNG_MAGIC + b"kettle")
VALID = {
    SelectPage: {"title": "Product", "subtitle": "Which one?", "items": ["Kettle", "Toaster"]},
    PickerPage: {"title": "Wish", "subtitle": "What now?", "items": ["Refund", "Repair"]},
    DatePage: {"title": "Bought on", "subtitle": "See the receipt"},
    InputPage: {"title": "E-mail", "subtitle": "Where do we answer?"},
}
EVERY_KIND = pytest.mark.parametrize("kind", VALID)
WITH_OPTIONS = pytest.mark.parametrize("kind", [SelectPage, PickerPage])


def make(kind, **changes):
    return kind(**(VALID[kind] | changes))


def refused(kind, **changes):
    """Give the path to the field at fault."""
    with pytest.raises(ContentInvalid) as caught:
        make(kind, **changes)
    return caught.value.field.removeprefix(f"{kind.__name__}.")


# What all pages share


@EVERY_KIND
def test_a_page_leads_to_the_one_behind_it(kind):
    wire = make(kind).to_wire("1", "2", Gallery())

    assert (wire["pageIdentifier"], wire["nextPageIdentifier"]) == ("1", "2")
    assert "submitForm" not in wire


@EVERY_KIND
def test_a_page_leads_to_the_one_it_names(kind):
    assert make(kind, next="9").to_wire("1", "2", Gallery())["nextPageIdentifier"] == "9"


@EVERY_KIND
@pytest.mark.parametrize(("changes", "after"), [({}, None), ({"last": True}, "2")])
def test_the_last_page_ends_the_form(kind, changes, after):
    wire = make(kind, **changes).to_wire("1", after, Gallery())

    assert wire["submitForm"] is True
    assert "nextPageIdentifier" not in wire


@EVERY_KIND
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", 5),
        ("subtitle", None),
        ("identifier", 5),
        ("next", 5),
        ("last", 5),
        ("type", "hologram"),
        ("colour", "red"),
    ],
)
def test_a_page_that_does_not_hold_cannot_be_made(kind, field, value):
    assert refused(kind, **{field: value}) == field


@EVERY_KIND
@pytest.mark.parametrize(
    "changes",
    [{"title": "t" * 200}, {"subtitle": "s" * 200}, {"subtitle": "s"}, {"identifier": "i" * 19}],
)
def test_a_page_at_the_edge_is_as_vendors_report(kind, changes, require_reported):
    require_reported(Form("Report", [make(kind, **changes)]))


@EVERY_KIND
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "t" * 201),
        ("title", "a\nb"),
        ("subtitle", "s" * 201),
        ("subtitle", ""),
        ("identifier", "i" * 20),
        ("identifier", "\U0001f600" * 10),
        ("identifier", ""),
    ],
)
def test_a_page_beyond_what_vendors_report_is_refused(kind, field, value, require_reported):
    with pytest.raises(ContentInvalid) as caught:
        require_reported(Form("Report", [make(kind, **{field: value})]))

    assert caught.value.field == f"Form.pages[0].{field}"


# Options


@WITH_OPTIONS
def test_texts_stand_for_options_in_a_tuple(kind):
    items = ["Kettle", Option("Toaster")]
    page = make(kind, items=items)
    items.clear()

    assert page.items == (Option("Kettle"), Option("Toaster"))


@WITH_OPTIONS
def test_options_are_numbered_from_one(kind):
    page = make(kind, items=["Kettle", Option("Toaster", identifier="1"), "Iron"])

    assert [name for name, _ in page.numbered()] == ["_1", "1", "3"]


@WITH_OPTIONS
@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([], "items"),
        ("Kettle", "items"),
        (None, "items"),
        (["Kettle", 5], "items[1]"),
        ([Option("Kettle", identifier="a"), Option("Iron", identifier="a")], "items.identifier"),
    ],
)
def test_options_that_do_not_hold_cannot_be_given(kind, items, field):
    assert refused(kind, items=items) == field


@WITH_OPTIONS
def test_an_empty_text_is_no_option(kind):
    assert "title" in refused(kind, items=["Kettle", ""])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": 5}, "title"),
        ({"value": 5}, "value"),
        ({"identifier": 5}, "identifier"),
        ({"image": "kettle.png"}, "image"),
        ({"next": 5}, "next"),
    ],
)
def test_an_option_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        Option(**({"title": "Kettle"} | changes))

    assert caught.value.field == f"Option.{field}"


def test_an_option_counts_as_its_title_when_it_has_no_value():
    assert Option("Kettle").to_wire("1", Gallery()) == {
        "identifier": "1",
        "title": "Kettle",
        "value": "Kettle",
    }


def test_an_option_gives_all_that_it_has():
    option = Option("Kettle", value="kettle", image=PICTURE, next="2")

    assert option.to_wire("k", Gallery()) == {
        "identifier": "k",
        "title": "Kettle",
        "value": "kettle",
        "imageIdentifier": "0",
        "nextPageIdentifier": "2",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": "t" * 201}, "title"),
        ({"value": "v" * 201}, "value"),
        ({"identifier": "i" * 201}, "identifier"),
        ({"image": Image(PNG_MAGIC.ljust(200_001))}, "image.data"),
    ],
)
def test_an_option_beyond_what_vendors_report_is_refused(changes, field, require_reported):
    page = make(SelectPage, items=[Option(**({"title": "Kettle"} | changes))])

    with pytest.raises(ContentInvalid) as caught:
        require_reported(Form("Report", [page]))

    assert caught.value.field == f"Form.pages[0].items[0].{field}"


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "t" * 200},
        {"value": "v" * 200},
        {"identifier": "i" * 200},
        {"image": Image(PNG_MAGIC.ljust(200_000))},
    ],
)
def test_an_option_at_the_edge_is_as_vendors_report(changes, require_reported):
    page = make(SelectPage, items=[Option(**({"title": "Kettle"} | changes))])

    require_reported(Form("Report", [page]))


# Select


def test_a_select_page_gives_its_options():
    assert make(SelectPage, multiple=True).to_wire("what", "when", Gallery()) == {
        "pageIdentifier": "what",
        "type": "select",
        "title": "Product",
        "subtitle": "Which one?",
        "nextPageIdentifier": "when",
        "multipleSelection": True,
        "items": [
            {"identifier": "1", "title": "Kettle", "value": "Kettle"},
            {"identifier": "2", "title": "Toaster", "value": "Toaster"},
        ],
    }


@pytest.mark.parametrize("after", ["2", None])
def test_a_select_page_leads_nowhere_itself_where_every_option_leads_on(after):
    page = make(SelectPage, items=[Option("Kettle", next="3"), Option("Iron", next="4")])

    wire = page.to_wire("1", after, Gallery())

    assert not wire.keys() & {"nextPageIdentifier", "submitForm"}
    assert list(page.ways(after)) == ["3", "4"]


def test_a_select_page_leads_on_itself_where_an_option_does_not():
    page = make(SelectPage, items=[Option("Kettle", next="3"), "Iron"])

    assert page.to_wire("1", "2", Gallery())["nextPageIdentifier"] == "2"
    assert list(page.ways("2")) == ["3", "2"]


def test_an_option_does_not_decide_where_several_can_be_chosen():
    assert refused(SelectPage, multiple=True, items=[Option("Iron", next="3"), "Kettle"]) == (
        "items.next"
    )


def test_multiple_is_yes_or_no():
    assert refused(SelectPage, multiple=5) == "multiple"


# Picker


def test_a_picker_page_gives_its_wheel():
    assert make(PickerPage, label="I want a", selected=1).to_wire("wish", None, Gallery()) == {
        "pageIdentifier": "wish",
        "type": "picker",
        "title": "Wish",
        "subtitle": "What now?",
        "submitForm": True,
        "pickerTitle": "I want a",
        "selectedItemIndex": 1,
        "items": [
            {"identifier": "1", "title": "Refund", "value": "Refund"},
            {"identifier": "2", "title": "Repair", "value": "Repair"},
        ],
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"selected": -1}, "selected"),
        ({"selected": 2}, "selected"),
        ({"selected": "Refund"}, "selected"),
        ({"label": None}, "label"),
        ({"items": ["Refund", Option("Repair", next="2")]}, "items.next"),
    ],
)
def test_a_picker_page_that_does_not_hold_cannot_be_made(changes, field):
    assert refused(PickerPage, **changes) == field


def test_what_stands_beside_a_wheel_is_limited(require_reported):
    require_reported(Form("Report", [make(PickerPage, label="l" * 200)]))

    with pytest.raises(ContentInvalid, match=r"pages\[0\].label"):
        require_reported(Form("Report", [make(PickerPage, label="l" * 201)]))


# Date


def test_a_date_page_gives_its_days():
    page = make(
        DatePage,
        hint="The day is enough",
        label="Date",
        start=date(2031, 1, 15),
        earliest=date(2030, 1, 1),
        latest=date(2031, 12, 31),
    )

    assert page.to_wire("when", "2", Gallery()) == {
        "pageIdentifier": "when",
        "type": "datePicker",
        "title": "Bought on",
        "subtitle": "See the receipt",
        "nextPageIdentifier": "2",
        "hintText": "The day is enough",
        "options": {
            "dateFormat": "MM/dd/yyyy",
            "startDate": "01/15/2031",
            "minimumDate": "01/01/2030",
            "maximumDate": "12/31/2031",
            "labelText": "Date",
        },
    }


def test_a_date_page_leaves_out_what_was_not_given():
    wire = make(DatePage).to_wire("1", None, Gallery())

    assert wire["options"] == {"dateFormat": "MM/dd/yyyy"}
    assert "hintText" not in wire


@pytest.mark.parametrize(
    ("date_format", "written"),
    [
        ("MM/dd/yyyy", "02/03/0987"),
        ("dd.MM.yyyy", "03.02.0987"),
        ("yyyy-MM-dd", "0987-02-03"),
        ("yyyy%MM%dd", "0987%02%03"),
    ],
)
def test_a_day_is_written_in_the_form_of_its_page(date_format, written):
    page = make(DatePage, date_format=date_format, start=date(987, 2, 3))

    assert page.to_wire("1", None, Gallery())["options"]["startDate"] == written


@pytest.mark.parametrize(
    "date_format",
    ["", "MM/dd", "MMddyyyy", "MM/dd/yy", "mm/dd/yyyy", "MM/dd/yyyy/dd", "MM/dd/yyyy HH", "%Y", 5],
)
def test_a_form_of_dates_that_is_none_is_refused(date_format):
    assert refused(DatePage, date_format=date_format) == "date_format"


@pytest.mark.parametrize("field", ["start", "earliest", "latest"])
@pytest.mark.parametrize("day", ["tomorrow", "2031-02-30", []])
def test_a_day_that_is_none_is_refused(field, day):
    assert refused(DatePage, **{field: day}) == field


def test_a_date_page_has_a_day_to_choose():
    day = date(2031, 1, 1)

    make(DatePage, earliest=day, latest=day)
    assert refused(DatePage, earliest=date(2031, 1, 2), latest=day) == "earliest"


@pytest.mark.parametrize("field", ["hint", "label"])
def test_the_words_of_a_date_page_are_limited(field, require_reported):
    require_reported(Form("Report", [make(DatePage, **{field: "x" * 200})]))

    with pytest.raises(ContentInvalid, match=rf"pages\[0\].{field}"):
        require_reported(Form("Report", [make(DatePage, **{field: "x" * 201})]))


# Input


def test_an_input_page_gives_all_that_it_has():
    page = make(
        InputPage,
        hint="Nobody else sees it",
        required=True,
        regex="^[^@]+@[^@]+$",
        placeholder="you@example.com",
        label="Address",
        prefix="To",
        highest_chars=80,
        keyboard=Keyboard.EMAIL,
        content_type="emailAddress",
    )

    assert page.to_wire("mail", None, Gallery()) == {
        "pageIdentifier": "mail",
        "type": "input",
        "title": "E-mail",
        "subtitle": "Where do we answer?",
        "submitForm": True,
        "hintText": "Nobody else sees it",
        "options": {
            "required": True,
            "inputType": "singleline",
            "regex": "^[^@]+@[^@]+$",
            "placeholder": "you@example.com",
            "labelText": "Address",
            "prefixText": "To",
            "maximumCharacterCount": 80,
            "keyboardType": "emailAddress",
            "textContentType": "emailAddress",
        },
    }


def test_an_input_page_leaves_out_what_was_not_given():
    wire = make(InputPage, multiline=True).to_wire("1", None, Gallery())

    assert wire["options"] == {"required": False, "inputType": "multiline"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"multiline": True, "label": "Address"}, "label"),
        ({"multiline": True, "prefix": "To"}, "prefix"),
        ({"highest_chars": 0}, "highest_chars"),
        ({"highest_chars": "many"}, "highest_chars"),
        ({"required": 5}, "required"),
        ({"regex": 5}, "regex"),
        ({"keyboard": 5}, "keyboard"),
    ],
)
def test_an_input_page_that_does_not_hold_cannot_be_made(changes, field):
    assert refused(InputPage, **changes) == field


@pytest.mark.parametrize(
    ("field", "edge", "beyond"),
    [
        ("hint", "x" * 200, "x" * 201),
        ("placeholder", "x" * 200, "x" * 201),
        ("label", "x" * 200, "x" * 201),
        ("prefix", "x" * 200, "x" * 201),
        ("keyboard", "numberPad", "UIKeyboardTypeNumberPad"),
        ("keyboard", "x" * 64, "x" * 65),
        ("keyboard", "x", ""),
        ("content_type", "x" * 200, "x" * 201),
    ],
)
def test_the_words_of_an_input_page_are_limited(field, edge, beyond, require_reported):
    require_reported(Form("Report", [make(InputPage, **{field: edge})]))

    with pytest.raises(ContentInvalid, match=rf"pages\[0\].{field}"):
        require_reported(Form("Report", [make(InputPage, **{field: beyond})]))
