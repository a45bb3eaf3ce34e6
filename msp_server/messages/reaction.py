"""Reactions and inline replies: texts that point at an earlier message."""

import re
from dataclasses import KW_ONLY
from typing import Final

from msp_server.messages.checked import checked
from msp_server.messages.raw import JsonObject, text_in
from msp_server.messages.text import Text

#: What each of the six classic reactions is called when it is added, and when it is removed.
#: Source: observed; the words for removal are assumed.
_CLASSIC: Final = {
    "Loved": ("❤️", "a heart"),
    "Liked": ("👍", "a like"),
    "Disliked": ("👎", "a dislike"),
    "Laughed at": ("😂", "a laugh"),
    "Emphasized": ("‼️", "an exclamation"),
    "Questioned": ("❓", "a question mark"),
}
_ADDED: Final = {verb: emoji for verb, (emoji, _) in _CLASSIC.items()}
_REMOVED: Final = {noun: emoji for emoji, noun in _CLASSIC.values()}
_TARGET: Final = (
    r"(?:[“\"](?P<quoted>.*)[”\"]"
    r"|an? (?:image|video|movie|audio message|audio|file|attachment|sticker|link)"
    r"|\d{1,9} (?:Business Messages?|attachments?|images?|photos?|videos?))"
)
_SENTENCES: Final = tuple(
    re.compile(pattern + _TARGET, re.DOTALL)
    for pattern in (
        rf"(?P<verb>{'|'.join(_ADDED)}) ",
        rf"Removed (?P<noun>{'|'.join(_REMOVED)}) from ",
        r"Reacted (?P<emoji>[^\sA-Za-z]{1,32}) to ",
        r"Removed (?:a |an )?(?P<gone>[^\sA-Za-z]{1,32}) from ",
        r"Reacted with a sticker to ",
        r"Removed a (?P<sticker_gone>sticker) from ",
    )
)


@checked
class Tapback(Text):
    """A reaction to an earlier message. It is a text too: what the phone said of it is `body`.

    Source: observed; Apple has no type for it.
    """

    _: KW_ONLY
    #: None for a sticker.
    emoji: str | None = None
    #: The words it reacts to; None for a picture, or an interactive message.
    quoted: str | None = None
    #: Whether the reaction was taken back.
    removed: bool = False


@checked
class InlineReply(Text):
    """A text that answers one earlier message. It is a text too.

    Source: observed.
    """

    _: KW_ONLY
    #: The id of the message it answers.
    reply_to: str
    #: The `name` of that message; None when it has none, or is not ours.
    to: str | None = None


def parse_text(raw: JsonObject) -> Text | None:
    """Read a text, or give None when its shape is not known.

    A reaction counts before an inline reply.
    """
    body = raw.get("body", "")
    if not isinstance(body, str):
        return None
    reply_to = text_in(raw, "replyToMessageId")
    tapback = _parse_tapback(body, raw)
    if tapback is not None:
        return tapback
    return (
        Text(body, raw=raw) if reply_to is None else InlineReply(body, reply_to=reply_to, raw=raw)
    )


def _parse_tapback(body: str, raw: JsonObject) -> Tapback | None:
    """Recognise the English sentences; in other languages a reaction stays a text.

    Source: observed: `Loved “…”`, `Liked an image`, `Liked 1 Business Message`, and with an
    emoji `Reacted 😀 to “…”`.
    """
    for sentence in _SENTENCES:
        found = sentence.fullmatch(body)
        if found is None:
            continue
        parts = found.groupdict()
        symbol = parts.get("emoji") or parts.get("gone")
        if symbol is not None and symbol.isascii():
            continue  # a word or a number, no emoji
        emoji = symbol or _ADDED.get(parts.get("verb", "")) or _REMOVED.get(parts.get("noun", ""))
        removed = not parts.keys().isdisjoint({"noun", "gone", "sticker_gone"})
        return Tapback(body, emoji=emoji, quoted=parts["quoted"], removed=removed, raw=raw)
    return None
