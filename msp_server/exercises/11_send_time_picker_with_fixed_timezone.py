"""Exercise 11: send a time picker with a zone: every phone shows 10:00, whatever its own zone."""

from datetime import UTC, datetime, timedelta

from msp_server import Bubble, TimePicker, Timeslot
from msp_server.exercises.config import destination, send

#: Minutes from Greenwich: California in summer.
TIMEZONE_OFFSET_MIN = -420


def send_time_picker_with_fixed_timezone(destination_id: str) -> None:
    """Send a time picker whose times every phone shows in the same zone to a customer."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    start = tomorrow.replace(hour=17, minute=0, second=0, microsecond=0)
    picker = TimePicker(
        Bubble("Please pick a time"),
        [Timeslot(start, duration_s=3600)],
        timezone_offset_min=TIMEZONE_OFFSET_MIN,
        replied="Thank you!",
    )
    print("Start:", start, "shown with an offset of", picker.timezone_offset_min, "minutes")
    status = send(destination_id, picker)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_time_picker_with_fixed_timezone(customer)

# Expected output:
# Start: <anything> 17:00:00+00:00 shown with an offset of -420 minutes
# Messages for Business server return code: 200
