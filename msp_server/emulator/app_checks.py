"""Custom iMessage apps: what the business's own extension shows."""

import re

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import quoted
from msp_server.emulator.image_checks import check_png
from msp_server.emulator.pieces import Piece

#: A query of RFC 3986; that the rest has to be percent-encoded once: MSP API Tutorial, "FAQ".
_QUERY = re.compile(r"\?(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_APP_ID = re.compile(r"[0-9]{1,20}")


def check_app(interactive: Piece) -> None:
    """Refuse a custom app without id, name or query; its `data` is not looked at.

    Raises:
        Refused: 400.

    Source: MSP API Tutorial, exercise 22; the icon's form observed.
    """
    _check_app_id(interactive)
    interactive.words("appName")
    url = interactive.text("URL")
    if not _QUERY.fullmatch(url):
        raise interactive.refused(
            limits.APP_URL_FORM,
            "URL",
            f"is {quoted(url)}: write a query that begins with ? and is percent-encoded once",
        )
    interactive.check_length("URL", url, limits.APP_URL)
    if interactive.has("appIcon"):
        check_png(interactive, "appIcon", limits.APP_ICON, limits.APP_ICON_PNG)


def _check_app_id(interactive: Piece) -> None:
    app_id = interactive.fields.get("appId")
    number = isinstance(app_id, int) and not isinstance(app_id, bool) and app_id > 0
    if not number and not (isinstance(app_id, str) and _APP_ID.fullmatch(app_id)):
        raise interactive.refused(
            limits.APP_ID,
            "appId",
            f"is {quoted(app_id)}: write the app's number in the App Store",
        )
