"""Exercise 00: listen. Every message of a customer's arrives as a POST to /message.

One text on the phone makes at least two of them: the customer types, then the text itself.
"""

from flask import Flask

from msp_server.exercises.config import listen

app = Flask(__name__)


@app.post("/message")
def receive_message() -> str:
    """Take any message, and say so."""
    print("Just received a message!", flush=True)
    return "ok"


if __name__ == "__main__":
    listen(app)

# Expected output:
# Just received a message!
# Just received a message!
