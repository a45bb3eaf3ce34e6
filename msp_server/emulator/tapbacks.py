"""Tapbacks: the English sentences that stand for them.

There is no message of their own kind: what arrives is a text, the same that a phone which is not
Apple's would get. Source: observed.
"""

import unicodedata
from typing import Final

from msp_server.emulator.shapes import object_in, objects_in, text_in
from msp_server.emulator.transcript import DeedUnfit, Entry

#: How each classic tapback begins, and how its removal does. Source: observed; removal assumed.
CLASSIC: Final = {
    "loved": ("Loved", "Removed a heart from"),
    "liked": ("Liked", "Removed a like from"),
    "disliked": ("Disliked", "Removed a dislike from"),
    "laughed": ("Laughed at", "Removed a laugh from"),
    "emphasized": ("Emphasized", "Removed an exclamation from"),
    "questioned": ("Questioned", "Removed a question mark from"),
}
STICKER: Final = "sticker"
#: What stands for an attachment, by the first half of its MIME type. Source: observed.
ATTACHMENTS: Final = {"image": "an image", "video": "a video", "audio": "an audio"}
ANY_ATTACHMENT: Final = "a file"
INTERACTIVE: Final = "1 Business Message"

#: The longest emoji are families and flags of regions.
_EMOJI_LIMIT: Final = 16


def tell_tapback(target: Entry, reaction: object, *, remove: bool) -> str:
    """Give the sentence of a tapback.

    Args:
        target: the message it is on.
        reaction: one of the classic ones, `sticker`, or an emoji.
        remove: whether it is taken away again.

    Raises:
        DeedUnfit: there is no such tapback.
    """
    return f"{_tell_reaction(reaction, remove=remove)} {_tell_target(target)}"


def _tell_reaction(reaction: object, *, remove: bool) -> str:
    if isinstance(reaction, str):
        if reaction in CLASSIC:
            return CLASSIC[reaction][remove]
        if reaction == STICKER:
            return "Removed a sticker from" if remove else "Reacted with a sticker to"
        if _is_emoji(reaction):
            return f"Removed {reaction} from" if remove else f"Reacted {reaction} to"
    raise DeedUnfit(f"with has to be one of {', '.join(CLASSIC)}, {STICKER}, or an emoji")


def _tell_target(target: Entry) -> str:
    if target.shows is not None:
        return INTERACTIVE
    attachments = objects_in(target.fields, "attachments")
    if attachments:
        mime_type = text_in(attachments[0], "mimeType") or text_in(attachments[0], "mime-type")
        return ATTACHMENTS.get((mime_type or "").partition("/")[0], ANY_ATTACHMENT)
    body = target.fields.get("body")
    if not isinstance(body, str):  # a link without words shows its address
        body = text_in(object_in(target.fields, "richLinkData"), "url") or ""
    return f"“{body}”"


def _is_emoji(text: str) -> bool:
    """Tell signs without letters, at least one of them a picture."""
    return (
        len(text) <= _EMOJI_LIMIT
        and not any(sign.isalpha() or sign.isspace() for sign in text)
        and any(unicodedata.category(sign) == "So" or sign == "\u20e3" for sign in text)
    )
