"""Exercise 13: take a payment. The customer's device posts it here when it is confirmed.

Nobody signs this request, and the address is one that anybody could guess: that is for an exercise.
The token in it is encrypted for a payment provider, who would charge the card.
"""

from flask import Flask, request
from flask.typing import ResponseReturnValue

from msp_server.exercises.config import listen

app = Flask(__name__)


@app.post("/paymentGateway")
def process_payment() -> ResponseReturnValue:
    """Say which card would be charged, and that it was."""
    fields = request.get_json()
    print("Payment received!")
    print("Request Identifier:", fields["requestIdentifier"])
    method = fields["payment"]["paymentToken"]["paymentMethod"]
    print("Payment Method Dictionary:", method, flush=True)
    return {"status": "STATUS_SUCCESS"}


@app.post("/message")
def receive_payload() -> str:
    """Take the message in which the device says that its sheet is closed, and any other."""
    return "ok"


if __name__ == "__main__":
    listen(app)

# Expected output:
# Payment received!
# Request Identifier: <anything>
# Payment Method Dictionary: {<anything>}
