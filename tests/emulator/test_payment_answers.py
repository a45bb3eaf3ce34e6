import pytest

from msp_server.emulator.payment_answers import (
    STATUSES,
    AnswerUnfit,
    Bill,
    find_flaw,
    read_status,
    read_update,
)

TOTAL = {"label": "Example Shop", "amount": "12.00", "type": "final"}
ITEMS = [{"label": "Tea", "amount": "10.00"}, {"label": "Cup", "amount": "2.00"}]
KNOWN = Bill(({"label": "Tea", "amount": "10.00"},), {"label": "Shop", "amount": "10.00"})


def bill(total, *items):
    lines = tuple({"label": "x", "amount": item} for item in items)
    return Bill(lines, {"label": "Shop", "amount": total})


def test_empty_answer_changes_nothing():
    assert read_update({}, KNOWN) is KNOWN


def test_answer_is_the_new_bill():
    answer = {"newTotal": TOTAL, "newLineItems": ITEMS, "other": 1}

    assert read_update(answer, KNOWN) == Bill(tuple(ITEMS), TOTAL)


def test_line_items_that_are_not_told_stay():
    assert read_update({"newTotal": TOTAL}, KNOWN) == Bill(KNOWN.line_items, TOTAL)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "no JSON object"),
        ("OK", "no JSON object"),
        ({"newLineItems": ITEMS}, "has no newTotal"),
        ({"status": "STATUS_SUCCESS"}, "has no newTotal"),
        ({"newTotal": "12.00"}, "newTotal is '12.00'"),
        ({"newTotal": TOTAL | {"amount": 12}}, "newTotal.amount is 12"),
        ({"newTotal": TOTAL | {"amount": "12,00"}}, "write a string"),
        ({"newTotal": {"amount": "12.00"}}, "newTotal.label is missing"),
        ({"newTotal": TOTAL, "newLineItems": {}}, "newLineItems is {}"),
        ({"newTotal": TOTAL, "newLineItems": [*ITEMS, 7]}, "newLineItems[2] is 7"),
        ({"newTotal": TOTAL, "newLineItems": [{"label": "x"}]}, "newLineItems[0].amount"),
    ],
)
def test_other_answer_is_not_understood(answer, words):
    with pytest.raises(AnswerUnfit) as caught:
        read_update(answer, KNOWN)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (bill("12.00", "10.00", "2.01"), "newTotal is 12.00, and the line items come to 12.01"),
        (bill("0.00"), "above zero"),
        (bill("-1.00", "-1.00"), "above zero"),
    ],
)
def test_flaw_is_told(shown, words):
    assert words in find_flaw(shown)


@pytest.mark.parametrize("shown", [bill("12", "10.0", "2.00"), bill("12.00"), bill("1", "2", "-1")])
def test_bill_that_adds_up_has_none(shown):
    assert find_flaw(shown) is None


@pytest.mark.parametrize("status", STATUSES)
def test_status_is_read(status):
    assert read_status({"status": status, "other": 1}) == status


@pytest.mark.parametrize(
    "answer",
    [None, "STATUS_SUCCESS", {}, {"status": None}, {"status": "success"}, {"status": []}],
)
def test_other_status_is_not_understood(answer):
    with pytest.raises(AnswerUnfit):
        read_status(answer)
