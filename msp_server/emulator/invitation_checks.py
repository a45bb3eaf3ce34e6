"""Invitations: what goes to a telephone number, and nothing else does."""

import re
from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import Refused, quoted
from msp_server.emulator.content_limits import Rule
from msp_server.emulator.image_checks import check_png
from msp_server.emulator.pieces import Piece

#: What the header message-type says with an invitation. Source: observed.
NOTIFICATION: Final = "notification"
#: What a destination begins with that is a number. Source: observed.
NUMBER_SCHEME: Final = "tel:"
_NUMBER = re.compile(r"tel:\+[1-9][0-9]{6,14}")
#: Straight and typographic ones; that the latter are meant too is assumed.
_QUOTES: Final = "\"'\u2018\u2019\u201c\u201d"


def check_invitation(notification: Piece) -> None:
    """Refuse an invitation whose template, reference or brand does not hold.

    Raises:
        Refused: 400.

    Source: observed.
    """
    template = notification.text("templateId")
    reference = notification.identifier("referenceId", limits.REFERENCE_ID)
    notification.check(
        not any(quote in reference for quote in _QUOTES),
        limits.REFERENCE_QUOTES,
        "referenceId",
        f"is {quoted(reference)}: take out quotes and apostrophes",
    )
    notification.text("locale")
    parameters = notification.piece("parameters")
    parameters.identifier("brandName", limits.BRAND_NAME)
    _check_logo(template, parameters)


def check_destination(destination: str, message_type: str | None, invitation: bool) -> None:
    """Refuse an invitation that does not go to a number, and whatever else does.

    Args:
        destination: the address of the customer, as in JSON.
        message_type: the header of that name.
        invitation: whether the message is one.

    Raises:
        Refused: 400.

    Source: observed.
    """
    to_number = destination.startswith(NUMBER_SCHEME)
    if invitation and message_type != NOTIFICATION:
        raise _refused(
            limits.INVITATION_HEADER,
            f"The header message-type is {quoted(message_type)}: an invitation goes out with "
            f"{NOTIFICATION}",
        )
    if not invitation and message_type == NOTIFICATION:
        raise _refused(
            limits.INVITATION_HEADER,
            "The header message-type is notification and data.notification is missing: leave "
            "the header out, or send an invitation",
        )
    if invitation and not _NUMBER.fullmatch(destination):
        raise _refused(
            limits.INVITATION_ADDRESS,
            f"destinationId is {quoted(destination)}: an invitation goes to a number such as "
            "tel:+15550100",
        )
    if to_number and not invitation:
        raise _refused(
            limits.NUMBER_ADDRESS,
            f"destinationId is {quoted(destination)}: only an invitation goes to a number, "
            "anything else to the source-id of a message the customer sent",
        )


def _check_logo(template: str, parameters: Piece) -> None:
    if template.endswith("noImage") and parameters.has("brandLogo"):
        raise parameters.refused(
            limits.BRAND_LOGO, "brandLogo", f"is not for {quoted(template)}: leave it out"
        )
    if template.endswith("withImage") and not parameters.has("brandLogo"):
        raise parameters.refused(
            limits.BRAND_LOGO, "brandLogo", f"is missing, and {quoted(template)} shows it: add it"
        )
    if parameters.has("brandLogo"):
        check_png(parameters, "brandLogo", limits.IMAGE, limits.IMAGE_PNG)


def _refused(rule: Rule, reason: str) -> Refused:
    return Refused(400, rule.name, reason, rule.source, rule.since)
