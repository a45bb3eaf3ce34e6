from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from msp_server.agents.conversation import Conversation, Said
from msp_server.agents.guide import agent, say_back, show_tour, show_typing, tell_who
from msp_server.delivery.equipping import Equipping
from msp_server.delivery.files import Files
from msp_server.delivery.preparing import Preparing
from msp_server.messages.apple_pay import ApplePay, ApplePayResponse
from msp_server.messages.attachment import Attachment
from msp_server.messages.authenticate import Authenticate, AuthenticateResponse, SignInFailure
from msp_server.messages.capability import Capability
from msp_server.messages.content import ResponseLost, Unknown
from msp_server.messages.custom_app import CustomApp, CustomAppResponse
from msp_server.messages.form import Form
from msp_server.messages.form_response import FormAnswer, FormResponse, PageAnswers
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.invitation import InvitationResponse
from msp_server.messages.list_picker import ListPicker, ListPickerResponse, PickedItem
from msp_server.messages.presence import Close, TypingStart
from msp_server.messages.quick_reply import QuickReply, QuickReplyResponse
from msp_server.messages.reaction import InlineReply, Tapback
from msp_server.messages.rich_link import RichLink
from msp_server.messages.text import Text
from msp_server.messages.time_picker import TimePicker, TimePickerResponse
from msp_server.settings import ApplePaySettings, SignInSettings

BUSINESS = BusinessId("0f0e0d0c-0b0a-0908-0706-050403020100")
CUSTOMER = OpaqueId("urn:mbid:alice")
CONVERSATION = Conversation(
    business_id=BusinessId("b"),
    customer_id=OpaqueId("c"),
    message_id=MessageId("m"),
    capabilities=frozenset({Capability.TIME, Capability.LIST}),
    locale="en_US",
    intent="billing",
    group="vip",
)

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
APP = "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM123456:com.example.extension"

#: What payments and sign-ins need.
SET_UP = {
    "endpoint": "https://msp.example.com",
    "apple_pay": ApplePaySettings(merchant_id="merchant.com.example.shop"),
    "payment_processor": "shop.money:processor",
    "sign_in": SignInSettings(token_url="https://id.example.com/token"),
}

#: Each word that shows a kind, and the kind it shows.
SHOWN = {
    "quick": QuickReply,
    "list": ListPicker,
    "time": TimePicker,
    "form": Form,
    "link": RichLink,
    "photo": Text,
    "app": CustomApp,
    "pay": ApplePay,
    "sign in": Authenticate,
}
WORDS = [*SHOWN, "typing", "person", "count", "history", "who", "help"]

#: Each thing a customer can say beside words, and what the guide makes of it.
RESPONSES = [
    (QuickReplyResponse(to="quick", identifier="1", title="Yes"), "You tapped Yes."),
    (
        ListPickerResponse(items=(PickedItem("1", "Apple"), PickedItem("3", "Carrot"))),
        "You chose Apple, Carrot.",
    ),
    (
        TimePickerResponse(identifier="1", start=NINE, duration_s=1800),
        "You picked Monday, 02 March 2026, 09:00 UTC.",
    ),
    (
        TimePickerResponse(identifier="slot 1", start=None, duration_s=None),
        "You picked slot 1.",
    ),
    (
        FormResponse(
            pages=(
                PageAnswers("0", "Product", None, (FormAnswer("Kettle", "Kettle"),)),
                PageAnswers("wish", None, None, (FormAnswer("", "Refund"), FormAnswer("", "Tea"))),
            )
        ),
        "You answered:\nProduct: Kettle\nwish: Refund, Tea",
    ),
    (
        CustomAppResponse(bid=APP, app_name="Parcels", url="?parcel=77&city=K%C3%B6ln"),
        "The app Parcels says: parcel = 77, city = Köln.",
    ),
    (CustomAppResponse(bid=APP, app_name=None, url=""), "The app says: nothing."),
    (
        InvitationResponse(accepted=True, references=("order-1", "order-2")),
        "You accepted the invitation order-1, order-2. Welcome!",
    ),
    (
        InvitationResponse(accepted=True, references=()),
        "You accepted the invitation. Welcome!",
    ),
    (
        Tapback("Loved “Hi”", emoji="❤️", quoted="Hi"),
        "You reacted with ❤️ to “Hi”.",
    ),
    (
        Tapback("Reacted with a sticker to an image"),
        "You reacted with a sticker to a message without words.",
    ),
    (
        Tapback("Removed a heart from “Hi”", emoji="❤️", quoted="Hi", removed=True),
        "You took ❤️ back from “Hi”.",
    ),
    (InlineReply("Why?", reply_to="m"), "You replied to one message of mine: Why?"),
    (
        Text("", [Attachment(b"tea", "menu.txt"), Attachment(b"", "x.png", problem="too late")]),
        "You sent:\nmenu.txt, text/plain, 3 bytes\nx.png, which I could not fetch: too late",
    ),
    (
        ResponseLost("too late"),
        "I could not fetch your answer. Would you give it once more?",
    ),
    (
        ApplePayResponse(paid=True, total=Decimal("3.78"), currency="USD"),
        "You paid 3.78 USD. Thank you!",
    ),
    (ApplePayResponse(status="STATUS_SUCCESS"), "Nothing was paid."),
    (AuthenticateResponse(user={"sub": "1", "name": "Ava"}), "You are signed in as Ava."),
    (
        AuthenticateResponse(user={"sub": "1"}),
        "You are signed in as somebody without a name.",
    ),
    (
        AuthenticateResponse(status="success", failure=SignInFailure.NOT_RETURNED),
        "You are not signed in: not returned.",
    ),
    (
        Unknown("hologram"),
        "A message of the type hologram came: I keep it, and know no more of it.",
    ),
]


@pytest.fixture
def preparing(tmp_path, settings):
    return Preparing(
        now=NINE.timestamp,
        new_id=lambda: MessageId("m"),
        vendor_limits=True,
        outgoing=Files(tmp_path / "outgoing"),
        equipping=Equipping(replace(settings, **SET_UP), bytes(32)),
    )


def new_conversation(**known):
    """Give a conversation whose state is its own."""
    return replace(CONVERSATION, **{"state": {}, **known})


def said_to(body, conversation=CONVERSATION):
    return [content.body for content in agent.answer(Text(body), conversation)]


@pytest.mark.parametrize(
    "body", ["Hello", "hi!", "Hey you", "hallo", "Good morning", "good evening, all"]
)
def test_guide_greets(body):
    [answer] = said_to(body)

    assert answer.startswith("Hello! I am the guide")


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("asked", ["hello", "help"])
def test_guide_names_all_that_one_can_write(asked, word):
    [answer] = said_to(asked)

    assert f"\n{word}: " in answer


def test_guide_shows_the_tour_when_asked_for_help():
    assert agent.answer(Text("HELP"), CONVERSATION) == [show_tour(Text("HELP"), CONVERSATION)]


def test_guide_is_seen_typing_before_it_answers():
    contents = agent.answer(Text("typing"), CONVERSATION)

    assert [type(content) for content in contents] == [TypingStart, Text]


def test_show_typing_gives_its_contents_one_by_one():
    assert next(iter(show_typing(Text("typing"), CONVERSATION))) == TypingStart()


def test_guide_tells_what_the_phone_told():
    assert said_to("who am I?") == [
        "Your phone speaks en_US and can show: LIST, TIME. You came with intent billing "
        "and group vip."
    ]


@pytest.mark.parametrize("capabilities", [None, frozenset()])
def test_guide_tells_that_the_phone_named_no_capability(capabilities):
    conversation = replace(CONVERSATION, capabilities=capabilities)

    assert "can show: nothing it told" in tell_who(Text("who"), conversation).body


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("locale", "speaks a language it did not tell"),
        ("intent", "intent none"),
        ("group", "group none"),
    ],
)
def test_guide_tells_what_the_phone_did_not_tell(name, told):
    conversation = replace(CONVERSATION, **{name: None})

    assert told in tell_who(Text("who"), conversation).body


def test_guide_says_anything_else_back():
    assert said_to("Which way?") == [
        "You wrote: Which way?\n(Write help to see what else I can do.)"
    ]


def test_guide_answers_a_text_without_words_too():
    assert agent.answer(Text(""), CONVERSATION) == [say_back(Text(""), CONVERSATION)]


def test_guide_says_nothing_to_a_customer_who_left():
    assert agent.answer(Close(), CONVERSATION) == []


def test_guide_says_nothing_to_who_refused_an_invitation():
    refused = InvitationResponse(accepted=False, references=("order-1",))

    assert agent.answer(refused, CONVERSATION) == []


# Showing each kind


@pytest.mark.parametrize(("word", "kind"), SHOWN.items())
def test_guide_shows_each_kind(word, kind):
    [content] = agent.answer(Text(word), CONVERSATION)

    assert type(content) is kind


@pytest.mark.parametrize("word", ["quick", "list", "time", "form", "app"])
def test_guide_names_each_message_that_can_be_answered(word):
    [content] = agent.answer(Text(word), CONVERSATION)

    assert content.name == word


def test_guide_sends_a_photo_as_a_file():
    [content] = agent.answer(Text("photo"), CONVERSATION)

    assert [(each.name, each.mime_type) for each in content.attachments] == [
        ("kettle.png", "image/png")
    ]


def test_guide_offers_several_of_the_first_section_and_one_of_the_second():
    [content] = agent.answer(Text("list"), CONVERSATION)

    assert [section.multiple for section in content.sections] == [True, False]


def test_guide_offers_times_that_are_still_to_come():
    [content] = agent.answer(Text("time"), CONVERSATION)

    assert all(slot.start > datetime.now(UTC) for slot in content.timeslots)


@pytest.mark.parametrize(("content", "answer"), RESPONSES)
def test_guide_says_in_words_what_came(content, answer):
    assert agent.answer(content, CONVERSATION) == [Text(answer)]


# Remembering, and handing over


def test_guide_counts_for_each_customer():
    alice, ben = new_conversation(), new_conversation()

    answers = [said_to("count", customer) for customer in (alice, alice, ben)]

    assert answers == [
        ["You asked me to count 1 time."],
        ["You asked me to count 2 times."],
        ["You asked me to count 1 time."],
    ]


def test_guide_keeps_its_count_in_the_conversation():
    conversation = new_conversation(state={"count": 6, "other": "stays"})

    agent.answer(Text("count"), conversation)

    assert conversation.state == {"count": 7, "other": "stays"}


def test_guide_tells_what_was_said_last():
    said = [
        Said("customer", "Text", "Good\nmorning", NINE, {}),
        Said("business", "QuickReply", "Was that quick?", NINE, {}),
    ]
    conversation = new_conversation(read_history=lambda count: said[-count:])

    assert said_to("history", conversation) == [
        "The last we said:\ncustomer: Good\nbusiness: Was that quick?"
    ]


def test_guide_asks_for_no_more_than_it_tells():
    asked = []
    conversation = new_conversation(read_history=lambda count: asked.append(count) or [])

    agent.answer(Text("history"), conversation)

    assert asked == [5]


def test_guide_hands_over_to_a_person():
    conversation = new_conversation()

    agent.answer(Text("a person, please"), conversation)

    assert (conversation.desk, conversation.note) == ("desk", "asked the guide for a person")


def test_guide_tells_how_to_be_that_person():
    [answer] = said_to("person", new_conversation(id="4e9c"))

    assert "messages --conversation 4e9c\n" in answer
    assert "send --to 4e9c --give-back" in answer


@pytest.mark.parametrize("word", [word for word in WORDS if word != "person"])
def test_guide_hands_over_for_no_other_word(word):
    conversation = new_conversation()

    agent.answer(Text(word), conversation)

    assert conversation.desk is None


# What it says can be sent


@pytest.mark.parametrize(
    "capabilities",
    [None, frozenset(), *(frozenset(Capability) - {each} for each in Capability)],
    ids=["never said", "nothing", *(f"no {each}" for each in Capability)],
)
@pytest.mark.parametrize(
    "content",
    [*(Text(body) for body in ["hello", *WORDS, "anything"]), *(said for said, _ in RESPONSES)],
    ids=["hello", *WORDS, "anything", *(type(said).__name__ for said, _ in RESPONSES)],
)
def test_guide_says_nothing_that_cannot_be_sent(preparing, content, capabilities):
    conversation = new_conversation(capabilities=capabilities)

    prepared = preparing.prepare(
        agent.answer(content, conversation), (BUSINESS, CUSTOMER), capabilities, automated=True
    )

    assert prepared.messages
    assert all(message.to_wire() for message in prepared.messages)


@pytest.mark.parametrize("word", ["quick", "list", "time"])
def test_guide_offers_choices_in_writing_where_they_cannot_be_shown(preparing, word):
    prepared = preparing.prepare(
        agent.answer(Text(word), CONVERSATION), (BUSINESS, CUSTOMER), frozenset(), automated=True
    )

    assert "\n1. " in prepared.messages[0].content.body
    assert prepared.offer


@pytest.mark.parametrize(
    ("word", "said"),
    [("form", "forms need an iPhone or iPad"), ("sign in", "sign in, but this device cannot")],
)
def test_guide_says_in_words_what_cannot_be_shown(preparing, word, said):
    prepared = preparing.prepare(
        agent.answer(Text(word), CONVERSATION), (BUSINESS, CUSTOMER), frozenset(), automated=True
    )

    assert said in prepared.messages[0].content.body
