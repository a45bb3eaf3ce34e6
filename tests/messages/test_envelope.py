import json
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid, MessageUnreadable
from msp_server.messages import limits
from msp_server.messages.attachment import Attachment
from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability
from msp_server.messages.content import DataRef, Unknown
from msp_server.messages.envelope import (
    INBOUND_HEADERS,
    InboundMessage,
    OutboundMessage,
    parse_message,
)
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.image import Image
from msp_server.messages.interactive import Bubble
from msp_server.messages.invitation import Invitation
from msp_server.messages.limits import PNG_MAGIC
from msp_server.messages.list_picker import Item, ListPicker, Section
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.quick_reply import QuickReply
from msp_server.messages.references import ANSWER_PLACE
from msp_server.messages.text import Text

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
KINDS = {"text": Text, "typing_start": TypingStart, "typing_end": TypingEnd, "close": Close}
TEXT = json.loads((SAMPLES / "text.json").read_text("utf-8"))
HEADERS = {
    "id": TEXT["id"],
    "source-id": TEXT["sourceId"],
    "destination-id": TEXT["destinationId"],
    "capability-list": "LIST,TIME",
}


def changed(valid, **changes):
    """Change some entries of a dictionary; None takes one out, `_` stands for `-`."""
    merged = {**valid, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def outbound(content, automated=False, customer_id=TEXT["sourceId"]):
    return OutboundMessage(
        id=MessageId("5f7f3b5e-0000-4000-8000-000000000003"),
        business_id=BusinessId(TEXT["destinationId"]),
        customer_id=OpaqueId(customer_id),
        content=content,
        automated=automated,
    )


# Inbound


def test_parse_message_reads_all_of_a_text():
    assert parse_message(HEADERS, TEXT) == InboundMessage(
        id=MessageId("3c1e6b0a-9f4d-4c1b-8a77-2f5d1e0c9b8a"),
        business_id=BusinessId("a1b2c3d4-e5f6-4789-8abc-def012345678"),
        customer_id=OpaqueId("urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY="),
        content=Text("Grüße 👋 do you ship to Québec?"),
        capabilities=frozenset({Capability.LIST, Capability.TIME}),
        locale="fr_CA",
        intent="shipping",
        group="eu-support",
    )


@pytest.mark.parametrize(("kind", "content"), KINDS.items())
def test_parse_message_reads_a_sample_of_every_kind(kind, content):
    fields = json.loads((SAMPLES / f"{kind}.json").read_text("utf-8"))

    message = parse_message({**HEADERS, "id": fields["id"]}, fields)

    assert type(message.content) is content


def test_parse_message_finds_everything_in_the_body_when_no_header_came():
    message = parse_message({}, TEXT)

    assert (message.id, message.business_id, message.customer_id) == (
        TEXT["id"],
        TEXT["destinationId"],
        TEXT["sourceId"],
    )


def test_inbound_headers_are_those_that_are_read():
    assert set(INBOUND_HEADERS) == set(HEADERS)


@pytest.mark.parametrize("kind", [None, "", 5, ["text"], True])
def test_parse_message_refuses_a_body_without_type(kind):
    with pytest.raises(MessageUnreadable, match="type"):
        parse_message(HEADERS, changed(TEXT, type=kind))


@pytest.mark.parametrize("message_id", [None, "", 5, [TEXT["id"]], True])
def test_parse_message_refuses_a_body_without_id(message_id):
    with pytest.raises(MessageUnreadable, match="id"):
        parse_message(HEADERS, changed(TEXT, id=message_id))


@pytest.mark.parametrize("header", ["another", "", TEXT["id"].upper()])
def test_parse_message_refuses_ids_that_differ(header):
    with pytest.raises(MessageUnreadable, match="differ"):
        parse_message({**HEADERS, "id": header}, TEXT)


@pytest.mark.parametrize(
    ("header", "field"), [("source-id", "sourceId"), ("destination-id", "destinationId")]
)
@pytest.mark.parametrize("value", [None, "", 5, ["x"]])
def test_parse_message_refuses_a_message_that_lacks_an_address_in_both_places(header, field, value):
    headers = changed(HEADERS, **{header: None})

    with pytest.raises(MessageUnreadable, match=field):
        parse_message(headers, changed(TEXT, **{field: value}))


@pytest.mark.parametrize(
    ("header", "field", "attribute"),
    [
        ("source-id", "sourceId", "customer_id"),
        ("destination-id", "destinationId", "business_id"),
    ],
)
class TestAddress:
    def test_header_counts_before_the_field(self, header, field, attribute):
        message = parse_message({**HEADERS, header: "header"}, {**TEXT, field: "field"})

        assert getattr(message, attribute) == "header"

    def test_field_counts_where_the_header_did_not_come(self, header, field, attribute):
        message = parse_message(changed(HEADERS, **{header: None}), {**TEXT, field: "field"})

        assert getattr(message, attribute) == "field"

    def test_field_counts_where_the_header_is_empty(self, header, field, attribute):
        message = parse_message({**HEADERS, header: ""}, {**TEXT, field: "field"})

        assert getattr(message, attribute) == "field"

    def test_field_is_not_looked_at_where_the_header_came(self, header, field, attribute):
        message = parse_message({**HEADERS, header: "header"}, {**TEXT, field: 5})

        assert getattr(message, attribute) == "header"


@pytest.mark.parametrize("name", ["id", "sourceId", "destinationId"])
@pytest.mark.parametrize("length", [1, 1024])
def test_parse_message_reads_an_identifier_of_at_most_1024_characters(name, length):
    message = parse_message({}, {**TEXT, name: "x" * length})

    assert "x" * length in (message.id, message.customer_id, message.business_id)


@pytest.mark.parametrize("name", ["id", "sourceId", "destinationId"])
def test_parse_message_refuses_an_identifier_of_more_than_1024_characters(name):
    with pytest.raises(MessageUnreadable, match=f"{name} of more than 1024"):
        parse_message({}, {**TEXT, name: "x" * 1025})


@pytest.mark.parametrize("name", ["id", "sourceId", "destinationId"])
@pytest.mark.parametrize(
    "value", ["a\nb", "a\0b", "a\tb", "\x7f", "ü", "\uff41", "\u202e", "?\ud800"]
)
def test_parse_message_refuses_an_identifier_with_unprintable_or_foreign_characters(name, value):
    with pytest.raises(MessageUnreadable, match=f"{name} is not plain"):
        parse_message({}, {**TEXT, name: value})


@pytest.mark.parametrize("header", ["source-id", "destination-id"])
def test_parse_message_refuses_an_identifier_in_a_header_alike(header):
    with pytest.raises(MessageUnreadable, match="is not plain"):
        parse_message({**HEADERS, header: "ü"}, TEXT)


@pytest.mark.parametrize("prefix", ["", "urn:biz:"])
@pytest.mark.parametrize("spell", [str.upper, str.lower])
def test_parse_message_gives_one_form_for_all_spellings_of_a_business(prefix, spell):
    destination_id = prefix + spell(TEXT["destinationId"])

    message = parse_message({**HEADERS, "destination-id": destination_id}, TEXT)

    assert message.business_id == TEXT["destinationId"]


def test_parse_message_leaves_the_customer_as_apple_spells_it():
    message = parse_message({**HEADERS, "source-id": "urn:mbid:AbC+/="}, TEXT)

    assert message.customer_id == "urn:mbid:AbC+/="


def test_parse_message_does_not_know_capabilities_that_apple_did_not_tell():
    message = parse_message(changed(HEADERS, capability_list=None), TEXT)

    assert message.capabilities is None


@pytest.mark.parametrize(
    ("header", "capabilities"),
    [
        ("", set()),
        ("AUTH%2CLIST", {Capability.AUTH, Capability.LIST}),
        ("list,HOLOGRAM", {Capability.LIST}),
    ],
)
def test_parse_message_reads_the_capabilities(header, capabilities):
    message = parse_message({**HEADERS, "capability-list": header}, TEXT)

    assert message.capabilities == capabilities


@pytest.mark.parametrize("name", ["locale", "intent", "group"])
class TestHint:
    @pytest.mark.parametrize("value", [None, "", 5, True, ["x"], {"x": "y"}, "\n\0"])
    def test_hint_of_nothing_that_can_be_shown_is_none(self, name, value):
        message = parse_message(HEADERS, {**TEXT, name: value})

        assert getattr(message, name) is None

    def test_hint_that_did_not_come_is_none(self, name):
        message = parse_message(HEADERS, changed(TEXT, **{name: None}))

        assert getattr(message, name) is None

    def test_hint_loses_what_cannot_be_shown(self, name):
        message = parse_message(HEADERS, {**TEXT, name: "a\nb\0c\u202ed é"})

        assert getattr(message, name) == "abcd é"

    def test_hint_is_cut_after_256_characters(self, name):
        message = parse_message(HEADERS, {**TEXT, name: "\n" + "x" * 300})

        assert getattr(message, name) == "x" * 256


@pytest.mark.parametrize("kind", ["interactive", "brandNew"])
def test_parse_message_keeps_a_message_of_a_kind_that_is_not_known(kind):
    message = parse_message(HEADERS, {**TEXT, "type": kind})

    assert message.content == Unknown(kind)


def test_parse_message_keeps_a_text_whose_body_is_no_text():
    message = parse_message(HEADERS, {**TEXT, "body": {"rich": "text"}})

    assert message.content == Unknown("text")


def test_parse_message_keeps_the_fields_as_they_came():
    fields = {**TEXT, "type": "brandNew", "new": {"thing": [1]}}

    message = parse_message(HEADERS, fields)

    assert message.content.raw is fields


# Outbound


def test_to_wire_gives_the_headers_of_a_text():
    headers, _ = outbound(Text("Thanks, we found it.")).to_wire()

    assert headers == {
        "Content-Type": "application/json",
        "id": "5f7f3b5e-0000-4000-8000-000000000003",
        "Source-Id": "a1b2c3d4-e5f6-4789-8abc-def012345678",
        "Destination-Id": "urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY=",
    }


def test_to_wire_says_in_a_header_that_a_machine_wrote_it():
    plain, _ = outbound(Text("Hello"), automated=False).to_wire()
    automated, _ = outbound(Text("Hello"), automated=True).to_wire()

    assert automated == {**plain, "auto-reply": "true"}


def test_to_wire_gives_the_body_of_a_text():
    _, packed = outbound(Text("Thanks, we found it.")).to_wire()

    assert json.loads(packed) == {
        "v": 1,
        "type": "text",
        "id": "5f7f3b5e-0000-4000-8000-000000000003",
        "sourceId": "a1b2c3d4-e5f6-4789-8abc-def012345678",
        "destinationId": "urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY=",
        "body": "Thanks, we found it.",
    }


@pytest.mark.parametrize("content", [TypingStart(), TypingEnd()])
def test_to_wire_gives_the_body_of_typing(content):
    _, packed = outbound(content).to_wire()

    assert json.loads(packed) == {
        "v": 1,
        "type": content.type,
        "id": "5f7f3b5e-0000-4000-8000-000000000003",
        "sourceId": "a1b2c3d4-e5f6-4789-8abc-def012345678",
        "destinationId": "urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY=",
    }


def test_to_wire_writes_compact_json_in_utf_8():
    _, packed = outbound(Text("Grüße 👋")).to_wire()

    assert (
        packed
        == (
            '{"v":1,"type":"text","id":"5f7f3b5e-0000-4000-8000-000000000003",'
            '"sourceId":"a1b2c3d4-e5f6-4789-8abc-def012345678",'
            '"destinationId":"urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY=",'
            '"body":"Grüße 👋"}'
        ).encode()
    )


def test_to_wire_does_not_send_what_came_with_a_text_before():
    _, packed = outbound(Text("Hello", raw=TEXT)).to_wire()

    assert "intent" not in json.loads(packed)


def test_to_wire_refuses_a_text_without_words():
    with pytest.raises(ContentInvalid):
        outbound(Text("")).to_wire()


def test_to_wire_refuses_half_of_a_surrogate_pair():
    with pytest.raises(ContentInvalid, match="surrogate"):
        outbound(Text("Hello \ud83d")).to_wire()


@pytest.mark.parametrize("customer_id", ["жж", "a\nb", " a", "", "x" * 1025])
def test_message_to_somebody_who_cannot_stand_in_a_header_is_not_sent(customer_id):
    message = OutboundMessage("1", "business", customer_id, Text("Hello"), automated=True)

    with pytest.raises(ContentInvalid, match="customer_id"):
        message.to_wire()


# Files, interactive messages, invitations

DESCRIPTOR = {
    "name": "tea.png",
    "mimeType": "image/png",
    "size": "5",
    "signature": "01" * 21,
    "url": "https://mmcs.example/1",
    "owner": "owner-1",
    "key": "00" + "ab" * 32,
}
QUICK = QuickReply("Helpful?", ["Yes", "No"])
PHONE = "tel:+15550100477"


def test_parse_message_finds_the_files_of_a_text():
    message = parse_message(HEADERS, {**TEXT, "attachments": [DESCRIPTOR, DESCRIPTOR]})

    assert [each.place for each in message.references] == [0, 1]
    assert [each.problem for each in message.references] == [None, None]


def test_parse_message_finds_no_references_where_there_are_none():
    assert parse_message(HEADERS, TEXT).references == ()


def test_parse_message_finds_the_reference_to_a_large_answer():
    fields = {**TEXT, "type": "interactive", "interactiveDataRef": {**DESCRIPTOR, "bid": "x"}}

    message = parse_message(HEADERS, fields)

    assert message.content == DataRef()
    assert [each.place for each in message.references] == [ANSWER_PLACE]


def test_the_ids_of_an_interactive_message_are_those_of_the_message():
    message = outbound(QUICK)

    assert (message.content.request_id, message.content.session_id) == (message.id, message.id)
    assert (QUICK.request_id, QUICK.session_id) == (None, None)


def test_to_wire_gives_the_body_of_an_interactive_message():
    headers, packed = outbound(QUICK).to_wire()

    fields = json.loads(packed)
    assert fields["type"] == "interactive"
    assert fields["interactiveData"] == outbound(QUICK).content.to_wire()["interactiveData"]
    assert not headers.keys() & {"include-data-ref", "message-type"}


def test_to_wire_asks_for_a_reference_where_it_is_wanted():
    reusable = QuickReply("Helpful?", ["Yes", "No"], reusable=True)

    headers, _ = outbound(reusable).to_wire()

    assert headers["include-data-ref"] == "true"


def test_to_wire_gives_the_reference_to_what_was_sent_before():
    _, packed = outbound(ByReference({"bid": "x"})).to_wire()

    assert json.loads(packed)["interactiveDataRef"] == {"bid": "x"}


def test_to_wire_gives_an_invitation_its_header():
    headers, packed = outbound(Invitation("Shop", "order-1"), customer_id=PHONE).to_wire()

    assert (headers["message-type"], headers["Destination-Id"]) == ("notification", PHONE)
    assert json.loads(packed)["destinationId"] == PHONE


@pytest.mark.parametrize(
    ("content", "customer_id"),
    [(Invitation("Shop", "order-1"), TEXT["sourceId"]), (Text("Hello"), PHONE), (QUICK, PHONE)],
)
def test_an_invitation_and_nothing_else_goes_to_a_telephone_number(content, customer_id):
    with pytest.raises(ContentInvalid, match="an invitation goes to a telephone number"):
        outbound(content, customer_id=customer_id).to_wire()


@pytest.mark.parametrize("content", [Text("Hello", [Attachment(b"x")]), QUICK, TypingStart()])
def test_require_reported_accepts_what_holds(content):
    outbound(content).require_reported()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (QuickReply("Helpful?", ["Yes"]), r"^QuickReply\.items has 1 items"),
        (QuickReply("x" * 201, ["Yes", "No"]), r"^QuickReply\.summary has 201 characters"),
        (ListPicker("x" * 201, [Section("A", ["b"])]), r"^ListPicker\.received has 201"),
        (
            ListPicker(Bubble("Menu"), [Section("A", [Item("b", "x" * 201)])]),
            r"^ListPicker\.sections\[0\]\.items\[0\]\.subtitle has 201",
        ),
    ],
)
def test_require_reported_names_what_is_beyond_a_limit(content, problem):
    with pytest.raises(ContentInvalid, match=problem):
        outbound(content).require_reported()


def test_require_reported_measures_the_pictures_of_a_message_together():
    many = [
        Item("x", image=Image((PNG_MAGIC + bytes([each])).ljust(200_000, b"x")))
        for each in range(19)
    ]

    with pytest.raises(ContentInvalid, match=r"^ListPicker\.images measure 5066692 bytes"):
        outbound(ListPicker("Menu", [Section("All", many)])).require_reported()


@pytest.mark.parametrize("over", [0, 1])
def test_require_reported_measures_the_whole_message(over):
    _, shortest = outbound(Text("x")).to_wire()
    message = outbound(Text("x" * (limits.MESSAGE_BYTES - len(shortest) + 1 + over)))
    if not over:
        message.require_reported()
    else:
        with pytest.raises(
            ContentInvalid, match=r"^message measures 5242881 bytes; at most 5242880"
        ):
            message.require_reported()
