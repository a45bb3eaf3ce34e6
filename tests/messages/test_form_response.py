import json

import pytest

from msp_server.messages.content import DataRef, Unknown, parse_content
from msp_server.messages.form import Form
from msp_server.messages.form_pages import InputPage, SelectPage
from msp_server.messages.form_response import FormAnswer, FormResponse, PageAnswers
from msp_server.messages.interactive import BID

PRODUCT = {
    "pageIdentifier": "0",
    "title": "Product",
    "subtitle": "Which one?",
    "items": [{"identifier": "101", "type": "select", "title": "Kettle", "value": "kettle"}],
}
BOUGHT = {
    "pageIdentifier": "1",
    "title": "Bought on",
    "items": [
        {"identifier": "1", "type": "datePicker", "title": "04/02/2031", "value": "04/02/2031"}
    ],
}
MAIL = {
    "pageIdentifier": "2",
    "title": "E-mail",
    "items": [
        {"identifier": "2", "type": "input", "title": "a@example.com", "value": "a@example.com"}
    ],
}
REFERENCE = {"interactiveDataRef": {"url": "https://content.example.com/1", "size": 20_000}}


def response(*selections, **dynamic):
    """Make what comes back; `selections` given by name replaces the list."""
    return {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "session",
            "data": {
                "version": "1.0",
                "requestIdentifier": "request",
                "dynamic": {
                    "version": "1.2",
                    "template": "messageForms",
                    "selections": list(selections),
                    **dynamic,
                },
                "replyMessage": {"title": "Form submitted", "style": "icon"},
            },
        }
    }


def page(identifier, *values, title=None):
    answers = tuple(FormAnswer(value, value) for value in values)
    return PageAnswers(identifier, title, None, answers)


def test_answers_come_with_all_that_they_say():
    raw = response(PRODUCT, BOUGHT, MAIL)

    content = parse_content("interactive", raw)

    assert content == FormResponse(
        pages=(
            PageAnswers(
                "0", "Product", "Which one?", (FormAnswer("Kettle", "kettle", "101", "select"),)
            ),
            PageAnswers(
                "1",
                "Bought on",
                None,
                (FormAnswer("04/02/2031", "04/02/2031", "1", "datePicker"),),
            ),
            PageAnswers(
                "2",
                "E-mail",
                None,
                (FormAnswer("a@example.com", "a@example.com", "2", "input"),),
            ),
        ),
        private=False,
        title="Form submitted",
        request_id="request",
        session_id="session",
    )
    assert content.raw is raw


def test_selections_may_stand_in_data():
    raw = response(data={"selections": [PRODUCT], "private": True})
    del raw["interactiveData"]["data"]["dynamic"]["selections"]

    content = parse_content("interactive", raw)

    assert content.value("Product") == "kettle"
    assert content.private


def test_selections_of_dynamic_count_before_those_in_data():
    content = parse_content("interactive", response(PRODUCT, data={"selections": [MAIL]}))

    assert [each.page for each in content.pages] == ["0"]


@pytest.mark.parametrize(
    "dynamic", [{"private": True}, {"data": {"private": True}}, {"private": True, "data": 5}]
)
def test_a_private_form_may_say_so_in_either_place(dynamic):
    assert parse_content("interactive", response(PRODUCT, **dynamic)).private


@pytest.mark.parametrize("private", [None, False, 1, "true", [], {}])
def test_what_is_not_plainly_private_is_not(private):
    assert not parse_content("interactive", response(PRODUCT, private=private)).private


def test_a_page_may_have_several_answers():
    items = [{"value": "leaks"}, {"value": "cold"}]

    content = parse_content("interactive", response({"pageIdentifier": "0", "items": items}))

    assert content.values("0") == ("leaks", "cold")
    assert content.value("0") == "leaks"


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        ({"title": "Kettle"}, FormAnswer("Kettle", "Kettle")),
        ({"value": "kettle"}, FormAnswer("kettle", "kettle")),
        ({"title": "Kettle", "value": ""}, FormAnswer("Kettle", "Kettle")),
        ({"title": 7, "value": 7, "identifier": 7}, FormAnswer("7", "7", "7")),
        ({"title": "Kettle", "identifier": [], "type": 5}, FormAnswer("Kettle", "Kettle")),
    ],
)
def test_title_and_value_stand_for_each_other(item, answer):
    content = parse_content("interactive", response({"pageIdentifier": "0", "items": [item]}))

    assert content.pages[0].answers == (answer,)


@pytest.mark.parametrize("item", [{}, {"identifier": "1"}, {"value": None}, {"value": []}, 5, None])
def test_an_answer_without_words_is_left_out(item):
    raw = response({"pageIdentifier": "0", "items": [item, {"value": "kettle"}]})

    assert parse_content("interactive", raw).values("0") == ("kettle",)


@pytest.mark.parametrize("items", [None, 5, "kettle", {}, []])
def test_a_page_without_answer_has_none(items):
    content = parse_content("interactive", response({**PRODUCT, "items": items}))

    assert content.values("0") == ()
    assert content.value("0") is None


@pytest.mark.parametrize("junk", [5, None, [], {}, {"title": "Product"}, {"pageIdentifier": ""}])
def test_a_page_that_cannot_be_read_is_left_out(junk):
    content = parse_content("interactive", response(junk, MAIL))

    assert [each.page for each in content.pages] == ["2"]


def test_a_page_identifier_may_come_as_a_number():
    content = parse_content("interactive", response({**PRODUCT, "pageIdentifier": 0}))

    assert content.value("0") == "kettle"


def test_a_form_without_any_answer_has_no_pages():
    assert parse_content("interactive", response()).pages == ()


@pytest.mark.parametrize("dynamic", [None, 5, [], {}, {"selections": {}}, {"selections": "0"}])
def test_a_form_in_another_shape_is_unknown(dynamic):
    raw = response()
    raw["interactiveData"]["data"]["dynamic"] = dynamic

    assert parse_content("interactive", raw) == Unknown("interactive")


def test_answers_count_when_a_reference_came_beside_them():
    content = parse_content("interactive", response(PRODUCT) | REFERENCE)

    assert content.value("Product") == "kettle"


def test_a_reference_alone_is_a_reference():
    assert parse_content("interactive", REFERENCE) == DataRef()


def test_junk_in_any_field_harms_nothing(spoil_each):
    for raw in spoil_each(response(PRODUCT, MAIL, private=True, data={"private": True})):
        content = parse_content("interactive", raw)

        assert isinstance(content, FormResponse | Unknown)


def test_answers_are_found_by_page_or_title():
    content = parse_content("interactive", response(PRODUCT, MAIL))

    assert content.values("Product") == content.values("0") == ("kettle",)
    assert content.value("E-mail") == "a@example.com"


def test_a_page_that_is_not_there_has_no_answer():
    content = parse_content("interactive", response(PRODUCT))

    assert content.values("Colour") == ()
    assert content.value("Colour") is None


def test_repr_shows_no_answer():
    assert "kettle" not in repr(parse_content("interactive", response(PRODUCT, private=True)))


def test_selection_is_every_value_by_page():
    content = FormResponse(pages=(page("0", "kettle", "iron"), page("1")))

    assert content.selection == [["0", ["kettle", "iron"]], ["1", []]]
    assert json.loads(json.dumps(content.selection)) == content.selection


def test_joined_takes_the_titles_that_did_not_come_from_what_was_sent():
    form = Form("Report", [SelectPage("Product", "?", ["Kettle"]), InputPage("E-mail", "Where?")])
    filled = FormResponse(
        pages=(page("1", "Kettle"), page("2", "a@b", title="Mail"), page("9", "x"))
    )

    joined = filled.joined("report", form.to_wire()["interactiveData"])

    assert joined.to == "report"
    assert [each.title for each in joined.pages] == ["Product", "Mail", None]
    assert joined.value("Product") == "Kettle"


@pytest.mark.parametrize(
    "data", [{}, {"data": 5}, {"data": {"dynamic": {"data": {"pages": [5, {}]}}}}]
)
def test_joined_to_nothing_known_is_the_same(data):
    filled = FormResponse(pages=(page("1", "Kettle"),))

    assert filled.joined(None, data) == filled
