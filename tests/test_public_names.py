"""The names an agent's author needs."""

import inspect
import subprocess
import sys
from pathlib import Path

import msp_server

ROOT = Path(__file__).parents[1]


def test_all_is_sorted_and_complete():
    public = {
        name
        for name, value in vars(msp_server).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert msp_server.__all__ == sorted(msp_server.__all__)
    assert set(msp_server.__all__) == public


def test_every_name_stands_in_the_readme():
    readme = (ROOT / "README.md").read_text()

    assert [name for name in msp_server.__all__ if name not in readme] == []


def test_importing_the_names_loads_neither_web_nor_store_nor_network():
    loaded = subprocess.run(
        [sys.executable, "-c", "import msp_server, sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert {"flask", "sqlalchemy", "requests", "waitress"} & set(loaded) == set()
