"""Exercise 17: make a key pair and a nonce, for the old flow of signing in.

What the provider gives is encrypted to the public key; whoever has the private key can read it. So
that is printed here to be looked at, kept for exercise 20, and used once.
"""

import base64
import uuid

from msp_server.exercises.config import keep
from msp_server.wire.auth_keys import KeyPair, new_key_pair, new_nonce


def generate_pair() -> KeyPair:
    """Make a key pair on the curve P-384."""
    return new_key_pair()


def generate_nonce() -> str:
    """Make what binds an answer to its request: 24 random bytes, fit for an address."""
    return new_nonce()


if __name__ == "__main__":
    pair, nonce, request_id = generate_pair(), generate_nonce(), str(uuid.uuid4())
    private_key = base64.b64encode(pair.private).decode()
    print("Request Identifier:", request_id)
    print("Response Encryption Key:", pair.public)
    print("Nonce:", nonce)
    print("Private Key:", private_key)
    keep(request_id=request_id, public_key=pair.public, nonce=nonce, private_key=private_key)

# Expected output:
# Request Identifier: <anything>
# Response Encryption Key: B<anything>
# Nonce: <anything>
# Private Key: <anything>
