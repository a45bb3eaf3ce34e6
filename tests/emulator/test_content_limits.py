from dataclasses import replace
from datetime import date
from pathlib import Path

from msp_server.emulator import content_limits
from msp_server.emulator.content_limits import Limit, Rule

RULES = [value for value in vars(content_limits).values() if isinstance(value, Rule)]


def test_every_rule_has_a_name_and_a_source():
    assert all(rule.name and rule.source for rule in RULES)
    assert len(RULES) > 40


def test_every_limit_has_a_value_and_a_unit():
    limits = [rule for rule in RULES if isinstance(rule, Limit)]

    assert all(limit.value > 0 and limit.unit for limit in limits)


def test_rules_of_one_name_are_one_rule():
    names = [replace(rule, value=0) if isinstance(rule, Limit) else rule for rule in RULES]

    assert len(set(names)) == len({rule.name for rule in RULES})


def test_what_holds_since_a_day_says_so():
    assert content_limits.TEXT.since == date(2026, 8, 21)
    assert content_limits.IDENTIFIER.since is None


def test_what_apple_says_is_not_a_vendors():
    apples = [rule for rule in RULES if rule.source.startswith(("MSP REST API", "MSP API"))]

    assert apples
    assert not any(rule.vendor for rule in apples)


def test_limit_speaks_with_its_unit():
    assert content_limits.IMAGE.words == "200,000 bytes"


def test_every_rule_is_used():
    room = Path(content_limits.__file__).parent
    code = "".join(file.read_text() for file in room.glob("*.py") if file.stem != "content_limits")
    names = [name for name, value in vars(content_limits).items() if isinstance(value, Rule)]

    assert [name for name in names if f"limits.{name}" not in code] == []
