"""For the tests of what is said: a message that is about to be stored, and copies of one spoilt."""

import copy

import pytest

from msp_server.messages.envelope import OutboundMessage

JUNK = (None, True, -1, 5, 10**400, 1e999, "", "x", "\ud800", [], [None], [[]], [5], {}, {"x": 5})


def _require_reported(content, customer_id="urn:mbid:a"):
    OutboundMessage("id", "business", customer_id, content, automated=True).require_reported()


def _spoil_each(valid):
    for path in _paths(valid):
        for junk in JUNK:
            spoilt = copy.deepcopy(valid)
            inner = spoilt
            for part in path[:-1]:
                inner = inner[part]
            inner[path[-1]] = junk
            yield spoilt


def _paths(value, before=()):
    places = value.items() if isinstance(value, dict) else enumerate(value)
    for place, inner in places:
        yield (*before, place)
        if isinstance(inner, dict | list):
            yield from _paths(inner, (*before, place))


@pytest.fixture
def require_reported():
    """Give the check of what only vendors report, as an answer meets it before it is stored."""
    return _require_reported


@pytest.fixture
def spoil_each():
    """Give a function that yields copies of a JSON value, with junk in one place of each."""
    return _spoil_each
