"""Exercise 02: verify a message. Its JWT is signed with the secret that Apple and we share."""

import jwt
from flask import Flask, request
from flask.typing import ResponseReturnValue

from msp_server.exercises.config import listen, settings

app = Flask(__name__)


@app.post("/message")
def receive_message() -> ResponseReturnValue:
    """Verify who sent a message: the signature must match, and we must be its audience."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    secret = settings().api_secrets[0]  # the Base64 of Apple Business Register, decoded
    try:
        jwt.decode(
            token,
            secret,
            algorithms=["HS256"],  # never what the token itself says
            audience=settings().msp_id,
            options={"verify_iat": False},  # a clock that is a little behind is no attack
        )
    except jwt.InvalidTokenError as error:
        print("Authorization failed:", error, flush=True)
        return "not from Apple", 403
    print("Authorization succeeded.", flush=True)
    return "ok"


if __name__ == "__main__":
    listen(app)

# Expected output:
# Authorization succeeded.
# Authorization succeeded.
