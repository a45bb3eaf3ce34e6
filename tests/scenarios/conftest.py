"""After every scenario, its log at DEBUG is searched for what must never be in a log."""

import base64
import re

import pytest


def said_and_named(apple):
    """Give every text said in a scenario, and every customer's opaque ID."""
    for customer in apple.web.get(f"{apple.url}/customers").json()["customers"]:
        yield customer["id"]
        url = f"{apple.url}/customers/{customer['name']}/transcript"
        for entry in apple.web.get(url).json()["entries"]:
            if entry.get("body"):
                yield entry["body"]


@pytest.fixture(autouse=True)
def _log_holds_nothing_private(apple, caplog):
    yield
    settings = apple.emulator._parts.settings
    secrets = [base64.b64encode(key).decode() for key in settings.api_secrets]
    log = "\n".join(record.getMessage() for record in caplog.get_records("call"))
    private = [*said_and_named(apple), *secrets, "Bearer ey"]

    found = [words for words in private if re.search(rf"(?<!\w){re.escape(words)}(?!\w)", log)]

    assert found == []
