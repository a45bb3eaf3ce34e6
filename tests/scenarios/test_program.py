"""An agent elsewhere: asked over HTTP, signed, and answered in its response."""

import base64
import threading

import pytest
import requests

from msp_server.agents.program import Program
from tests.scenarios.program import SECRET, elsewhere

PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(1000)
PICKER = {
    "kind": "ListPicker",
    "received": "What would you like?",
    "sections": [{"title": "Drinks", "items": ["Tea", "Coffee"]}],
    "name": "drinks",
}


@pytest.fixture
def program():
    with elsewhere() as running:
        yield running


@pytest.fixture
def msp(start_msp, program):
    with start_msp(Program(program.url), agent_secret=SECRET) as msp:
        yield msp


def says(*words):
    return 200, {"messages": [{"kind": "Text", "body": each} for each in words]}


def buried(msp):
    return [e.reason for e in msp.store.history.newest(10) if e.state == "BURIED"]


@pytest.mark.usefixtures("msp")
def test_what_a_program_answers_is_said_in_order(apple, program):
    program.answer = lambda asked: says(f"You said {asked['content']['body']}.", "Anything else?")

    apple.phone().text("hello")

    assert apple.phone().wait_for_bodies(2) == ["You said hello.", "Anything else?"]


@pytest.mark.usefixtures("msp")
def test_a_program_is_told_who_speaks_and_what(apple, program):
    program.answer = lambda _asked: says("hi")

    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    (asked,) = program.asked
    assert (asked["version"], asked["message_id"]) == (1, program.ids[0])
    assert asked["conversation"]["customer_id"] == apple.phone().id
    assert asked["content"] == {"kind": "Text", "body": "hello", "attachments": []}


@pytest.mark.usefixtures("msp")
def test_what_a_program_remembers_is_told_to_it_again(apple, program):
    program.answer = lambda asked: (
        200,
        {
            "messages": [{"kind": "Text", "body": f"{asked['conversation']['state']}"}],
            "state": {"turns": asked["conversation"]["state"].get("turns", 0) + 1},
        },
    )

    for count in (1, 2):
        apple.phone().text("hello")
        apple.phone().wait_for_bodies(count)

    assert apple.phone().wait_for_bodies(2) == ["{}", "{'turns': 1}"]


def test_a_program_hands_over_to_a_desk(msp, apple, program, wait_for):
    answer = says("A person will help you.")[1] | {"hand_over": {"desk": "billing", "note": "late"}}
    program.answer = lambda _asked: (200, answer)

    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)
    record = msp.store.conversations.find(apple.phone().id)

    assert (record.desk, record.note) == ("billing", "late")


@pytest.mark.usefixtures("msp")
def test_a_program_that_fails_for_a_moment_is_asked_again_with_the_same_id(apple, program):
    statuses = [(500, None), (503, None), says("there")]
    program.answer = lambda _asked: statuses.pop(0)

    apple.phone().text("hello")

    assert apple.phone().wait_for_bodies(1) == ["there"]
    assert len(program.ids) == 3
    assert len(set(program.ids)) == 1


def test_what_a_program_will_never_take_is_buried_with_its_reason(msp, apple, program, wait_for):
    program.answer = lambda _asked: (422, b"no such shop")

    apple.phone().text("hello")

    wait_for(lambda: buried(msp))
    assert "no such shop" in buried(msp)[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"messages": [{"kind": "Text"}]}, "messages[0].Text.body"),
        ({"messages": [{"kind": "Hologram"}]}, "messages[0].kind"),
        ({"messages": "hello"}, "messages is no list"),
        ({"mesages": []}, "mesages is no field there is"),
        ({"hand_over": {}}, "hand_over names no desk"),
        ({"state": []}, "state is no object"),
    ],
)
def test_an_answer_that_does_not_hold_is_buried_with_the_field(
    msp, apple, program, wait_for, answer, reason
):
    program.answer = lambda _asked: (200, answer)

    apple.phone().text("hello")

    wait_for(lambda: buried(msp))
    assert reason in buried(msp)[0]


@pytest.mark.usefixtures("msp")
def test_a_program_that_does_not_accept_our_signature_is_left_alone_and_asked_later(
    apple, program, wait_for, caplog
):
    program.secret = "whsec_" + "A" * 32
    program.answer = lambda _asked: says("there")
    apple.phone().text("hello")
    wait_for(lambda: "MSP_AGENT_SECRET" in caplog.text)

    program.secret = SECRET

    assert apple.phone().wait_for_bodies(1) == ["there"]


def test_a_photo_is_had_from_its_address(msp, apple, program):
    program.answer = lambda _asked: says("nice")

    apple.phone().files(("kettle.png", "image/png", PHOTO))
    apple.phone().wait_for_bodies(1)
    (file,) = program.asked[0]["content"]["attachments"]
    address = msp.url + file["url"].removeprefix(msp.settings.local_url)
    answer = requests.get(address, timeout=10)

    assert (file["name"], file["type"], file["size_bytes"]) == (
        "kettle.png",
        "image/png",
        len(PHOTO),
    )
    assert (answer.status_code, answer.content) == (200, PHOTO)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert requests.get(address[:-5], timeout=10).status_code == 404


@pytest.mark.usefixtures("msp")
def test_a_program_sends_a_file(apple, program):
    file = {"name": "invoice.pdf", "data": base64.b64encode(b"%PDF").decode()}
    program.answer = lambda _asked: (
        200,
        {"messages": [{"kind": "Text", "body": "Here:", "attachments": [file]}]},
    )

    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    assert apple.phone().attachment(apple.phone().entries()[-1]["id"]) == b"%PDF"


@pytest.mark.usefixtures("msp")
def test_what_the_customer_picks_is_told_with_its_name(apple, program):
    answers = iter([(200, {"messages": [PICKER]}), says("Tea it is.")])
    program.answer = lambda _asked: next(answers)
    apple.phone().text("hello")
    apple.phone().wait_for_entries(1)

    apple.phone().do("choose", titles=["Tea"])
    apple.phone().wait_for_bodies(1)

    content = program.asked[-1]["content"]
    assert (content["kind"], content["to"]) == ("ListPickerResponse", "drinks")
    assert [item["title"] for item in content["items"]] == ["Tea"]


def test_a_slow_program_keeps_no_other_conversation_waiting(msp, apple, program):
    go_on = threading.Event()

    def answer(asked):
        if asked["content"]["body"] == "slow":
            go_on.wait(10)
        return says(f"answer to {asked['content']['body']}")

    program.answer = answer
    apple.phone().text("slow")
    apple.phone("ben").text("fast")

    assert apple.phone("ben").wait_for_bodies(1) == ["answer to fast"]
    assert apple.phone().bodies() == []
    go_on.set()
    assert apple.phone().wait_for_bodies(1) == ["answer to slow"]
