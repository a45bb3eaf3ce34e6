"""Forms filled in: what the customer answered on each page."""

from dataclasses import dataclass, field, replace
from typing import Self

from msp_server.messages.interactive import Response, frame
from msp_server.messages.raw import JsonObject, label_in, object_in, objects_in, text_in


@dataclass(frozen=True)
class FormAnswer:
    """One answer: an option that was chosen, or a date or words that were given."""

    title: str
    value: str
    identifier: str | None = None
    #: Apple's word for the page's type, if it came with the answer.
    type: str | None = None


@dataclass(frozen=True)
class PageAnswers:
    """What the customer answered on one page."""

    page: str
    title: str | None
    subtitle: str | None
    answers: tuple[FormAnswer, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """The values of all answers of this page."""
        return tuple(answer.value for answer in self.answers)


@dataclass(frozen=True, kw_only=True)
class FormResponse(Response):
    """The customer filled in a form."""

    #: The pages with answers, in the order they came. Left out of `repr`: they may be private.
    pages: tuple[PageAnswers, ...] = field(repr=False)
    #: Whether the form was sent as confidential.
    private: bool = False

    def values(self, page: str) -> tuple[str, ...]:
        """Give what was answered on a page, by its identifier or title; nothing if nothing was."""
        for each in self.pages:
            if page in (each.page, each.title):
                return each.values
        return ()

    def value(self, page: str) -> str | None:
        """Give the first answer on a page, by its identifier or title; None if there is none."""
        return next(iter(self.values(page)), None)

    @property
    def selection(self) -> object:
        """What was answered, as a value that JSON can hold."""
        return [[page.page, list(page.values)] for page in self.pages]

    def joined(self, name: str | None, data: JsonObject) -> Self:
        """Give the same, joined to the message it answers, with the titles of its pages."""
        asked = {
            label_in(page, "pageIdentifier"): page
            for page in objects_in(
                object_in(object_in(object_in(data, "data"), "dynamic"), "data"), "pages"
            )
        }
        pages = tuple(
            replace(page, title=page.title or text_in(asked.get(page.page, {}), "title"))
            for page in self.pages
        )
        return replace(self, to=name, pages=pages)


def parse_form(raw: JsonObject) -> FormResponse | None:
    """Read a response, or give None when its shape is not known.

    `selections` stand in `dynamic`, or else in `dynamic.data`; `private` may stand in either.

    Source: observed.
    """
    dynamic = object_in(object_in(object_in(raw, "interactiveData"), "data"), "dynamic")
    places = (dynamic, object_in(dynamic, "data"))
    place = next((each for each in places if isinstance(each.get("selections"), list)), None)
    if place is None:
        return None
    pages = (_page(selection) for selection in objects_in(place, "selections"))
    return FormResponse(
        pages=tuple(page for page in pages if page is not None),
        private=any(each.get("private") is True for each in places),
        **frame(raw),
    )


def _page(selection: JsonObject) -> PageAnswers | None:
    identifier = label_in(selection, "pageIdentifier")
    if identifier is None:
        return None
    answers = (_answer(item) for item in objects_in(selection, "items"))
    return PageAnswers(
        page=identifier,
        title=text_in(selection, "title"),
        subtitle=text_in(selection, "subtitle"),
        answers=tuple(answer for answer in answers if answer is not None),
    )


def _answer(item: JsonObject) -> FormAnswer | None:
    value = label_in(item, "value")
    title = label_in(item, "title")
    if value is None and title is None:
        return None
    return FormAnswer(
        title=title or value or "",
        value=value or title or "",
        identifier=label_in(item, "identifier"),
        type=text_in(item, "type"),
    )
