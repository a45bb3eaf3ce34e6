"""The checksum of a file, as it stands in headers and messages."""

import base64
import binascii
import re
from typing import Final

#: Source: observed.
SIGNATURE_BYTES: Final = 21
_HEX = re.compile(rf"[0-9A-Fa-f]{{{2 * SIGNATURE_BYTES}}}")


class SignatureUnfit(Exception):
    """A text is no checksum in Base64; carries the rule it breaks, and what is wrong with it."""

    def __init__(self, rule: str, problem: str) -> None:
        super().__init__(problem)
        self.rule = rule
        #: Completes a sentence whose subject is the header or key.
        self.problem = problem


def parse_signature(text: str) -> bytes:
    """Read a checksum in Base64.

    A hex text is Base64 too, and decodes to other bytes, so it is looked for first.

    Raises:
        SignatureUnfit: it is hex, or no Base64.

    Source: MSP API Tutorial, exercises 04 and 05, and its questions and answers.
    """
    if _HEX.fullmatch(text):
        raise SignatureUnfit(
            "signature-hex",
            "is hex: send the same bytes in Base64, which is "
            "base64.b64encode(bytes.fromhex(signature)), or signature-base64 as it came",
        )
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureUnfit(
            "signature-unreadable",
            "is no standard Base64: send the checksum's bytes with the letters + and /, with "
            "padding",
        ) from error


def signature_to_wire(signature: bytes) -> str:
    """Write a checksum in Base64."""
    return base64.b64encode(signature).decode()
