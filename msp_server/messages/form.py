"""Forms: pages of questions, one after the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Annotated, ClassVar, Final

from pydantic import Field

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.capability import Capability
from msp_server.messages.checked import checked, set_field
from msp_server.messages.form_pages import (
    DatePage,
    InputPage,
    PickerPage,
    SelectPage,
)
from msp_server.messages.image import Gallery, Image
from msp_server.messages.interactive import Bubbled, Shown, Title, identifiers
from msp_server.messages.raw import JsonObject, present

#: Sources: observed, by several who quote Apple's page on forms.
FORM_VERSION: Final = "1.2"
TEMPLATE: Final = "messageForms"

_SOURCE: Final = "observed, by several who quote Apple's page on forms"

#: One page of a form.
Page = Annotated[SelectPage | PickerPage | DatePage | InputPage, Field(discriminator="type")]


@checked
class Splash:
    """The page that a form begins with.

    Source: observed.
    """

    header: Shown
    text: Shown = ""
    _: KW_ONLY
    button: Title = "Start"
    image: Image | None = None

    def to_wire(self, gallery: Gallery) -> JsonObject:
        """Give `splash`."""
        return {
            "header": self.header,
            "splashtext": self.text,
            "buttonTitle": self.button,
            **present(imageIdentifier=gallery.identify(self.image)),
        }


@checked
class Form(Bubbled):
    """A bubble that opens pages of questions, on iPhone and iPad.

    Pages follow each other as they stand; a page or, where one alone can be chosen, an option
    names another `next`, and `last=True` ends the form.

    Source: observed, by several who quote Apple's page on forms.
    """

    capability: ClassVar = Capability.FORM

    pages: Annotated[Sequence[Page], limits.NOT_EMPTY]
    _: KW_ONLY
    splash: Splash | None = None
    #: Whether the answers are shown before they are sent.
    summary: bool = False
    #: Whether the answers are confidential.
    private: bool = False

    def __post_init__(self) -> None:
        """Check that every page that is named is there, and that the form can come to an end."""
        super().__post_init__()
        set_field(self, "pages", tuple(self.pages))
        ways = {name: set(page.ways(after)) for name, page, after in self._in_order()}
        for place, targets in enumerate(ways.values()):
            for target in targets - ways.keys() - {None}:
                raise ContentInvalid(
                    "names a page that is not there",
                    field=f"pages[{place}].next",
                    value=target,
                    limit=f"there are {', '.join(ways)}"[:500],
                    source=_SOURCE,
                )
        if not _ends(ways):
            raise ContentInvalid(
                "lead round in a circle",
                field="pages",
                limit="one of them has to be the last",
                source=_SOURCE,
            )

    def _in_order(self) -> list[tuple[str, Page, str | None]]:
        """Give every page with its identifier, and that of the page behind it."""
        names = identifiers((page.identifier for page in self.pages), "pages.identifier")
        return list(zip(names, self.pages, [*names[1:], None], strict=True))

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone.

        Some read `private` in one place, some in the other: it stands in both.
        """
        pages = self._in_order()
        return {
            "dynamic": {
                "version": FORM_VERSION,
                "template": TEMPLATE,
                "private": self.private,
                "data": {
                    "private": self.private,
                    "startPageIdentifier": pages[0][0],
                    "showSummary": self.summary,
                    **present(splash=self.splash.to_wire(gallery) if self.splash else None),
                    "pages": [page.to_wire(name, after, gallery) for name, page, after in pages],
                },
            }
        }


def _ends(ways: Mapping[str, Iterable[str | None]]) -> bool:
    """Tell whether some way leads from the first page to the end."""
    reached: set[str | None] = set()
    waiting: list[str | None] = [next(iter(ways))]
    while waiting:
        name = waiting.pop()
        if name is None:
            return True
        if name not in reached:
            reached.add(name)
            waiting.extend(ways[name])
    return False
