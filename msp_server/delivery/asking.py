"""Asking: takes a message to the agent who answers it, here or elsewhere."""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msp_server.agents.agent import Agent
from msp_server.agents.asked import Answered, ask, read_answer
from msp_server.agents.conversation import Conversation
from msp_server.agents.program import Program
from msp_server.delivery.sending import LONGEST_DELAY_S, backoff_s
from msp_server.errors import ContentInvalid, CredentialsRefused
from msp_server.messages.content import AnswerableContent
from msp_server.messages.raw import JsonObject
from msp_server.remote.programs import Programs
from msp_server.wire.file_addresses import FileAddresses

log = logging.getLogger(__name__)

_CURE: Final = "set MSP_AGENT_SECRET to the secret that it verifies with"


@dataclass
class _Pause:
    """How long a program is left alone that does not accept our signature."""

    until: float
    refusals: int

    def left_s(self, now: float) -> float:
        """Say how much of it is left; nothing of more than any pause: a clock was set back."""
        left_s = self.until - now
        return left_s if 0 < left_s <= LONGEST_DELAY_S else 0.0


@dataclass(frozen=True)
class Asking:
    """Asks agents: functions in this process, or programs over HTTP."""

    #: Asks programs; None where no secret is set.
    programs: Programs | None
    #: Where programs have files from.
    files: FileAddresses
    #: Gives seconds since 1970.
    now: Callable[[], float]
    _pauses: dict[str, _Pause] = field(default_factory=dict)
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def ask(
        self, agent: Agent, content: AnswerableContent, conversation: Conversation, at: float
    ) -> Answered:
        """Give what an agent says to a message.

        Args:
            agent: who is asked.
            content: what the customer said.
            conversation: as it stands; a hand-over and what is remembered are noted in it.
            at: when the message came, seconds since 1970.

        Raises:
            HandlerError: a handler raised.
            RemoteError: a program did not answer, or refused.
            ContentInvalid: what a program answered does not hold.
        """
        if not isinstance(agent, Program):
            return Answered(agent.answer(content, conversation))
        if self.programs is None:
            raise ContentInvalid(f"cannot be asked: {_CURE}", field=f"program {agent.name}")
        question = ask(content, conversation, at, lambda place: self._address(content, place))
        body = json.dumps(question).encode()
        try:
            fields = self.programs.ask(agent.address, body, conversation.message_id, self.now())
        except CredentialsRefused as error:
            self._pause(agent, error)
            raise
        self._resume(agent)
        answered = read_answer(fields)
        if answered.state is not None:
            conversation.state.clear()
            conversation.state.update(answered.state)
        if answered.desk is not None:
            conversation.hand_over(answered.desk, answered.note)
        return answered

    def pause_s(self, agent: Agent) -> float:
        """Say how long an agent is left alone for now, seconds; 0 if it may be asked."""
        if not isinstance(agent, Program):
            return 0.0
        with self._changing:
            pause = self._pauses.get(agent.address)
            return 0.0 if pause is None else pause.left_s(self.now())

    def _pause(self, program: Program, error: CredentialsRefused) -> None:
        now = self.now()
        with self._changing:
            pause = self._pauses.setdefault(program.address, _Pause(now, 0))
            if pause.left_s(now):
                return  # several asked at a time, and all heard the same
            pause.refusals += 1
            delay_s = backoff_s(pause.refusals)
            pause.until = now + delay_s
        log.error(
            "agent=%r error=%s; it is left alone for %.1f s: %s",
            program.name,
            error,
            delay_s,
            _CURE,
        )

    def _resume(self, program: Program) -> None:
        with self._changing:
            self._pauses.pop(program.address, None)

    def _address(self, content: AnswerableContent, place: int) -> JsonObject:
        attachment = content.attachments[place]  # type: ignore[union-attr]  # who has none is not asked
        assert isinstance(attachment.source, Path)  # noqa: S101 - what came lies in a file
        address = self.files.make(attachment.source.name, attachment.mime_type)
        expires_at = datetime.fromtimestamp(address.expires_at, UTC).isoformat()
        return {"url": address.url, "expires_at": expires_at}
