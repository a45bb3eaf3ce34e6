"""Documents say what is so."""

import dataclasses
import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client.metrics import MetricWrapperBase

import msp_server
from msp_server import metrics
from msp_server.__main__ import main
from msp_server.agents.pictures import KETTLE
from msp_server.app import create_app, open_store_of
from msp_server.delivery.equipping import Equipping
from msp_server.messages.content import AnswerableContent, OutboundContent
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import new_message_id
from msp_server.messages.invitation import Invitation
from msp_server.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *(ROOT / "msp_server").rglob("*.md")]
NO_VARIABLES_OF_OURS = {"HTTPS_PROXY", "https_proxy", "CSP_ID", "BIZ_ID"}


def tables(heading):
    """Give the rows of each table under a heading of README."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split(" | ")] for line in rows.splitlines()[2:]]
        for rows in found
    ]


def table(heading):
    """Give the rows of the first table under a heading of README."""
    return tables(heading)[0]


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
    settings = dataclasses.replace(settings, agent_secret="whsec_x", agent_token="t" * 32)
    with closing(open_store_of(settings)) as store:
        rules = create_app(settings, store).url_map.iter_rules()
    routes = {
        f"{method} {rule.rule}" for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}
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
        "migrate",
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


def kinds_in(cells):
    """Give the first name that each cell shows as code."""
    return {re.match(r"`(\w+)", cell)[1] for cell in cells if cell}


def test_kinds_to_send_in_readme_are_those_there_are():
    sent = [row[1] for row in tables("Messages")[0]]

    assert kinds_in(sent) == {kind.__name__ for kind in get_args(OutboundContent)}


def test_kinds_to_answer_in_readme_are_those_there_are():
    back = [row[2] for row in tables("Messages")[0] if len(row) > 2]
    unasked = [row[1] for row in tables("Messages")[1]]

    assert kinds_in([*back, *unasked]) == {kind.__name__ for kind in get_args(AnswerableContent)}


@pytest.mark.parametrize("row", tables("Messages")[0], ids=lambda row: row[1][1:12])
def test_line_of_code_in_readme_makes_a_message_that_holds(row):
    names = vars(msp_server) | {
        "Path": Path,
        "Decimal": Decimal,
        "picture": KETTLE,
        "noon": datetime(2031, 3, 22, 12, tzinfo=UTC),
    }

    content = eval(row[1].strip("`"), names)  # noqa: S307 - README's own line

    to = "tel:+15550100" if isinstance(content, Invitation) else "urn:mbid:a"
    equipped, _ = Equipping(Settings.from_environment({}), bytes(32)).equip(content, None)
    message = OutboundMessage(new_message_id(), "business", to, equipped, automated=True)
    assert message.to_wire()
    message.require_reported()


def test_fields_of_answers_in_readme_are_those_there_are():
    cells = [row[2] for row in tables("Messages")[0] if row[2:] and row[2]]
    cells += [f"{row[1]}: {row[2]}" for row in tables("Messages")[1]]

    for cell in cells:
        kind, *names = re.findall(r"`(\w+)[^`]*`", cell)
        for name in names:
            known = {*dir(getattr(msp_server, kind)), *named_fields(getattr(msp_server, kind))}
            assert name in known | set(msp_server.__all__), cell


def named_fields(kind):
    return {each.name for each in dataclasses.fields(kind)}


def test_metrics_in_readme_are_those_there_are():
    section = README.split("\n### Metrics\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(\w+)` )?\| ", section, re.MULTILINE)

    declared = [
        (each._name + ("_total" if each._type == "counter" else ""), "".join(each._labelnames))
        for each in vars(metrics).values()
        if isinstance(each, MetricWrapperBase)
    ]
    assert rows == declared


def test_each_clause_of_the_promise_names_tests_that_are_there():
    for clause, proofs in table("The promise"):
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proofs)
        assert named, clause
        for file, test in named:
            assert f"\ndef {test}(" in (ROOT / file).read_text(), test
