import json
import logging

import pytest

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.agents.program import Program
from msp_server.delivery.asking import Asking
from msp_server.delivery.sending import FIRST_DELAY_S
from msp_server.errors import ContentInvalid, CredentialsRefused
from msp_server.messages.attachment import Attachment
from msp_server.messages.text import Text
from msp_server.wire.file_addresses import FileAddresses

NOW = 1_700_000_000.25
ADDRESS = "https://agent.example.com/hook"


class Clock:
    at = NOW

    def __call__(self):
        return self.at


class FakePrograms:
    """What programs answer, and what they were asked."""

    def __init__(self):
        self.answer = {}
        self.asked = []

    def ask(self, address, body, message_id, now):
        self.asked.append((address, json.loads(body), message_id, now))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def programs():
    return FakePrograms()


@pytest.fixture
def asking(programs, clock):
    return Asking(programs, FileAddresses("https://msp.example.com", (bytes(32),), clock), clock)


@pytest.fixture
def conversation():
    return Conversation("business", "customer", "m1", state={"turns": 1})


def refusal():
    return CredentialsRefused("answered 401", method="POST", address=ADDRESS, status=401)


def test_an_agent_of_this_process_answers_by_itself(asking, programs, conversation):
    agent = Agent("here")
    agent.on(Text)(lambda text, _conversation: Text(text.body.upper()))

    answered = asking.ask(agent, Text("hi"), conversation, NOW)

    assert answered.contents == [Text("HI")]
    assert programs.asked == []


def test_a_program_is_asked(asking, programs, conversation):
    programs.answer = {"messages": [{"kind": "Text", "body": "hello"}]}

    answered = asking.ask(Program(ADDRESS), Text("hi"), conversation, NOW)

    assert answered.contents == [Text("hello")]
    ((address, question, message_id, at),) = programs.asked
    assert (address, message_id, at) == (ADDRESS, "m1", NOW)
    assert question["content"]["body"] == "hi"


def test_what_a_program_remembers_replaces_what_it_did_before(asking, programs, conversation):
    programs.answer = {"state": {"done": True}}

    asking.ask(Program(ADDRESS), Text("hi"), conversation, NOW)

    assert conversation.state == {"done": True}


def test_what_a_program_says_nothing_of_is_remembered(asking, conversation):
    asking.ask(Program(ADDRESS), Text("hi"), conversation, NOW)

    assert conversation.state == {"turns": 1}


def test_a_program_hands_over(asking, programs, conversation):
    programs.answer = {"hand_over": {"desk": "billing", "note": "late"}}

    asking.ask(Program(ADDRESS), Text("hi"), conversation, NOW)

    assert (conversation.desk, conversation.note) == ("billing", "late")


def test_files_are_told_by_addresses(asking, programs, conversation, tmp_path):
    file = tmp_path / ("0a" * 16)
    file.write_bytes(b"abc")

    asking.ask(Program(ADDRESS), Text("", [Attachment(file, "tea.png")]), conversation, NOW)

    (told,) = programs.asked[0][1]["content"]["attachments"]
    token = told["url"].removeprefix("https://msp.example.com/files/")
    assert asking.files.read(token) == ("0a" * 16, "image/png")
    assert told["expires_at"] == "2023-11-14T23:13:20+00:00"


def test_without_a_secret_no_program_is_asked(clock, conversation):
    asking = Asking(None, FileAddresses("", (bytes(32),), clock), clock)

    with pytest.raises(ContentInvalid, match="MSP_AGENT_SECRET"):
        asking.ask(Program(ADDRESS), Text("hi"), conversation, NOW)


def test_a_program_that_refuses_us_is_left_alone_longer_each_time(
    asking, programs, conversation, clock, caplog
):
    programs.answer, program = refusal(), Program(ADDRESS)
    pauses = []
    for _ in range(3):
        with pytest.raises(CredentialsRefused):
            asking.ask(program, Text("hi"), conversation, NOW)
        pauses.append(asking.pause_s(program))
        clock.at += pauses[-1]

    for doubled, pause_s in enumerate(pauses):
        longest = FIRST_DELAY_S * 2**doubled
        assert longest / 2 <= pause_s <= longest
    assert asking.pause_s(program) == 0
    assert caplog.text.count("MSP_AGENT_SECRET") == 3
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_several_refusals_at_a_time_count_once(asking, programs, conversation):
    programs.answer, program = refusal(), Program(ADDRESS)
    for _ in range(5):
        with pytest.raises(CredentialsRefused):
            asking.ask(program, Text("hi"), conversation, NOW)

    assert asking.pause_s(program) <= FIRST_DELAY_S


def test_a_program_that_accepts_us_is_asked_at_once(asking, programs, conversation, clock):
    programs.answer, program = refusal(), Program(ADDRESS)
    with pytest.raises(CredentialsRefused):
        asking.ask(program, Text("hi"), conversation, NOW)
    programs.answer = {}

    asking.ask(program, Text("hi"), conversation, NOW)

    assert asking.pause_s(program) == 0


def test_other_agents_are_not_left_alone(asking, programs, conversation):
    programs.answer = refusal()
    with pytest.raises(CredentialsRefused):
        asking.ask(Program(ADDRESS), Text("hi"), conversation, NOW)

    assert asking.pause_s(Program("https://other.example.com/")) == 0
    assert asking.pause_s(Agent("here")) == 0


def test_a_clock_that_is_set_back_leaves_nobody_alone_for_long(
    asking, programs, conversation, clock
):
    programs.answer, program = refusal(), Program(ADDRESS)
    with pytest.raises(CredentialsRefused):
        asking.ask(program, Text("hi"), conversation, NOW)

    clock.at -= 86_400

    assert asking.pause_s(program) == 0
