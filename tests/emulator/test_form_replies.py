import copy

import pytest

KETTLE = {"identifier": "101", "title": "Kettle", "value": "kettle"}
TOASTER = {"identifier": "102", "title": "Toaster", "value": "toaster"}
REFUND = {"identifier": "r", "title": "Refund", "value": "refund"}
PAGES = [
    {
        "pageIdentifier": "0",
        "type": "select",
        "title": "Product",
        "subtitle": "Which one?",
        "multipleSelection": False,
        "items": [KETTLE | {"nextPageIdentifier": "1"}, TOASTER | {"nextPageIdentifier": "2"}],
    },
    {
        "pageIdentifier": "1",
        "type": "datePicker",
        "title": "Bought on",
        "subtitle": "Date on the receipt",
        "nextPageIdentifier": "2",
        "options": {"dateFormat": "MM/dd/yyyy", "minimumDate": "01/01/2020"},
    },
    {
        "pageIdentifier": "2",
        "type": "picker",
        "title": "Wish",
        "subtitle": "What shall we do?",
        "pickerTitle": "I want",
        "items": [REFUND, {"identifier": "x", "title": "Exchange", "value": "exchange"}],
        "nextPageIdentifier": "3",
    },
    {
        "pageIdentifier": "3",
        "type": "input",
        "title": "E-mail",
        "subtitle": "Where do we answer?",
        "options": {"inputType": "singleline", "maximumCharacterCount": 80},
        "submitForm": True,
    },
]
FORM = {
    "version": "1.2",
    "template": "messageForms",
    "data": {
        "startPageIdentifier": "0",
        "showSummary": True,
        "splash": {"header": "Report a fault", "buttonTitle": "Start"},
        "pages": PAGES,
    },
}
ANSWERS = {
    "Product": "Kettle",
    "1": "2024-04-02",
    "Wish": "refund",
    "E-mail": "a@example.com",
}


@pytest.fixture
def form(interactive):
    """Make a form; a test spoils a part of it."""
    return copy.deepcopy(interactive({"dynamic": FORM}))


def pages_of(form):
    return form["data"]["dynamic"]["data"]["pages"]


@pytest.fixture
def put_form(put_on_phone):
    return lambda form: put_on_phone({"type": "interactive", "interactiveData": form})


def test_form_comes_back_with_what_was_filled_in(answered, offer, form, interactive):
    offer(form)

    reply = answered("answer_form", answers=ANSWERS)["interactiveData"]

    day, address = "04/02/2024", "a@example.com"
    expected = interactive(
        {
            "dynamic": {
                "version": "1.2",
                "template": "messageForms",
                "selections": [
                    {
                        "pageIdentifier": "0",
                        "title": "Product",
                        "subtitle": "Which one?",
                        "items": [KETTLE | {"type": "select"}],
                    },
                    {
                        "pageIdentifier": "1",
                        "title": "Bought on",
                        "subtitle": "Date on the receipt",
                        "items": [
                            {"identifier": "1", "title": day, "value": day, "type": "datePicker"}
                        ],
                    },
                    {
                        "pageIdentifier": "2",
                        "title": "Wish",
                        "subtitle": "What shall we do?",
                        "items": [REFUND | {"type": "picker"}],
                    },
                    {
                        "pageIdentifier": "3",
                        "title": "E-mail",
                        "subtitle": "Where do we answer?",
                        "items": [
                            {
                                "identifier": "3",
                                "title": address,
                                "value": address,
                                "type": "input",
                            }
                        ],
                    },
                ],
            }
        }
    )
    received, replied = expected.pop("receivedMessage"), expected.pop("replyMessage")
    expected["data"] |= {"receivedMessage": received, "replyMessage": replied}
    assert reply == expected


def test_option_leads_past_a_page_and_an_empty_page_is_left_out(answered, offer, form):
    offer(form)

    reply = answered("answer_form", answers={"0": "Toaster", "2": "r"})["interactiveData"]

    selections = reply["data"]["dynamic"]["selections"]
    assert [selection["pageIdentifier"] for selection in selections] == ["0", "2"]


@pytest.mark.parametrize("place", ["dynamic", "dynamic.data"])
def test_private_form_comes_back_as_private(answered, put_form, form, place):
    dynamic = form["data"]["dynamic"]
    (dynamic if place == "dynamic" else dynamic["data"])["private"] = True
    put_form(form)

    reply = answered("answer_form", answers=ANSWERS)["interactiveData"]

    assert reply["data"]["dynamic"]["private"] is True


def test_form_without_a_reply_bubble_says_it_was_submitted(ava, answered, put_form, form):
    del form["replyMessage"]
    put_form(form)

    reply = answered("answer_form", answers=ANSWERS)["interactiveData"]

    assert reply["data"]["replyMessage"] == {"title": "Form submitted", "style": "icon"}
    assert ava.transcript()["entries"][0]["replied"] == reply["data"]["replyMessage"]


def test_page_leads_on_where_its_option_does_not(answered, put_form, form):
    start = pages_of(form)[0]
    del start["items"][0]["nextPageIdentifier"]
    start["nextPageIdentifier"] = "3"
    put_form(form)

    reply = answered("answer_form", answers={"Product": "Kettle"})["interactiveData"]

    assert [s["title"] for s in reply["data"]["dynamic"]["selections"]] == ["Product"]


def test_page_that_leads_nowhere_is_the_last(answered, put_form, form):
    del pages_of(form)[1]["nextPageIdentifier"]
    put_form(form)

    reply = answered("answer_form", answers={"0": "101", "1": "2024-04-02"})["interactiveData"]

    assert len(reply["data"]["dynamic"]["selections"]) == 2


def test_options_of_several_do_not_lead(answered, put_form, form):
    pages_of(form)[0] |= {"multipleSelection": True, "nextPageIdentifier": "2"}
    put_form(form)

    reply = answered("answer_form", answers={"0": ["Kettle", "Toaster"], "2": "r"})

    first, second = reply["interactiveData"]["data"]["dynamic"]["selections"]
    assert [item["identifier"] for item in first["items"]] == ["101", "102"]
    assert second["pageIdentifier"] == "2"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"Product": None}, "The page 'Product' (0) takes the title of an option"),
        ({"1": None}, "takes a date"),
        ({"1": "2019-12-31"}, "takes dates from 2020-01-01"),
        ({"Wish": "A hug"}, "no option 'A hug'"),
        ({"E-mail": "x" * 81}, "at most 80 characters"),
        ({"Colour": "red"}, "no page 'Colour': there are 'Product', 'Bought on', 'Wish', 'E-mail'"),
        ({"0": "Kettle"}, "The page '0' is answered twice"),
        ({"Product": "Toaster"}, "These pages are not on the way: '1'"),
    ],
)
def test_answers_that_do_not_fit_are_400(ava, offer, form, changes, error):
    offer(form)

    answer = ava.do("answer_form", answers=ANSWERS | changes)

    assert answer.status_code == 400
    assert error in answer.json()["error"]


@pytest.mark.parametrize("answers", [None, [], "Kettle", 7])
def test_answers_that_are_no_object_are_400(ava, offer, form, answers):
    offer(form)

    answer = ava.do("answer_form", answers=answers)

    assert answer.status_code == 400
    assert "answers has to be an object" in answer.json()["error"]


def circle(form):
    pages_of(form)[2]["nextPageIdentifier"] = "1"


def no_such_start(form):
    form["data"]["dynamic"]["data"]["startPageIdentifier"] = "start"


def no_such_next(form):
    pages_of(form)[2]["nextPageIdentifier"] = "9"


def twice_a_title(form):
    pages_of(form)[3]["title"] = "Wish"


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (circle, "The page 'Bought on' (1) comes again"),
        (no_such_start, "A phone cannot show this form: it has no page 'start'"),
        (no_such_next, "it has no page '9'"),
        (twice_a_title, "2 pages have the title 'Wish'"),
    ],
)
def test_form_that_leads_nowhere_is_400(ava, put_form, form, spoil, error):
    spoil(form)
    put_form(form)

    answers = {name: ANSWERS[name] for name in ("Product", "1", "Wish")}
    answer = ava.do("answer_form", answers=answers)

    assert answer.status_code == 400
    assert error in answer.json()["error"]
