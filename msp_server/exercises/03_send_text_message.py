"""Exercise 03: send a text message. One value says it, one call sends it."""

from msp_server import Text
from msp_server.exercises.config import destination, send


def send_text_message(destination_id: str, message_text: str) -> None:
    """Send a text to a customer."""
    message = Text(message_text)
    print("Message:", message)
    status = send(destination_id, message)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_text_message(customer, "Hello from Messages for Business!")

# Expected output:
# Message: Text(body='Hello from Messages for Business!')
# Messages for Business server return code: 200
