import copy
import json
import random
import re
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msp_server.errors import ContentInvalid
from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability
from msp_server.messages.content import (
    DataRef,
    InteractiveResponse,
    OutboundContent,
    ResponseLost,
    Unknown,
    asks_for_answer,
    capability_of,
    closes,
    fingerprint,
    identified,
    kind_name,
    needs_answer,
    parse_content,
    parse_outbound,
    parse_response,
)
from msp_server.messages.custom_app import CustomApp, CustomAppResponse
from msp_server.messages.form import Form
from msp_server.messages.form_pages import InputPage, SelectPage
from msp_server.messages.image import Image
from msp_server.messages.interactive import Bubble, Response
from msp_server.messages.invitation import InvitationResponse
from msp_server.messages.list_picker import Item, ListPicker, ListPickerResponse, Section
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.quick_reply import Choice, QuickReply, QuickReplyResponse
from msp_server.messages.raw_interactive import RawInteractive
from msp_server.messages.reaction import InlineReply, Tapback
from msp_server.messages.rich_link import RichLink
from msp_server.messages.summary import summary
from msp_server.messages.text import Text
from tests.messages.answers import ANSWERS, LIST, QUICK, answers_to, make_answer
from tests.messages.samples import APP, BID, answer, interactive, outbound, sample
from tests.messages.strategies import answerables, contents, to_json

KINDS = {"text": Text, "typing_start": TypingStart, "typing_end": TypingEnd, "close": Close}

REFERENCE = {"bid": BID, "url": "https://p61-content.icloud.com/M", "key": "00"}


@pytest.mark.parametrize(("kind", "content"), KINDS.items())
def test_parse_content_knows_the_kind_of_a_sample(kind, content):
    assert type(parse_content(kind, sample(kind))) is content


@pytest.mark.parametrize("kind", KINDS)
def test_parse_content_keeps_the_fields_of_a_sample(kind):
    fields = sample(kind)

    assert parse_content(kind, fields).raw is fields


def test_parse_content_reads_the_words_of_a_text():
    assert parse_content("text", sample("text")) == Text("Grüße 👋 do you ship to Québec?")


@pytest.mark.parametrize("kind", ["interactive", "richLink", "TEXT", "text ", "tapback"])
def test_parse_content_gives_unknown_for_a_kind_that_is_not_known(kind):
    assert parse_content(kind, sample("text")) == Unknown(kind)


@pytest.mark.parametrize("body", [None, 5, [], {}])
def test_parse_content_gives_unknown_for_a_text_in_another_shape(body):
    assert parse_content("text", {**sample("text"), "body": body}) == Unknown("text")


@pytest.mark.parametrize(
    ("kind", "changes"), [("interactive", {"interactiveData": {"bid": "x"}}), ("text", {"body": 5})]
)
def test_parse_content_keeps_the_fields_of_what_is_unknown(kind, changes):
    fields = {**sample("text"), **changes}

    assert parse_content(kind, fields).raw is fields


@pytest.mark.parametrize(("length", "kept"), [(64, 64), (65, 64), (10_000, 64)])
def test_parse_content_cuts_the_word_for_an_unknown_kind_after_64_characters(length, kept):
    content = parse_content("x" * length, {})

    assert content == Unknown("x" * kept)


@pytest.mark.parametrize(("fields", "kind"), ANSWERS.values(), ids=ANSWERS)
def test_parse_content_knows_an_answer_by_what_stands_in_data(fields, kind):
    content = parse_content("interactive", fields)

    assert type(content) is kind
    assert content.raw is fields
    assert content == parse_response(fields)


def test_every_kind_of_answer_is_tried():
    assert {kind for _, kind in ANSWERS.values()} == set(get_args(InteractiveResponse))


def test_parse_content_prefers_what_is_first_in_the_order():
    both = answer({"dynamic": {}, **LIST["interactiveData"]["data"]})

    assert type(parse_content("interactive", both)) is ListPickerResponse


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"interactiveData": None},
        {"interactiveData": []},
        {"interactiveData": {}},
        {"interactiveDataRef": {}},
        {"interactiveDataRef": "https://"},
        answer({}),
        answer({"quickReply": {"selectedIdentifier": "y"}}),
        answer({"quick-reply": None}),
        answer({"notification": {}}),
        answer({"payment": "STATUS_SUCCESS"}),
        answer({"authenticate": {}}),
        answer({"authenticate": {}}, bid=APP),
    ],
)
def test_parse_content_gives_unknown_for_an_answer_in_another_shape(fields):
    assert parse_content("interactive", fields) == Unknown("interactive")


def test_parse_content_knows_a_reference_to_an_answer():
    fields = {"interactiveDataRef": REFERENCE}

    content = parse_content("interactive", fields)

    assert type(content) is DataRef
    assert content.raw is fields


def test_an_answer_counts_before_a_reference_to_it():
    fields = {**QUICK, "interactiveDataRef": REFERENCE}

    assert type(parse_content("interactive", fields)) is QuickReplyResponse


def test_an_answer_that_is_not_understood_counts_before_a_reference_to_it():
    fields = {**answer({"brandNew": {}}), "interactiveDataRef": REFERENCE}

    assert type(parse_content("interactive", fields)) is Unknown


def test_parse_content_tells_a_refusal_from_a_close():
    refused = parse_content("close", {**sample("close"), "referenceIds": ["order-10442"]})

    assert (type(refused), refused.accepted) == (InvitationResponse, False)
    assert closes(refused)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"body": "Loved “Hello”"}, Tapback),
        ({"body": "Loved “Hello”", "replyToMessageId": "3c1e"}, Tapback),
        ({"body": "Why?", "replyToMessageId": "3c1e"}, InlineReply),
    ],
)
def test_parse_content_tells_what_a_text_points_at(fields, kind):
    assert type(parse_content("text", fields)) is kind


# What is the same tap, and what an agent is asked


@pytest.mark.parametrize("fields", [each for each, _ in ANSWERS.values()], ids=ANSWERS)
def test_the_same_tap_has_the_same_fingerprint(fields):
    again = {**copy.deepcopy(fields), "id": "another"}

    assert fingerprint(parse_response(fields)) == fingerprint(parse_response(again))
    assert re.fullmatch("[0-9a-f]{64}", fingerprint(parse_response(fields)))


def test_answers_of_different_kinds_have_different_fingerprints():
    found = {fingerprint(parse_response(fields)) for fields, _ in ANSWERS.values()}

    assert len(found) == len(ANSWERS) - 1  # both shapes of a time are one tap


@pytest.mark.parametrize(
    "other",
    [
        QuickReplyResponse(identifier="y", request_id="r", session_id="s"),
        QuickReplyResponse(identifier="n", request_id="q", session_id="s"),
        QuickReplyResponse(identifier="n", request_id="r", session_id="t"),
        InvitationResponse(accepted=True, references=(), request_id="r", session_id="s"),
    ],
)
def test_another_tap_has_another_fingerprint(other):
    tap = QuickReplyResponse(identifier="n", request_id="r", session_id="s")

    assert fingerprint(tap) != fingerprint(other)


def test_the_request_serves_where_there_is_no_session():
    tap = QuickReplyResponse(identifier="n", request_id="r")

    assert fingerprint(tap) is not None


@pytest.mark.parametrize(
    "content",
    [QuickReplyResponse(identifier="n"), Text("No"), Unknown("interactive"), Close(), DataRef()],
)
def test_what_cannot_be_told_apart_has_no_fingerprint(content):
    assert fingerprint(content) is None


@pytest.mark.parametrize(
    ("content", "ends"),
    [
        (Close(), True),
        (InvitationResponse(accepted=False, references=("a",), closes=True), True),
        (InvitationResponse(accepted=False, references=("a",)), False),
        (InvitationResponse(accepted=True, references=("a",)), False),
        (Text("bye"), False),
        (TypingEnd(), False),
    ],
)
def test_only_leaving_closes_a_conversation(content, ends):
    assert closes(content) is ends


@pytest.mark.parametrize(
    ("content", "needs"),
    [(DataRef(), True), (Text("Hello"), True), (ResponseLost("gone"), True), (TypingEnd(), False)],
)
def test_needs_answer_holds_for_what_has_to_be_fetched_first(content, needs):
    assert needs_answer(content) is needs


def test_a_reference_is_not_asked_about_before_it_is_fetched():
    assert not asks_for_answer(DataRef())


@pytest.mark.parametrize("content", [Text("Hello"), Text(""), Close(), Unknown("interactive")])
def test_asks_for_answer_holds_for_what_an_agent_can_answer(content):
    assert asks_for_answer(content)


@pytest.mark.parametrize("content", [TypingStart(), TypingEnd()])
def test_asks_for_answer_does_not_hold_for_typing(content):
    assert not asks_for_answer(content)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (Text("Hello"), "Text"),
        (TypingStart(), "TypingStart"),
        (TypingEnd(), "TypingEnd"),
        (Close(), "Close"),
        (Unknown("interactive"), "Unknown"),
    ],
)
def test_kind_name_is_the_name_of_the_class(content, name):
    assert kind_name(content) == name


def test_identified_fills_in_the_ids_of_what_has_any():
    content = identified(QuickReply("Helpful?", ["Yes", "No"]), "message")

    assert (content.request_id, content.session_id) == ("message", "message")


@pytest.mark.parametrize("content", [Text("Hello"), TypingStart()])
def test_identified_leaves_what_has_no_ids(content):
    assert identified(content, "message") is content


# From JSON


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"kind": "Text", "body": "Hello"}, Text("Hello")),
        ({"kind": "TypingStart"}, TypingStart()),
        (
            {
                "kind": "RichLink",
                "url": "https://a.example",
                "title": "A",
                "image": {"data": "/9j/"},
            },
            RichLink("https://a.example", "A", Image(b"\xff\xd8\xff")),
        ),
        (
            {"kind": "QuickReply", "summary": "?", "items": ["Yes", {"title": "No"}]},
            QuickReply("?", [Choice("Yes"), Choice("No")]),
        ),
        (
            {
                "kind": "ListPicker",
                "received": {"title": "Menu"},
                "sections": [{"title": "Tea", "items": ["Green", {"title": "Black"}]}],
                "fallback": {"kind": "Text", "body": "Green or black?"},
            },
            ListPicker(
                Bubble("Menu"),
                [Section("Tea", ["Green", Item("Black")])],
                fallback=Text("Green or black?"),
            ),
        ),
        (
            {
                "kind": "Form",
                "received": "Fault",
                "pages": [
                    {"type": "select", "title": "What", "subtitle": "?", "items": ["Kettle"]},
                    {"type": "input", "title": "How", "subtitle": "?"},
                ],
            },
            Form("Fault", [SelectPage("What", "?", ["Kettle"]), InputPage("How", "?")]),
        ),
        ({"kind": "ByReference", "data_ref": {"url": "u"}}, ByReference({"url": "u"})),
        ({"interactiveData": {"data": {}}}, RawInteractive({"data": {}})),
        ({"kind": "RawInteractive", "data": {"data": {}}}, RawInteractive({"data": {}})),
    ],
)
def test_parse_outbound_reads_a_kind_and_its_fields(fields, content):
    assert parse_outbound(fields) == content


def test_parse_outbound_leaves_what_it_reads():
    fields = {"kind": "QuickReply", "summary": "?", "items": ["Yes", "No"]}

    parse_outbound({**fields, "fallback": {"kind": "Text", "body": "Yes?"}})

    assert fields == {"kind": "QuickReply", "summary": "?", "items": ["Yes", "No"]}


@pytest.mark.parametrize("name", [None, "", "text", "Unknown", "Close", 5, ["Text"], {}])
def test_parse_outbound_refuses_what_names_no_kind_and_lists_the_kinds(name):
    with pytest.raises(ContentInvalid, match="there are Text, RichLink, QuickReply") as raised:
        parse_outbound({"kind": name, "body": "Hello"})

    assert raised.value.field == "kind"


def test_parse_outbound_knows_every_kind_that_can_be_sent():
    with pytest.raises(ContentInvalid) as raised:
        parse_outbound({})

    known = raised.value.limit.removeprefix("there are ").split(", ")
    assert known == [kind.__name__ for kind in get_args(OutboundContent)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "Text"}, "Text.body"),
        ({"kind": "Text", "body": 5}, "Text.body"),
        ({"kind": "Text", "body": "x", "bodi": "x"}, "Text.bodi"),
        ({"kind": "ListPicker", "received": "x", "sections": [{}]}, "ListPicker.sections[0].title"),
        (
            {"kind": "QuickReply", "summary": "?", "items": ["a", {"title": ""}]},
            "QuickReply.items[1].title",
        ),
        (
            {"kind": "Form", "received": "x", "pages": [{"type": "input", "title": "x"}]},
            "Form.pages[0].subtitle",
        ),
        ({"kind": "Form", "received": "x", "pages": [{"type": "map"}]}, "Form.pages[0]"),
        (
            {"kind": "QuickReply", "summary": "?", "items": ["a"], "fallback": {"kind": "Text"}},
            "QuickReply.fallback.Text.body",
        ),
        (
            {"kind": "QuickReply", "summary": "?", "items": ["a"], "fallback": {"fallback": {}}},
            "QuickReply.fallback.fallback",
        ),
        (
            {"kind": "QuickReply", "summary": "?", "items": ["a"], "fallback": {"kind": "Close"}},
            "QuickReply.fallback.kind",
        ),
        (
            {"kind": "RichLink", "url": "https://a", "title": "x", "image": {"data": "?"}},
            "RichLink.image.data",
        ),
    ],
)
def test_parse_outbound_names_the_path_to_the_field_at_fault(fields, field):
    with pytest.raises(ContentInvalid) as raised:
        parse_outbound(fields)

    assert raised.value.field == field


# Whatever can be sent


def named_images(value):
    """Give every `imageIdentifier` in a JSON value."""
    if isinstance(value, dict):
        yield from [value["imageIdentifier"]] if "imageIdentifier" in value else []
    inside = value.values() if isinstance(value, dict) else value
    for each in inside if isinstance(value, dict | list) else ():
        yield from named_images(each)


def identifiers_of(data):
    """Give the lists of identifiers in what was sent that have to differ."""
    sections = data.get("listPicker", {}).get("sections", [])
    pages = data.get("dynamic", {}).get("data", {}).get("pages", [])
    yield [image["identifier"] for image in data.get("images", [])]
    yield [item["identifier"] for item in data.get("quick-reply", {}).get("items", [])]
    yield [slot["identifier"] for slot in data.get("event", {}).get("timeslots", [])]
    yield [item["identifier"] for section in sections for item in section["items"]]
    yield [page["pageIdentifier"] for page in pages]
    for page in pages:
        yield [item["identifier"] for item in page.get("items", [])]


@settings(max_examples=100, deadline=None)
@given(content=contents())
def test_any_content_keeps_what_vendors_report_and_becomes_json(content):
    message = outbound(content)

    message.require_reported()
    headers, packed = message.to_wire()

    assert json.loads(packed)["type"] == content.type
    assert all(value.isascii() and value.isprintable() for value in headers.values())


@settings(max_examples=150, deadline=None)
@given(content=answerables())
def test_any_content_has_every_picture_it_names_and_no_identifier_twice(content):
    sent = interactive(content)
    data = sent.get("data", {})

    assert set(named_images(sent)) <= {image["identifier"] for image in data.get("images", [])}
    for names in identifiers_of(data):
        assert len(names) == len(set(names))


@settings(max_examples=100, deadline=None)
@given(content=contents())
def test_any_content_can_be_written_as_json_and_read_again(content):
    written = json.loads(json.dumps(to_json(content)))

    assert parse_outbound(written) == content


@settings(max_examples=150, deadline=None)
@given(content=answerables(), data=st.data())
def test_an_answer_to_any_content_comes_back_as_the_choice_that_was_made(content, data):
    sent = interactive(content)
    raw, selection = data.draw(answers_to(content, sent))

    response = parse_content("interactive", raw)
    joined = response.joined(content.name, sent)

    assert kind_name(response) == f"{kind_name(content)}Response"
    assert (response.selection, joined.selection) == (selection, selection)
    assert (joined.to, joined.session_id) == (content.name, sent["sessionIdentifier"])


@settings(max_examples=50, deadline=None)
@given(content=answerables(), data=st.data())
def test_an_answer_names_what_it_answers(content, data):
    raw, _ = data.draw(answers_to(content, interactive(content)))

    response = parse_content("interactive", raw)

    by_session = isinstance(content, CustomApp)
    assert response.answer_key == (None if by_session else outbound(content).content.answer_key)
    assert response.session_id == outbound(content).content.session_id


# Whatever may come


def look_at(content):
    """Look at all that can be asked of a content."""
    summary(content.raw)
    kind_name(content)
    closes(content)
    asks_for_answer(content)
    repr(content)
    assert fingerprint(content) is None or len(fingerprint(content)) == 64
    if isinstance(content, Response):
        json.dumps(content.selection)
        assert content.answer_key is None or isinstance(content.answer_key, str)
    if isinstance(content, CustomAppResponse):
        assert isinstance(content.parameters, dict)


def test_ten_thousand_shapes_of_an_answer_raise_nothing_and_are_kept():
    source = random.Random(3)  # noqa: S311 - the same shapes every time
    found = {}
    for _ in range(10_000):
        fields = make_answer(source)

        content = parse_content("interactive", fields)

        assert content.raw is fields
        look_at(content)
        if isinstance(content, Response):
            sent = make_answer(source).get("interactiveData")
            look_at(content.joined("x", sent if isinstance(sent, dict) else {}))
        found[type(content)] = found.get(type(content), 0) + 1

    assert found.keys() == {*get_args(InteractiveResponse), Unknown}
    assert min(found.values()) > 50  # the shapes lead into every parser


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("ListPicker", Capability.LIST), ("Form", Capability.FORM), ("Text", None), ("poem", None)],
)
def test_capability_of_a_kind_is_found_by_its_name(kind, needed):
    assert capability_of(kind) is needed
