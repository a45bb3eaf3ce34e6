"""Exercise 04: send a picture as a file. It is encrypted, uploaded, and named in the message."""

from pathlib import Path

from msp_server import Attachment, Text
from msp_server.exercises.config import PICTURES, destination, send


def send_message_with_image_attachment(destination_id: str, image_file_path: Path) -> None:
    """Send a text with a file to a customer."""
    attachment = Attachment(image_file_path)
    print(f"File {attachment.name} is MIME-Type {attachment.mime_type}")
    status = send(destination_id, Text("Here is an apple:", [attachment]))
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_message_with_image_attachment(customer, PICTURES / "apple.png")

# Expected output:
# File apple.png is MIME-Type image/png
# Messages for Business server return code: 200
