"""Forms: pages of questions, one after the other."""

from collections.abc import Iterator, Sequence
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
    Option,
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
        """Check that every page that is named is there."""
        super().__post_init__()
        set_field(self, "pages", tuple(self.pages))
        names = self.page_identifiers()
        for place, page in enumerate(self.pages):
            for target in _targets(page):
                if target not in names:
                    raise ContentInvalid(
                        "names a page that is not there",
                        field=f"pages[{place}].next",
                        value=target,
                        limit=f"there are {', '.join(names)}"[:500],
                        source=_SOURCE,
                    )

    def page_identifiers(self) -> list[str]:
        """Give the identifier of each page, in order."""
        return identifiers((page.identifier for page in self.pages), "pages.identifier")

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone.

        Some read `private` in one place, some in the other: it stands in both.
        """
        names = self.page_identifiers()
        following = [*names[1:], None]
        return {
            "dynamic": {
                "version": FORM_VERSION,
                "template": TEMPLATE,
                "private": self.private,
                "data": {
                    "private": self.private,
                    "startPageIdentifier": names[0],
                    "showSummary": self.summary,
                    **present(splash=self.splash.to_wire(gallery) if self.splash else None),
                    "pages": [
                        page.to_wire(name, after, gallery)
                        for page, name, after in zip(self.pages, names, following, strict=True)
                    ],
                },
            }
        }


def _targets(page: Page) -> Iterator[str]:
    options: Sequence[Option | str] = page.items if isinstance(page, SelectPage) else ()
    for each in (page, *options):
        if not isinstance(each, str) and each.next is not None:
            yield each.next
