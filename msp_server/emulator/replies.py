"""What a device sends back: the frame of every reply, quick replies, list pickers, custom apps."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from msp_server.emulator.packing import JsonObject
from msp_server.emulator.shapes import object_in, objects_in, picked, text_in
from msp_server.emulator.switches import ListReply
from msp_server.emulator.transcript import DeedUnfit, Entry

#: What an app puts into its URL: ASCII, so that characters are bytes. Source: MSP REST API,
#: "Interactive Data" (URL: 64 KB).
URL_LIMIT: Final = 64 * 1024
#: Characters of a bubble's title or subtitle. Source: observed.
TITLE_LIMIT: Final = 512
#: The sections of the two shapes that differ from what was sent. Source: assumed from how others
#: read replies.
CHOSEN_TITLE: Final = "You Selected"
OTHERS_TITLE: Final = "Not Selected"
#: What came as text where a number had been sent. Source: observed.
NUMBERS: Final = frozenset({"order", "duration", "timezoneOffset"})

#: A key of an item, and what it has to be.
Name: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Reply:
    """The interactive data of an answer, and how the answered bubble looks then."""

    interactive: JsonObject
    replied: JsonObject


def frame(bubble: Entry, feature: JsonObject, replied: JsonObject) -> Reply:
    """Put what was chosen into the frame of Apple's features.

    Session, request and images come back as they were sent, the version under its own key; the
    bubbles stand inside `data`.

    Source: MSP REST API, "Interactive Data", sample "receiving an authentication response".
    """
    sent = bubble.interactive
    data = (
        picked(object_in(sent, "data"), "version", "mspVersion", "requestIdentifier", "images")
        | feature
        | picked(sent, "receivedMessage")
        | {"replyMessage": replied}
    )
    frame = picked(sent, "bid") | {"sessionIdentifier": bubble.session_id, "data": data}
    return Reply(frame, replied)


def tell_choice(bubble: Entry, words: str) -> JsonObject:
    """Give the reply bubble as it looks after a choice: its title tells it.

    Source: MSP REST API, sample "receiving an authentication response"; the style of a bubble that
    was not sent, and that the rest of one that was sent stays, is assumed.
    """
    sent = object_in(bubble.interactive, "replyMessage") or {"style": "icon"}
    return sent | {"title": words, "alternateTitle": words}


def build_quick_reply(bubble: Entry, fields: JsonObject) -> Reply:
    """Tap a quick reply, named by `title` or `identifier`.

    Raises:
        DeedUnfit: it does not name one of the replies.

    Source: observed; that the summary comes back is assumed.
    """
    sent = object_in(object_in(bubble.interactive, "data"), "quick-reply")
    items = objects_in(sent, "items")
    item = pick(items, read_name(fields, "title", "identifier"), "quick reply")
    words = text_in(item, "title") or ""
    feature = sent | {
        "selectedIndex": items.index(item),
        "selectedIdentifier": item.get("identifier"),
    }
    if "replyMessage" in bubble.interactive:
        return frame(bubble, {"quick-reply": feature}, tell_choice(bubble, words))
    bare = frame(bubble, {"quick-reply": feature}, {"title": words})
    del object_in(bare.interactive, "data")["replyMessage"]
    return bare


def build_list_reply(bubble: Entry, fields: JsonObject, shape: ListReply) -> Reply:
    """Choose in a list picker what `titles` or `identifiers` name.

    Raises:
        DeedUnfit: one is not in the list or named twice, or a section takes only one.

    Source: MSP REST API, "List Picker" (one or several of a section); the shape `sections`
    observed, the others assumed.
    """
    sent = object_in(object_in(bubble.interactive, "data"), "listPicker")
    sections = objects_in(sent, "sections")
    items = [item for section in sections for item in objects_in(section, "items")]
    names = _read_names(fields)
    chosen = [pick(items, name, "item") for name in names]
    for number, item in enumerate(chosen):
        if _is_among(item, chosen[:number]):
            raise DeedUnfit(f"The item {names[number][1]!r} is named twice: name each once")
    for section in sections:
        _check_selection(section, chosen)
    words = text_in(chosen[0], "title") if len(chosen) == 1 else f"{len(chosen)} items"
    feature = sent | {"sections": _reply_sections(sections, items, chosen, shape)}
    return frame(bubble, {"listPicker": feature}, tell_choice(bubble, words or ""))


def build_app_reply(bubble: Entry, fields: JsonObject) -> Reply:
    """Answer from a custom iMessage app: no `data`, so nothing but the session tells to what.

    Raises:
        DeedUnfit: a field is no text or too long.

    Source: MSP REST API, "Interactive Data"; which keys come back observed.
    """
    sent = bubble.interactive
    url = _read_text(fields, "url", URL_LIMIT)
    bubble_texts = {
        key: text
        for key in ("title", "subtitle")
        if (text := _read_text(fields, key, TITLE_LIMIT)) is not None
    }
    received = object_in(sent, "receivedMessage") | bubble_texts
    reply = picked(sent, "bid", "appId", "appName", "URL", "useLiveLayout") | {
        "sessionIdentifier": bubble.session_id,
        "receivedMessage": received,
    }
    return Reply(reply if url is None else reply | {"URL": url}, received)


def numbers_as_text(fields: JsonObject) -> JsonObject:
    """Write the numbers of lists and times as text, at any depth, as one vendor saw them.

    Source: observed.
    """
    return {
        key: str(value) if key in NUMBERS and _is_number(value) else _inner_as_text(value)
        for key, value in fields.items()
    }


def read_name(fields: JsonObject, *keys: str) -> Name:
    """Read which of the keys names something, and how.

    Raises:
        DeedUnfit: none of them, several, or one that is no text.
    """
    named = [(key, fields[key]) for key in keys if fields.get(key) is not None]
    if len(named) != 1:
        raise DeedUnfit(f"Name it by exactly one of {' and '.join(keys)}")
    key, name = named[0]
    if not isinstance(name, str) or not name:
        raise DeedUnfit(f"{key} has to be a text that is not empty")
    return key, name


def pick(items: list[JsonObject], name: Name, what: str) -> JsonObject:
    """Find the one item of a name.

    Raises:
        DeedUnfit: there is none, or more than one.
    """
    key, wanted = name
    found = [item for item in items if item.get(key) == wanted]
    if not found:
        there_are = list_names([item.get(key) for item in items])
        raise DeedUnfit(f"There is no {what} with the {key} {wanted[:64]!r}: there are {there_are}")
    if len(found) > 1:
        raise DeedUnfit(f"{len(found)} have the {key} {wanted[:64]!r}: name one by its identifier")
    return found[0]


def list_names(names: list[object]) -> str:
    """Write names for a sentence, not endlessly many of them."""
    shown = ", ".join(repr(name)[:64] for name in names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown or "none"


def _read_names(fields: JsonObject) -> list[Name]:
    named = [key for key in ("titles", "identifiers") if fields.get(key) is not None]
    if len(named) != 1:
        raise DeedUnfit("Name what to choose by exactly one of titles and identifiers")
    names = fields[named[0]]
    if not isinstance(names, list) or not names:
        raise DeedUnfit(f"{named[0]} has to be a list of texts that is not empty")
    key = named[0].removesuffix("s")
    return [read_name({key: name}, key) for name in names]


def _check_selection(section: JsonObject, chosen: list[JsonObject]) -> None:
    count = sum(_is_among(item, chosen) for item in objects_in(section, "items"))
    if count > 1 and section.get("multipleSelection") is not True:
        title = str(section.get("title"))[:64]
        raise DeedUnfit(f"The section {title!r} takes one item, and {count} of it were named")


def _reply_sections(
    sections: list[JsonObject],
    items: list[JsonObject],
    chosen: list[JsonObject],
    shape: ListReply,
) -> list[JsonObject]:
    if shape == "sections":
        kept = [
            section | {"items": [i for i in objects_in(section, "items") if _is_among(i, chosen)]}
            for section in sections
        ]
        return [section for section in kept if section["items"]]
    first = _section(CHOSEN_TITLE, 0, [item for item in items if _is_among(item, chosen)])
    others = [item for item in items if not _is_among(item, chosen)]
    if shape == "you_selected" or not others:
        return [first]
    return [first, _section(OTHERS_TITLE, 1, others)]


def _section(title: str, order: int, items: list[JsonObject]) -> JsonObject:
    return {
        "title": title,
        "order": order,
        "multipleSelection": True,
        "items": [item | {"order": place} for place, item in enumerate(items)],
    }


def _is_among(item: JsonObject, items: list[JsonObject]) -> bool:
    """Tell by identity: two items may be equal word for word."""
    return any(item is other for other in items)


def _inner_as_text(value: object) -> object:
    if isinstance(value, dict):
        return numbers_as_text(value)
    return [_inner_as_text(inner) for inner in value] if isinstance(value, list) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_text(fields: JsonObject, key: str, limit: int) -> str | None:
    text = fields.get(key)
    if text is None or (isinstance(text, str) and len(text) <= limit):
        return text
    raise DeedUnfit(f"{key} has to be a text of at most {limit} characters")
