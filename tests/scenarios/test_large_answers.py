"""An answer too large to come by itself is the same answer as a small one."""

import pytest

from msp_server import (
    Agent,
    Bubble,
    Image,
    Item,
    ListPicker,
    ListPickerResponse,
    ResponseLost,
    Section,
    Text,
)
from msp_server.agents.pictures import APPLE, LEMON

LARGE = Image(APPLE.data + bytes(40_000))
MENU = ListPicker(
    Bubble("Menu", image=LARGE),
    [Section("Fruit", [Item("Apple", image=LARGE), Item("Lemon", image=LEMON)], multiple=True)],
    name="menu",
    reusable=True,
)


@pytest.fixture
def heard():
    return []


@pytest.fixture
def agent(heard):
    agent = Agent("menu")

    @agent.on(ListPickerResponse, to="menu")
    def hear(picked, _conversation):
        heard.append(picked)
        return Text(f"Chosen: {', '.join(picked.titles)}")

    @agent.on(ResponseLost)
    def ask_again(lost, _conversation):
        heard.append(lost)
        return Text("Once more, please.")

    @agent.on(Text)
    def show(_text, conversation):
        return conversation.sent_before("menu") or MENU

    return agent


def choose(apple):
    apple.phone().text("show")
    apple.phone().wait_for_entries(1)
    apple.phone().do("choose", titles=["Apple", "Lemon"])


@pytest.mark.parametrize("reply", ["reference", "both", "inline", "always"])
def test_answer_is_the_same_however_it_comes(apple, start_msp, agent, heard, reply):
    apple.switch(reference_reply=reply)

    with start_msp(agent):
        choose(apple)

        assert apple.phone().wait_for_bodies(1) == ["Chosen: Apple, Lemon"]
    assert heard[0].identifiers == ("1", "2")
    assert heard[0].raw["interactiveData"]["data"]["listPicker"]


@pytest.mark.parametrize(
    ("do", "endpoint"),
    [
        ("status", "preDownload"),
        ("drop", "download"),
        ("expired", "download"),
        ("truncate", "download"),
        ("garble", "download"),
        ("status", "decodePayload"),
        ("drop", "decodePayload"),
    ],
)
def test_answer_arrives_whatever_went_wrong_once(apple, start_msp, agent, do, endpoint):
    apple.fault(do, endpoint=endpoint)

    with start_msp(agent):
        choose(apple)

        assert apple.phone().wait_for_bodies(1) == ["Chosen: Apple, Lemon"]


def test_same_large_tap_twice_is_answered_once(apple, start_msp, agent, heard):
    apple.switch(duplicate_tap=True)

    with start_msp(agent) as msp:
        choose(apple)
        apple.phone().wait_for_bodies(1)
        apple.phone().text("show")
        apple.phone().wait_for_entries(3)

        kept = [each.kind for each in msp.store.history.newest(20)]
    assert len(heard) == 1
    assert kept.count("ListPickerResponse") == 2


def test_agent_is_told_of_an_answer_that_cannot_be_fetched(
    apple, start_msp, agent, heard, monkeypatch
):
    monkeypatch.setattr("msp_server.delivery.fetching.REFUSALS_LIMIT", 2)
    apple.fault("expired", endpoint="download", count=9)

    with start_msp(agent):
        choose(apple)

        assert apple.phone().wait_for_bodies(1) == ["Once more, please."]
    assert isinstance(heard[0], ResponseLost)


def test_what_was_sent_is_sent_again_by_reference_and_its_answer_joined(
    apple, start_msp, agent, heard, wait_for
):
    with start_msp(agent) as msp:
        apple.phone().text("show")
        apple.phone().wait_for_entries(1)
        wait_for(lambda: msp.store.outbox.find_reusable(msp.settings.business_ids[0], "menu"))
        apple.phone("ben").text("show")
        apple.phone("ben").wait_for_entries(1)
        apple.phone("ben").do("choose", titles=["Lemon"])

        assert apple.phone("ben").wait_for_bodies(1) == ["Chosen: Lemon"]

    by_reference = [
        send for send in apple.sends() if "interactiveDataRef" in (send["fields"] or {})
    ]
    assert len(by_reference) == 1
    assert heard[0].to == "menu"


def test_device_that_cannot_show_it_gets_numbered_lines_instead_of_the_reference(
    apple, start_msp, agent, wait_for
):
    old = apple.phone("old", device="iphone-2018")

    with start_msp(agent) as msp:
        apple.phone().text("show")
        wait_for(lambda: msp.store.outbox.find_reusable(msp.settings.business_ids[0], "menu"))
        old.text("show")
        old.wait_for_bodies(1)
        old.text("2")

        assert old.wait_for_bodies(2) == ["Menu\nFruit\n1. Apple\n2. Lemon", "Chosen: Lemon"]
