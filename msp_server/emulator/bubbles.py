"""What an interactive message shows as on a device, and whether a device can show it."""

from typing import Final, Literal, TypeAlias

from msp_server.emulator.account_checks import is_older
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.profile import Profile
from msp_server.emulator.shapes import object_in, text_in

Shows: TypeAlias = Literal[
    "quick_reply",
    "list_picker",
    "time_picker",
    "form",
    "custom_app",
    "invitation",
    "sign_in",
    "payment",
    "unknown",
]

#: What each key of `data` shows as. Source: MSP REST API, "Interactive Data"; form and invitation
#: observed.
FEATURES: Final[dict[str, Shows]] = {
    "quick-reply": "quick_reply",
    "listPicker": "list_picker",
    "event": "time_picker",
    "dynamic": "form",
    "authenticate": "sign_in",
    "payment": "payment",
    "notification": "invitation",
}
#: What a customer can answer.
ANSWERABLE: Final = frozenset(
    {
        *("quick_reply", "list_picker", "time_picker", "form", "custom_app", "invitation"),
        *("payment", "sign_in"),
    }
)
#: How the extension id of Apple's own features ends; any other belongs to a custom iMessage app.
APPLE_EXTENSION: Final = ":com.apple.icloud.apps.messages.business.extension"

_NEEDED: Final[dict[Shows, str]] = {
    "quick_reply": "QUICK",
    "list_picker": "LIST",
    "time_picker": "TIME",
    "form": "FORM",
}


def tell_shown(fields: JsonObject) -> Shows | None:
    """Tell what a message shows as; None when it is not interactive.

    A custom app's `data` is not looked at. Source: MSP REST API, "Interactive Data".
    """
    if fields.get("type") != "interactive":
        return None
    interactive = object_in(fields, "interactiveData")
    bid = text_in(interactive, "bid")
    if bid and not bid.endswith(APPLE_EXTENSION):
        return "custom_app"
    data = object_in(interactive, "data")
    shown = (shows for key, shows in FEATURES.items() if isinstance(data.get(key), dict))
    return next(shown, "unknown")


def is_supported(fields: JsonObject, profile: Profile) -> bool:
    """Tell whether a device can show a message.

    Source: MSP REST API, "Sending Messages" (capability-list, iMessage apps).
    """
    shows = tell_shown(fields)
    if shows == "custom_app":
        return profile.opens_apps
    if shows == "sign_in":
        return _authentication_needed(fields) in profile.capabilities
    return shows not in _NEEDED or _NEEDED[shows] in profile.capabilities


def _authentication_needed(fields: JsonObject) -> str:
    """Tell the old flow from the new, which alone says where to redirect to."""
    data = object_in(object_in(fields, "interactiveData"), "data")
    authenticate = object_in(data, "authenticate")
    redirects = object_in(authenticate, "oauth2").get("redirectURI")
    return "AUTH2" if redirects and not is_older(authenticate) else "AUTH"
