"""The command line."""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from msp_server import Agent, Text
from msp_server.__main__ import main
from msp_server.agents.pictures import KETTLE
from msp_server.store.opening import open_store
from msp_server.store.schema import SCHEMA_VERSION
from tests.postgresql import own_schema

ROOT = Path(__file__).parents[1]
COMMANDS = [
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


@pytest.fixture
def variables(settings, apple, monkeypatch):
    """The environment of a user whose server is here."""
    given = {
        "MSP_ID": settings.msp_id,
        "MSP_BUSINESS_ID": settings.business_ids[0],
        "MSP_SECRET": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "MSP_GATEWAY": f"{apple.url}/v1",
        "MSP_DATA_DIR": str(settings.data_dir),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


@pytest.fixture
def environment(msp, variables):
    """The environment of a user whose server is `msp`."""
    return variables


def call(*arguments, given=None):
    """Call a command, perhaps with something on its standard input."""
    return CliRunner().invoke(main, arguments, input=given)


QUICK = {"kind": "QuickReply", "summary": "Was that quick?", "items": ["Yes", "No"]}


@pytest.fixture
def held(variables, apple, start_msp, wait_for):
    """Let a customer have asked for a person, and have written since; give the conversation."""
    agent = Agent("front desk")

    @agent.on(Text)
    def hand_over(text, conversation):
        conversation.hand_over("\x1b[31m\x07billing", note="wants\x07 a refund")
        return Text(f"A person comes: {text.body}")

    with start_msp(agent) as msp:
        apple.phone().text("a person, please")
        apple.phone().wait_for_bodies(1)
        wait_for(lambda: msp.store.conversations.newest().desk)
        apple.phone().text("hello?")
        yield msp.store.conversations.newest()


def test_help_names_every_command():
    answer = call("--help")

    assert all(f"\n  {command} " in answer.output for command in COMMANDS)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "emulator"])
def test_every_command_has_help(command):
    answer = call(command, "--help")

    assert answer.exit_code == 0
    assert "Usage:" in answer.output


def test_emulators_help_is_the_emulators():
    done = subprocess.run(
        [sys.executable, "-m", "msp_server", "emulator", "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "--msp" in done.stdout


def test_faults_are_told_together_without_a_traceback(monkeypatch):
    monkeypatch.setenv("MSP_PORT", "many")
    monkeypatch.setenv("MSP_GATEWAY", "nowhere")

    answer = call("check")

    assert answer.exit_code == 1
    assert "MSP_PORT" in answer.output
    assert "MSP_GATEWAY" in answer.output
    assert "MSP_SECRET" in answer.output


def test_check_names_a_certificate_that_is_of_no_use(environment, monkeypatch, tmp_path):
    monkeypatch.setenv("MSP_APPLE_PAY_CERTIFICATE", str(tmp_path / "merchant.pem"))

    missing = call("check")
    (tmp_path / "merchant.pem").write_text("no certificate")
    unfit = call("check")

    for answer in (missing, unfit):
        assert answer.exit_code == 1
        assert "MSP_APPLE_PAY_CERTIFICATE" in answer.output
    assert missing.output != unfit.output


def test_check_says_what_the_settings_come_to_and_no_secret(environment):
    answer = call("check")

    assert answer.exit_code == 0
    assert "settings are fit" in answer.output
    assert environment["MSP_SECRET"] not in answer.output


def test_send_goes_to_the_customer_who_wrote_last(environment, apple, msp):
    apple.phone("ben").text("hello")
    apple.phone("ben").wait_for_bodies(1)

    answer = call("send", "from the desk")

    assert "accepted by the gateway" in answer.output
    assert apple.phone("ben").bodies() == ["hello", "from the desk"]
    assert apple.phone("ben").entries()[1]["auto_reply"] is None


def test_send_goes_to_the_customer_it_names(environment, apple):
    answer = call("send", "from the desk", "--to", apple.phone().id)

    assert answer.exit_code == 0
    assert apple.phone().bodies() == ["from the desk"]


def test_send_sends_by_itself_when_no_server_runs(apple, environment, monkeypatch, tmp_path):
    monkeypatch.setenv("MSP_DATA_DIR", str(tmp_path / "other"))

    answer = call("send", "from the desk", "--to", apple.phone().id)

    assert answer.exit_code == 0
    assert apple.phone().bodies() == ["from the desk"]


def test_send_tells_why_a_message_was_buried(environment):
    answer = call("send", "hello", "--to", "urn:mbid:nobody")

    assert answer.exit_code == 1
    assert "404" in answer.output
    assert "Destination-Id" in answer.output


def test_send_says_that_it_still_waits(environment, apple, monkeypatch):
    monkeypatch.setattr("msp_server.__main__._SEND_LIMIT_S", 0.3)
    apple.fault("status", status=503, count=100)

    answer = call("send", "hello", "--to", apple.phone().id)

    assert answer.exit_code == 0
    assert "still waiting" in answer.output


def test_send_without_anybody_to_send_to_says_so(environment):
    answer = call("send", "hello")

    assert answer.exit_code == 1
    assert "--to" in answer.output


def test_send_to_a_customer_who_has_left_is_refused(environment, apple, msp):
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)
    apple.phone().close()

    answer = call("send", "come back", "--to", apple.phone().id)

    assert answer.exit_code == 1
    assert "closed" in answer.output


def test_send_goes_to_nobody_who_has_left(environment, apple, msp):
    apple.phone().text("hello")
    apple.phone("ben").text("hello")
    apple.phone("ben").close()
    apple.phone().wait_for_bodies(1)

    answer = call("send", "from the desk")

    assert answer.exit_code == 0
    assert apple.phone().bodies() == ["hello", "from the desk"]


# Any content


def test_send_sends_json_from_a_file(environment, apple, tmp_path):
    (tmp_path / "quick.json").write_text(json.dumps(QUICK))

    answer = call("send", "--to", apple.phone().id, "--json", str(tmp_path / "quick.json"))

    assert "accepted by the gateway" in answer.output
    assert [entry["shows"] for entry in apple.phone().entries()] == ["quick_reply"]


def test_send_sends_json_from_its_standard_input(environment, apple):
    answer = call("send", "--to", apple.phone().id, "--json", "-", given=json.dumps(QUICK))

    assert answer.exit_code == 0
    assert [entry["shows"] for entry in apple.phone().entries()] == ["quick_reply"]


def test_send_sends_interactive_data_as_it_is(environment, apple):
    call("send", "--to", apple.phone().id, "--json", "-", given=json.dumps(QUICK))
    first = json.loads(call("messages", "--json").output)["fields"]
    again = json.dumps({"interactiveData": first["interactiveData"]})

    answer = call("send", "--to", apple.phone().id, "--json", "-", given=again)

    assert answer.exit_code == 0
    assert [entry["shows"] for entry in apple.phone().entries()] == ["quick_reply"] * 2


@pytest.mark.parametrize("given", ["", "{", "nothing", b"\xff", "[" * 100_000])
def test_send_tells_what_is_no_json(environment, apple, given):
    answer = call("send", "--to", apple.phone().id, "--json", "-", given=given)

    assert answer.exit_code == 2
    assert "--json holds no JSON" in answer.output
    assert apple.phone().entries() == []


def test_send_tells_that_json_is_too_large(environment, monkeypatch):
    monkeypatch.setattr("msp_server.__main__._JSON_LIMIT_BYTES", len(json.dumps(QUICK)) - 1)

    answer = call("send", "--to", "urn:mbid:x", "--json", "-", given=json.dumps(QUICK))

    assert answer.exit_code == 2
    assert "--json measures more than" in answer.output


@pytest.mark.parametrize("given", ["[]", "7", "null", '"Text"'])
def test_send_tells_that_json_has_to_be_an_object(environment, given):
    answer = call("send", "--to", "urn:mbid:x", "--json", "-", given=given)

    assert answer.exit_code == 2
    assert "--json has to hold an object" in answer.output


@pytest.mark.parametrize("kind", ["Hologram", "Close", "", None, 7, ["Text"]])
def test_send_names_the_kinds_there_are(environment, kind):
    answer = call("send", "--to", "urn:mbid:x", "--json", "-", given=json.dumps({"kind": kind}))

    assert answer.exit_code == 1
    assert "kind names no kind; there are Text, RichLink, QuickReply" in answer.output


def test_send_names_the_field_that_is_unfit(environment):
    unfit = json.dumps({**QUICK, "items": ["Yes", {"title": ""}]})

    answer = call("send", "--to", "urn:mbid:x", "--json", "-", given=unfit)

    assert answer.exit_code == 1
    assert "QuickReply.items" in answer.output


def test_send_opens_no_file_that_json_names(environment, tmp_path):
    (tmp_path / "private.txt").write_text("private")
    text = {"kind": "Text", "body": "See", "attachments": [str(tmp_path / "private.txt")]}

    answer = call("send", "--to", "urn:mbid:x", "--json", "-", given=json.dumps(text))

    assert answer.exit_code == 1
    assert "Text.attachments" in answer.output


def test_send_sends_a_text_with_files(environment, apple, tmp_path):
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(KETTLE.data)
    files = [part for name in ("one.png", "two.png") for part in ("--file", str(tmp_path / name))]

    answer = call("send", "Two kettles", "--to", apple.phone().id, *files)

    assert "accepted by the gateway" in answer.output
    [entry] = apple.phone().entries()
    assert [file["name"] for file in entry["attachments"]] == ["one.png", "two.png"]


def test_send_sends_a_file_without_words(environment, apple, tmp_path):
    (tmp_path / "one.png").write_bytes(KETTLE.data)

    answer = call("send", "--to", apple.phone().id, "--file", str(tmp_path / "one.png"))

    assert answer.exit_code == 0
    assert len(apple.phone().entries()) == 1


def test_send_tells_which_file_is_not_there(environment, tmp_path):
    answer = call("send", "Look", "--to", "urn:mbid:x", "--file", str(tmp_path / "gone.png"))

    assert answer.exit_code == 2
    assert "gone.png" in answer.output


def test_send_tells_that_a_file_is_empty(environment, tmp_path):
    (tmp_path / "empty.png").touch()

    answer = call("send", "Look", "--to", "urn:mbid:x", "--file", str(tmp_path / "empty.png"))

    assert answer.exit_code == 1
    assert "is empty" in answer.output


def test_send_of_nothing_says_what_to_give(environment):
    answer = call("send", "--to", "urn:mbid:x")

    assert answer.exit_code == 2
    assert "give a text, --file PATH, or --json FILE" in answer.output


@pytest.mark.parametrize("with_file", [True, False])
def test_send_takes_a_text_or_json_and_not_both(environment, tmp_path, with_file):
    (tmp_path / "one.png").write_bytes(KETTLE.data)
    also = ["--file", str(tmp_path / "one.png")] if with_file else ["words"]

    answer = call("send", "--to", "urn:mbid:x", "--json", "-", *also, given=json.dumps(QUICK))

    assert answer.exit_code == 2
    assert "not both" in answer.output


def test_send_writes_choices_out_where_the_device_cannot_show_them(environment, apple, msp):
    phone = apple.phone("old", device="iphone-2018")
    phone.text("hello")
    phone.wait_for_bodies(1)

    call("send", "--to", phone.id, "--json", "-", given=json.dumps(QUICK))

    assert phone.bodies()[1] == "Was that quick?\n1. Yes\n2. No"
    assert msp.store.conversations.find(phone.id).offer


def test_send_tells_that_the_device_cannot_show_it(environment, apple, msp):
    page = {"title": "Product", "subtitle": "Which one?", "items": ["Kettle"]}
    form = {"kind": "Form", "received": "Fault", "pages": [{"type": "select", **page}]}
    phone = apple.phone("old", device="iphone-2018")
    phone.text("hello")
    phone.wait_for_bodies(1)

    answer = call("send", "--to", phone.id, "--json", "-", given=json.dumps(form))

    assert answer.exit_code == 1
    assert "lacks FORM" in answer.output


def test_send_invites_the_owner_of_a_telephone_number(environment, apple):
    invitation = {"kind": "Invitation", "brand": "Shop", "reference": "order-1"}
    number = apple.web.get(f"{apple.url}/customers/ava").json()["phone_number"]

    answer = call("send", "--to", number, "--json", "-", given=json.dumps(invitation))

    assert "accepted by the gateway" in answer.output
    assert [entry["shows"] for entry in apple.phone().entries()] == ["invitation"]


def test_send_says_that_a_telephone_number_takes_invitations_alone(environment):
    answer = call("send", "hello", "--to", "tel:+15550100")

    assert answer.exit_code == 1
    assert "invitation" in answer.output


# A desk that has the conversation


@pytest.mark.parametrize("spell", [str, str.upper])
def test_send_goes_to_the_conversation_it_names(held, apple, spell):
    answer = call("send", "Hello, this is Kim.", "--to", spell(held.id))

    assert answer.exit_code == 0
    assert apple.phone().bodies()[-1] == "Hello, this is Kim."


def test_messages_shows_what_is_held(held):
    lines = call("messages").output.splitlines()

    assert [line for line in lines if " HELD " in line] == lines[-1:]


def test_messages_of_a_conversation_says_whose_it_is_and_for_whom_it_is_held(held):
    shown = call("messages", "--conversation", held.id).output

    assert f"conversation {held.id}\ncustomer     {held.customer_id}\nheld for " in shown
    assert "wants  a refund" in shown


def test_messages_of_a_conversation_has_nothing_of_others(held, apple):
    apple.phone("ben").text("this is ben")
    apple.phone("ben").wait_for_bodies(1)

    for name in (held.id, held.customer_id):
        records = call("messages", "--json", "--conversation", name).output.splitlines()
        assert {json.loads(line)["conversation_id"] for line in records} == {held.id}


@pytest.mark.parametrize("odd", ["\udcff", "\udcff\0"])
def test_arguments_that_are_no_text_are_told_in_words(environment, odd):
    answers = [
        call("messages", "--conversation", odd),
        call("send", "hello", "--to", odd),
        call("send", odd, "--to", "urn:mbid:x"),
    ]

    assert [answer.exit_code for answer in answers] == [1, 1, 1]
    assert all(answer.output.startswith("Error: ") for answer in answers)


@pytest.mark.parametrize("name", ["nobody", "urn:mbid:%", ""])
def test_messages_of_an_unknown_conversation_says_where_to_look(environment, name):
    answer = call("messages", "--conversation", name)

    assert answer.exit_code == 1
    assert "no such conversation" in answer.output


def test_send_gives_a_conversation_back(held, apple):
    answer = call("send", "--to", held.id, "--give-back")

    assert "messages that go to the agent: 1" in answer.output
    assert apple.phone().wait_for_bodies(2)[1] == "A person comes: hello?"


def test_send_gives_back_after_its_text(held, apple):
    answer = call("send", "All is well.", "--to", held.id, "--give-back")

    assert "accepted by the gateway" in answer.output
    assert "messages that go to the agent: 0" in answer.output
    assert apple.phone().bodies()[1:] == ["All is well."]


def test_send_cannot_give_back_what_the_agent_has(environment, apple, msp):
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    answer = call("send", "--to", apple.phone().id, "--give-back")

    assert answer.exit_code == 1
    assert "nothing to give back" in answer.output


def test_send_says_nothing_where_there_is_nothing_to_give_back(environment, apple, msp):
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    answer = call("send", "All is well.", "--to", apple.phone().id, "--give-back")

    assert answer.exit_code == 1
    assert apple.phone().bodies() == ["hello"]
    assert len(msp.store.history.newest(10)) == 3


def test_no_control_character_reaches_the_terminal(held, apple):
    apple.phone().text("\x1b[2J\x07\u202e\x9b")
    shown = [
        call("messages"),
        call("messages", "--conversation", held.id),
        call("messages", "--json"),
        call("send", "--to", held.id, "--give-back"),
    ]

    assert all(line.isprintable() for answer in shown for line in answer.output.splitlines())


# What was fetched


def test_messages_shows_what_was_fetched(environment, apple, msp, wait_for):
    apple.phone().files(("kettle.png", "image/png", KETTLE.data))
    wait_for(lambda: [each.state for each in msp.store.fetches.newest(1)] == ["FETCHED"])

    [line] = call("messages", "attachments").output.splitlines()

    assert f"FETCHED  kettle.png {len(KETTLE.data)} bytes" in line
    assert Path(line.split()[-1]).read_bytes() == KETTLE.data


def test_messages_shows_what_was_fetched_as_json(environment, apple, msp, wait_for):
    apple.phone().files(("kettle.png", "image/png", KETTLE.data))
    wait_for(lambda: [each.state for each in msp.store.fetches.newest(1)] == ["FETCHED"])

    [record] = map(json.loads, call("messages", "attachments", "--json").output.splitlines())

    assert (record["name"], record["state"]) == ("kettle.png", "FETCHED")
    assert Path(record["file"]).read_bytes() == KETTLE.data


def test_messages_says_that_nothing_was_fetched(environment):
    assert call("messages", "attachments").output == "no attachments yet\n"


# Looking at what came and went


def test_messages_shows_both_directions_on_one_line_each(environment, apple):
    apple.phone().text("hello\x1b[31m\nworld")
    apple.phone().wait_for_bodies(1)

    lines = call("messages").output.splitlines()

    assert len(lines) == 3
    assert "ANSWERED Text" in lines[1]
    assert "hello [31m world" in lines[1]
    assert "→" in lines[2]


def test_messages_as_json_has_everything(environment, apple, msp, wait_for):
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)
    wait_for(lambda: msp.store.history.newest(1)[0].state == "SENT")

    records = [json.loads(line) for line in call("messages", "--json").output.splitlines()]

    assert [record["direction"] for record in records] == ["in", "in", "out"]
    assert records[2]["state"] == "SENT"
    assert records[2]["fields"]["body"] == "hello"
    assert records[2]["customer_id"] == apple.phone().id
    assert records[1]["headers"]["capability-list"].startswith("LIST")


def test_messages_of_an_empty_store_says_so(environment):
    assert call("messages").output == "no messages yet\n"


def test_unknown_exercise_names_those_there_are():
    answer = call("exercise", "99")

    assert answer.exit_code == 1
    assert "03" in answer.output


# The database


def test_migrate_makes_the_database_and_says_its_schema(variables):
    answer = call("migrate")

    assert answer.exit_code == 0
    assert f"msp.db has schema {SCHEMA_VERSION}" in answer.output


def test_migrate_twice_does_no_harm(environment):
    answers = [call("migrate") for _ in range(2)]

    assert {answer.output for answer in answers} == {answers[0].output}


def test_check_opens_no_database_on_sqlite(variables, settings):
    answer = call("check")

    assert answer.exit_code == 0
    assert not (settings.data_dir / "msp.db").exists()


@pytest.fixture
def shared(variables, monkeypatch):
    """Let the store be a PostgreSQL, and give it."""
    with own_schema() as url, closing(open_store(url)) as store:
        monkeypatch.setenv("MSP_DATABASE_URL", url)
        yield store


def test_check_says_how_a_postgresql_stands(shared):
    answer = call("check")

    assert answer.exit_code == 0
    assert re.search(rf"store +PostgreSQL, schema {SCHEMA_VERSION}, [+-]0\.\d s", answer.output)
    assert "workers    none is alive" in answer.output


def test_check_names_the_workers_that_live(shared, settings):
    settings.workers_dir.mkdir(parents=True)
    (settings.workers_dir / "a").touch()
    shared.workers.note("a", "here:1", time.time())

    answer = call("check")

    assert answer.exit_code == 0
    assert "workers    here:1" in answer.output


def test_check_names_a_worker_that_has_another_directory(shared, settings):
    settings.workers_dir.mkdir(parents=True)
    (settings.workers_dir / "a").touch()
    shared.workers.note("a", "here:1", time.time())
    shared.workers.note("b", "there:2", time.time())

    answer = call("check")

    assert answer.exit_code == 1
    assert "worker there:2 has another directory" in answer.output
    assert "worker here:1" not in answer.output


def test_check_says_what_to_do_about_a_postgresql_of_an_older_version(shared, monkeypatch):
    monkeypatch.setattr("msp_server.store.migrating.SCHEMA_VERSION", "9000")

    answer = call("check")

    assert answer.exit_code == 1
    assert "run `python -m msp_server migrate`" in answer.output
