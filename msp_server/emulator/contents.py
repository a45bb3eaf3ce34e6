"""What a message says: finds its kind, has it checked, and tells what a device needs for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.account_checks import check_authenticate, is_older
from msp_server.emulator.app_checks import check_app
from msp_server.emulator.checks import Refused
from msp_server.emulator.form_checks import check_form
from msp_server.emulator.image_checks import check_image_names
from msp_server.emulator.interactive_checks import (
    APPLES_BID,
    Bubbles,
    check_bubbles,
    check_data,
    check_frame,
    feature_of,
)
from msp_server.emulator.invitation_checks import check_invitation
from msp_server.emulator.link_checks import check_data_ref, check_link_ref, check_rich_link
from msp_server.emulator.merchant_sessions import MerchantSessions
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.payment_checks import check_payment
from msp_server.emulator.picker_checks import (
    check_list_picker,
    check_quick_reply,
    check_time_picker,
)
from msp_server.emulator.pieces import Piece


@dataclass(frozen=True)
class Feature:
    """One kind of what Apple's own extension shows."""

    check: Callable[[Piece], None]
    bubbles: Bubbles
    #: Title of the page that tells its keys, or who observed them.
    source: str
    #: What the customer's device needs; None where every device shows it.
    capability: str | None


#: By the key of `data` that holds it. Source: MSP API Tutorial, exercises 06 to 23; capabilities:
#: MSP REST API, "Common Specifications"; `dynamic` and `notification` observed.
FEATURES: Final = {
    "quick-reply": Feature(check_quick_reply, Bubbles.NONE, limits.QUICK_REPLY, "QUICK"),
    "listPicker": Feature(check_list_picker, Bubbles.BOTH, limits.LIST_PICKER, "LIST"),
    "event": Feature(check_time_picker, Bubbles.BOTH, limits.TIME_PICKER, "TIME"),
    "dynamic": Feature(check_form, Bubbles.BOTH, limits.FORM, "FORM"),
    "authenticate": Feature(check_authenticate, Bubbles.BOTH, limits.AUTHENTICATE, "AUTH2"),
    "payment": Feature(check_payment, Bubbles.RECEIVED, limits.PAYMENTS, None),
    "notification": Feature(check_invitation, Bubbles.NONE, limits.INVITATION, None),
}

#: Which check reads which key of the message, with the source of its keys.
_REFERENCES: Final[dict[str, tuple[Callable[[Piece], None], str]]] = {
    "interactiveDataRef": (check_data_ref, limits.DATA_REF),
    "richLinkData": (check_rich_link, limits.RICH_LINK),
    "richLinkDataRef": (check_link_ref, limits.OTHERS),
}


def check_content(fields: JsonObject, vendor_limits: bool) -> None:
    """Refuse a rich link or interactive message whose content does not hold.

    Args:
        fields: a message whose type, and the one key for its content, are checked.
        vendor_limits: whether what only vendors report is checked too.

    Raises:
        Refused: 400, with the key at fault.

    Source: with every rule in `content_limits`; that keys nobody knows are let pass is assumed.
    """
    kind = fields["type"]
    for key, (check, source) in _REFERENCES.items():
        value = fields.get(key)
        if key.startswith(str(kind)) and isinstance(value, dict):
            check(Piece(value, key, source, vendor_limits))
    value = fields.get("interactiveData")
    if kind == "interactive" and isinstance(value, dict):
        _check_interactive(Piece(value, "interactiveData", limits.INTERACTIVE, vendor_limits))


def check_capability(fields: JsonObject, capabilities: tuple[str, ...]) -> None:
    """Refuse what the customer's device cannot show.

    Raises:
        Refused: 400.

    Source: MSP REST API, "Common Specifications" (the rule); the status assumed.
    """
    needed = required_capability(fields)
    if needed is None or needed in {capability.upper() for capability in capabilities}:
        return
    raise Refused(
        400,
        limits.CAPABILITY.name,
        f"The customer's device lacks {needed}: send something else, and look at the "
        "capability-list of the customer's newest message",
        limits.CAPABILITY.source,
        limits.CAPABILITY.since,
    )


def check_merchant_session(fields: JsonObject, sessions: MerchantSessions) -> None:
    """Refuse a payment whose merchant session does not hold.

    Raises:
        Refused: 400.

    Source: MSP API Tutorial, exercise 14.
    """
    payment = _apples_data(fields).get("payment")
    if isinstance(payment, dict):
        path = "interactiveData.data.payment"
        sessions.check(Piece(payment, path, limits.PAYMENTS, vendor_limits=False))


def required_capability(fields: JsonObject) -> str | None:
    """Give what a device needs to show a message, or None where every device can.

    Source: MSP REST API, "Common Specifications".
    """
    data = _apples_data(fields)
    key = next((key for key in FEATURES if data.get(key) is not None), None)
    if key is None:
        return None
    content = data[key]
    if key == "authenticate" and isinstance(content, dict) and is_older(content):
        return "AUTH"
    return FEATURES[key].capability


def is_sign_in(fields: JsonObject) -> bool:
    """Tell whether a message asks the customer to sign in.

    Source: MSP API Tutorial, exercise 18.
    """
    return _apples_data(fields).get("authenticate") is not None


def is_invitation(fields: JsonObject) -> bool:
    """Tell whether a message invites somebody to a conversation.

    Source: observed.
    """
    return _apples_data(fields).get("notification") is not None


def _check_interactive(interactive: Piece) -> None:
    check_frame(interactive)
    if interactive.fields["bid"] == APPLES_BID:
        data = interactive.piece("data")
        check_data(data)
        key = feature_of(data, tuple(FEATURES))
        feature = FEATURES[key]
        feature.check(data.piece(key, feature.source))
        check_bubbles(interactive, feature.bubbles)
    else:
        check_app(replace(interactive, source=limits.CUSTOM_APP))
        check_bubbles(interactive, Bubbles.RECEIVED)
    check_image_names(interactive)


def _apples_data(fields: JsonObject) -> JsonObject:
    """Give the data that Apple's own extension would show; empty where there is none."""
    interactive = fields.get("interactiveData")
    if fields.get("type") != "interactive" or not isinstance(interactive, dict):
        return {}
    data = interactive.get("data")
    return data if interactive.get("bid") == APPLES_BID and isinstance(data, dict) else {}
