"""Exercise 10: send a time picker. Without a zone of ours, the phone shows the time in its own."""

from datetime import UTC, datetime, timedelta

from msp_server import Bubble, TimePicker, Timeslot
from msp_server.exercises.config import destination, send


def send_time_picker_with_user_timezone(destination_id: str) -> None:
    """Send a time picker whose times each phone shows in its own zone to a customer."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    start = tomorrow.replace(hour=17, minute=0, second=0, microsecond=0)
    picker = TimePicker(
        Bubble("Please pick a time"),
        [Timeslot(start, duration_s=3600)],
        replied="Thank you!",
    )
    print("Start:", start)
    status = send(destination_id, picker)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_time_picker_with_user_timezone(customer)

# Expected output:
# Start: <anything> 17:00:00+00:00
# Messages for Business server return code: 200
