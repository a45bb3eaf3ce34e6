"""Every kind goes from the agent to the phone, is answered there, and comes back typed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from msp_server import (
    Agent,
    Bubble,
    CustomApp,
    CustomAppResponse,
    DatePage,
    Form,
    FormResponse,
    InlineReply,
    InputPage,
    Item,
    ListPicker,
    ListPickerResponse,
    Location,
    Option,
    PickerPage,
    QuickReply,
    QuickReplyResponse,
    RawInteractive,
    RichLink,
    Section,
    SelectPage,
    Splash,
    Tapback,
    Text,
    TimePicker,
    TimePickerResponse,
    Timeslot,
    TypingEnd,
    TypingStart,
    Video,
)
from msp_server.agents.pictures import APPLE, KETTLE, LEMON

NOON = datetime(2031, 3, 22, 12, 0, tzinfo=UTC)
QUICK = QuickReply("Was that helpful?", ["Yes", "No"], name="quick")
MENU = ListPicker(
    Bubble("Menu", "Pick", image=APPLE),
    [
        Section(
            "Fruit", [Item("Apple", "Red", image=APPLE), Item("Lemon", image=LEMON)], multiple=True
        ),
        Section("Bread", ["Rye", "Wheat"]),
    ],
    name="menu",
)
TIMES = TimePicker(
    "Pick a time",
    [Timeslot(NOON, 1800), Timeslot(NOON + timedelta(hours=2), 3600, "late")],
    event="Visit",
    timezone_offset_min=60,
    location=Location("Shop", 52.52, 13.405),
    image=KETTLE,
    name="times",
)
FORM = Form(
    "Report a fault",
    [
        SelectPage(
            "Product", "Which?", [Option("Kettle", next="bought"), Option("Toaster", next="wish")]
        ),
        DatePage("Bought on", "When?", identifier="bought", latest=NOON.date()),
        PickerPage("Wish", "What?", ["Refund", "Exchange"], identifier="wish"),
        SelectPage("Extras", "What came with it?", ["Box", "Cable", "Manual"], multiple=True),
        InputPage("E-mail", "Where to?", required=True, regex=r"[^@]+@[^@]+"),
    ],
    splash=Splash("Hello", "A few questions", image=KETTLE),
    summary=True,
    private=True,
    name="form",
)
APP = CustomApp(
    Bubble("Parcel 77", "Arrives today"),
    "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM:com.example.app",
    987654321,
    "Parcels",
    {"parcel": "77", "city": "São Paulo & more"},
    icon=None,
    name="app",
)
RAW_QUICK_REPLY = {
    "summaryText": "Raw?",
    "items": [{"identifier": "y", "title": "Yes"}, {"identifier": "n", "title": "No"}],
}


@pytest.fixture
def heard():
    """List what handlers were given."""
    return []


@pytest.fixture
def showing(heard):
    """Give a function that makes an agent which shows a content to whoever says show."""

    def make(*contents):
        agent = Agent("gallery")
        for kind in (
            Tapback,
            InlineReply,
            QuickReplyResponse,
            ListPickerResponse,
            TimePickerResponse,
            FormResponse,
            CustomAppResponse,
        ):
            agent.on(kind)(lambda content, _conversation: heard.append(content))

        @agent.on(Text, where=lambda text, _conversation: text.body == "show")
        def show(_text, _conversation):
            return contents

        agent.on(Text)(lambda text, _conversation: heard.append(text))
        return agent

    return make


def check_quick(response):
    assert (response.to, response.identifier, response.title) == ("quick", "2", "No")


def check_menu(response):
    assert (response.to, response.titles) == ("menu", ("Apple", "Lemon", "Wheat"))
    assert response.identifiers == ("1", "2", "4")
    assert response.items[0].subtitle == "Red"
    assert [item.section for item in response.items] == ["Fruit", "Fruit", "Bread"]


def check_time(response):
    assert (response.to, response.identifier) == ("times", "late")
    assert (response.start, response.duration_s) == (NOON + timedelta(hours=2), 3600)


def check_form(response):
    assert (response.to, response.private) == ("form", True)
    assert [page.title for page in response.pages] == [
        "Product",
        "Bought on",
        "Wish",
        "Extras",
        "E-mail",
    ]
    assert response.value("Product") == "Kettle"
    assert response.value("bought") == "01/02/2031"
    assert response.value("wish") == "Exchange"
    assert response.values("Extras") == ("Box", "Manual")
    assert response.value("E-mail") == "a@example.com"


def check_app(response):
    assert (response.to, response.app_name) == ("app", "Parcels")
    assert response.parameters == {"slot": "2", "note": "a+b c"}


FORM_ANSWERS = {
    "Product": "Kettle",
    "Bought on": "2031-01-02",
    "Wish": "Exchange",
    "Extras": ["Box", "Manual"],
    "E-mail": "a@example.com",
}


@dataclass
class Shown:
    """What is sent, what the customer does with it, and how the response is looked at."""

    content: object
    deed: str
    fields: dict
    check: Callable


ANSWERED = [
    pytest.param(Shown(QUICK, "tap", {"title": "No"}, check_quick), id="quick"),
    pytest.param(
        Shown(MENU, "choose", {"titles": ["Apple", "Lemon", "Wheat"]}, check_menu), id="list"
    ),
    pytest.param(Shown(TIMES, "pick_time", {"identifier": "late"}, check_time), id="time"),
    pytest.param(Shown(FORM, "answer_form", {"answers": FORM_ANSWERS}, check_form), id="form"),
    pytest.param(Shown(APP, "open_app", {"url": "?slot=2&note=a+b%20c"}, check_app), id="app"),
]


@pytest.mark.parametrize("shown", ANSWERED)
def test_answer_comes_back_typed(apple, start_msp, showing, heard, wait_for, shown):
    with start_msp(showing(shown.content)):
        apple.phone().text("show")
        apple.phone().wait_for_entries(1)
        apple.phone().do(shown.deed, **shown.fields)
        wait_for(lambda: heard)

    (response,) = heard
    shown.check(response)
    assert response.raw["type"] == "interactive"


@pytest.mark.parametrize("shown", ANSWERED)
def test_answer_comes_back_typed_and_once_whatever_goes_wrong(
    apple, start_msp, showing, heard, wait_for, shown
):
    apple.fault("status", status=503)
    apple.fault("drop")
    apple.fault("drop_after")
    apple.switch(duplicate_tap=True, numbers_as_text=True)

    with start_msp(showing(shown.content)):
        apple.phone().text("show")
        apple.phone().wait_for_entries(1)
        apple.phone().do(shown.deed, **shown.fields)
        apple.phone().text("done")
        wait_for(lambda: heard and heard[-1] == Text("done"))

    response, _ = heard
    shown.check(response)
    assert len(apple.phone().entries()) == 1


@pytest.mark.parametrize("shape", ["sections", "you_selected", "with_unselected"])
def test_list_reply_of_every_shape_is_the_same_choice(
    apple, start_msp, showing, heard, wait_for, shape
):
    apple.switch(list_reply=shape)

    with start_msp(showing(MENU)):
        apple.phone().text("show")
        apple.phone().wait_for_entries(1)
        apple.phone().do("choose", titles=["Apple", "Lemon", "Wheat"])
        wait_for(lambda: heard)

    check_menu(heard[0])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (Text("words"), "text"),
        (RichLink("https://shop.example.com", "Our shop", KETTLE), "richLink"),
        (
            RichLink("https://a.example", "B", KETTLE, video=Video("https://a.example/v.mp4")),
            "richLink",
        ),
        (
            RawInteractive({"data": {"quick-reply": RAW_QUICK_REPLY}}),
            "interactive",
        ),
        (TypingStart(), "typing_start"),
        (TypingEnd(), "typing_end"),
    ],
)
def test_what_needs_no_answer_is_on_the_phone(apple, start_msp, showing, content, kind):
    with start_msp(showing(content)):
        apple.phone().text("show")

        assert apple.phone().wait_for_entries(1)[0]["type"] == kind


def test_several_contents_arrive_in_order(apple, start_msp, showing):
    with start_msp(showing(Text("one"), QUICK, Text("two"), TIMES, Text("three"))):
        apple.phone().text("show")
        entries = apple.phone().wait_for_entries(5)

    assert [entry.get("body", entry["type"]) for entry in entries] == [
        "one",
        "interactive",
        "two",
        "interactive",
        "three",
    ]


def test_reaction_is_a_tapback_with_emoji_and_quoted_words(
    apple, start_msp, showing, heard, wait_for
):
    with start_msp(showing(Text("words"))):
        apple.phone().text("show")
        apple.phone().wait_for_bodies(1)
        apple.phone().do("react", **{"with": "loved"})
        apple.phone().do("react", **{"with": "🎉"})
        wait_for(lambda: len(heard) == 2)

    assert [(each.emoji, each.quoted) for each in heard] == [("❤️", "words"), ("🎉", "words")]
    assert heard[0].body == "Loved “words”"


def test_inline_reply_names_the_message_it_answers(apple, start_msp, showing, heard, wait_for):
    with start_msp(showing(QUICK)):
        apple.phone().text("show")
        (entry,) = apple.phone().wait_for_entries(1)
        apple.phone().do("reply", body="why?", to=entry["id"])
        wait_for(lambda: heard)

    assert (heard[0].reply_to, heard[0].body, heard[0].to) == (entry["id"], "why?", "quick")
