"""The router: chooses the agent of a conversation."""

from dataclasses import dataclass

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.agents.loading import load
from msp_server.agents.program import Program
from msp_server.errors import ConfigurationError, Fault
from msp_server.messages.ids import parse_business_id


class Router:
    """Chooses by business, intent and group; the first route that matches counts."""

    def __init__(self, default: Agent) -> None:
        """Make a router.

        Args:
            default: answers where no route matches.
        """
        self._default = default
        self._routes: list[_Route] = []

    def add(
        self,
        agent: Agent,
        *,
        business_id: str | None = None,
        intent: str | None = None,
        group: str | None = None,
    ) -> None:
        """Let an agent answer the conversations that fit all of what is given.

        Args:
            agent: who answers.
            business_id: the business that is being talked to.
            intent: the entry point's `biz-intent-id`.
            group: the entry point's `biz-group-id`.
        """
        business = None if business_id is None else parse_business_id(business_id)
        self._routes.append(_Route(agent, business, intent, group))

    @property
    def agents(self) -> list[Agent]:
        """All who may be chosen."""
        return [self._default, *(route.agent for route in self._routes)]

    def choose(self, conversation: Conversation) -> Agent:
        """Give the agent that answers a conversation."""
        for route in self._routes:
            if route.matches(conversation):
                return route.agent
        return self._default


@dataclass(frozen=True)
class _Route:
    agent: Agent
    business_id: str | None
    intent: str | None
    group: str | None

    def matches(self, conversation: Conversation) -> bool:
        return (
            self.business_id in (None, conversation.business_id)
            and self.intent in (None, conversation.intent)
            and self.group in (None, conversation.group)
        )


def load_router(reference: str) -> Router:
    """Make or import the agent or router that a setting names.

    Args:
        reference: `module:attribute`, or the address of a program.

    Raises:
        ConfigurationError: it cannot be imported, or is something else.
    """
    if reference.startswith(("http://", "https://")):
        return Router(default=_program(reference))
    found = load(reference, "MSP_AGENT", Agent, Router)
    if isinstance(found, Router):
        return found
    assert isinstance(found, Agent)  # noqa: S101 - for the type checker: `load` has seen it
    return Router(default=found)


def _program(address: str) -> Program:
    try:
        return Program(address)
    except ValueError as error:
        cure = "enter https://host/path, or module:attribute of an Agent or a Router"
        raise ConfigurationError([Fault("MSP_AGENT", str(error), cure)]) from error
