"""What a business asks a customer's account for, and the page on which the customer says yes or no.

Source: RFC 6749, section 4.1; that the state is required here is assumed.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape
from typing import Final
from urllib.parse import quote, urlencode

from werkzeug.datastructures import MultiDict

from msp_server.emulator.reachable import find_objection, origin_of

#: Name of the buttons, and what each says.
DECISION: Final = "decision"
ALLOW: Final = "allow"
DENY: Final = "deny"
#: Name of the field that says who signs in.
LOGIN: Final = "login"
#: Every parameter that means something here.
PARAMETERS: Final = ("response_type", "client_id", "redirect_uri", "scope", "state")

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
{body}
</html>
"""


class NotSentBack(Exception):
    """A request that cannot even be refused at the redirect_uri; the text is a sentence."""


class SentBack(Exception):
    """A request that is refused at the redirect_uri."""

    def __init__(self, address: str) -> None:
        super().__init__("refused at the redirect_uri")
        #: Where the browser is sent.
        self.address = address


@dataclass(frozen=True)
class Asked:
    """A request for a customer's consent that holds."""

    response_type: str
    client_id: str
    redirect_uri: str
    scope: str
    state: str

    def sent_back(self, **answer: str) -> str:
        """Give the address at which the business gets its answer."""
        return add_query(self.redirect_uri, answer | {"state": self.state})


def read_asked(
    parameters: MultiDict[str, str], client_id: str, allowed_origins: Iterable[str]
) -> Asked:
    """Read a request for consent.

    Args:
        parameters: of the query or the form.
        client_id: of the one business that is registered.
        allowed_origins: where a browser may be sent besides this machine.

    Raises:
        NotSentBack: nobody knows whom to tell.
        SentBack: the business is told.
    """
    repeated = next((name for name in PARAMETERS if len(parameters.getlist(name)) > 1), None)
    if repeated:
        raise NotSentBack(f"{repeated} is there more than once")
    asked = Asked(*(parameters.get(name, "") for name in PARAMETERS))
    if asked.client_id != client_id:
        raise NotSentBack(
            f"client_id is not the registered one: use {client_id}, or start the emulator with "
            "another --oauth-client-id"
        )
    objection = find_objection(asked.redirect_uri, allowed_origins)
    if objection or "#" in asked.redirect_uri:
        raise NotSentBack(f"redirect_uri cannot be used: {objection or 'it has a fragment'}")
    if not asked.state:
        raise SentBack(add_query(asked.redirect_uri, {"error": "invalid_request"}))
    if asked.response_type != "code":
        raise SentBack(asked.sent_back(error="unsupported_response_type"))
    return asked


def add_query(address: str, parameters: dict[str, str]) -> str:
    """Put parameters behind an address that may have some."""
    separator = "&" if "?" in address else "?"
    return (
        f"{address}{separator}{urlencode(parameters, quote_via=quote, safe='', errors='replace')}"
    )


def make_page(asked: Asked, login: str) -> str:
    """Make the page that tells who asks for what; without a script."""
    hidden = "\n".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in asdict(asked).items()
    )
    scopes = "\n".join(f"<li>{escape(scope)}</li>" for scope in asked.scope.split())
    body = f"""<p><strong>{escape(asked.client_id)}</strong> wants to know who you are, and sends
you back to {escape(str(origin_of(asked.redirect_uri)))}.</p>
<ul>
{scopes}
</ul>
<form method="post" action="/oauth/authorize">
{hidden}
<p><label>Customer <input name="{LOGIN}" value="{escape(login)}" maxlength="32"></label></p>
<button name="{DECISION}" value="{ALLOW}">Allow</button>
<button name="{DECISION}" value="{DENY}">Deny</button>
</form>"""
    return _PAGE.format(title="Sign in", body=body)


def make_refusal(sentence: str) -> str:
    """Make the page that says why there is nothing to consent to."""
    return _PAGE.format(title="This cannot be asked for", body=f"<p>{escape(sentence)}</p>")


def make_policy(asked: Asked | None) -> str:
    """Make the page's content policy: nothing is loaded, and the form leads back to the business.

    A browser holds the policy against every address that answers the form, up to Messages.
    """
    targets = f"'self' {origin_of(asked.redirect_uri)} messages-auth:" if asked else "'none'"
    return f"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action {targets}"
