"""What a message says, in one line: for people who look at a conversation."""

from collections.abc import Iterator

from msp_server.messages.raw import JsonObject, object_in, objects_in, text_in


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
    chosen = quick_reply.get("selectedIdentifier")
    picked = [
        text_in(item, "title")
        for item in objects_in(quick_reply, "items")
        if item.get("identifier") == chosen
    ]
    parameters = object_in(object_in(data, "notification"), "parameters")
    for words in (
        f"{link['title']} {text_in(link, 'url') or ''}" if text_in(link, "title") else None,
        text_in(fields, "body"),
        *picked,
        text_in(quick_reply, "summaryText"),
        text_in(object_in(data, "replyMessage"), "title"),
        text_in(object_in(interactive, "receivedMessage"), "title"),
        text_in(object_in(data, "receivedMessage"), "title"),
        text_in(parameters, "brandName"),
    ):
        if words:
            yield words
