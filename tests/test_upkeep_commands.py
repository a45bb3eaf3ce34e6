"""The commands that look after what is kept."""

import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from msp_server.__main__ import main
from msp_server.app import open_store_of
from msp_server.settings import Settings
from msp_server.store import pruning
from msp_server.upkeep_commands import _Moment
from tests.contract.given import (
    CUSTOMER,
    DAY_S,
    FILE,
    NOW,
    OTHER_CUSTOMER,
    answer,
    answer_all,
    bury,
    close,
    ids,
    receive,
    receive_files,
    reply,
    reply_with_file,
    send_all,
)

DEADLINE_S = 60


@pytest.fixture
def settings():
    return Settings.from_environment()


@pytest.fixture
def store(settings):
    with closing(open_store_of(settings)) as store:
        yield store


def call(*arguments):
    return CliRunner().invoke(main, ["messages", *arguments])


# replay


def test_a_message_that_was_received_is_answered_again(store):
    receive(store, "1")
    bury(store.inbox)

    result = call("replay", "1")

    assert (result.exit_code, result.output) == (0, "message_id=1: is answered again\n")
    assert answer_all(store, time.time()) == ["1"]


def test_a_message_is_sent_again_and_a_second_time_nothing_happens(store):
    store.outbox.put([reply("a")], NOW)
    bury(store.outbox)

    assert call("replay", "a").output == "message_id=a: is sent again\n"
    second = call("replay", "a")

    assert (second.exit_code, second.output) == (0, "message_id=a: it is not buried\n")
    assert send_all(store, time.time()) == ["a"]


def test_several_go_again_and_who_cannot_is_said(store):
    receive(store, "1")
    bury(store.inbox)
    close(store, "2")
    store.outbox.put([reply("b", customer_id=OTHER_CUSTOMER)], NOW)
    bury(store.outbox)

    result = call("replay", "1", "b")

    assert result.exit_code == 1
    assert "message_id=1: the customer closed the conversation" in result.output
    assert "message_id=b: is sent again" in result.output


@pytest.mark.parametrize(("kept", "outcome"), [(True, "is sent again"), (False, "is not there")])
def test_a_message_whose_file_is_gone_is_not_sent_again(store, settings, kept, outcome):
    store.outbox.put([reply_with_file("a")], NOW)
    bury(store.outbox)
    settings.outgoing_dir.mkdir()
    if kept:
        (settings.outgoing_dir / FILE.file).write_bytes(b"data")

    result = call("replay", "a")

    assert result.exit_code == (0 if kept else 1)
    assert outcome in result.output


def test_nobody_replays_what_is_not_there():
    result = call("replay", "no\x1bbody")

    assert result.exit_code == 1
    assert result.output == "Error: no such message: no body\n"


@pytest.mark.parametrize("arguments", [[], ["1", "--all"]])
def test_it_has_to_be_said_what_goes_again(arguments):
    assert call("replay", *arguments).exit_code == 2


def test_everything_goes_again_and_is_counted_by_what_becomes_of_it(store):
    for number in range(3):
        receive(store, f"in {number}")
        bury(store.inbox)
    store.outbox.put([reply("a", customer_id=OTHER_CUSTOMER)], NOW)
    bury(store.outbox)
    receive(store, "of bob", customer_id="urn:mbid:carol")
    bury(store.inbox)
    close(store, "bye", customer_id="urn:mbid:carol")

    first = call("replay", "--all")
    second = call("replay", "--all")

    assert first.exit_code == second.exit_code == 0
    for line in ("1 is sent again", "3 is answered again", "1 the customer closed"):
        assert line in first.output
    assert "again" not in second.output
    assert answer_all(store, time.time()) == ["bye", "in 0", "in 1", "in 2"]


def test_nothing_to_replay():
    assert call("replay", "--all").output == "replayed: nothing\n"


# export


@pytest.fixture
def talk(store):
    """Give a store in which forty messages came and went."""
    for number in range(20):
        receive(store, f"in {number}", NOW + 2 * number)
        answer(store, reply(f"out {number}"), now=NOW + 2 * number + 1)
    return store


TALK = [f"{way} {number}" for number in range(20) for way in ("in", "out")]


def exported(path):
    return [json.loads(line)["message_id"] for line in path.read_text().splitlines()]


def test_the_history_goes_to_standard_output(talk):
    result = call("export")

    assert [json.loads(line)["message_id"] for line in result.stdout.splitlines()] == TALK
    assert result.stderr == "exported 40 messages\n"


def test_the_history_goes_to_a_file_for_its_owner_alone(talk, tmp_path):
    path = tmp_path / "all.jsonl"

    result = call("export", "--output", str(path))

    assert (result.exit_code, result.stdout) == (0, "")
    assert exported(path) == TALK
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_overwritten(talk, tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_text("precious")

    result = call("export", "--output", str(path))

    assert result.exit_code == 1
    assert "--resume" in result.output
    assert path.read_text() == "precious"


def test_an_export_that_was_cut_off_goes_on_and_later_with_what_is_new(talk, tmp_path):
    path = tmp_path / "all.jsonl"
    call("export", "--output", str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    result = call("export", "--output", str(path), "--resume")
    assert result.exit_code == 0
    assert path.read_bytes() == whole

    receive(talk, "new", NOW)
    assert call("export", "--output", str(path), "--resume").stderr == "exported 1 messages\n"
    assert exported(path) == [*TALK, "new"]


def test_an_export_that_has_not_begun_is_begun(talk, tmp_path):
    path = tmp_path / "all.jsonl"

    call("export", "--output", str(path), "--resume")

    assert exported(path) == TALK


def test_what_is_none_of_an_export_is_not_gone_on_with(talk, tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_text("precious\n")

    result = call("export", "--output", str(path), "--resume")

    assert result.exit_code == 1
    assert "line 1" in result.output
    assert path.read_text() == "precious\n"


def test_a_file_that_cannot_be_written_is_told(talk, tmp_path):
    result = call("export", "--output", str(tmp_path / "nowhere" / "all.jsonl"))

    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_without_a_file_nothing_is_gone_on_with():
    assert call("export", "--resume").exit_code == 2


@pytest.mark.parametrize("since", ["2023-11-14T22:13:55", "2023-11-15T00:13:55+02:00"])
def test_only_what_came_since_is_exported(talk, since):
    lines = call("export", "--since", since).stdout.splitlines()

    assert [json.loads(line)["message_id"] for line in lines] == TALK[35:]


@pytest.mark.parametrize("of_bob", [CUSTOMER, OTHER_CUSTOMER])
def test_only_one_conversation_is_exported(talk, of_bob):
    receive(talk, "of bob", customer_id=OTHER_CUSTOMER)

    lines = call("export", "--conversation", of_bob).stdout.splitlines()

    assert {json.loads(line)["customer_id"] for line in lines} == {of_bob}


def test_nobody_is_no_conversation():
    result = call("export", "--conversation", "nobody")

    assert result.exit_code == 1
    assert "no such conversation" in result.output


# prune


@pytest.fixture
def old(store, settings):
    """Give a store with something long over, something given up, and something of today."""
    [name] = receive_files(store, "old", "a.png")
    settings.attachments_dir.mkdir()
    (settings.attachments_dir / name).write_bytes(b"data")
    answer(store, reply("old answer"))
    send_all(store)
    receive(store, "buried", customer_id=OTHER_CUSTOMER)
    bury(store.inbox)
    receive(store, "new", time.time(), customer_id="urn:mbid:carol")
    answer(store, now=time.time())
    return store


def test_what_is_old_goes_with_its_files(old, settings):
    result = call("prune", "--older-than", "30d")

    assert result.output == "removed: 1 received, 1 sent, 1 conversations, 1 attachments\n"
    assert ids(old) == {"buried", "new"}
    assert list(settings.attachments_dir.iterdir()) == []


def test_what_would_go_is_counted_and_stays(old, settings):
    result = call("prune", "--older-than", "30d", "--dry-run")

    assert result.output == "would be removed: 1 received, 1 sent\n"
    assert len(ids(old)) == 4
    assert len(list(settings.attachments_dir.iterdir())) == 1


def test_what_was_given_up_goes_when_it_is_asked_for(old):
    call("prune", "--older-than", "30d", "--buried")

    assert ids(old) == {"new"}


def test_what_was_received_today_stays_whatever_is_said(old):
    call("prune", "--older-than", "0m", "--buried")

    assert ids(old) == {"new"}


def test_nothing_to_prune():
    assert call("prune", "--older-than", "30d").output == "removed: nothing\n"


def test_how_old_has_to_be_said():
    assert call("prune").exit_code == 2


@pytest.mark.parametrize("odd", ["", "30", "30 d", "-1d", "tomorrow", "2026-13-01", "9999999d"])
def test_an_age_that_is_none_is_told(odd):
    result = call("prune", "--older-than", odd)

    assert result.exit_code == 2
    assert "30d" in result.output


@pytest.mark.parametrize(
    ("written", "age_s"), [("90m", 5400), ("12h", 43_200), ("30d", 30 * DAY_S), ("2w", 14 * DAY_S)]
)
def test_an_age_is_read(written, age_s):
    assert _Moment().convert(written, None, None) == pytest.approx(time.time() - age_s, abs=60)


@pytest.mark.parametrize(
    "written",
    ["2023-11-14T22:13:20.25", "2023-11-14T22:13:20.250Z", "2023-11-15T00:13:20.25+02:00"],
)
def test_a_date_is_read_as_utc_unless_it_says_otherwise(written):
    assert _Moment().convert(written, None, None) == NOW


def test_ctrl_c_says_what_was_done_and_the_next_call_goes_on(store, monkeypatch):
    monkeypatch.setattr(pruning, "STEP", 2)
    for number in range(7):
        receive(store, str(number))
        answer(store)
    rests = iter([None, KeyboardInterrupt()])

    def rest(_seconds):
        if (interrupt := next(rests)) is not None:
            raise interrupt

    with monkeypatch.context() as patch:
        patch.setattr("msp_server.upkeep_commands.time.sleep", rest)
        stopped = call("prune", "--older-than", "30d")

    assert stopped.exit_code == 1
    assert "removed so far: 4 received; call it again to go on" in stopped.output
    assert ids(store) == {"4", "5", "6"}
    assert call("prune", "--older-than", "30d").output == "removed: 3 received, 1 conversations\n"


# On a terminal, and cut off


@contextmanager
def started(*arguments, **options):
    """Start a command as a process of its own, which is ended with the block."""
    command = [sys.executable, "-m", "msp_server", "messages", *arguments]
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def test_progress_is_shown_on_a_terminal(talk, tmp_path):
    ours, theirs = pty.openpty()
    shown = []

    def read():
        try:
            while piece := os.read(ours, 1000):
                shown.append(piece)
        except OSError:
            pass  # the terminal is closed

    reader = threading.Thread(target=read)
    with started("export", "--output", "all.jsonl", stderr=theirs, cwd=tmp_path) as process:
        os.close(theirs)
        reader.start()
        assert process.wait(DEADLINE_S) == 0
        reader.join(DEADLINE_S)
    os.close(ours)

    text = b"".join(shown).decode()
    assert "exporting" in text
    assert re.search(r"#+", text)
    assert "exported 40 messages" in text


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_export_that_is_cut_off_goes_on_exactly(store, tmp_path, wait_for, how):
    with store._database.write() as connection:
        _fill(connection, 20_000)
    path, other = tmp_path / "all.jsonl", tmp_path / "other.jsonl"
    with started("export", "--output", str(path), stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: path.exists() and path.stat().st_size, limit_s=DEADLINE_S)
        process.send_signal(how)
        process.wait(DEADLINE_S)

    result = call("export", "--output", str(path), "--resume")

    assert result.exit_code == 0
    call("export", "--output", str(other))
    assert path.read_bytes() == other.read_bytes()
    assert len(exported(path)) == 20_000


def _fill(connection, count):
    """Put in many messages at once, past the store."""
    connection.exec_driver_sql(
        "INSERT INTO conversations (id, business_id, customer_id, closed, closed_seq)"
        " VALUES ('c', 'b', 'urn:mbid:alice', 0, 0)"
    )
    connection.exec_driver_sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO inbox (message_id, conversation_id, kind, headers, packed, state, attempts,"
        " created_at, finished_at) SELECT 'in ' || i, 'c', 'Text', '{}', CAST('{}' AS BLOB),"
        " 'ANSWERED', 1, i, i FROM n",
        (count,),
    )


def test_the_commands_run_beside_a_server(msp, settings, apple, monkeypatch):
    monkeypatch.setenv("MSP_DATA_DIR", str(msp.settings.data_dir))
    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    lines = call("export").stdout.splitlines()
    removed = call("prune", "--older-than", "0m", "--buried")

    assert [json.loads(line)["direction"] for line in lines].count("out") == 1
    assert removed.exit_code == 0
    assert apple.phone().text("still there?")["status"] == 200
    assert apple.phone().wait_for_bodies(2)[1] == "still there?"


def test_a_message_that_the_gateway_refused_goes_again(msp, apple, monkeypatch, wait_for):
    monkeypatch.setenv("MSP_DATA_DIR", str(msp.settings.data_dir))
    apple.fault("status", status=400, count=1)
    apple.phone().text("hello")
    [buried] = wait_for(lambda: msp.store.upkeep.buried(10))
    assert apple.phone().bodies() == []

    assert call("replay", "--all").output == "replayed: 1 is sent again\n"

    assert apple.phone().wait_for_bodies(1) == ["hello"]
    assert wait_for(lambda: msp.store.outbox.state(buried.message_id)[0] == "SENT")
    assert Path(msp.settings.data_dir).exists()
