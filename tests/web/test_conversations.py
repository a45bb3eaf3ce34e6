"""A program or a desk elsewhere answers when it is ready: over HTTP, with a token."""

import re

import pytest
import requests

from msp_server.agents.program import Program
from msp_server.app import create_app
from tests.scenarios.program import SECRET, elsewhere

TOKEN = "t" * 32


@pytest.fixture
def program():
    with elsewhere() as running:
        yield running


@pytest.fixture
def msp(start_msp, program):
    with start_msp(Program(program.url), agent_secret=SECRET, agent_token=TOKEN) as msp:
        yield msp


class Caller:
    """Whoever has the token, or another."""

    def __init__(self, msp, conversation_id, token=TOKEN):
        self.url = f"{msp.url}/conversations/{conversation_id}"
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def say(self, *words, key="1", **fields):
        messages = [{"kind": "Text", "body": each} for each in words]
        return self.post({"id": key, "messages": messages, **fields})

    def post(self, body, path="messages"):
        return requests.post(f"{self.url}/{path}", json=body, headers=self.headers, timeout=10)

    def read(self, **arguments):
        return requests.get(self.url, params=arguments, headers=self.headers, timeout=10)


@pytest.fixture
def caller(msp, apple, program, wait_for):
    """Somebody who heard a customer say hello."""
    apple.phone().text("hello")
    wait_for(lambda: program.asked)
    return Caller(msp, program.asked[0]["conversation"]["id"])


def test_a_late_answer_is_said(caller, apple):
    answer = caller.say("Here I am.", "Sorry.")

    assert answer.status_code == 202
    assert len(answer.json()["message_ids"]) == 2
    assert apple.phone().wait_for_bodies(2) == ["Here I am.", "Sorry."]


def test_a_post_that_is_repeated_is_said_once(caller, apple):
    first, second = caller.say("once"), caller.say("once")

    assert first.json() == second.json()
    caller.say("last", key="2")
    assert apple.phone().wait_for_bodies(2) == ["once", "last"]


def test_another_post_under_the_same_id_is_refused(caller):
    caller.say("once")

    assert caller.say("twice").status_code == 409


def test_nothing_is_said_to_who_has_left(caller, apple, wait_for):
    apple.phone().close()
    wait_for(lambda: caller.read().json()["conversation"]["closed"])

    assert caller.say("still there?").status_code == 409


def test_a_field_that_does_not_hold_is_named(caller):
    answer = caller.post({"id": "1", "messages": [{"kind": "Text", "body": 5}]})

    assert answer.status_code == 422
    assert answer.json()["field"] == "messages[0].Text.body"


@pytest.mark.parametrize(("token", "status"), [("", 401), ("x" * 32, 403)])
def test_nothing_is_open_without_the_token(msp, caller, program, token, status):
    conversation_id = program.asked[0]["conversation"]["id"]
    stranger = Caller(msp, conversation_id, token)

    assert stranger.read().status_code == status
    assert stranger.say("hello").status_code == status


def test_a_conversation_tells_what_was_said(caller, apple):
    caller.say("Here I am.")
    apple.phone().wait_for_bodies(1)

    told = caller.read().json()

    assert [(each["by"], each["words"]) for each in told["messages"]][-2:] == [
        ("customer", "hello"),
        ("business", "Here I am."),
    ]


def test_an_agent_is_quiet_while_a_desk_has_the_conversation(caller, apple, program, wait_for):
    def posts(key, **fields):
        return caller.say("hi", key=key, **fields).status_code

    program.answer = lambda _asked: (200, {"hand_over": {"desk": "billing"}})
    apple.phone().text("a person, please")
    wait_for(lambda: caller.read().json()["conversation"]["desk"] == "billing")

    assert posts("agent") == 409
    assert posts("desk", **{"as": "desk"}) == 202
    assert caller.post({}, "give_back").status_code == 200
    assert posts("again") == 202


def test_a_desk_takes_a_conversation_over_and_is_found_by_it(msp, caller, apple, program, wait_for):
    latest = Caller(msp, "").url.rstrip("/")

    def at_desk():
        answer = requests.get(latest, params={"at_desk": 1}, headers=caller.headers, timeout=10)
        return [each["id"] for each in answer.json()["conversations"]]

    assert at_desk() == []
    assert caller.post({"desk": "billing", "note": "mine"}, "take_over").status_code == 200
    apple.phone().text("for the desk")
    wait_for(lambda: caller.read().json()["messages"][-1]["state"] == "HELD")

    assert at_desk() == [program.asked[0]["conversation"]["id"]]
    assert len(program.asked) == 1
    assert caller.post({}, "give_back").json() == {"waiting": 1}
    wait_for(lambda: len(program.asked) == 2)


def test_what_is_open_is_described(msp, caller):
    answer = requests.get(
        f"{msp.url}/conversations/openapi.json", headers=caller.headers, timeout=9
    )

    paths = answer.json()["paths"]
    routes = {
        re.sub("<([a-z_]+)>", r"{\1}", rule.rule)
        for rule in create_app(msp.settings, msp.store).url_map.iter_rules()
        if rule.rule.startswith("/conversations")
    }
    assert routes - {"/conversations/openapi.json"} == set(paths)


def test_the_routes_are_not_there_without_a_token_in_the_settings(start_msp):
    with start_msp() as msp:
        assert Caller(msp, "some-id").read().status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": [{"kind": "Text", "body": "x"}]}, "id"),
        ({"id": "", "messages": []}, "id"),
        ({"id": "a" * 201, "messages": []}, "id"),
        ({"id": "a\0", "messages": []}, "id"),
        ({"id": 1, "messages": []}, "id"),
        ({"id": "1"}, "messages"),
        ({"id": "1", "messages": []}, "messages"),
        ({"id": "1", "messages": "x"}, "messages"),
        ({"id": "1", "as": "king", "messages": [{"kind": "Text", "body": "x"}]}, "as"),
        ({"id": "1", "as": [], "messages": [{"kind": "Text", "body": "x"}]}, "as"),
        ({"id": "1", "more": 1, "messages": []}, "more"),
    ],
)
def test_a_post_that_does_not_hold_is_422_with_the_field(caller, body, field):
    answer = caller.post(body)

    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"x" * 5_000_000])
def test_what_is_no_object_is_refused(caller, body):
    answer = requests.post(f"{caller.url}/messages", data=body, headers=caller.headers, timeout=10)

    assert answer.status_code in (400, 413)


@pytest.mark.parametrize("limit", ["0", "101", "00000000019999", "-1", "x", "1e2", "²", "9" * 5000])
def test_a_limit_that_is_none_is_refused(caller, limit):
    assert caller.read(limit=limit).status_code == 400


def test_a_limit_is_kept(caller):
    assert len(caller.read(limit="1").json()["messages"]) == 1


@pytest.mark.parametrize("conversation_id", ["nobody", "urn:mbid:ava", "x" * 5000, "%00", "a%2Fb"])
def test_a_conversation_that_is_none_is_404(msp, conversation_id):
    assert Caller(msp, conversation_id).read().status_code == 404
    assert Caller(msp, conversation_id).say("hi").status_code == 404


@pytest.mark.parametrize("body", [{}, {"desk": ""}, {"desk": 1}, {"desk": "a", "note": 1}])
def test_a_desk_without_a_name_takes_nothing_over(caller, body):
    assert caller.post(body, "take_over").status_code == 422


def test_of_what_is_long_the_words_alone_are_told(caller, apple, wait_for):
    apple.phone().text("a" * 20_000)
    wait_for(lambda: len(caller.read().json()["messages"]) > 2)

    last = caller.read(limit="1").json()["messages"][0]

    assert (len(last["words"]), last["fields"]) == (20_000, None)
