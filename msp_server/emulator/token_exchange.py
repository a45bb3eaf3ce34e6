"""Apple's part in the older sign-in: exchanges the code, and encrypts the token for the MSP."""

from typing import Final

from msp_server.emulator.browser import Browser, Page
from msp_server.emulator.ecies import KeyUnfit, encrypt_token
from msp_server.emulator.packing import JsonObject, Unreadable, unpack
from msp_server.emulator.shapes import text_in

#: Where the errors belong that are not of the encryption. Source: assumed.
DOMAIN: Final = "com.apple.icloud.messages.business.authentication"
#: The most a token may measure. Source: assumed.
TOKEN_LIMIT: Final = 16 * 1024


def read_token(page: Page) -> str | None:
    """Read the access token out of a provider's answer; None where there is none.

    Source: RFC 6749, section 5.1.
    """
    if page.status != 200:
        return None
    try:
        token = text_in(unpack(page.text.encode()), "access_token")
    except Unreadable:
        return None
    if token is None or len(token) > TOKEN_LIMIT or not (token.isascii() and token.isprintable()):
        return None
    return token


def exchange_code(browser: Browser, token_url: str, form: dict[str, str]) -> Page:
    """Exchange a code at the provider's Token URL.

    Source: MSP REST API, "Authentication (deprecated)" (the parameters are in the form); RFC 6749,
    section 4.1.3.
    """
    return browser.post(token_url, {"grant_type": "authorization_code", **form})


def tell_token(token: str, key_text: str) -> JsonObject:
    """Give what the device tells the business once it has a token.

    Source: MSP REST API, "Interactive Data", sample "receiving an authentication response"; the
    errors observed.
    """
    try:
        return {"status": "authenticated", "token": encrypt_token(token, key_text)}
    except KeyUnfit as unfit:
        return _tell_error(unfit.code, unfit.domain, unfit.message)


def tell_failure(message: str) -> JsonObject:
    """Give what the device tells the business when there is no token.

    Source: assumed; the form of an error observed.
    """
    return _tell_error(1, DOMAIN, message)


def _tell_error(code: int, domain: str, message: str) -> JsonObject:
    error = {"code": code, "domain": domain, "message": message}
    return {"status": "failed", "errors": [error]}
