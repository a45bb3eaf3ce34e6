import pytest

from msp_server.emulator import patterns
from msp_server.emulator.patterns import try_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "verdict"),
    [
        (r"[0-9]{5}", "12345", "fits"),
        (r"[0-9]{5}", "123456", "differs"),
        (r"[^@]+@[^@]+", "a@example.com", "fits"),
        ("ä.", "ä\ud800", "fits"),
        (r"[", "x", "unreadable"),
        (r"(" * 2_000, "x", "unreadable"),
    ],
)
def test_pattern_is_tried_on_the_whole_text(pattern, text, verdict):
    assert try_pattern(pattern, text) == verdict


def test_pattern_that_would_take_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr(patterns, "LIMIT_S", 0.3)

    assert try_pattern("(a+)+b", "a" * 60) == "too slow"


def test_pattern_cannot_be_tried_without_a_process(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    assert try_pattern("a", "a") == "unreadable"
