from dataclasses import fields
from pathlib import Path
from typing import get_args

from msp_server import emulator
from msp_server.emulator.fault_kinds import KINDS, Deed, Endpoint
from msp_server.emulator.faults import Fault

README = Path(emulator.__file__).with_name("README.md").read_text("utf-8")


def test_every_deed_has_a_kind_that_says_what_it_does():
    assert tuple(KINDS) == get_args(Deed)
    assert all(kind.says and kind.endpoints for kind in KINDS.values())


def test_something_can_happen_at_every_endpoint():
    places = {endpoint for kind in KINDS.values() for endpoint in kind.endpoints}

    assert places == set(get_args(Endpoint))


def test_kinds_name_fields_that_a_fault_has():
    known = {each.name for each in fields(Fault)}

    assert {name for kind in KINDS.values() for name in kind.fields} < known


def test_readme_has_a_row_for_every_kind():
    rows = [line.split("|")[1:3] for line in README.splitlines() if line.startswith("| `")]
    told = {do.strip(" `"): places for do, places in rows if do.strip(" `") in KINDS}

    assert told.keys() == set(KINDS)
    for do, kind in KINDS.items():
        if "the same" not in told[do]:
            assert all(f"`{endpoint}`" in told[do] for endpoint in kind.endpoints), do
