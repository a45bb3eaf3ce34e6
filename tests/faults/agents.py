"""Agents that processes of these tests run."""

import os
import signal
import threading
from pathlib import Path

from msp_server import Agent, Conversation, Text

SLOW_S = 0.5

#: Says that it began, and waits until it is let go.
waiting = Agent("waiting")
#: Ends its own process at one word, and takes its time for any other.
deadly = Agent("deadly")


@waiting.on(Text)
def answer_late(text: Text, _conversation: Conversation) -> Text:
    directory = Path(os.environ["TEST_DIRECTORY"])
    (directory / "began").touch()
    while not (directory / "go").exists():
        threading.Event().wait(0.01)
    return Text(f"late {text.body}")


@deadly.on(Text)
def die(text: Text, _conversation: Conversation) -> Text:
    if text.body == "die":
        threading.Event().wait(SLOW_S / 2)  # others have begun by then
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait(SLOW_S)
    return Text(text.body)
