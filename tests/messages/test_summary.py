import pytest

from msp_server.messages.presence import TypingStart
from msp_server.messages.quick_reply import QuickReply
from msp_server.messages.summary import summary

ITEMS = [{"identifier": "y", "title": "Yes"}, {"identifier": "n", "title": "No"}]


def interactive(data=None, **beside):
    return {"interactiveData": {"data": data or {}, **beside}}


def tapped(**reply):
    return interactive({"quick-reply": {"summaryText": "Helpful?", "items": ITEMS, **reply}})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"body": "Hello"}, "Hello"),
        (
            {"body": "https://x", "richLinkData": {"title": "Tea", "url": "https://x"}},
            "Tea https://x",
        ),
        ({"richLinkData": {"title": "Tea"}}, "Tea"),
        ({"body": "https://x", "richLinkData": {"url": "https://x"}}, "https://x"),
        (tapped(), "Helpful?"),
        (tapped(selectedIdentifier="n"), "No"),
        (tapped(selectedIdentifier="other"), "Helpful?"),
        (tapped(selectedIdentifier="y", items="?"), "Helpful?"),
        (interactive({"quick-reply": {"summaryText": "S", "items": [{"title": "T"}]}}), "S"),
        (interactive({"replyMessage": {"title": "2 items"}}), "2 items"),
        (interactive(receivedMessage={"title": "Menu"}), "Menu"),
        (interactive({"receivedMessage": {"title": "Menu"}}), "Menu"),
        (interactive({"replyMessage": {"title": "in"}}, receivedMessage={"title": "out"}), "in"),
        (interactive({"notification": {"parameters": {"brandName": "Shop"}}}), "Shop"),
        (interactive(), ""),
        ({"interactiveData": None, "richLinkData": 5, "body": ["x"]}, ""),
        ({}, ""),
    ],
)
def test_summary_says_what_a_message_says(fields, words):
    assert summary(fields) == words


def test_summary_says_what_stands_on_a_bubble_that_goes_out():
    assert summary(QuickReply("Helpful?", ["Yes", "No"]).to_wire()) == "Helpful?"


def test_summary_of_typing_is_empty():
    assert summary(TypingStart().to_wire()) == ""
