"""What a message says, in one line: for people who look at a conversation."""

from collections.abc import Iterator

from msp_server.messages.quick_reply import parse_quick_reply
from msp_server.messages.raw import JsonObject, object_in, text_in


def summary(fields: JsonObject) -> str:
    """Say in words what a message says, either way; of a bubble, what stands on it.

    Args:
        fields: the message as it came or went.
    """
    return next(_words(fields), "")


def _words(fields: JsonObject) -> Iterator[str]:
    link = object_in(fields, "richLinkData")
    interactive = object_in(fields, "interactiveData")
    data = object_in(interactive, "data")
    quick_reply = object_in(data, "quick-reply")
    tapped = parse_quick_reply(fields)
    parameters = object_in(object_in(data, "notification"), "parameters")
    for words in (
        " ".join(filter(None, (text_in(link, "title"), text_in(link, "url")))),
        text_in(fields, "body"),
        tapped.title if tapped else None,
        text_in(quick_reply, "summaryText"),
        text_in(object_in(data, "replyMessage"), "title"),
        text_in(object_in(interactive, "receivedMessage"), "title"),
        text_in(object_in(data, "receivedMessage"), "title"),
        text_in(parameters, "brandName"),
    ):
        if words:
            yield words
