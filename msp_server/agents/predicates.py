"""Predicates: conditions under which a handler answers."""

import re
from collections.abc import Callable

from msp_server.agents.conversation import Conversation
from msp_server.messages.text import Text


def says(*words: str) -> Callable[[Text, Conversation], bool]:
    """Make a predicate that holds when a text has one of these words or phrases in it.

    Case does not count, parts of longer words do not either: `says("hi")` holds for "Hi there!",
    not for "this".
    """
    choices = "|".join(re.escape(word) for word in words)
    pattern = re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)

    def is_said(text: Text, _conversation: Conversation) -> bool:
        return pattern.search(text.body) is not None

    return is_said
