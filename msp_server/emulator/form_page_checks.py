"""The pages of a form: select, picker, date and input."""

from collections.abc import Callable
from typing import Final

from msp_server.emulator import content_limits as limits
from msp_server.emulator.checks import quoted
from msp_server.emulator.pieces import Piece, check_unique

#: Source: observed; the prefix `UIKeyboardType` was dropped on 21 August 2026.
KEYBOARDS: Final = (
    "default",
    "asciiCapable",
    "numbersAndPunctuation",
    "URL",
    "numberPad",
    "phonePad",
    "namePhonePad",
    "emailAddress",
    "decimalPad",
    "webSearch",
)
#: Source: observed.
CONTENT_TYPES: Final = (
    "name",
    "namePrefix",
    "givenName",
    "middleName",
    "familyName",
    "nameSuffix",
    "nickname",
    "jobTitle",
    "organizationName",
    "location",
    "fullStreetAddress",
    "streetAddressLine1",
    "streetAddressLine2",
    "addressCity",
    "addressState",
    "addressCityAndState",
    "sublocality",
    "countryName",
    "postalCode",
    "telephoneNumber",
    "emailAddress",
    "URL",
    "creditCardNumber",
    "username",
    "password",
    "newPassword",
    "oneTimeCode",
)
_INPUT_TYPES: Final = ("singleline", "multiline")
_DATES: Final = ("dateFormat", "startDate", "minimumDate", "maximumDate")
_KEYBOARD_PREFIX: Final = "UIKeyboardType"


def check_page(page: Piece) -> None:
    """Refuse a page that cannot be shown.

    Raises:
        Refused: 400.

    Source: observed: vendors that quote Apple's page on forms.
    """
    page.identifier("pageIdentifier", limits.PAGE_IDENTIFIER)
    page.words_if_any("title", "subtitle")
    page.check(
        bool(page.fields.get("subtitle")),
        limits.PAGE_SUBTITLE,
        "subtitle",
        "is missing or empty: put the question there",
    )
    page.flag("submitForm")
    _PAGES[page.choice("type", _PAGES)](page)


def may_branch(page: Piece) -> bool:
    """Tell whether the items of a page may have a next page of their own."""
    return page.fields.get("type") == "select" and not page.flag("multipleSelection")


def _check_select(page: Piece) -> None:
    page.flag("multipleSelection")
    _check_items(page)


def _check_picker(page: Piece) -> None:
    page.words_if_any("pickerTitle")
    count = _check_items(page)
    selected = page.whole_if_any("selectedItemIndex", 0)
    if selected is not None and selected >= count:
        raise page.refused(
            limits.SELECTED_INDEX,
            "selectedItemIndex",
            f"is {selected}: the last of its {count} items is {count - 1}",
        )


def _check_items(page: Piece) -> int:
    items = page.pieces("items")
    for item in items:
        item.identifier("identifier")
        item.words("title")
        item.text("value")
        if item.has("nextPageIdentifier") and not may_branch(page):
            raise item.refused(
                limits.ITEM_BRANCH,
                "nextPageIdentifier",
                "stands on a page that does not branch: put it on the page itself, or make that "
                "a select page with single selection",
            )
    check_unique(items, "identifier", limits.PAGE_ITEM_REPEATED)
    return len(items)


def _check_date(page: Piece) -> None:
    page.words_if_any("hintText")
    options = page.piece_if_any("options")
    if options:
        options.words_if_any("labelText")
        for key in _DATES:
            options.text_if_any(key)


def _check_input(page: Piece) -> None:
    page.words_if_any("hintText")
    options = page.piece_if_any("options")
    if not options:
        return
    options.text_if_any("regex")
    options.words_if_any("placeholder", "labelText", "prefixText")
    options.flag("required")
    options.whole_if_any("maximumCharacterCount", 1)
    multiline = options.choice("inputType", _INPUT_TYPES, default="singleline") == "multiline"
    for key in ("labelText", "prefixText"):
        options.check(
            not (multiline and options.fields.get(key)),
            limits.SINGLE_LINE,
            key,
            "is for single lines: leave it out, or make inputType singleline",
        )
    _check_keyboard(options)
    content_type = options.text_if_any("textContentType")
    options.check(
        content_type is None or content_type in CONTENT_TYPES,
        limits.CONTENT_TYPE,
        "textContentType",
        f"is {quoted(content_type)}: write one of {', '.join(CONTENT_TYPES)}",
    )


def _check_keyboard(options: Piece) -> None:
    keyboard = options.text_if_any("keyboardType")
    bare = (keyboard or "").removeprefix(_KEYBOARD_PREFIX)
    options.check(
        keyboard is None or keyboard in KEYBOARDS,
        limits.KEYBOARD,
        "keyboardType",
        f"is {quoted(keyboard)}: write {_keyboard_like(bare)}",
    )


def _keyboard_like(bare: str) -> str:
    same = [name for name in KEYBOARDS if name.lower() == bare.lower()]
    return same[0] if same else f"one of {', '.join(KEYBOARDS)}"


_PAGES: Final[dict[str, Callable[[Piece], None]]] = {
    "select": _check_select,
    "picker": _check_picker,
    "datePicker": _check_date,
    "input": _check_input,
}
