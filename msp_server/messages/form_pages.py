"""The pages of a form: what can be asked, one class for each of Apple's page types.

Source of all of it: observed, by several who quote Apple's page on forms.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal

from msp_server.errors import ContentInvalid
from msp_server.messages import limits
from msp_server.messages.checked import checked, set_field
from msp_server.messages.image import Gallery, Image
from msp_server.messages.interactive import Identifier, Shown, Title, identifiers
from msp_server.messages.raw import JsonObject, present

_SOURCE: Final = "observed, by several who quote Apple's page on forms"
_DATE_PARTS: Final = ("yyyy", "MM", "dd")
_LEADING_ON: Final = ("nextPageIdentifier", "submitForm")

#: Where one vendor's check wants words.
Question = Annotated[str, limits.SHOWN_TEXT, limits.QUESTION]
PageIdentifier = Annotated[str, limits.PAGE_IDENTIFIER]


class Keyboard(StrEnum):
    """The keyboard that an input page opens; other names can be given as text."""

    DEFAULT = "default"
    ASCII = "asciiCapable"
    NUMBERS_AND_PUNCTUATION = "numbersAndPunctuation"
    URL = "URL"
    NUMBER_PAD = "numberPad"
    PHONE_PAD = "phonePad"
    NAME_PHONE_PAD = "namePhonePad"
    EMAIL = "emailAddress"
    DECIMAL_PAD = "decimalPad"
    WEB_SEARCH = "webSearch"


@checked
class Option:
    """One answer of a select or picker page."""

    title: Title
    _: KW_ONLY
    #: What the answer counts as; its title when left out.
    value: Shown | None = None
    #: How the response names it; its place, counted from 1, when left out.
    identifier: Identifier | None = None
    image: Image | None = None
    #: The page that follows when this is chosen, where one alone can be.
    next: PageIdentifier | None = None

    def to_wire(self, identifier: str, gallery: Gallery) -> JsonObject:
        """Give an item of a page."""
        return {
            "identifier": identifier,
            "title": self.title,
            "value": self.value or self.title,
            **present(imageIdentifier=gallery.identify(self.image), nextPageIdentifier=self.next),
        }


@checked
class _Page:
    """What every page has."""

    title: Title
    #: The question, under the title.
    subtitle: Question
    _: KW_ONLY
    #: Its place, counted from 1, when left out.
    identifier: PageIdentifier | None = None
    #: The page that follows; the one that stands behind it when left out.
    next: PageIdentifier | None = None
    #: Whether the form ends here.
    last: bool = False

    def following(self, after: str | None) -> str | None:
        """Give the page that follows, where that does not hang on what is chosen; None: none."""
        return None if self.last else self.next or after

    def ways(self, after: str | None) -> Iterator[str | None]:
        """Give every page that may follow; None where the form ends."""
        yield self.following(after)

    def common(self, kind: str, identifier: str, after: str | None) -> JsonObject:
        """Give what every page has on the wire."""
        following = self.following(after)
        return {
            "pageIdentifier": identifier,
            "type": kind,
            "title": self.title,
            "subtitle": self.subtitle,
            **({"submitForm": True} if following is None else {"nextPageIdentifier": following}),
        }


@checked
class _OptionsPage(_Page):
    """What every page with options has."""

    #: A text stands for an option with that title.
    items: Annotated[Sequence[Option | str], limits.NOT_EMPTY]

    def __post_init__(self) -> None:
        """Make options of the texts, and see that no identifier is there twice."""
        options = [Option(item) if isinstance(item, str) else item for item in self.items]
        set_field(self, "items", tuple(options))
        self.numbered()

    def numbered(self) -> list[tuple[str, Option]]:
        """Give every option with its identifier, in order."""
        options = [item for item in self.items if isinstance(item, Option)]
        names = identifiers((option.identifier for option in options), "items.identifier")
        return list(zip(names, options, strict=True))

    def targets(self) -> list[str | None]:
        """Give the page that each option names, in order; None where it names none."""
        return [option.next for _, option in self.numbered()]

    def items_to_wire(self, gallery: Gallery) -> list[JsonObject]:
        """Give the items of a page."""
        return [option.to_wire(name, gallery) for name, option in self.numbered()]


@checked
class SelectPage(_OptionsPage):
    """Answers to choose from, one or several."""

    _: KW_ONLY
    #: Whether several can be chosen.
    multiple: bool = False
    type: Literal["select"] = "select"

    def __post_init__(self) -> None:
        """Check that only a single choice decides where to go on."""
        super().__post_init__()
        if self.multiple and set(self.targets()) != {None}:
            raise ContentInvalid(
                "is given where several can be chosen",
                field="items.next",
                limit="give the page's own next",
                source=_SOURCE,
            )

    def ways(self, after: str | None) -> Iterator[str | None]:
        """Give every page that may follow; None where the form ends."""
        following = self.following(after)
        yield from (following if target is None else target for target in self.targets())

    def to_wire(self, identifier: str, after: str | None, gallery: Gallery) -> JsonObject:
        """Give a page; where every option leads on, the page itself does not."""
        common = self.common(self.type, identifier, after)
        if None not in self.targets():
            common = {name: common[name] for name in common if name not in _LEADING_ON}
        return {
            **common,
            "multipleSelection": self.multiple,
            "items": self.items_to_wire(gallery),
        }


@checked
class PickerPage(_OptionsPage):
    """Answers on a wheel, one of which is chosen."""

    _: KW_ONLY
    #: What stands beside the wheel.
    label: Shown = ""
    #: Which one is chosen at first, counted from 0.
    selected: int = 0
    type: Literal["picker"] = "picker"

    def __post_init__(self) -> None:
        """Check that there is such an option."""
        super().__post_init__()
        if set(self.targets()) != {None}:
            raise ContentInvalid(
                "is given on a wheel",
                field="items.next",
                limit="give the page's own next",
                source=_SOURCE,
            )
        if not 0 <= self.selected < len(self.items):
            raise ContentInvalid(
                "is no place in items",
                field="selected",
                limit=f"it has to be from 0 to {len(self.items) - 1}",
                source=_SOURCE,
            )

    def to_wire(self, identifier: str, after: str | None, gallery: Gallery) -> JsonObject:
        """Give a page."""
        return {
            **self.common(self.type, identifier, after),
            "pickerTitle": self.label,
            "selectedItemIndex": self.selected,
            "items": self.items_to_wire(gallery),
        }


@checked
class DatePage(_Page):
    """A day to choose."""

    _: KW_ONLY
    hint: Shown | None = None
    label: Shown | None = None
    #: The day that is shown at first; today when left out.
    start: date | None = None
    earliest: date | None = None
    #: Today when left out.
    latest: date | None = None
    #: How days are written: `yyyy`, `MM` and `dd`, with signs between them.
    date_format: str = "MM/dd/yyyy"
    type: Literal["datePicker"] = "datePicker"

    def __post_init__(self) -> None:
        """Check the form of dates, and that there is a day to choose."""
        parts = re.split(r"[^A-Za-z]+", self.date_format)
        if sorted(parts) != sorted(_DATE_PARTS):
            raise ContentInvalid(
                "is no form of a date",
                field="date_format",
                value=self.date_format,
                limit="it has to hold yyyy, MM and dd once each, with signs between them",
                source=_SOURCE,
            )
        if self.earliest and self.latest and self.earliest > self.latest:
            raise ContentInvalid(
                "is after latest", field="earliest", limit="leave a day to choose", source=_SOURCE
            )

    def to_wire(self, identifier: str, after: str | None, _gallery: Gallery) -> JsonObject:
        """Give a page."""
        return {
            **self.common(self.type, identifier, after),
            **present(hintText=self.hint),
            "options": {
                "dateFormat": self.date_format,
                **present(
                    startDate=self._written(self.start),
                    minimumDate=self._written(self.earliest),
                    maximumDate=self._written(self.latest),
                    labelText=self.label,
                ),
            },
        }

    def _written(self, day: date | None) -> str | None:
        if day is None:
            return None
        written = dict(zip(_DATE_PARTS, day.isoformat().split("-"), strict=True))
        return re.sub("|".join(_DATE_PARTS), lambda part: written[part[0]], self.date_format)


@checked
class InputPage(_Page):
    """Words to write."""

    _: KW_ONLY
    hint: Shown | None = None
    required: bool = False
    #: Whether there is room for several lines.
    multiline: bool = False
    #: What the words must match.
    regex: str | None = None
    placeholder: Shown | None = None
    #: What stands above and before the words; on a single line only.
    label: Shown | None = None
    prefix: Shown | None = None
    #: 30 on a single line and 300 on several when left out.
    highest_chars: int | None = None
    keyboard: Annotated[str, limits.KEYBOARD] | None = None
    #: What the words are, such as `emailAddress`: the phone may offer to fill them in.
    content_type: Annotated[str, limits.IDENTIFIER] | None = None
    type: Literal["input"] = "input"

    def __post_init__(self) -> None:
        """Check what Apple wants on a single line alone."""
        if self.multiline and (self.label or self.prefix):
            raise ContentInvalid(
                "is given on several lines",
                field="label" if self.label else "prefix",
                limit="it is for a single line",
                source=_SOURCE,
            )
        if self.highest_chars is not None and self.highest_chars < 1:
            raise ContentInvalid(
                "is below 1", field="highest_chars", limit="leave room to write", source=_SOURCE
            )

    def to_wire(self, identifier: str, after: str | None, _gallery: Gallery) -> JsonObject:
        """Give a page."""
        return {
            **self.common(self.type, identifier, after),
            **present(hintText=self.hint),
            "options": {
                "required": self.required,
                "inputType": "multiline" if self.multiline else "singleline",
                **present(
                    regex=self.regex,
                    placeholder=self.placeholder,
                    labelText=self.label,
                    prefixText=self.prefix,
                    maximumCharacterCount=self.highest_chars,
                    keyboardType=self.keyboard,
                    textContentType=self.content_type,
                ),
            },
        }
