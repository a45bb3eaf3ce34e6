"""Exercise 23: send a quick reply. Its choices stand under the message, to be tapped."""

from msp_server import Choice, QuickReply
from msp_server.exercises.config import destination, send


def send_quick_reply(destination_id: str) -> None:
    """Send a quick reply with four choices to a customer."""
    quick_reply = QuickReply(
        "What can we do for you?",
        [
            Choice("Watch a video", "video"),
            Choice("Office hours", "hours"),
            Choice("Adopt a pet", "adoption"),
            Choice("Talk to an agent", "agent"),
        ],
    )
    for choice in quick_reply.choices:
        print(f"{choice.identifier}: {choice.title}")
    status = send(destination_id, quick_reply)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_quick_reply(customer)

# Expected output:
# video: Watch a video
# hours: Office hours
# adoption: Adopt a pet
# agent: Talk to an agent
# Messages for Business server return code: 200
