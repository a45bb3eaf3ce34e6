import base64
import json
from decimal import Decimal
from pathlib import Path

import pytest

from msp_server.agents.asked import MESSAGES_LIMIT, Answered, ask, read_answer, read_messages
from msp_server.agents.conversation import Conversation
from msp_server.errors import ContentInvalid
from msp_server.messages.apple_pay import ApplePayResponse
from msp_server.messages.attachment import Attachment
from msp_server.messages.capability import Capability
from msp_server.messages.content import Unknown
from msp_server.messages.custom_app import CustomAppResponse
from msp_server.messages.form_response import FormAnswer, FormResponse, PageAnswers
from msp_server.messages.list_picker import ListPickerResponse, PickedItem
from msp_server.messages.quick_reply import QuickReply
from msp_server.messages.text import Text

AT = 1_700_000_000.25
CONVERSATION = Conversation(
    business_id="0f0e0d0c-0b0a-0908-0706-050403020100",
    customer_id="urn:mbid:alice",
    message_id="m1",
    capabilities=frozenset({Capability.QUICK, Capability.LIST}),
    locale="en_GB",
    id="c1",
    state={"turns": 1},
)


def asked(content, conversation=CONVERSATION):
    question = ask(content, conversation, AT, lambda place: {"url": f"https://x.example/{place}"})
    return json.loads(json.dumps(question))


def test_a_program_is_told_all_of_the_conversation():
    assert asked(Text("hi")) == {
        "version": 1,
        "message_id": "m1",
        "at": "2023-11-14T22:13:20.250000+00:00",
        "conversation": {
            "id": "c1",
            "business_id": "0f0e0d0c-0b0a-0908-0706-050403020100",
            "customer_id": "urn:mbid:alice",
            "locale": "en_GB",
            "intent": None,
            "group": None,
            "capabilities": ["LIST", "QUICK"],
            "state": {"turns": 1},
        },
        "content": {"kind": "Text", "body": "hi", "attachments": []},
    }


def test_a_device_that_never_said_what_it_shows_is_told_as_null():
    conversation = Conversation("business", "customer", "m1")

    assert asked(Text("hi"), conversation)["conversation"]["capabilities"] is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (ListPickerResponse(items=(PickedItem("1", "Tea"),)), {"items": [{"title": "Tea"}]}),
        (ApplePayResponse(paid=True, total=Decimal("10.00")), {"paid": True, "total": "10.00"}),
        (
            FormResponse(pages=(PageAnswers("1", "Size", None, (FormAnswer("a", "L"),)),)),
            {"pages": [{"page": "1", "answers": [{"value": "L"}]}]},
        ),
        (Unknown("hologram", raw={"type": "hologram"}), {"raw": {"type": "hologram"}}),
        (
            CustomAppResponse(bid="b", app_name=None, url="?seat=12A"),
            {"url": "?seat=12A", "parameters": {"seat": "12A"}},
        ),
    ],
)
def test_what_was_said_has_the_names_that_it_has_in_python(content, told):
    assert holds(asked(content)["content"], told)


def holds(value, wanted):
    """Tell whether all that is wanted is in a value."""
    if isinstance(wanted, dict):
        return all(holds(value.get(name), each) for name, each in wanted.items())
    if isinstance(wanted, list):
        return all(holds(*pair) for pair in zip(value, wanted, strict=True))
    return value == wanted


def test_a_file_is_told_with_its_address(tmp_path):
    (tmp_path / "0").write_bytes(b"abc")
    text = Text("", [Attachment(Path(tmp_path / "0"), "tea.png")])

    assert asked(text)["content"]["attachments"] == [
        {"name": "tea.png", "type": "image/png", "size_bytes": 3, "url": "https://x.example/0"}
    ]


def test_a_file_that_cannot_be_had_is_told_with_the_problem():
    text = Text("", [Attachment(b"", "tea.png", problem="it was too late")])

    assert asked(text)["content"]["attachments"] == [
        {"name": "tea.png", "type": "image/png", "problem": "it was too late"}
    ]


def test_an_answer_may_say_nothing():
    assert read_answer({}) == Answered([])


def test_an_answer_is_read():
    answer = read_answer(
        {
            "messages": [{"kind": "QuickReply", "summary": "Tea?", "items": ["Yes", "No"]}],
            "state": {"asked": True},
            "hand_over": {"desk": "billing", "note": "soon"},
        }
    )

    assert isinstance(answer.contents[0], QuickReply)
    assert (answer.state, answer.desk, answer.note) == ({"asked": True}, "billing", "soon")


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"mesages": []}, "mesages"),
        ({"messages": {}}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"kind": "Text"}]}, "messages[0].Text.body"),
        ({"messages": [{"kind": "Text", "body": "x"}] * (MESSAGES_LIMIT + 1)}, "messages"),
        ({"state": []}, "state"),
        ({"hand_over": "billing"}, "hand_over"),
        ({"hand_over": {"desk": " "}}, "hand_over"),
        ({"hand_over": {"desk": "billing", "note": 1}}, "hand_over"),
    ],
)
def test_an_answer_that_does_not_hold_is_refused_with_the_field(answer, field):
    with pytest.raises(ContentInvalid) as refused:
        read_answer(answer)

    assert refused.value.field == field


def text_with(**file):
    return [{"kind": "Text", "body": "Here:", "attachments": [file]}]


def test_a_file_is_read_from_its_bytes():
    data = base64.b64encode(b"%PDF").decode()

    (text,) = read_messages(text_with(name="a.pdf", data=data))

    (file,) = text.attachments
    assert (file.name, file.mime_type, file.source) == ("a.pdf", "application/pdf", b"%PDF")


@pytest.mark.parametrize(
    "file", [{"data": "%%%"}, {"data": 1}, {"source": "/etc/passwd"}, {"data": "", "name": []}]
)
def test_what_is_no_file_is_refused(file):
    with pytest.raises(ContentInvalid) as refused:
        read_messages(text_with(**file))

    assert refused.value.field.startswith("messages[0].Text.attachments[0]")
