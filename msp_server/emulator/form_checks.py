"""A form: its frame, and the ways through its pages."""

from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import quoted
from msp_server.emulator.form_page_checks import check_page, may_branch
from msp_server.emulator.pieces import Piece, check_unique

#: Source: observed.
_TEMPLATES: Final = ("messageForms",)
#: The second is older. Source: observed.
_VERSIONS: Final = ("1.2", "1.1")
#: Where a form starts that does not say. Source: observed.
_FIRST_PAGE: Final = "0"


def check_form(dynamic: Piece) -> None:
    """Refuse a form with pages that cannot be shown, or that cannot be gone through to an end.

    Raises:
        Refused: 400.

    Source: observed: vendors that quote Apple's page on forms.
    """
    dynamic.choice("version", _VERSIONS)
    dynamic.choice("template", _TEMPLATES)
    dynamic.flag("private")
    form = dynamic.piece("data")
    form.flag("private")
    form.flag("showSummary")
    splash = form.piece_if_any("splash")
    if splash:
        splash.words("buttonTitle")
        splash.words_if_any("header", "splashtext")
    pages = form.pieces("pages")
    for page in pages:
        check_page(page)
    check_unique(pages, "pageIdentifier", limits.PAGE_REPEATED)
    _check_ways(form, {str(page.fields["pageIdentifier"]): page for page in pages})


def _check_ways(form: Piece, pages: dict[str, Piece]) -> None:
    start = _start_page(form, pages)
    ways = {name: _ways_from(page, pages) for name, page in pages.items()}
    reached, waiting = {start}, [start]
    while waiting:
        name = waiting.pop()
        if _is_end(pages[name], ways[name]):
            return
        new = {target for target in ways[name] if target is not None} - reached
        reached |= new
        waiting += new
    raise form.refused(
        limits.FORM_END,
        "pages",
        f"never end for who starts at page {quoted(start)}: give a page no nextPageIdentifier, "
        "or submitForm true",
    )


def _start_page(form: Piece, pages: dict[str, Piece]) -> str:
    form.check(
        form.has("startPageIdentifier"),
        limits.START_PAGE,
        "startPageIdentifier",
        "is missing: name the first page",
    )
    start = form.text("startPageIdentifier") if form.has("startPageIdentifier") else _FIRST_PAGE
    _check_target(form, "startPageIdentifier", start, pages)
    return start


def _ways_from(page: Piece, pages: dict[str, Piece]) -> list[str | None]:
    """Give where one can go from a page; None is the way out."""
    next_page = page.text_if_any("nextPageIdentifier")
    if next_page is not None:
        _check_target(page, "nextPageIdentifier", next_page, pages)
    if not may_branch(page):
        return [next_page]
    ways: list[str | None] = []
    for item in page.pieces("items"):
        own = item.text_if_any("nextPageIdentifier")
        if own is not None:
            _check_target(item, "nextPageIdentifier", own, pages)
        ways.append(next_page if own is None else own)
    return ways


def _is_end(page: Piece, ways: list[str | None]) -> bool:
    return page.flag("submitForm") or None in ways


def _check_target(piece: Piece, key: str, target: str, pages: dict[str, Piece]) -> None:
    if target not in pages:
        known = ", ".join(map(quoted, list(pages)[:10]))
        raise piece.refused(
            limits.PAGE_UNKNOWN, key, f"is {quoted(target)}: name a page of this form, as {known}"
        )
