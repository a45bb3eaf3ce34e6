"""Exercise 20: find out who signed in. The new flow left a code, the old one an encrypted token."""

from typing import Any

from msp_server.exercises.config import kept, provider, public_url
from msp_server.wire.auth_keys import decrypt_token, private_from_text


def linkedIn_collect_token_by_code(code: str) -> str:  # noqa: N802 - the tutorial's name
    """New flow: exchange the code for an access token, within a minute, and once."""
    return provider().exchange(code, f"{public_url()}/oauth/callback", "")


def decode_token(encrypted: str, private_key: str) -> str:
    """Old flow: decrypt the access token with the private key of exercise 17."""
    return decrypt_token(encrypted, private_from_text(private_key))


def linkedIn_collect_user_info_by_token(token: str) -> dict[str, Any]:  # noqa: N802 - the same
    """Both flows: ask the provider whose token it is."""
    return provider().user(token, "")


if __name__ == "__main__":
    if encrypted_token := kept("token", "18, and then 19"):
        access_token = decode_token(encrypted_token, kept("private_key", "17"))
    else:
        access_token = linkedIn_collect_token_by_code(kept("code", "19"))
    print("Access token:", access_token[:4] + "...")
    for name, value in linkedIn_collect_user_info_by_token(access_token).items():
        print(f"{name}: {value}")

# Expected output:
# Access token: <anything>...
# sub: <anything>
# name: <anything>
# given_name: <anything>
# family_name: <anything>
# email: <anything>
# email_verified: <anything>
# locale: <anything>
