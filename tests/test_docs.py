"""Documents say what is so."""

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from msp_server.__main__ import main
from msp_server.app import create_app, open_store_of
from msp_server.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *(ROOT / "msp_server").rglob("*.md")]
NO_VARIABLES_OF_OURS = {"HTTPS_PROXY", "https_proxy", "CSP_ID", "BIZ_ID"}


def table(heading):
    """Give the rows of the first table under a heading of README."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line[:2] == "| "]
    return [[cell.strip() for cell in row] for row in rows[1:]]


class Recorder(dict):
    """An environment that remembers which variables were asked for."""

    def __init__(self):
        super().__init__()
        self.asked = set()

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


def settings_read():
    recorder = Recorder()
    Settings.from_environment(recorder)
    return recorder.asked - NO_VARIABLES_OF_OURS


def settings_of_example():
    lines = (ROOT / "config.example.env").read_text().splitlines()
    return dict(line[1:].split("=", 1) for line in lines if re.match(r"#[A-Z_]+=", line))


def test_settings_are_those_of_config_example_env():
    assert settings_read() == settings_of_example().keys()


def test_settings_are_those_of_readme_in_the_same_order():
    rows = table("Settings")

    assert [row[0].strip("`") for row in rows] == list(settings_of_example())


def test_defaults_of_config_example_env_and_readme_are_the_same():
    rows = {row[0].strip("`"): row[2] if len(row) > 2 else "" for row in table("Settings")}

    for name, default in settings_of_example().items():
        if default and name != "MSP_GATEWAY":
            assert rows[name] == f"`{default}`"


def test_defaults_of_config_example_env_are_those_of_the_settings(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    written = {name: value for name, value in settings_of_example().items() if value}

    given = Settings.from_environment(written)

    assert given == Settings.from_environment({})


def test_routes_are_those_of_the_app(settings):
    with closing(open_store_of(settings)) as store:
        rules = create_app(settings, store).url_map.iter_rules()
    routes = {
        f"{method} {rule.rule}"
        for rule in rules
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }

    assert {row[0].strip("`") for row in table("Routes")} == routes


def test_commands_are_those_of_the_command_line():
    assert [row[0].strip("`") for row in table("Commands")] == [
        "run",
        "serve",
        "worker",
        "emulator",
        "send",
        "messages",
        "exercise",
        "check",
    ]
    assert {row[0].strip("`") for row in table("Commands")} == main.commands.keys()


def test_exercises_are_those_there_are():
    names = [re.match(r"\[(\w+)\]", row[0])[1] for row in table("Exercises")]

    files = sorted((ROOT / "msp_server" / "exercises").glob("[0-9]*.py"))
    assert names == [file.stem for file in files]


def test_make_targets_that_documents_name_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for document in DOCUMENTS:
        named = set(re.findall(r"(?:`|^)make ([a-z]+)", document.read_text(), re.MULTILINE))
        assert named <= targets, document


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(document):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_blocks_run(document, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)

    subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        check=True,
    )


def test_kinds_to_answer_in_readme_are_those_there_are():
    named = {row[1].strip("`") for row in table("Your own agent in ten lines")}

    assert named == {"Text", "Close", "Unknown"}
