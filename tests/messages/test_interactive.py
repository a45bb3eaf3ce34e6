from dataclasses import dataclass

import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.checked import checked, require_reported
from msp_server.messages.image import Gallery, Image
from msp_server.messages.interactive import (
    BID,
    VERSION,
    Bubble,
    Bubbled,
    Interactive,
    Response,
    Style,
    as_bubble,
    frame,
    identifiers,
)
from msp_server.messages.limits import PNG_MAGIC
from msp_server.messages.text import Text

TEA = Image(PNG_MAGIC + b"tea", description="a cup")
CAKE = Image(PNG_MAGIC + b"cake")
WHOLE = Bubble(
    "Menu",
    "Pick",
    style=Style.LARGE,
    image=TEA,
    image_title="Tea",
    image_subtitle="hot",
    secondary_subtitle="two",
    tertiary_subtitle="three",
)


@checked
class Menu(Bubbled):
    """The smallest kind there can be."""

    picture: Image | None = None

    def feature(self, gallery):
        picture = gallery.identify(self.picture)
        return {"menu": {"imageIdentifier": picture} if picture else {}}


@checked
class Bare(Interactive):
    def feature(self, gallery):
        return {"bare": {}}


@dataclass(frozen=True, kw_only=True)
class Ordered(Response):
    dish: str = "tea"


def data_of(content):
    return content.to_wire()["interactiveData"]["data"]


def test_a_bubble_gives_all_it_has():
    gallery = Gallery()

    assert WHOLE.to_wire(gallery, Style.ICON) == {
        "title": "Menu",
        "subtitle": "Pick",
        "style": "large",
        "imageIdentifier": "0",
        "imageDescription": "a cup",
        "imageTitle": "Tea",
        "imageSubtitle": "hot",
        "secondarySubtitle": "two",
        "tertiarySubtitle": "three",
    }


def test_a_bubble_takes_the_style_of_its_kind():
    assert Bubble("Menu").to_wire(Gallery(), Style.SMALL) == {"title": "Menu", "style": "small"}


def test_a_bubble_needs_a_title():
    with pytest.raises(ContentInvalid, match=r"Bubble\.title has 0 characters"):
        Bubble("")


def test_a_text_stands_for_a_bubble():
    assert (as_bubble("Menu"), as_bubble(WHOLE)) == (Bubble("Menu"), WHOLE)


def test_a_message_gives_what_every_kind_has():
    message = Menu("Menu", request_id="r", session_id="s", name="menu", fallback=Text("Tea?"))

    assert message.to_wire() == {
        "interactiveData": {
            "bid": BID,
            "sessionIdentifier": "s",
            "data": {"version": VERSION, "requestIdentifier": "r", "menu": {}},
            "receivedMessage": {"title": "Menu", "style": "icon"},
            "replyMessage": {"title": "Menu", "style": "icon"},
        }
    }


def test_a_message_without_ids_and_bubbles_gives_none():
    assert Bare().to_wire() == {
        "interactiveData": {"bid": BID, "data": {"version": VERSION, "bare": {}}}
    }


def test_a_kind_has_to_say_what_stands_in_data():
    with pytest.raises(NotImplementedError):
        Interactive().to_wire()


def test_ids_that_are_left_out_are_the_message_id():
    message = Menu("Menu").identified("m")

    assert (message.request_id, message.session_id) == ("m", "m")


def test_ids_that_are_given_stay():
    message = Menu("Menu", request_id="r", session_id="s").identified("m")

    assert (message.request_id, message.session_id) == ("r", "s")


def test_a_response_names_the_request():
    assert Menu("Menu", request_id="r").answer_key == "r"


def test_every_picture_is_sent_once():
    message = Menu(Bubble("Menu", image=TEA), replied=Bubble("Thanks", image=CAKE), picture=TEA)

    sent = message.to_wire()["interactiveData"]
    assert [image["identifier"] for image in sent["data"]["images"]] == ["0", "1"]
    assert sent["data"]["menu"]["imageIdentifier"] == "0"
    assert sent["receivedMessage"]["imageIdentifier"] == "0"
    assert sent["replyMessage"]["imageIdentifier"] == "1"


def test_a_message_without_pictures_gives_no_images():
    assert "images" not in data_of(Menu("Menu"))


@pytest.mark.parametrize(("replied", "title"), [(None, "Menu"), ("Thanks", "Thanks")])
def test_the_bubble_after_the_answer_takes_over_the_picture(replied, title):
    sent = Menu(Bubble("Menu", "Pick", image=TEA), replied=replied).to_wire()["interactiveData"]

    assert sent["replyMessage"] == {
        "title": title,
        "style": "icon",
        "imageIdentifier": "0",
        "imageDescription": "a cup",
    }


def test_a_bubble_after_the_answer_stays_as_it_is_given():
    sent = Menu(Bubble("Menu", image=TEA), replied=Bubble("Thanks")).to_wire()["interactiveData"]

    assert sent["replyMessage"] == {"title": "Thanks", "style": "icon"}


@pytest.mark.parametrize(
    ("args", "kwargs", "field"), [(("",), {}, "received"), (("x",), {"replied": ""}, "replied")]
)
def test_a_title_that_is_given_as_a_text_has_to_be_there(args, kwargs, field):
    with pytest.raises(ContentInvalid) as raised:
        Menu(*args, **kwargs)

    assert raised.value.field == f"Menu.{field}"


@pytest.mark.parametrize(
    ("args", "kwargs", "field"),
    [(("x" * 201,), {}, "received"), (("x",), {"replied": "x" * 201}, "replied")],
)
def test_a_title_that_is_given_as_a_text_is_measured(args, kwargs, field):
    message = Menu(*args, **kwargs)

    with pytest.raises(ContentInvalid) as raised:
        message.require_reported()

    assert raised.value.field == field


def test_what_is_in_the_limits_is_accepted():
    message = Menu("x" * 200, replied=WHOLE, picture=TEA)

    message.require_reported()
    require_reported(message)


def test_pictures_are_measured_together_wherever_they_are():
    half = PNG_MAGIC.ljust(1_875_000, b"x")
    message = Menu(Bubble("Menu", image=Image(half)), picture=Image(half + b"y"))

    with pytest.raises(ContentInvalid, match="images measure 5000004 bytes"):
        message.require_reported()


def test_a_title_in_a_bubble_is_measured_with_its_path():
    with pytest.raises(ContentInvalid, match=r"Menu\.received\.subtitle has 201 characters"):
        require_reported(Menu(Bubble("Menu", "x" * 201)))


@pytest.mark.parametrize("fallback", [Menu("Menu"), "Tea?", 5])
def test_only_a_text_or_a_link_can_stand_in_for_a_message(fallback):
    with pytest.raises(ContentInvalid, match=r"Menu\.fallback"):
        Menu("Menu", fallback=fallback)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ([], []),
        ([None, None], ["1", "2"]),
        (["a", None], ["a", "2"]),
        ([None, "1"], ["_1", "1"]),
        ([None, "1", "_1"], ["__1", "1", "_1"]),
        ((name for name in ["a", None]), ["a", "2"]),
    ],
)
def test_identifiers_are_the_own_ones_or_else_free_places(given, made):
    assert identifiers(given, "items.identifier") == made


def test_an_identifier_that_is_given_twice_is_refused():
    with pytest.raises(ContentInvalid, match=r"items\.identifier is given twice"):
        identifiers(["a", None, "a"], "items.identifier")


def test_frame_reads_what_every_response_has():
    raw = {
        "interactiveData": {
            "sessionIdentifier": "s",
            "data": {"requestIdentifier": "r", "replyMessage": {"title": "Tea"}},
        }
    }

    assert frame(raw) == {"request_id": "r", "session_id": "s", "title": "Tea", "raw": raw}


@pytest.mark.parametrize(
    ("interactive", "title"),
    [
        ({"replyMessage": {"title": "beside"}}, "beside"),
        ({"replyMessage": {"alternateTitle": "other"}}, "other"),
        ({"data": {"replyMessage": {"title": "in"}}, "replyMessage": {"title": "beside"}}, "in"),
        ({"replyMessage": {"title": 5}}, ""),
        ({"replyMessage": "Tea"}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_frame_finds_the_title_wherever_it_stands(interactive, title):
    assert frame({"interactiveData": interactive})["title"] == title


def test_frame_reads_nothing_of_nothing():
    assert frame({}) == {"request_id": None, "session_id": None, "title": "", "raw": {}}


def test_a_response_names_what_it_answers():
    assert Ordered(request_id="r").answer_key == "r"


def test_a_response_has_to_say_what_was_chosen():
    with pytest.raises(NotImplementedError):
        _ = Ordered().selection


def test_a_response_is_joined_to_the_message_it_answers():
    assert Ordered(dish="cake").joined("menu", {}) == Ordered(dish="cake", to="menu")
