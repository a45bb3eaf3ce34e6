"""Exercise 18: ask the customer to sign in. `--old` asks in the old flow, with the keys of 17.

In the new flow the provider sends the customer back to us with a code. In the old one Apple
exchanges the code, and encrypts for us what comes of it. Exercise 19 takes both.
"""

from msp_server import Authenticate
from msp_server.exercises.config import destination, flag, keep, kept, public_url, send, settings
from msp_server.wire.auth_keys import new_nonce


def authenticate_user(destination_id: str, old: bool) -> None:
    """Send a bubble that opens the provider's page."""
    scope = settings().sign_in.scope
    if old:
        request = Authenticate(
            "Sign in to Example",
            scope=scope,
            state=kept("nonce", "17"),
            response_encryption_key=kept("public_key", "17"),
            request_id=kept("request_id", "17"),
        )
    else:
        redirect_uri = f"{public_url()}/oauth/callback"
        request = Authenticate(
            "Sign in to Example", scope=scope, state=new_nonce(), redirect_uri=redirect_uri
        )
    print("Flow:", request.needs)
    print("Scope:", " ".join(request.scope))
    print("State:", request.state)
    keep(state=request.state or "")
    status = send(destination_id, request)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    asked_for_old = flag("--old", "the old flow, with the keys of exercise 17")
    with destination() as customer:
        authenticate_user(customer, asked_for_old)

# Expected output:
# Flow: AUTH<anything>
# Scope: openid profile email
# State: <anything>
# Messages for Business server return code: 200
