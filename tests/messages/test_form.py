import base64
import json
from datetime import date
from pathlib import Path

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.capability import Capability
from msp_server.messages.content import parse_outbound
from msp_server.messages.form import Form, Splash
from msp_server.messages.form_pages import (
    DatePage,
    InputPage,
    Keyboard,
    Option,
    PickerPage,
    SelectPage,
)
from msp_server.messages.image import Image
from msp_server.messages.interactive import BID, Bubble
from msp_server.messages.limits import PNG_MAGIC

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
PAGE = InputPage("Name", "Who are you?")


def report(*pages, **changes):
    return Form(**({"received": "Report a fault", "pages": pages} | changes))


def pages_of(form):
    return form.to_wire()["interactiveData"]["data"]["dynamic"]["data"]["pages"]


def rich(logo, request_id):
    """Make a form with everything in it, as the sample has it."""
    return Form(
        Bubble("Report a fault", "Takes a minute", image=logo),
        [
            SelectPage(
                "Product",
                "Which one is it?",
                [
                    Option("Kettle", value="kettle", identifier="kettle", image=logo),
                    Option("Something else", value="other", identifier="other", next="tell"),
                ],
                identifier="what",
            ),
            DatePage(
                "Bought on",
                "What does the receipt say?",
                identifier="when",
                hint="The day is enough",
                label="Date",
                start=date(2031, 1, 15),
                earliest=date(2030, 1, 1),
                latest=date(2031, 12, 31),
            ),
            SelectPage(
                "Faults",
                "What is wrong with it?",
                [
                    Option("It leaks", value="leaks", identifier="leaks"),
                    Option("It stays cold", value="cold", identifier="cold"),
                ],
                identifier="faults",
                multiple=True,
            ),
            PickerPage(
                "Wish",
                "What shall we do?",
                [
                    Option("Refund", value="refund", identifier="refund"),
                    Option("Repair", value="repair", identifier="repair"),
                ],
                identifier="wish",
                label="I want a",
                selected=1,
                next="mail",
            ),
            InputPage(
                "Product", "What is it?", identifier="tell", multiline=True, highest_chars=300
            ),
            InputPage(
                "E-mail",
                "Where do we answer?",
                identifier="mail",
                hint="Nobody else sees it",
                required=True,
                regex="^[^@]+@[^@]+$",
                placeholder="you@example.com",
                label="Address",
                highest_chars=80,
                keyboard=Keyboard.EMAIL,
                content_type="emailAddress",
            ),
        ],
        replied=Bubble("Sent", "Thank you"),
        splash=Splash("Report a fault", "A few questions", image=logo),
        summary=True,
        request_id=request_id,
    )


def test_to_wire_gives_what_apple_shows():
    text = (SAMPLES / "form.json").read_text("utf-8")
    interactive = json.loads(text.replace('"logo"', '"0"'))["interactiveData"]
    del interactive["useLiveLayout"]  # as it is when left out
    data = interactive["data"]
    logo = Image(base64.b64decode(data["images"][0]["data"]))

    wire = rich(logo, data["requestIdentifier"]).to_wire()

    assert wire == {"interactiveData": interactive}


def test_to_wire_fills_in_what_was_left_out():
    form = Form(
        "Report a fault",
        [
            SelectPage("Product", "Which one?", ["Kettle", "Toaster"]),
            DatePage("Bought on", "See the receipt"),
            InputPage("E-mail", "Where do we answer?", required=True),
        ],
    )

    assert form.identified("message").to_wire() == {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "message",
            "data": {
                "version": "1.0",
                "requestIdentifier": "message",
                "dynamic": {
                    "version": "1.2",
                    "template": "messageForms",
                    "private": False,
                    "data": {
                        "private": False,
                        "startPageIdentifier": "1",
                        "showSummary": False,
                        "pages": [
                            {
                                "pageIdentifier": "1",
                                "type": "select",
                                "title": "Product",
                                "subtitle": "Which one?",
                                "nextPageIdentifier": "2",
                                "multipleSelection": False,
                                "items": [
                                    {"identifier": "1", "title": "Kettle", "value": "Kettle"},
                                    {"identifier": "2", "title": "Toaster", "value": "Toaster"},
                                ],
                            },
                            {
                                "pageIdentifier": "2",
                                "type": "datePicker",
                                "title": "Bought on",
                                "subtitle": "See the receipt",
                                "nextPageIdentifier": "3",
                                "options": {"dateFormat": "MM/dd/yyyy"},
                            },
                            {
                                "pageIdentifier": "3",
                                "type": "input",
                                "title": "E-mail",
                                "subtitle": "Where do we answer?",
                                "submitForm": True,
                                "options": {"required": True, "inputType": "singleline"},
                            },
                        ],
                    },
                },
            },
            "receivedMessage": {"title": "Report a fault", "style": "icon"},
            "replyMessage": {"title": "Report a fault", "style": "icon"},
        }
    }


def test_pages_become_a_tuple_that_nobody_changes():
    pages = [PAGE]
    form = Form("Report", pages)
    pages.clear()

    assert form.pages == (PAGE,)


def test_a_form_needs_a_device_that_shows_it():
    assert Form.capability is Capability.FORM


def test_a_private_form_says_so_in_both_places():
    dynamic = report(PAGE, private=True).to_wire()["interactiveData"]["data"]["dynamic"]

    assert (dynamic["private"], dynamic["data"]["private"]) == (True, True)


def test_a_splash_begins_with_start():
    dynamic = report(PAGE, splash=Splash("Hello")).to_wire()["interactiveData"]["data"]["dynamic"]

    assert dynamic["data"]["splash"] == {
        "header": "Hello",
        "splashtext": "",
        "buttonTitle": "Start",
    }


def test_a_form_may_end_in_several_places():
    form = report(
        SelectPage("Well?", "Is it?", [Option("Yes", next="good"), Option("No", next="bad")]),
        InputPage("Good", "Why?", identifier="good", last=True),
        InputPage("Bad", "Why?", identifier="bad"),
    )

    assert [page.get("submitForm") for page in pages_of(form)] == [None, True, True]


def test_a_form_may_lead_back_if_it_can_end():
    form = report(
        SelectPage("Again?", "Once more?", [Option("Yes", next="1"), "No"], identifier="1"), PAGE
    )

    assert pages_of(form)[0]["nextPageIdentifier"] == "2"


@pytest.mark.parametrize(
    "pages",
    [
        (InputPage("A", "?", next="1"),),
        (InputPage("A", "?"), InputPage("B", "?", next="1")),
        (SelectPage("A", "?", [Option("Yes", next="1"), Option("No", next="1")]), PAGE),
    ],
)
def test_a_form_that_never_ends_cannot_be_made(pages):
    with pytest.raises(ContentInvalid, match="circle") as caught:
        report(*pages)

    assert caught.value.field == "Form.pages"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": ""}, "received"),
        ({"pages": []}, "pages"),
        ({"pages": "Name"}, "pages"),
        ({"pages": None}, "pages"),
        ({"pages": [PAGE, "Name"]}, "pages[1]"),
        ({"pages": [PAGE, Option("Kettle")]}, "pages[1]"),
        ({"pages": [InputPage("A", "?", identifier="a")] * 2}, "pages.identifier"),
        ({"pages": [PAGE, InputPage("A", "?", next="9")]}, "pages[1].next"),
        ({"pages": [SelectPage("A", "?", [Option("Yes", next="9"), "No"])]}, "pages[0].next"),
        ({"splash": "Hello"}, "splash"),
        ({"summary": 5}, "summary"),
        ({"private": 5}, "private"),
    ],
)
def test_a_form_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        report(**({"pages": [PAGE]} | changes))

    assert caught.value.field == f"Form.{field}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"header": 5}, "header"),
        ({"text": None}, "text"),
        ({"button": ""}, "button"),
        ({"image": "logo.png"}, "image"),
    ],
)
def test_a_splash_that_does_not_hold_cannot_be_made(changes, field):
    with pytest.raises(ContentInvalid) as caught:
        Splash(**({"header": "Hello"} | changes))

    assert caught.value.field == f"Splash.{field}"


def test_a_page_of_another_type_is_refused_in_json():
    page = {"type": "hologram", "title": "Name", "subtitle": "Who?"}

    with pytest.raises(ContentInvalid, match="types") as caught:
        parse_outbound({"kind": "Form", "received": "Report", "pages": [page]})

    assert caught.value.field == "Form.pages[0]"


def test_a_form_can_be_written_in_json():
    page = {"type": "input", "title": "Name", "subtitle": "Who are you?"}

    form = parse_outbound({"kind": "Form", "received": "Report", "pages": [page]})

    assert form == Form("Report", [PAGE])


@pytest.mark.parametrize(
    "changes",
    [
        {"received": "r" * 200},
        {"splash": Splash("h" * 200, "t" * 200, button="b" * 200)},
        {"splash": Splash("Hello", image=Image(PNG_MAGIC.ljust(200_000)))},
    ],
)
def test_a_form_at_the_edge_is_as_vendors_report(changes, require_reported):
    require_reported(report(PAGE, **changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": "r" * 201}, "received"),
        ({"splash": Splash("h" * 201)}, "splash.header"),
        ({"splash": Splash("Hello", "t" * 201)}, "splash.text"),
        ({"splash": Splash("Hello", button="b" * 201)}, "splash.button"),
        ({"splash": Splash("Hello", image=Image(PNG_MAGIC.ljust(200_001)))}, "splash.image.data"),
    ],
)
def test_a_form_beyond_what_vendors_report_is_refused(changes, field, require_reported):
    with pytest.raises(ContentInvalid) as caught:
        require_reported(report(PAGE, **changes))

    assert caught.value.field == f"Form.{field}"
