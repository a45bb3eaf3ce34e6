"""Exercise 01: unpack a text message. The body is gzip, in it is JSON with a type."""

import gzip
import json

from flask import Flask, request

from msp_server.exercises.config import listen

app = Flask(__name__)


@app.post("/message")
def receive_message() -> str:
    """Unpack a message and show what it says."""
    message = json.loads(gzip.decompress(request.get_data()))
    match message["type"]:
        case "typing_start":
            print("User is typing...", flush=True)
        case "text":
            print("Just received a text message!")
            print("Message body:", message["body"])
            print("Source ID:", request.headers["source-id"])
            print("Capability List:", request.headers["capability-list"], flush=True)
        case unknown:
            print("Just received a message of unknown type:", unknown, flush=True)
    return "ok"


if __name__ == "__main__":
    listen(app)

# Expected output:
# User is typing...
# Just received a text message!
# Message body: hello
# Source ID: urn:mbid:<anything>
# Capability List: <anything>
