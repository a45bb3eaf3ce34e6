"""Exercise 22: invoke an iMessage app of your own. Enter what names yours, and what to tell it."""

from msp_server import Bubble, CustomApp
from msp_server.exercises.config import destination, send

APP_ID = 987654321
APP_NAME = "Parcels"
BID = "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM123456:com.example.parcels.extension"
PARAMETERS = {"parcel": "77", "city": "San José"}


def invoke_custom_extension(destination_id: str) -> None:
    """Send a bubble of an iMessage app to a customer; on iPhone and iPad it opens the app."""
    app = CustomApp(
        Bubble("Parcel 77", "Arrives today"),
        bid=BID,
        app_id=APP_ID,
        app_name=APP_NAME,
        url=PARAMETERS,  # becomes a query string, encoded exactly once
    )
    print("URL:", app.url)
    status = send(destination_id, app)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        invoke_custom_extension(customer)

# Expected output:
# URL: ?parcel=77&city=San%20Jos%C3%A9
# Messages for Business server return code: 200
