"""One page of a form: reads what the customer fills in and gives the items that go back."""

from datetime import date
from typing import Final

from msp_server.emulator.dates import DEFAULT_FORMAT, DateFormat, FormatUnfit
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.patterns import try_pattern
from msp_server.emulator.replies import list_names
from msp_server.emulator.shapes import number_in, object_in, objects_in, picked, text_in
from msp_server.emulator.transcript import DeedUnfit

#: Characters an input takes unless its page says otherwise. Source: observed.
SINGLE_LINE_LIMIT: Final = 30
MULTI_LINE_LIMIT: Final = 300


def fill_page(page: JsonObject, answer: object, today: date) -> list[JsonObject]:
    """Fill in a page.

    Args:
        page: as the business sent it.
        answer: what the customer gives; None when nothing.
        today: the phone's date, which limits dates unless the page does.

    Returns:
        The items to send; none when the page stays empty.

    Raises:
        DeedUnfit: the page takes no such answer.

    Source: observed, but for the identifier of a text or date, which is assumed.
    """
    match page.get("type"):
        case "select":
            return _select(page, answer)
        case "picker":
            return [_find_option(page, answer) | {"type": "picker"}]
        case "datePicker":
            return _text_item(page, _write_date(page, answer, today), "datePicker")
        case "input":
            return _text_item(page, _write_text(page, answer), "input")
        case kind:
            raise DeedUnfit(f"{name_page(page)} has the type {str(kind)[:64]!r}: no phone shows it")


def find_option(page: JsonObject, item: JsonObject) -> JsonObject:
    """Give the option of a page that an item was made of, with where it leads."""
    same = (o for o in objects_in(page, "items") if o.get("identifier") == item.get("identifier"))
    return next(same, {})


def name_page(page: JsonObject) -> str:
    """Name a page for a sentence."""
    title = text_in(page, "title")
    shown = f" {title[:64]!r}" if title else ""
    return f"The page{shown} ({str(page.get('pageIdentifier'))[:64]})"


def _select(page: JsonObject, answer: object) -> list[JsonObject]:
    answers = answer if isinstance(answer, list) else [answer]
    if len(answers) > 1 and page.get("multipleSelection") is not True:
        raise DeedUnfit(f"{name_page(page)} takes one option, and {len(answers)} were named")
    items = [_find_option(page, one) | {"type": "select"} for one in answers]
    if not items or any(item in items[:place] for place, item in enumerate(items)):
        raise DeedUnfit(f"{name_page(page)} takes each option once, and at least one")
    return items


def _find_option(page: JsonObject, answer: object) -> JsonObject:
    """Find the option that the customer names: by identifier, else by title, else by value."""
    options = objects_in(page, "items")
    there_are = list_names([option.get("title") for option in options])
    if not isinstance(answer, str) or not answer:
        raise DeedUnfit(f"{name_page(page)} takes the title of an option: there are {there_are}")
    for key in ("identifier", "title", "value"):
        found = [option for option in options if option.get(key) == answer]
        if len(found) > 1:
            raise DeedUnfit(f"{name_page(page)} has {len(found)} options with the {key} {answer!r}")
        if found:
            return picked(found[0], "identifier", "title", "value")
    raise DeedUnfit(f"{name_page(page)} has no option {answer[:64]!r}: there are {there_are}")


def _text_item(page: JsonObject, text: str | None, kind: str) -> list[JsonObject]:
    if text is None:
        return []
    return [{"identifier": page.get("pageIdentifier"), "title": text, "value": text, "type": kind}]


def _write_date(page: JsonObject, answer: object, today: date) -> str:
    options = object_in(page, "options")
    try:
        written = DateFormat(text_in(options, "dateFormat") or DEFAULT_FORMAT)
    except FormatUnfit as unfit:
        raise DeedUnfit(f"{name_page(page)} cannot be filled in: {unfit}") from unfit
    day = written.parse(answer) if isinstance(answer, str) else None
    if day is None:
        raise DeedUnfit(f"{name_page(page)} takes a date: YYYY-MM-DD, or {written.pattern}")
    earliest = _read_bound(page, "minimumDate", written) or date.min
    latest = _read_bound(page, "maximumDate", written) or today
    if not earliest <= day <= latest:
        raise DeedUnfit(f"{name_page(page)} takes dates from {earliest} to {latest}, not {day}")
    return written.write(day)


def _read_bound(page: JsonObject, key: str, written: DateFormat) -> date | None:
    text = text_in(object_in(page, "options"), key)
    if text is None:
        return None
    bound = written.parse(text)
    if bound is None:
        raise DeedUnfit(
            f"{name_page(page)} cannot be filled in: {key} {text[:64]!r} is no date like "
            f"{written.pattern}"
        )
    return bound


def _write_text(page: JsonObject, answer: object) -> str | None:
    options = object_in(page, "options")
    if answer is not None and not isinstance(answer, str):
        raise DeedUnfit(f"{name_page(page)} takes a text")
    if not answer:
        if options.get("required") is True:
            raise DeedUnfit(f"{name_page(page)} may not stay empty: answer it with a text")
        return None
    several_lines = options.get("inputType") == "multiline"
    limit = number_in(options, "maximumCharacterCount")
    if limit is None:
        limit = MULTI_LINE_LIMIT if several_lines else SINGLE_LINE_LIMIT
    if len(answer) > limit:
        raise DeedUnfit(
            f"{name_page(page)} takes at most {limit:g} characters, and these are {len(answer)}"
        )
    if not several_lines and len(answer.splitlines()) > 1:
        raise DeedUnfit(f"{name_page(page)} takes a single line")
    _check_pattern(page, text_in(options, "regex"), answer)
    return answer


def _check_pattern(page: JsonObject, pattern: str | None, text: str) -> None:
    """Refuse a text that does not fit; a pattern nobody here can read is not held against it."""
    verdict = try_pattern(pattern, text) if pattern else "fits"
    if verdict == "differs":
        raise DeedUnfit(
            f"{name_page(page)} takes what fits {str(pattern)[:200]!r}, and {text[:64]!r} does not"
        )
    if verdict == "too slow":
        raise DeedUnfit(f"{name_page(page)} has a regex that takes too long: {str(pattern)[:200]}")
