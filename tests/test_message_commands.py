"""The commands about messages."""

import json
from contextlib import closing

import pytest
from click.testing import CliRunner

from msp_server.__main__ import main
from msp_server.app import open_store_of
from msp_server.settings import Settings
from tests.contract.given import NOW, OTHER_CUSTOMER, answer, ask_to_pay, bury, receive, reply


@pytest.fixture
def store():
    with closing(open_store_of(Settings.from_environment())) as store:
        yield store


def call(*arguments):
    return CliRunner().invoke(main, ["messages", *arguments])


def test_messages_without_more_lists(store):
    receive(store, "1")
    answer(store)

    assert "ANSWERED Text" in call().output


def test_the_help_names_every_command():
    output = call("--help").output

    for command in ("attachments", "payments", "buried", "replay", "export", "prune"):
        assert f"\n  {command} " in output


@pytest.mark.parametrize(
    "arguments", [["--limit", "1", "payments", "--json"], ["--json", "payments", "--limit", "1"]]
)
def test_options_count_before_and_after_what_is_listed(store, arguments):
    store.outbox.put([ask_to_pay("a"), ask_to_pay("b")], NOW)

    [line] = call(*arguments).output.splitlines()

    assert json.loads(line)["message_id"] == "b"


def test_what_is_listed_last_wins(store):
    store.outbox.put([reply("a"), reply("b"), reply("c")], NOW)
    for _ in range(3):
        bury(store.outbox)

    assert len(call("--limit", "1", "buried", "--limit", "2").output.splitlines()) == 2


@pytest.mark.parametrize("what", ["attachments", "payments", "buried"])
def test_there_is_none_yet(what):
    assert call(what).output == f"no {what}{' messages' if what == 'buried' else ''} yet\n"
    assert call(what, "--json").output == ""


def test_a_word_that_names_no_command_is_told():
    answer = call("buryed")

    assert answer.exit_code == 2
    assert "buryed" in answer.output


@pytest.fixture
def buried(store):
    """Give a store in which one message of each direction was given up."""
    receive(store, "in")
    bury(store.inbox, NOW + 1, "handler raised")
    store.outbox.put([reply("out", customer_id=OTHER_CUSTOMER)], NOW)
    bury(store.outbox, NOW + 2, "refused \x1b[31m")
    return store


def test_what_was_given_up_is_a_line_with_when_which_and_why(buried):
    assert call("buried").output == (
        "2023-11-14T22:13:21.250+00:00 ← in Text               handler raised\n"
        "2023-11-14T22:13:22.250+00:00 → out Text               refused  [31m\n"
    )


def test_what_was_given_up_as_json_has_everything(buried):
    records = [json.loads(line) for line in call("buried", "--json").output.splitlines()]

    assert [record["direction"] for record in records] == ["in", "out"]
    assert records[0].pop("conversation_id") == buried.history.newest(2)[0].conversation_id
    assert records[0] == {
        "direction": "in",
        "message_id": "in",
        "business_id": "0f0e0d0c-0b0a-0908-0706-050403020100",
        "customer_id": "urn:mbid:alice",
        "kind": "Text",
        "reason": "handler raised",
        "unsure": 0,
        "created_at": "2023-11-14T22:13:20.250+00:00",
        "buried_at": "2023-11-14T22:13:21.250+00:00",
    }


def test_what_was_given_up_in_one_conversation(buried):
    lines = call("buried", "--conversation", OTHER_CUSTOMER).output.splitlines()

    assert lines[1].endswith(OTHER_CUSTOMER)
    assert [line for line in lines if "Text" in line] == lines[-1:]


def test_an_unknown_conversation_says_where_to_look():
    answer = call("buried", "--conversation", "nobody")

    assert answer.exit_code == 1
    assert "no such conversation" in answer.output
