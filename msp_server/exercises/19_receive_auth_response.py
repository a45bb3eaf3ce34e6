"""Exercise 19: take what comes of a sign-in. Send exercise 18 in a second window."""

import gzip
import hmac
import json

from flask import Flask, request
from flask.typing import ResponseReturnValue

from msp_server.exercises.config import keep, kept, listen
from msp_server.web.oauth import back_to_messages

app = Flask(__name__)


@app.get("/oauth/callback")
def take_code() -> ResponseReturnValue:
    """New flow: the provider sends the customer here, with a code; then Messages takes over."""
    if not hmac.compare_digest(request.args.get("state", ""), kept("state", "18")):
        return "This sign-in is none that was asked for.", 400
    print("A code came back, for exercise 20.", flush=True)
    keep(code=request.args.get("code", ""), token="")
    return back_to_messages()


@app.post("/message")
def receive_auth_response() -> str:
    """Both flows: the device says how it ended; in the old one, with a token for exercise 20."""
    packed = request.get_data()
    unpacked = gzip.decompress(packed) if packed.startswith(b"\x1f\x8b") else packed
    data = json.loads(unpacked).get("interactiveData", {}).get("data", {})
    if "authenticate" in data:
        answer = data["authenticate"]
        print("Request Identifier:", data["requestIdentifier"])
        print("Status:", answer["status"])
        if "token" in answer:
            print("Encrypted token:", answer["token"][:20] + "...")
            keep(token=answer["token"], code="")
        print("Now run exercise 20.", flush=True)
    return "ok"


if __name__ == "__main__":
    listen(app)

# Expected output:
# A code came back, for exercise 20.
# Request Identifier: <anything>
# Status: success
# Now run exercise 20.
