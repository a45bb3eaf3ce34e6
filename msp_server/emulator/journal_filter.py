"""Which exchanges of the journal a reader wants, by what the query says."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, get_args

from msp_server.emulator.journal import Direction, Exchange

Fits: TypeAlias = Callable[[Exchange], bool]

#: Texts that are longer are not searched: pictures in Base64.
SEARCHED_LIMIT: Final = 20_000
#: What the query may say.
KEYS: Final = ("direction", "customer", "kind", "status", "text")
_STATUS: Final = re.compile(r"[1-5](xx|[0-9][0-9])|none")


class FilterUnfit(Exception):
    """A filter that nothing can fit; the text is a sentence that says why."""


def make_filter(query: Mapping[str, str]) -> Fits:
    """Make the test that an exchange has to pass.

    Raises:
        FilterUnfit: the query cannot be understood.
    """
    direction, status = query.get("direction"), query.get("status")
    customer, kind = query.get("customer"), query.get("kind")
    if direction not in {None, *get_args(Direction)}:
        raise FilterUnfit(f"direction has to be one of {', '.join(get_args(Direction))}")
    if status is not None and not _STATUS.fullmatch(status):
        raise FilterUnfit("status has to be one such as 403, a class such as 4xx, or none")
    wanted = query.get("text", "").casefold()
    return lambda exchange: (
        direction in {None, exchange.direction}
        and customer in {None, exchange.customer}
        and kind in {None, exchange.kind}
        and (status is None or _has_status(exchange, status))
        and (not wanted or any(wanted in text.casefold() for text in _texts(exchange)))
    )


def _has_status(exchange: Exchange, status: str) -> bool:
    if exchange.status is None:
        return status == "none"
    return status in {str(exchange.status), f"{exchange.status // 100}xx"}


def _texts(exchange: Exchange) -> Iterator[str]:
    """Give every text that the page shows of an exchange."""
    for shown in (exchange.method, exchange.url, exchange.kind, exchange.reason, exchange.rule):
        yield shown or ""
    yield from _inside(exchange.headers)
    yield from _inside(exchange.jwt)
    yield from _inside(exchange.fields)
    if exchange.answer:
        yield from _inside(exchange.answer.headers)
        yield from _inside(exchange.answer.fields)
        yield exchange.answer.text or ""


def _inside(value: object) -> Iterator[str]:
    """Give every key and value, at any depth, that is not too long."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _inside(inner)
    elif value is not None:
        text = str(value)
        if len(text) <= SEARCHED_LIMIT:
            yield text
