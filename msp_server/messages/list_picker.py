"""List pickers: items in sections, to be chosen from."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Annotated, ClassVar, Final, Self

from msp_server.messages import limits
from msp_server.messages.capability import Capability
from msp_server.messages.checked import checked, set_field
from msp_server.messages.image import Gallery, Image
from msp_server.messages.interactive import (
    Bubbled,
    Identifier,
    Response,
    Shown,
    Style,
    Title,
    frame,
    identifiers,
)
from msp_server.messages.raw import (
    JsonObject,
    label_in,
    object_in,
    objects_in,
    present,
    text_in,
)

#: Every item of every sample has this style. Source: MSP API Tutorial, exercise 06.
_ITEM_STYLE: Final = "default"


@checked
class Item:
    """One thing that can be chosen.

    Source: MSP API Tutorial, exercises 06 and 07.
    """

    title: Title
    subtitle: Shown | None = None
    _: KW_ONLY
    #: How the response names it; its place, counted from 1, when left out.
    identifier: Identifier | None = None
    image: Image | None = None


@checked
class Section:
    """Items under a title.

    Source: MSP API Tutorial, exercise 06.
    """

    title: Title
    #: A text stands for an item with that title.
    items: Annotated[Sequence[Item | str], limits.NOT_EMPTY]
    _: KW_ONLY
    #: Whether several can be chosen.
    multiple: bool = False

    def __post_init__(self) -> None:
        """Make items of the texts."""
        set_field(self, "items", self.all_items)

    @property
    def all_items(self) -> tuple[Item, ...]:
        """The items; those that were given as texts, too."""
        return tuple(Item(item) if isinstance(item, str) else item for item in self.items)


@checked
class ListPicker(Bubbled):
    """A bubble that opens a list to choose from.

    `ListPicker("What would you like?", [Section("Fruit", [Item("Apple"), Item("Orange")])])`

    Source: MSP REST API, "Type Interactive".
    """

    capability: ClassVar = Capability.LIST
    style: ClassVar = Style.SMALL

    sections: Annotated[Sequence[Section], limits.NOT_EMPTY]

    def __post_init__(self) -> None:
        """See that no identifier is there twice."""
        super().__post_init__()
        set_field(self, "sections", tuple(self.sections))
        self.numbered()

    def numbered(self) -> list[tuple[str, Item]]:
        """Give every item of every section with its identifier, in order."""
        items = [item for section in self.sections for item in section.all_items]
        names = identifiers((item.identifier for item in items), "sections.items.identifier")
        return list(zip(names, items, strict=True))

    def feature(self, gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone."""
        numbered = iter(self.numbered())
        return {
            "listPicker": {
                "sections": [
                    {
                        "title": section.title,
                        "order": order,
                        "multipleSelection": section.multiple,
                        "items": [
                            _item_to_wire(*next(numbered), place, gallery)
                            for place, _ in enumerate(section.items)
                        ],
                    }
                    for order, section in enumerate(self.sections)
                ]
            }
        }


@dataclass(frozen=True)
class PickedItem:
    """One item that the customer chose."""

    identifier: str
    title: str
    subtitle: str | None = None
    #: Title of the section it was offered in, if that is known.
    section: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListPickerResponse(Response):
    """The customer chose in a list picker."""

    items: tuple[PickedItem, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of what was chosen."""
        return tuple(item.title for item in self.items)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The identifiers of what was chosen."""
        return tuple(item.identifier for item in self.items)

    @property
    def selection(self) -> object:
        """What was chosen, as a value that JSON can hold."""
        return sorted(self.identifiers)

    def joined(self, name: str | None, data: JsonObject) -> Self:
        """Give the same, joined to the message it answers, with what that said of each item."""
        sections, answered = _sections(data), _sections(object_in(self.raw, "interactiveData"))
        # The same sections again hold what was chosen, even if a title among them says "Selected".
        again = answered and _titles(answered) <= _titles(sections)
        offered = {item.identifier: item for item in _items(sections)}
        picked = _items(answered) if again else self.items
        items = tuple(offered.get(item.identifier, item) for item in picked)
        return replace(self, to=name, items=items)


def parse_list_picker(raw: JsonObject) -> ListPickerResponse | None:
    """Read a response, or give None when its shape is not known.

    Devices were seen to send back the sections with what was chosen in each, or one section whose
    title says "Selected", perhaps beside one with what was not chosen. So: if a title says
    "Selected", those sections count, else all.

    Source: observed; MSP API Tutorial, "Advanced Interactive Messaging" for the frame.
    """
    sections = _sections(object_in(raw, "interactiveData"))
    selected = [section for section in sections if _says_selected(section)]
    items = _items(selected or sections, with_section=not selected)
    return ListPickerResponse(items=tuple(items), **frame(raw)) if items else None


def _sections(interactive: JsonObject) -> list[JsonObject]:
    return objects_in(object_in(object_in(interactive, "data"), "listPicker"), "sections")


def _titles(sections: list[JsonObject]) -> set[str | None]:
    return {text_in(section, "title") for section in sections}


def _items(sections: list[JsonObject], *, with_section: bool = True) -> list[PickedItem]:
    found: dict[str, PickedItem] = {}
    for section in sections:
        for each in objects_in(section, "items"):
            item = _picked(each, text_in(section, "title") if with_section else None)
            if item is not None:
                found.setdefault(item.identifier, item)
    return list(found.values())


def _picked(fields: JsonObject, section: str | None) -> PickedItem | None:
    identifier = label_in(fields, "identifier")
    if identifier is None:
        return None
    return PickedItem(
        identifier=identifier,
        title=text_in(fields, "title") or identifier,
        subtitle=text_in(fields, "subtitle"),
        section=section,
    )


def _says_selected(section: JsonObject) -> bool:
    title = (text_in(section, "title") or "").lower()
    return "selected" in title and "unselected" not in title and "not " not in title


def _item_to_wire(identifier: str, item: Item, order: int, gallery: Gallery) -> JsonObject:
    return {
        "identifier": identifier,
        "title": item.title,
        **present(subtitle=item.subtitle),
        "order": order,
        "style": _ITEM_STYLE,
        **present(imageIdentifier=gallery.identify(item.image)),
    }
