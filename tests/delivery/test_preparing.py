import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pytest

from msp_server.agents.pictures import KETTLE
from msp_server.delivery import preparing as room
from msp_server.delivery.equipping import Equipping
from msp_server.delivery.files import Files
from msp_server.delivery.preparing import Preparing
from msp_server.errors import (
    AttachmentUnusable,
    CapabilityMissing,
    ContentInvalid,
    DiskRefused,
)
from msp_server.messages.apple_pay import ApplePay, LineItem, PaymentEndpoints
from msp_server.messages.attachment import Attachment
from msp_server.messages.authenticate import Authenticate
from msp_server.messages.capability import Capability
from msp_server.messages.custom_app import CustomApp
from msp_server.messages.form import Form
from msp_server.messages.form_pages import SelectPage
from msp_server.messages.interactive import Bubble
from msp_server.messages.list_picker import Item, ListPicker, Section
from msp_server.messages.opening import PaymentOpening, SignInOpening
from msp_server.messages.presence import TypingEnd, TypingStart
from msp_server.messages.quick_reply import QuickReply
from msp_server.messages.rich_link import RichLink
from msp_server.messages.text import Text
from msp_server.messages.time_picker import TimePicker, Timeslot
from msp_server.settings import ApplePaySettings, SignInSettings

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
NOW = 1_700_000_000.25
LINK = RichLink("https://shop.example.com", "A kettle", KETTLE)
NOTHING = frozenset()
EVERYTHING = frozenset(Capability)
APP = "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM123456:com.example.extension"

QUICK = QuickReply("Was that quick?", ["Yes", "No"], name="quick")
LIST = ListPicker(
    Bubble("What would you like?", "Fresh"),
    [Section("Fruit", [Item("Apple", "Red"), "Lemon"]), Section("Nuts", ["Walnut"])],
    name="menu",
)
TIME = TimePicker(
    "Pick a time",
    [Timeslot(datetime(2026, 3, 2, 9, 0, tzinfo=UTC), duration_s=1800)],
    timezone_offset_min=60,
    name="visit",
)
FORM = Form("Report a fault", [SelectPage("Product", "Which one?", ["Kettle"])], name="fault")
CUSTOM_APP = CustomApp(Bubble("Parcel"), APP, 1, "Parcels", {"parcel": "77"}, name="app")
CASES = [
    (QUICK, Capability.QUICK),
    (LIST, Capability.LIST),
    (TIME, Capability.TIME),
    (FORM, Capability.FORM),
]
KINDS = [type(content).__name__ for content, _ in CASES]


class Ids:
    def __init__(self):
        self.given = 0

    def __call__(self):
        self.given += 1
        return f"id {self.given}"


@pytest.fixture
def outgoing(tmp_path):
    return Files(tmp_path / "outgoing")


@pytest.fixture
def equipping(settings):
    return Equipping(
        replace(
            settings,
            endpoint="https://msp.example.com",
            apple_pay=ApplePaySettings(merchant_id="merchant.com.example.shop"),
            payment_processor="shop.money:processor",
            sign_in=SignInSettings(token_url="https://id.example.com/token"),
        ),
        bytes(32),
    )


@pytest.fixture
def preparing(outgoing, equipping):
    return Preparing(lambda: NOW, Ids(), True, outgoing, equipping)


@pytest.fixture
def lenient(outgoing, equipping):
    return Preparing(lambda: NOW, Ids(), False, outgoing, equipping)


def prepare(preparing, *contents, capabilities=EVERYTHING, automated=True, typing_s=0):
    return preparing.prepare(
        contents, (BUSINESS, CUSTOMER), capabilities, automated=automated, typing_s=typing_s
    )


def shown(preparing, *contents, **how):
    return [message.content for message in prepare(preparing, *contents, **how).messages]


def files_in(outgoing):
    return list(outgoing.directory.iterdir()) if outgoing.directory.exists() else []


# Messages


def test_nothing_said_makes_no_message(preparing):
    prepared = prepare(preparing)

    assert (list(prepared.messages), prepared.offer) == ([], None)


def test_every_content_becomes_a_message_in_its_order(preparing):
    messages = prepare(preparing, Text("one"), Text("two")).messages

    assert [(each.id, each.content.body) for each in messages] == [("id 1", "one"), ("id 2", "two")]


def test_messages_have_the_addresses_given(preparing):
    [message] = prepare(preparing, Text("one")).messages

    assert (message.business_id, message.customer_id) == (BUSINESS, CUSTOMER)


@pytest.mark.parametrize("automated", [True, False])
def test_messages_tell_whether_a_machine_speaks(preparing, automated):
    [message] = prepare(preparing, Text("one"), automated=automated).messages

    assert message.automated is automated


def test_an_interactive_message_gets_its_ids(preparing):
    [content] = shown(preparing, QUICK)

    assert (content.request_id, content.session_id) == ("id 1", "id 1")


# What the device can show


@pytest.mark.parametrize(("content", "capability"), CASES, ids=KINDS)
def test_a_device_that_can_show_a_kind_gets_it(preparing, content, capability):
    [given] = shown(preparing, content, capabilities=frozenset({capability}))

    assert type(given) is type(content)


@pytest.mark.parametrize(("content", "_capability"), CASES, ids=KINDS)
def test_a_device_that_never_said_what_it_can_show_gets_all(preparing, content, _capability):
    [given] = shown(preparing, content, capabilities=None)

    assert type(given) is type(content)


def test_a_custom_app_goes_to_every_device(preparing):
    [given] = shown(preparing, CUSTOM_APP, capabilities=NOTHING)

    assert type(given) is CustomApp


@pytest.mark.parametrize("content", [Text("Hi"), TypingStart(), LINK])
def test_what_needs_no_capability_goes_to_every_device(preparing, content):
    assert shown(preparing, content, capabilities=NOTHING) == [content]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (QUICK, "Was that quick?\n1. Yes\n2. No"),
        (
            LIST,
            "What would you like?\nFresh\nFruit\n1. Apple (Red)\n2. Lemon\nNuts\n3. Walnut",
        ),
        (TIME, "Pick a time\n1. Mon 2 Mar 2026, 10:00 UTC+0100"),
    ],
    ids=["quick reply", "list picker", "time picker"],
)
def test_choices_become_numbered_lines_on_a_device_that_cannot_show_them(preparing, content, words):
    assert shown(preparing, content, capabilities=NOTHING) == [Text(words)]


def test_choices_that_were_written_out_are_an_offer(preparing):
    prepared = prepare(preparing, QUICK, capabilities=NOTHING)

    offer = json.loads(prepared.offer)
    assert (offer["name"], offer["titles"], offer["at"]) == ("quick", ["Yes", "No"], NOW)
    assert offer["data"]["data"]["requestIdentifier"] == "id 1"


def test_what_the_device_can_show_is_no_offer(preparing):
    assert prepare(preparing, QUICK).offer is None


def test_the_last_offer_counts(preparing):
    prepared = prepare(preparing, QUICK, LIST, Text("Well?"), capabilities=NOTHING)

    assert json.loads(prepared.offer)["name"] == "menu"


@pytest.mark.parametrize("fallback", [Text("See our page."), LINK])
@pytest.mark.parametrize("kind", [QuickReply, Form])
def test_a_fallback_goes_instead(preparing, fallback, kind):
    content = (
        QuickReply("Quick?", ["Yes", "No"], fallback=fallback)
        if kind is QuickReply
        else Form("Fault", [SelectPage("Product", "Which?", ["Kettle"])], fallback=fallback)
    )

    prepared = prepare(preparing, content, capabilities=NOTHING)

    assert [message.content for message in prepared.messages] == [fallback]
    assert prepared.offer is None


def test_a_device_that_can_show_it_does_not_get_the_fallback(preparing):
    content = QuickReply("Quick?", ["Yes", "No"], fallback=Text("Quick?"))

    assert isinstance(shown(preparing, content)[0], QuickReply)


def test_what_has_no_other_way_is_capability_missing(preparing):
    with pytest.raises(CapabilityMissing, match=r"lacks FORM and cannot show Form: .*fallback"):
        prepare(preparing, FORM, capabilities=EVERYTHING - {Capability.FORM})


def test_a_content_the_device_lacks_keeps_all_of_the_answer_back(preparing, outgoing):
    with pytest.raises(CapabilityMissing):
        prepare(preparing, Text("See", [Attachment(b"x", "x")]), FORM, capabilities=NOTHING)

    assert files_in(outgoing) == []


# What only vendors report


def test_what_vendors_report_is_kept(preparing):
    with pytest.raises(ContentInvalid, match="5"):
        prepare(preparing, QuickReply("Which?", list("abcdef")))


def test_what_vendors_report_can_be_left_out(lenient):
    assert len(shown(lenient, QuickReply("Which?", list("abcdef")))[0].choices) == 6


def test_six_answers_that_are_written_out_are_no_quick_reply_any_more(preparing):
    content = QuickReply("Which?", list("abcdef"))

    assert isinstance(shown(preparing, content, capabilities=NOTHING)[0], Text)


# Typing before an answer


def test_typing_is_shown_before_an_answer(preparing):
    messages = prepare(preparing, Text("one"), Text("two"), typing_s=1.5).messages

    assert [type(each.content) for each in messages] == [TypingStart, Text, Text]
    assert [each.pause_s for each in messages] == [1.5, 0, 0]


def test_without_typing_nothing_waits(preparing):
    [message] = prepare(preparing, Text("one")).messages

    assert (type(message.content), message.pause_s) == (Text, 0)


def test_an_answer_that_begins_with_typing_has_it_once(preparing):
    messages = prepare(preparing, TypingStart(), Text("one"), typing_s=1.5).messages

    assert [(type(each.content), each.pause_s) for each in messages] == [
        (TypingStart, 1.5),
        (Text, 0),
    ]


def test_typing_in_the_middle_of_an_answer_does_not_wait(preparing):
    messages = prepare(preparing, Text("one"), TypingStart(), Text("two"), typing_s=1.5).messages

    assert [each.pause_s for each in messages] == [1.5, 0, 0, 0]


@pytest.mark.parametrize("contents", [(), (TypingEnd(),)], ids=["nothing", "presence"])
def test_typing_is_not_shown_before_what_says_nothing(preparing, contents):
    assert shown(preparing, *contents, typing_s=1.5) == list(contents)


# Files


def test_a_file_is_kept_until_it_is_sent(preparing, outgoing):
    attachment = Attachment(BytesIO(b"tea"), "menu.txt")

    [message] = prepare(preparing, Text("Our menu", [attachment])).messages

    [file] = message.files
    assert (file.name, file.mime_type, file.size_bytes) == ("menu.txt", "text/plain", 3)
    assert outgoing.path(file.file).read_bytes() == b"tea"
    assert stat.S_IMODE(outgoing.path(file.file).stat().st_mode) == 0o600


def test_files_keep_their_order(preparing):
    attachments = [Attachment(b"1", "one.txt"), Attachment(b"2", "two.txt")]

    [message] = prepare(preparing, Text("Both", attachments)).messages

    assert [file.name for file in message.files] == ["one.txt", "two.txt"]


def test_every_file_has_a_key_of_its_own(preparing):
    attachments = [Attachment(b"1", "one.txt"), Attachment(b"1", "two.txt")]

    [message] = prepare(preparing, Text("Both", attachments)).messages

    keys = [file.key for file in message.files]
    assert len(set(keys)) == 2
    assert all(len(key) == 66 and key.startswith("00") for key in keys)


def test_a_text_without_files_keeps_none(preparing, outgoing):
    [message] = prepare(preparing, Text("Hi")).messages

    assert message.files == ()
    assert files_in(outgoing) == []


def test_a_file_of_just_the_largest_size_is_kept(preparing, monkeypatch):
    monkeypatch.setattr(room, "SIZE_LIMIT_BYTES", 10)

    [message] = prepare(preparing, Text("", [Attachment(b"x" * 10, "x")])).messages

    assert message.files[0].size_bytes == 10


def test_a_file_that_is_too_large_is_content_invalid(preparing, outgoing, monkeypatch):
    monkeypatch.setattr(room, "SIZE_LIMIT_BYTES", 10)

    with pytest.raises(ContentInvalid, match=r"too large.*at most 10 bytes.*'x\.txt'"):
        prepare(preparing, Text("", [Attachment(BytesIO(b"x" * 11), "x.txt")]))
    assert files_in(outgoing) == []


def test_an_empty_file_is_content_invalid(preparing, outgoing):
    with pytest.raises(ContentInvalid, match=r"is empty.*'x\.txt'"):
        prepare(preparing, Text("", [Attachment(b"", "x.txt")]))
    assert files_in(outgoing) == []


def test_a_file_that_is_not_there_is_attachment_unusable(preparing, tmp_path):
    with pytest.raises(AttachmentUnusable, match="No such file"):
        prepare(preparing, Text("", [Attachment(tmp_path / "gone.txt")]))


def test_a_file_of_a_customer_that_cannot_be_had_is_attachment_unusable(preparing):
    lost = Attachment(b"", "x.txt", problem="it came too late")

    with pytest.raises(AttachmentUnusable, match="it came too late"):
        prepare(preparing, Text("", [lost]))


def test_files_that_cannot_be_kept_are_attachment_unusable(preparing, outgoing):
    outgoing.directory.write_bytes(b"in the way")

    with pytest.raises(DiskRefused, match="cannot be kept"):
        prepare(preparing, Text("", [Attachment(b"x", "x.txt")]))


# What a message opens at this server


ORDER = ApplePay(
    "Your order",
    [LineItem("Kettle", Decimal("39.00"))],
    merchant_name="Example Shop",
    country="DE",
    currency="EUR",
    fallback=Text("Pay in our shop."),
)
SIGN_IN = Authenticate("Sign in", fallback=Text("Sign in at our page."))


def test_a_payment_opens_the_addresses_that_its_message_names(preparing):
    [message] = prepare(preparing, ORDER).messages

    assert isinstance(message.opening, PaymentOpening)
    assert message.content.endpoints.gateway_url.endswith(f"/{message.opening.token}")


def test_a_payment_is_named_as_its_message(preparing):
    [message] = prepare(preparing, ORDER).messages

    assert message.content.request_id == message.id


def test_a_sign_in_opens_the_way_back_that_its_message_names(preparing):
    [message] = prepare(preparing, SIGN_IN).messages

    assert message.opening == SignInOpening(message.content.state)


def test_a_sign_in_goes_the_way_that_the_device_knows(preparing):
    old = frozenset({Capability.AUTH})

    [message] = prepare(preparing, SIGN_IN, capabilities=old).messages

    assert message.content.response_encryption_key
    assert message.opening.sealed_key


def test_what_goes_instead_of_a_sign_in_opens_nothing(preparing):
    [message] = prepare(preparing, SIGN_IN, capabilities=NOTHING).messages

    assert (message.content, message.opening) == (Text("Sign in at our page."), None)


def test_a_sign_in_that_the_device_does_not_know_is_capability_missing(preparing):
    with pytest.raises(CapabilityMissing, match=r"lacks AUTH2 and cannot show Authenticate"):
        prepare(preparing, Authenticate("Sign in"), capabilities=NOTHING)


def test_a_payment_at_addresses_of_others_opens_nothing(preparing):
    elsewhere = PaymentEndpoints("https://pay.example.com/gateway")

    [message] = prepare(preparing, replace(ORDER, endpoints=elsewhere)).messages

    assert (message.content.endpoints, message.opening) == (elsewhere, None)


@pytest.mark.parametrize("vendor_limits", [True, False])
@pytest.mark.parametrize("content", [ORDER, SIGN_IN], ids=["payment", "sign-in"])
def test_what_this_server_is_not_set_up_for_cannot_be_sent(
    outgoing, settings, content, vendor_limits
):
    equipping = Equipping(settings, bytes(32))
    bare = Preparing(lambda: NOW, Ids(), vendor_limits, outgoing, equipping)

    with pytest.raises(ContentInvalid, match="set MSP_"):
        prepare(bare, content).messages[0].to_wire()


def test_what_opens_nothing_has_no_opening(preparing):
    messages = prepare(preparing, Text("Hi"), QUICK, LIST).messages

    assert [message.opening for message in messages] == [None] * 3
