"""What every interactive message has in common: its frame, and the bubbles around its content."""

import re
from enum import Enum
from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import quoted
from msp_server.emulator.image_checks import check_images
from msp_server.emulator.pieces import MISSPELT, Piece

_PLUGIN: Final = "com.apple.messages.MSMessageExtensionBalloonPlugin"
_APPLES_TEAM: Final = "0000000000"
#: What shows lists, times, forms and payments. Source: MSP REST API, "Type Interactive".
APPLES_BID: Final = f"{_PLUGIN}:{_APPLES_TEAM}:com.apple.icloud.apps.messages.business.extension"
#: What else a bid may be: a team's own extension. Source: the same.
_OWN_BID = re.compile(rf"{re.escape(_PLUGIN)}:(?!{_APPLES_TEAM}:)[^\s:]+:[^\s:]+")
#: Either will do. Source: MSP API Tutorial, exercises 06 and 23.
_VERSION_KEYS: Final = ("version", "mspVersion")
_VERSION: Final = "1.0"
_BUBBLE_STYLES: Final = ("icon", "small", "large")
_BUBBLE_TEXTS: Final = (
    "subtitle",
    "imageTitle",
    "imageSubtitle",
    "secondarySubtitle",
    "tertiarySubtitle",
    "alternateTitle",
    "imageDescription",
)


class Bubbles(Enum):
    """Which bubbles a kind of interactive message needs."""

    #: Neither `receivedMessage` nor `replyMessage`. Source: observed.
    NONE = "none"
    #: `receivedMessage`. Source: MSP REST API, "Type Interactive".
    RECEIVED = "received"
    #: That, and `replyMessage`. Source: observed.
    BOTH = "both"


def check_frame(interactive: Piece) -> None:
    """Refuse an interactive message whose outermost keys do not hold.

    Raises:
        Refused: 400.

    Source: MSP REST API, "Type Interactive".
    """
    bid = interactive.text("bid")
    if bid != APPLES_BID and not _OWN_BID.fullmatch(bid):
        raise interactive.refused(
            limits.BID,
            "bid",
            f"is {quoted(bid)}: write {APPLES_BID}, or {_PLUGIN}:<team id>:<extension id> "
            "for an app of your own",
        )
    if interactive.has("sessionIdentifier"):
        interactive.identifier("sessionIdentifier")
    interactive.flag("useLiveLayout")


def check_data(data: Piece) -> None:
    """Refuse `data` without version or request identifier, or with pictures that do not hold.

    Raises:
        Refused: 400.

    Source: MSP REST API, "Type Interactive".
    """
    for key in [key for key in _VERSION_KEYS if data.has(key)] or _VERSION_KEYS[:1]:
        version = data.text(key)
        if version != _VERSION:
            raise data.refused(limits.VERSION, key, f'is {quoted(version)}: write "{_VERSION}"')
    data.identifier("requestIdentifier")
    check_images(data)


def feature_of(data: Piece, features: tuple[str, ...]) -> str:
    """Give the one key of `data` that says what kind of message it is.

    Raises:
        Refused: 400, there is none, or more than one.

    Source: MSP API Tutorial, exercises 06 to 23.
    """
    present = [feature for feature in features if data.has(feature)]
    if len(present) == 1:
        return present[0]
    found = " and ".join(present) or "nothing to show"
    wrong = next((k for k, right in MISSPELT.items() if right in features and data.has(k)), None)
    if wrong and not present:
        cure = f"rename {wrong} to {MISSPELT[wrong]}"
    else:
        cure = f"send exactly one of {', '.join(features)}"
    raise data.refused(limits.ONE_FEATURE, "", f"holds {found}: {cure}")


def check_bubbles(interactive: Piece, needed: Bubbles) -> None:
    """Refuse a message whose bubbles are missing, in the wrong place, or not well formed.

    Raises:
        Refused: 400.

    Source: MSP REST API, "Type Interactive"; which kinds need which bubbles: in part observed.
    """
    if needed is not Bubbles.NONE:
        _check_place(interactive)
        interactive.piece("receivedMessage")
    interactive.check(
        needed is not Bubbles.BOTH or interactive.has("replyMessage"),
        limits.REPLY_BUBBLE,
        "replyMessage",
        "is missing: say in it what the bubble shows after the answer",
    )
    for key in ("receivedMessage", "replyMessage"):
        bubble = interactive.piece_if_any(key)
        interactive.check(
            needed is not Bubbles.NONE or bubble is None,
            limits.NO_BUBBLES,
            key,
            "does not belong to this kind of message: leave it out",
        )
        if bubble:
            _check_bubble(bubble)


def _check_place(interactive: Piece) -> None:
    data = interactive.fields.get("data")
    inside = isinstance(data, dict) and "receivedMessage" in data
    if inside and not interactive.has("receivedMessage"):
        raise interactive.refused(
            limits.BUBBLE_PLACE,
            "data.receivedMessage",
            "is how a reply comes in: when sending, put the bubbles beside data",
        )


def _check_bubble(bubble: Piece) -> None:
    bubble.words("title")
    bubble.words_if_any(*_BUBBLE_TEXTS)
    bubble.choice("style", _BUBBLE_STYLES, default="icon")
    bubble.text_if_any("imageIdentifier")
