"""The schemas in the repository say what `asked.py` does."""

import json

import pytest
from jsonschema import Draft202012Validator

from msp_server.agents.asked_schema import answered_schema, asked_schema, files
from msp_server.messages.content import Unknown
from msp_server.messages.list_picker import ListPickerResponse, PickedItem
from msp_server.messages.text import Text
from tests.agents.test_asked import asked


@pytest.mark.parametrize("schema", [asked_schema(), answered_schema()], ids=["asked", "answered"])
def test_each_is_a_schema(schema):
    Draft202012Validator.check_schema(schema)


def test_the_files_are_up_to_date():
    for file, text in files():
        assert file.read_text() == text, "run: python -m msp_server.agents.asked_schema"


@pytest.mark.parametrize(
    "content",
    [Text("hi"), ListPickerResponse(items=(PickedItem("1", "Tea"),)), Unknown("x", raw={"a": 1})],
)
def test_what_is_asked_fits(content):
    Draft202012Validator(asked_schema()).validate(asked(content))


@pytest.mark.parametrize(
    ("message", "fits"),
    [
        ({"kind": "Text", "body": "hi"}, True),
        ({"kind": "Text", "body": "hi", "attachments": [{"data": "YQ=="}]}, True),
        ({"kind": "QuickReply", "summary": "Tea?", "items": ["Yes", "No"]}, True),
        ({"kind": "Text"}, False),
        ({"kind": "Hologram"}, False),
        ({"kind": "Text", "body": "hi", "attachments": [{"path": "/etc/passwd"}]}, False),
    ],
)
def test_what_is_answered_fits_if_it_can_be_said(message, fits):
    assert Draft202012Validator(answered_schema()).is_valid({"messages": [message]}) is fits


def test_every_kind_is_described_in_json():
    assert json.dumps(answered_schema())
