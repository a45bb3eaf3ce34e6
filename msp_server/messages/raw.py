"""What a message looked like before we understood it."""

from dataclasses import field
from typing import Any

#: What a JSON object becomes.
JsonObject = dict[str, Any]


def raw_fields() -> JsonObject:
    """Declare the field `raw` of a content: what came, unchanged; empty on what we write."""
    fields: JsonObject = field(default_factory=dict, repr=False, compare=False)
    return fields
