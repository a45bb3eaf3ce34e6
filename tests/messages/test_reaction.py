import pytest

from msp_server.messages.reaction import InlineReply, Tapback, parse_text
from msp_server.messages.text import Text

ADDED = {
    "Loved": "❤️",
    "Liked": "👍",
    "Disliked": "👎",
    "Laughed at": "😂",
    "Emphasized": "‼️",
    "Questioned": "❓",
}
REMOVED = {
    "a heart": "❤️",
    "a like": "👍",
    "a dislike": "👎",
    "a laugh": "😂",
    "an exclamation": "‼️",
    "a question mark": "❓",
}
QUOTES = ["“We open at nine.”", '"We open at nine."']
#: What a reaction to something else than words names.
THINGS = [
    "an image",
    "a video",
    "a movie",
    "an audio message",
    "an audio",
    "a file",
    "an attachment",
    "a sticker",
    "a link",
    "1 Business Message",
    "12 Business Messages",
    "2 images",
    "3 photos",
    "1 attachment",
    "4 videos",
]


def read(body, **fields):
    return parse_text({"type": "text", "body": body, **fields})


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize(("verb", "emoji"), ADDED.items())
def test_a_classic_reaction_to_a_text_is_read(verb, emoji, quote):
    body = f"{verb} {quote}"

    assert read(body) == Tapback(body, emoji=emoji, quoted="We open at nine.")


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize(("verb", "emoji"), ADDED.items())
def test_a_classic_reaction_to_something_else_is_read(verb, emoji, thing):
    body = f"{verb} {thing}"

    assert read(body) == Tapback(body, emoji=emoji)


@pytest.mark.parametrize("target", [*QUOTES, "an image", "1 Business Message"])
@pytest.mark.parametrize(("noun", "emoji"), REMOVED.items())
def test_the_removal_of_a_classic_reaction_is_read(noun, emoji, target):
    tapback = read(f"Removed {noun} from {target}")

    assert (tapback.emoji, tapback.removed) == (emoji, True)


@pytest.mark.parametrize("target", [*QUOTES, "an image", "1 Business Message"])
@pytest.mark.parametrize("emoji", ["😀", "👍🏽", "👩‍❤️‍💋‍👨", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤", "🇨🇦", "1️⃣"])
class TestEmoji:
    def test_a_reaction_with_an_emoji_is_read(self, emoji, target):
        tapback = read(f"Reacted {emoji} to {target}")

        assert (tapback.emoji, tapback.removed) == (emoji, False)

    @pytest.mark.parametrize("article", ["", "a ", "an "])
    def test_the_removal_of_an_emoji_is_read(self, emoji, target, article):
        tapback = read(f"Removed {article}{emoji} from {target}")

        assert (tapback.emoji, tapback.removed) == (emoji, True)


@pytest.mark.parametrize(
    ("target", "quoted"),
    [(QUOTES[0], "We open at nine."), (QUOTES[1], "We open at nine."), ("an image", None)],
)
def test_a_sticker_is_read(target, quoted):
    body = f"Reacted with a sticker to {target}"

    assert read(body) == Tapback(body, quoted=quoted)


@pytest.mark.parametrize("target", [*QUOTES, "an image"])
def test_the_removal_of_a_sticker_is_read(target):
    tapback = read(f"Removed a sticker from {target}")

    assert (tapback.emoji, tapback.removed) == (None, True)


@pytest.mark.parametrize("words", ["", "one\ntwo", "she said “yes”", "👋", 'a "b" c', "x" * 5000])
def test_a_reaction_quotes_all_words_of_the_text(words):
    assert read(f"Loved “{words}”").quoted == words


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Loved it",
        "Loved",
        "Loved ",
        "I loved “it”",
        "loved “it”",
        "LOVED “it”",
        "Loved “it” too",
        " Loved “it”",
        "Loved “it” ",
        "Loved “it",
        "Loved it”",
        "Loved  “it”",
        "Loved 'it'",
        "Hated “it”",
        "Liked an image of yours",
        "Liked image",
        "Liked an idea",
        "Liked Business Message",
        "Liked one Business Message",
        "Liked -1 Business Message",
        "Liked 1 business message",
        "Liked 1234567890 Business Messages",
        "Laughed “it”",
        "Removed a heart from the list",
        "Removed heart from “it”",
        "Removed a cat from “it”",
        "Removed “it”",
        "Removed 5 from “it”",
        "Removed a 5 from an image",
        "Reacted to “it”",
        "Reacted badly to “it”",
        "Reacted 5 to “it”",
        "Reacted :-) to “it”",
        "Reacted 😀 😀 to “it”",
        "Reacted 😀 at “it”",
        "Reacted 😀 to it",
        f"Reacted {'😀' * 33} to “it”",
        "Reacted with a sticker",
        "Reacted with a hammer to “it”",
        "「いい」にハートを付けました",
        "A adoré « Bonjour »",
    ],
)
def test_a_text_that_only_looks_like_a_reaction_stays_a_text(body):
    assert type(read(body)) is Text


def test_a_reaction_is_a_text_too():
    tapback = read("Loved “it”")

    assert isinstance(tapback, Text)
    assert tapback.to_wire() == {"body": "Loved “it”"}


def test_a_text_that_answers_an_earlier_message_is_an_inline_reply():
    assert read("Yes", replyToMessageId="m1") == InlineReply("Yes", reply_to="m1")


@pytest.mark.parametrize("value", [None, "", 5, ["m1"], {"id": "m1"}])
def test_a_text_that_names_no_message_is_no_inline_reply(value):
    assert type(read("Yes", replyToMessageId=value)) is Text


def test_a_reaction_counts_before_an_inline_reply():
    assert type(read("Loved “it”", replyToMessageId="m1")) is Tapback


@pytest.mark.parametrize("body", [None, 5, ["x"], {"x": "y"}, True])
def test_a_text_whose_body_is_no_text_is_not_read(body):
    assert read(body) is None


def test_a_text_without_a_body_has_no_words():
    assert parse_text({"attachments": [{}]}) == Text("")


@pytest.mark.parametrize("body", ["Hello", "Loved “it”", "half \ud83d", "Loved “\ud83d”"])
@pytest.mark.parametrize("reply_to", [None, "m1"])
def test_what_came_is_kept_as_it_came(body, reply_to):
    fields = {"body": body, "replyToMessageId": reply_to}

    read_text = parse_text(fields)

    assert (read_text.body, read_text.raw) == (body, fields)
    assert read_text.raw is fields
