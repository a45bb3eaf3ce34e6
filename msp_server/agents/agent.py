"""Agents: handlers for what customers say."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from msp_server.agents.conversation import Conversation
from msp_server.errors import HandlerError
from msp_server.messages.content import AnswerableContent, OutboundContent
from msp_server.messages.presence import Close

log = logging.getLogger(__name__)

C = TypeVar("C", bound=AnswerableContent)

#: What a handler gives back: one content, several in order, or nothing.
Answer: TypeAlias = OutboundContent | Iterable[OutboundContent] | None
Handler: TypeAlias = Callable[[C, Conversation], Answer]
Predicate: TypeAlias = Callable[[C, Conversation], bool]

#: The longest that an agent can be shown typing, seconds.
TYPING_LIMIT_S: Final = 60.0

_ADVICE = """agent=%r has no handler for kind=%s; this would answer it:
    @agent.on(%s)
    def answer(content: %s, conversation: Conversation) -> Text:
        return Text("…")"""


class Agent:
    """Who answers: a name and handlers, tried in the order they were added."""

    def __init__(self, name: str, *, automated: bool = True, typing_s: float = 0) -> None:
        """Make an agent without handlers.

        Args:
            name: what logs call it.
            automated: whether a machine writes the answers; Apple is told with each message.
            typing_s: how long the customer sees typing before an answer, seconds, 60 at most;
                Apple advises machines to about 1.

        Raises:
            ValueError: `typing_s` is longer than that, or negative.
        """
        if not 0 <= typing_s <= TYPING_LIMIT_S:
            raise ValueError(f"typing_s is {typing_s}: give 0 to {TYPING_LIMIT_S:.0f} seconds")
        self.name = name
        self.automated = automated
        self.typing_s = typing_s
        self._handlers: list[_Bound] = []
        self._advised: set[str] = set()

    def on(
        self, kind: type[C], where: Predicate[C] | None = None, *, to: str | None = None
    ) -> Callable[[Handler[C]], Handler[C]]:
        """Make the decorator that adds a handler.

        Args:
            kind: the class of the contents it answers.
            where: it answers those alone for which this holds.
            to: it answers responses alone to a message of ours of that `name`.

        Returns:
            A decorator that gives the function back unchanged, so that tests can call it.

        Raises:
            TypeError: `kind` is nothing that a customer says and that asks for an answer, or is
                nothing that answers a message of ours, and `to` is given.
        """
        if not issubclass(kind, AnswerableContent):
            raise TypeError(f"{kind.__name__} is nothing that a handler can answer")
        if to is not None and not hasattr(kind, "to"):
            raise TypeError(f"{kind.__name__} answers no message of ours: leave out to={to!r}")

        def add(handler: Handler[C]) -> Handler[C]:
            self._handlers.append(_Bound(kind, where, to, handler))
            return handler

        return add

    def answer(
        self, content: AnswerableContent, conversation: Conversation
    ) -> list[OutboundContent]:
        """Let the first handler that matches answer.

        Raises:
            HandlerError: it raised, or gave back something that is no content.
        """
        for bound in self._handlers:
            try:
                if bound.fits(content, conversation):
                    return _contents(bound.handler(content, conversation))
            except (Exception, SystemExit) as error:
                raise HandlerError(self.name, bound.name, _describe(error)) from error
        self._advise(content)
        return []

    def _advise(self, content: AnswerableContent) -> None:
        """Say once for each kind how it would be answered."""
        kind = type(content).__name__
        if isinstance(content, Close) or kind in self._advised:
            return
        self._advised.add(kind)
        log.warning(_ADVICE, self.name, kind, kind, kind)


@dataclass(frozen=True)
class _Bound:
    kind: type[Any]
    where: Predicate[Any] | None
    to: str | None
    handler: Handler[Any]

    def fits(self, content: AnswerableContent, conversation: Conversation) -> bool:
        """Tell whether the handler answers this."""
        return (
            isinstance(content, self.kind)
            and (self.to is None or getattr(content, "to", None) == self.to)
            and (self.where is None or self.where(content, conversation))
        )

    @property
    def name(self) -> str:
        return getattr(self.handler, "__qualname__", type(self.handler).__name__)


def _contents(answer: Answer) -> list[OutboundContent]:
    if answer is None:
        return []
    if isinstance(answer, str | Mapping):
        raise TypeError(f"gave back {type(answer).__name__}, which is no content to send")
    contents = [answer] if isinstance(answer, OutboundContent) else list(answer)
    for content in contents:
        if not isinstance(content, OutboundContent):
            raise TypeError(f"gave back {type(content).__name__}, which is no content to send")
    return contents


def _describe(error: BaseException) -> str:
    return f"raised {type(error).__name__}: {error}"
