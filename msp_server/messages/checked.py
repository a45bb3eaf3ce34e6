"""Checked values: what can be said is a frozen dataclass that tells its faults in our words."""

import functools
import re
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, fields, is_dataclass
from typing import (
    Annotated,
    Any,
    Final,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from msp_server.errors import ContentInvalid
from msp_server.messages.limits import Authority, Limit
from msp_server.messages.raw import JsonObject

T = TypeVar("T")

_FIELD: Final = re.compile(r"[a-z_0-9]+")
#: Choices of a union that pydantic puts into a path, and that look like fields.
_CHOICES: Final = frozenset({"str", "select", "picker", "input"})


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def checked(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass whose fields are checked when a value is made.

    A value that does not hold raises `ContentInvalid`, which names the field. Lists become
    tuples, so that nothing of a value changes afterwards.
    """
    made: Any = dataclass(frozen=True, config=ConfigDict(extra="forbid"))(cls)
    init: Callable[..., None] = made.__init__
    names = [each.name for each in fields(made) if each.init and not each.kw_only]

    @functools.wraps(init)
    def checking_init(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - any field
        try:
            init(self, *args, **kwargs)
        except ValidationError as error:
            raise translate(error, cls.__name__, names) from None

    made.__init__ = checking_init
    result: type[T] = made
    return result


def build(cls: type[T], values: JsonObject) -> T:
    """Make a value from JSON, with the same names as in Python.

    Raises:
        ContentInvalid: with the path to the field at fault.
    """
    try:
        return TypeAdapter(cls).validate_python(values)
    except ValidationError as error:
        raise translate(error, cls.__name__) from None


def translate(error: ValidationError, path: str, positional: Sequence[str] = ()) -> ContentInvalid:
    """Turn the first fault that pydantic found into an error of ours.

    Args:
        error: what pydantic found.
        path: names the value that was to be made.
        positional: the fields that were given by position, which pydantic only counts.
    """
    fault = error.errors()[0]
    location = fault["loc"]
    if location and isinstance(location[0], int) and location[0] < len(positional):
        location = (positional[location[0]], *location[1:])
    field_path = _joined(location)
    inner = fault.get("ctx", {}).get("error")
    if isinstance(inner, ContentInvalid):
        found = inner.inside(field_path) if field_path else inner
    elif fault["type"] == "union_tag_invalid":  # what pydantic says of it quotes the value
        found = ContentInvalid("is none of the types there are", field=field_path)
    elif fault["type"] == "unexpected_keyword_argument":  # the path has no room for any name
        found = ContentInvalid("is no field there is", field=field_path, value=fault["loc"][-1])
    else:
        found = ContentInvalid(fault["msg"][:1].lower() + fault["msg"][1:], field=field_path)
    return found.inside(path)


def require_reported(value: object) -> None:
    """Check what only vendors report, in a value and all that it holds.

    Raises:
        ContentInvalid: with the path to the field at fault.
    """
    for path, limit, each in _limited(value, type(value).__name__):
        if limit.said_by is Authority.VENDOR:
            limit.check(each, path)


def set_field(value: object, name: str, to: object) -> None:
    """Set a field of a frozen value that is being made."""
    object.__setattr__(value, name, to)


def _joined(location: Sequence[int | str]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _FIELD.fullmatch(part) and part not in _CHOICES:
            path += f".{part}" if path else part
    return path


def _limited(value: object, path: str) -> Iterator[tuple[str, Limit, object]]:
    """Give every limited value that lies in another, with its path."""
    if isinstance(value, tuple | list):
        for place, each in enumerate(value):
            yield from _limited(each, f"{path}[{place}]")
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            inner, inner_path = getattr(value, each.name), f"{path}.{each.name}"
            for limit in _limits(type(value)).get(each.name, ()):
                yield inner_path, limit, inner
            yield from _limited(inner, inner_path)


@functools.cache
def _limits(cls: type) -> dict[str, tuple[Limit, ...]]:
    """Give the limits in the annotations of a class."""
    hints = get_type_hints(cls, include_extras=True)
    return {name: tuple(_limits_in(hint)) for name, hint in hints.items()}


def _limits_in(hint: Any) -> Iterator[Limit]:  # noqa: ANN401 - an annotation can be anything
    if get_origin(hint) is Annotated:
        inner, *metadata = get_args(hint)
        yield from (each for each in metadata if isinstance(each, Limit))
        yield from _limits_in(inner)
    elif get_origin(hint) in (Union, types.UnionType):  # the first where a part is Annotated
        for choice in get_args(hint):
            yield from _limits_in(choice)
