"""Import what a setting names: an agent, a router, or who does what no server can know."""

import importlib
from typing import TypeVar

from msp_server.errors import ConfigurationError, Fault

T = TypeVar("T")


def load(reference: str, setting: str, *kinds: type[T]) -> T:
    """Import a value of one of several kinds.

    Args:
        reference: `module:attribute`.
        setting: what names it, for the fault.
        kinds: what it may be.

    Raises:
        ConfigurationError: it cannot be imported, or is something else.
    """
    names = " or ".join(kind.__name__ for kind in kinds)
    cure = f"enter module:attribute of {names}, importable from this directory"
    module_name, _, attribute = reference.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:
        problem = f"cannot be imported: {type(error).__name__}: {error}"
        raise ConfigurationError([Fault(setting, problem, cure)]) from error
    if not isinstance(found, kinds):
        raise ConfigurationError([Fault(setting, f"{reference} is no {names}", cure)])
    return found
