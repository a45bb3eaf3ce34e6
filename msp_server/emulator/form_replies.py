"""Filling in a form: walks it along its branches, from the start page to an end page."""

from collections.abc import Iterator
from datetime import date

from msp_server.emulator.form_pages import fill_page, find_option, name_page
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.replies import Reply, frame, list_names
from msp_server.emulator.shapes import object_in, objects_in, picked, text_in
from msp_server.emulator.transcript import DeedUnfit, Entry


def build_form_reply(bubble: Entry, fields: JsonObject, today: date) -> Reply:
    """Fill in a form and send it.

    Args:
        bubble: the form.
        fields: `answers`, by a page's title or pageIdentifier.
        today: the phone's date.

    Raises:
        DeedUnfit: an answer is missing, too many or does not fit, or the form leads nowhere.

    Source: observed; that an empty page is left out is assumed.
    """
    form = object_in(object_in(bubble.interactive, "data"), "dynamic")
    pages = objects_in(object_in(form, "data"), "pages")
    answers = _sort_answers(pages, fields.get("answers"))
    selections = list(_walk(object_in(form, "data"), pages, answers, today))
    if answers:
        raise DeedUnfit(f"These pages are not on the way: {list_names(list(answers))}")
    feature = picked(form, "version", "template") | {"selections": selections}
    if form.get("private") is True or object_in(form, "data").get("private") is True:
        feature["private"] = True
    replied = object_in(bubble.interactive, "replyMessage")
    return frame(
        bubble, {"dynamic": feature}, replied or {"title": "Form submitted", "style": "icon"}
    )


def _sort_answers(pages: list[JsonObject], answers: object) -> dict[object, object]:
    """Give the answers by pageIdentifier.

    Raises:
        DeedUnfit: one is for no page, for several, or a page has two.
    """
    if not isinstance(answers, dict):
        raise DeedUnfit("answers has to be an object: a page's title or pageIdentifier, its answer")
    found: dict[object, object] = {}
    for name, answer in answers.items():
        identifier = _find_page(pages, name)["pageIdentifier"]
        if identifier in found:
            raise DeedUnfit(f"The page {name[:64]!r} is answered twice: name it once")
        found[identifier] = answer
    return found


def _find_page(pages: list[JsonObject], name: str) -> JsonObject:
    named = [page for page in pages if text_in(page, "pageIdentifier") is not None]
    for key in ("pageIdentifier", "title"):
        found = [page for page in named if page.get(key) == name]
        if len(found) > 1:
            raise DeedUnfit(f"{len(found)} pages have the {key} {name[:64]!r}")
        if found:
            return found[0]
    there_are = list_names([page.get("title") or page["pageIdentifier"] for page in named])
    raise DeedUnfit(f"There is no page {name[:64]!r}: there are {there_are}")


def _walk(
    form: JsonObject, pages: list[JsonObject], answers: dict[object, object], today: date
) -> Iterator[JsonObject]:
    """Fill in page after page, taking each answer out; give one selection for each filled in.

    Source: observed: submitForm or no next page ends a form; the first page, if none is named,
    "0".
    """
    seen: set[str] = set()
    following: str | None = text_in(form, "startPageIdentifier") or "0"
    while following is not None:
        page = _find_next(pages, following)
        if following in seen:
            raise DeedUnfit(f"{name_page(page)} comes again: with these answers there is no end")
        seen.add(following)
        items = fill_page(page, answers.pop(following, None), today)
        if items:
            yield picked(page, "pageIdentifier", "title", "subtitle") | {"items": items}
        following = _choose_next(page, items)


def _find_next(pages: list[JsonObject], identifier: str) -> JsonObject:
    found = next((page for page in pages if page.get("pageIdentifier") == identifier), None)
    if found is None:
        raise DeedUnfit(f"A phone cannot show this form: it has no page {identifier[:64]!r}")
    return found


def _choose_next(page: JsonObject, items: list[JsonObject]) -> str | None:
    """Tell which page follows: where the option of a single choice leads, else the page."""
    if page.get("submitForm") is True:
        return None
    if page.get("type") == "select" and page.get("multipleSelection") is not True:
        leads = text_in(find_option(page, items[0]), "nextPageIdentifier")
        if leads is not None:
            return leads
    return text_in(page, "nextPageIdentifier")
