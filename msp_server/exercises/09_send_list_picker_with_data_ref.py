"""Exercise 09: send the list picker of exercise 08 again, by its reference alone."""

import json
import sys

from msp_server import ByReference
from msp_server.exercises.config import data_ref_file, destination, send


def send_list_picker_with_data_ref(
    destination_id: str, interactive_data_ref: dict[str, object]
) -> None:
    """Send to a customer what the gateway keeps."""
    print("Reference to:", interactive_data_ref["title"])
    status = send(destination_id, ByReference(interactive_data_ref))
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        if not data_ref_file().exists():
            sys.exit("run exercise 08 first: it keeps the reference")
        send_list_picker_with_data_ref(customer, json.loads(data_ref_file().read_text()))

# Expected output:
# Reference to: Select Produce
# Messages for Business server return code: 200
