"""Pages for people: nothing on them runs, is kept, or can be put into a frame."""

import secrets
from pathlib import Path
from typing import Final

from flask import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_HEADERS: Final = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)


def page(body: str, status: int = 200) -> Response:
    """Make a page of a few sentences.

    Args:
        body: HTML, with everything from outside escaped.
        status: of the answer.
    """
    return render("plain.html", status, body=Markup(body))  # noqa: S704 - the caller escapes


def render(template: str, status: int = 200, **values: object) -> Response:
    """Make a page from a template, which escapes all values."""
    nonce = secrets.token_urlsafe(16)
    text = _TEMPLATES.get_template(template).render(nonce=nonce, **values)
    return guarded(Response(text, status, mimetype="text/html"), nonce)


def guarded(response: Response, nonce: str | None = None) -> Response:
    """Give an answer the headers that tell a browser to do no more than show it.

    Args:
        response: a page, or the way to one; it is changed.
        nonce: stands in the page's `<style nonce="…">`; None if there is none.
    """
    style = f"style-src 'nonce-{nonce}'; " if nonce else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; {style}img-src https:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers.update(_HEADERS)
    return response
