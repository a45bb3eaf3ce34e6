from dataclasses import replace

import pytest

from msp_server.emulator.comparing import compare
from msp_server.emulator.conversation_file import SavedConversation, SavedDeed, SavedMessage

TOKEN = "qDx6VGa7ZlCrOqHfzcGRb2wkWQDYjRic"
OTHER = "Zk1x6VGa7ZlCrOqHfzcGRb2wkWQDYj77"


def business(seconds=0.5, **fields):
    return SavedMessage("business", seconds, "text", fields)


def customer(name="text", fields=None, **told):
    return SavedMessage("customer", 0.0, "text", fields or {}, SavedDeed(name, told))


def conversation(*messages):
    return SavedConversation({}, messages)


def diff_of(then, now, ignored=()):
    return compare(conversation(business(**then)), conversation(business(**now)), "a", ignored)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"requestIdentifier": "a"}, {"requestIdentifier": "b"}),
        ({"data": {"event": {"startTime": "2031-03-22T09:00+0000"}}},) * 2,
        ({"slots": [{"startTime": "x"}]}, {"slots": [{"startTime": "y"}]}),
        (
            {"body": "Case 0f0e0d0c-0b0a-0908-0706-050403020100"},
            {"body": "Case 1f0e0d0c-0b0a-0908-0706-050403020100"},
        ),
        ({"body": "It was 2031-03-22T09:00:01Z"}, {"body": "It was 2032-01-02 10:07"}),
        ({"url": f"http://localhost:8002/l/{TOKEN}"}, {"url": f"http://127.0.0.1:9/l/{OTHER}"}),
        ({"body": f"https://a.example/?t={TOKEN}."}, {"body": f"https://a.example/?t={OTHER}."}),
        ({"body": "to urn:mbid:AQAA+/x="}, {"body": "to urn:mbid:AQAB"}),
        ({"body": f"eyJhbGciOi.{TOKEN}.x"}, {"body": f"eyJhbGciOi.{OTHER}.y"}),
        (
            {"attachments": [{"url": "https://p54.example/a", "name": "a"}]},
            {"attachments": [{"url": "https://p54.example/b", "name": "a"}]},
        ),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_what_is_another_every_time_does_not_count(then, now):
    assert diff_of(then, now) == ""


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"body": "Good morning"}, {"body": "Good evening"}),
        ({"requestIdentifier": "a"}, {}),
        ({"requestIdentifier": "a"}, {"requestIdentifier": None}),
        ({"url": "https://a.example/kettles"}, {"url": "https://a.example/kettle"}),
        ({"attachments": [{"name": "a"}]}, {"attachments": [{"name": "b"}]}),
        ({"items": [1, 2]}, {"items": [2, 1]}),
        ({"n": 1}, {"n": True}),
        ({"n": 1}, {"n": "1"}),
        ({"data": "A" * 400}, {"data": "A" * 399 + "B"}),
    ],
)
def test_everything_else_counts(then, now):
    assert diff_of(then, now) != ""


def test_when_it_was_said_does_not_count():
    assert compare(conversation(business(1.0, a=1)), conversation(business(2.0, a=1))) == ""


def test_diff_shows_the_line_that_changed_and_who_said_it():
    then, now = "Hours:\nnine to five\nSee you", "Hours:\nnine to six\nSee you"

    lines = diff_of({"body": then}, {"body": now}).splitlines()

    assert lines[:2] == ["--- a (then)", "+++ a (now)"]
    assert [line.strip() for line in lines if line[0] == "-"][1:] == ['-      "nine to five",']
    assert [line.strip() for line in lines if line[0] == "+"][1:] == ['+      "nine to six",']
    assert " business: text" in lines


def test_picture_is_told_by_its_fingerprint():
    diff = diff_of({"data": "A" * 4_000}, {"data": "B" * 4_000})

    assert len(diff) < 400
    assert "4,000 characters of Base64" in diff


def test_keys_to_ignore_do_not_count():
    assert diff_of({"price": 1, "b": 1}, {"price": 2, "b": 1}, ["price"]) == ""
    assert diff_of({"price": 1, "b": 1}, {"b": 1}, ["price"]) == ""


def test_message_more_or_less_counts():
    one, two = conversation(business(a=1)), conversation(business(a=1), business(a=2))

    assert "+business: text" in compare(one, two)
    assert "-business: text" in compare(two, one)


def test_what_the_msp_did_not_take_counts():
    sent = customer(body="Hi")

    diff = compare(conversation(sent), conversation(replace(sent, error="The MSP answered 500")))

    assert "+  not delivered: The MSP answered 500" in diff


def test_what_a_tap_sends_is_the_phones_alone():
    then, now = customer("tap", {"a": 1}, title="Yes"), customer("tap", {"a": 2}, title="Yes")

    assert compare(conversation(then), conversation(now)) == ""


@pytest.mark.parametrize("deed", ["pay", "sign_in"])
def test_how_a_payment_or_sign_in_ends_is_the_msps_too(deed):
    then, now = customer(deed, {"status": "good"}), customer(deed, {"status": "bad"})

    assert '+    "status": "bad"' in compare(conversation(then), conversation(now))
