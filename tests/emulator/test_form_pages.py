from datetime import date

import pytest

from msp_server.emulator.form_pages import fill_page, find_option
from msp_server.emulator.transcript import DeedUnfit

TODAY = date(2031, 4, 10)
KETTLE = {"identifier": "101", "title": "Kettle", "value": "kettle"}
TOASTER = {"identifier": "102", "title": "Toaster", "value": "toaster"}


def page(kind, **fields):
    return {"pageIdentifier": "p", "type": kind, "title": "Product", **fields}


def select(**fields):
    return page("select", items=[KETTLE, TOASTER], **fields)


@pytest.mark.parametrize("answer", ["101", "Kettle", "kettle", ["Kettle"]])
def test_option_is_named_by_identifier_title_or_value(answer):
    assert fill_page(select(), answer, TODAY) == [KETTLE | {"type": "select"}]


def test_several_options_keep_the_order_they_are_named_in():
    items = fill_page(select(multipleSelection=True), ["Toaster", "101"], TODAY)

    assert [item["title"] for item in items] == ["Toaster", "Kettle"]


def test_option_comes_back_without_where_it_leads():
    leading = KETTLE | {"nextPageIdentifier": "2", "imageIdentifier": "x"}

    (item,) = fill_page(page("select", items=[leading]), "Kettle", TODAY)

    assert item == KETTLE | {"type": "select"}
    assert find_option(page("select", items=[leading]), item) == leading


def test_option_of_a_wheel_is_picked():
    assert fill_page(page("picker", items=[KETTLE]), "kettle", TODAY) == [
        KETTLE | {"type": "picker"}
    ]


@pytest.mark.parametrize(
    ("given", "answer", "error"),
    [
        (select(), ["Kettle", "Toaster"], "takes one option, and 2 were named"),
        (select(), "Fridge", "no option 'Fridge': there are 'Kettle', 'Toaster'"),
        (select(), None, "takes the title of an option: there are 'Kettle', 'Toaster'"),
        (select(), 7, "takes the title of an option"),
        (select(), [], "at least one"),
        (select(multipleSelection=True), ["Kettle", "101"], "each option once"),
        (page("picker", items=[KETTLE]), ["Kettle"], "takes the title of an option"),
        (page("select"), "Kettle", "there are none"),
        (page("select", items=[KETTLE, KETTLE]), "Kettle", "2 options with the title 'Kettle'"),
        (page("slider"), "7", "The page 'Product' (p) has the type 'slider': no phone shows it"),
        ({}, "7", "The page (None) has the type 'None'"),
    ],
)
def test_page_refuses_what_cannot_be_chosen(given, answer, error):
    with pytest.raises(DeedUnfit) as refused:
        fill_page(given, answer, TODAY)

    assert error in str(refused.value)


def date_page(**options):
    return page("datePicker", options=options)


@pytest.mark.parametrize(
    ("options", "answer", "written"),
    [
        ({}, "2031-04-02", "04/02/2031"),
        ({}, "04/02/2031", "04/02/2031"),
        ({"dateFormat": "d.M.yyyy"}, "2031-04-02", "2.4.2031"),
        ({}, "2031-04-10", "04/10/2031"),
        ({"minimumDate": "04/02/2031"}, "2031-04-02", "04/02/2031"),
        ({"maximumDate": "2040-01-01"}, "2040-01-01", "01/01/2040"),
    ],
)
def test_date_is_written_as_the_page_wants(options, answer, written):
    assert fill_page(date_page(**options), answer, TODAY) == [
        {"identifier": "p", "title": written, "value": written, "type": "datePicker"}
    ]


@pytest.mark.parametrize(
    ("options", "answer", "error"),
    [
        ({}, None, "takes a date: YYYY-MM-DD, or MM/dd/yyyy"),
        ({}, "yesterday", "takes a date"),
        ({}, "2031-04-11", "takes dates from 0001-01-01 to 2031-04-10, not 2031-04-11"),
        ({"minimumDate": "04/02/2031"}, "2031-04-01", "from 2031-04-02"),
        ({"maximumDate": "04/02/2031"}, "2031-04-03", "to 2031-04-02"),
        ({"minimumDate": "long ago"}, "2031-04-03", "minimumDate 'long ago' is no date like"),
        ({"dateFormat": "HH:mm"}, "2031-04-03", "dateFormat 'HH:mm' is not understood here"),
    ],
)
def test_date_page_refuses_what_is_out_of_bounds(options, answer, error):
    with pytest.raises(DeedUnfit) as refused:
        fill_page(date_page(**options), answer, TODAY)

    assert error in str(refused.value)


def input_page(**options):
    return page("input", options=options)


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ({}, "x" * 30),
        ({"inputType": "multiline"}, "a\n" * 150),
        ({"maximumCharacterCount": 40}, "x" * 40),
        ({"regex": "[0-9]{5}"}, "12345"),
        ({"regex": "["}, "anything"),
        ({"required": True}, "a"),
    ],
)
def test_text_is_taken_as_it_is(options, answer):
    assert fill_page(input_page(**options), answer, TODAY) == [
        {"identifier": "p", "title": answer, "value": answer, "type": "input"}
    ]


@pytest.mark.parametrize("answer", [None, ""])
def test_text_may_stay_empty(answer):
    assert fill_page(input_page(), answer, TODAY) == []


@pytest.mark.parametrize(
    ("options", "answer", "error"),
    [
        ({"required": True}, None, "may not stay empty"),
        ({"required": True}, "", "may not stay empty"),
        ({}, ["x"], "takes a text"),
        ({}, "x" * 31, "takes at most 30 characters, and these are 31"),
        ({"inputType": "multiline"}, "x" * 301, "at most 300"),
        ({"maximumCharacterCount": 4}, "xxxxx", "at most 4"),
        ({}, "two\nlines", "takes a single line"),
        ({"regex": "[0-9]{5}"}, "1234", "takes what fits '[0-9]{5}', and '1234' does not"),
    ],
)
def test_input_page_refuses_what_does_not_fit(options, answer, error):
    with pytest.raises(DeedUnfit) as refused:
        fill_page(input_page(**options), answer, TODAY)

    assert error in str(refused.value)


def test_pattern_that_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr("msp_server.emulator.patterns.LIMIT_S", 0.3)

    with pytest.raises(DeedUnfit, match="takes too long"):
        fill_page(input_page(regex="(a+)+b", maximumCharacterCount=80), "a" * 60, TODAY)
