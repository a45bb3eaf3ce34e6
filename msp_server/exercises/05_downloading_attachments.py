"""Exercise 05: receive files. They are fetched and decrypted before a handler is asked."""

from pathlib import Path

from msp_server import Agent, Conversation, Text
from msp_server.exercises.config import answer_with

agent = Agent("downloading")


@agent.on(Text, where=lambda text, _conversation: bool(text.attachments))
def receive_message(text: Text, _conversation: Conversation) -> None:
    """Save the files of a message in this directory, each under a name that is safe."""
    print(len(text.attachments), "attachments found in the message.")
    for attachment in text.attachments:
        print(f"File {attachment.name} is MIME-Type {attachment.mime_type}")
        path = attachment.save(Path.cwd())
        print("writing to local file:", path.name, flush=True)


if __name__ == "__main__":
    answer_with(agent)

# Expected output:
# 2 attachments found in the message.
# File apple.png is MIME-Type image/png
# writing to local file: apple.png
# File lemon.png is MIME-Type image/png
# writing to local file: lemon.png
