"""Exports as lines and files."""

import json
import stat
from contextlib import closing
from pathlib import Path

import pytest

from msp_server.exporting import ExportUnfit, begin_file, export_line, go_on_with_file
from msp_server.messages.payment import PaymentStatus
from msp_server.store.export import Position, Wanted
from msp_server.store.opening import open_store
from tests.contract.given import (
    NOW,
    answer,
    ask_to_pay,
    ask_to_sign_in,
    receive,
    receive_files,
    reply,
    reply_with_file,
    send_all,
)

KEPT = Path("/kept")


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "all.jsonl"


def lines(store):
    messages = store.export.messages(Position(), store.export.end(), Wanted())
    return [export_line(message, KEPT) for message in messages]


def records(store):
    return [json.loads(line) for line in lines(store)]


def test_a_received_message_has_everything(store):
    receive(store, "1")
    answer(store, now=NOW + 1)

    [record] = records(store)

    assert record.pop("conversation_id") == store.history.newest(1)[0].conversation_id
    assert record == {
        "direction": "in",
        "seq": 1,
        "message_id": "1",
        "business_id": "0f0e0d0c-0b0a-0908-0706-050403020100",
        "customer_id": "urn:mbid:alice",
        "kind": "Text",
        "state": "ANSWERED",
        "reason": None,
        "attempts": 1,
        "created_at": "2023-11-14T22:13:20.250+00:00",
        "failing_since": None,
        "finished_at": "2023-11-14T22:13:21.250+00:00",
        "headers": {"id": "1"},
        "fields": {"body": "Hi", "id": "1"},
        "attachments": [],
        "answer": None,
    }


def test_a_sent_message_has_everything(store):
    receive(store, "1")
    answer(store, reply("a", "Grüße"))
    send_all(store, NOW + 1)

    record = records(store)[1]

    assert record["headers"]["id"] == "a"
    assert record["fields"]["body"] == "Grüße"
    assert {name: record[name] for name in ("state", "answers", "endpoint", "unsure")} == {
        "state": "SENT",
        "answers": "1",
        "endpoint": "message",
        "unsure": 0,
    }
    assert (record["files"], record["payment"], record["sign_in"]) == ([], None, None)


def test_a_message_names_the_files_that_came_with_it(store):
    [name] = receive_files(store, "1", "a.png")

    [attachment] = records(store)[0]["attachments"]

    assert (attachment["name"], attachment["state"]) == ("a.png", "FETCHED")
    assert attachment["file"] == str(KEPT / name)


def test_a_message_names_the_files_that_go_with_it_and_not_their_keys(store):
    store.outbox.put([reply_with_file("a")], NOW)

    [line] = lines(store)

    assert json.loads(line)["files"] == [
        {"name": "kettle.png", "mime_type": "image/png", "size_bytes": 4}
    ]
    assert b"0" * 64 not in line


def test_an_answer_that_was_fetched_is_given(store):
    receive_files(store, "1", "a.png")
    with store._database.write() as connection:
        reference = connection.exec_driver_sql("SELECT reference FROM fetches").scalar()
        place = json.dumps({**json.loads(reference), "place": -1})
        connection.exec_driver_sql(
            "UPDATE fetches SET reference = ?, answer = ?", (place, b'{"data": 1}')
        )

    [record] = records(store)

    assert (record["answer"], record["attachments"]) == ({"data": 1}, [])


def test_a_payment_comes_with_its_course_and_without_its_token(store):
    store.outbox.put([ask_to_pay("a")], NOW)
    store.payments.open("a", NOW + 3600)
    store.payments.begin("token of a", "print", NOW)
    store.payments.settle("token of a", "print", PaymentStatus.SUCCESS, NOW + 1)

    [line] = lines(store)

    payment = json.loads(line)["payment"]
    assert (payment["state"], payment["paid"]) == ("AUTHORISED", "39.00")
    assert [step["what"] for step in payment["course"]] == ["asked", "authorised"]
    assert b"token of a" not in line


def test_a_sign_in_comes_without_who_signed_in(store):
    store.outbox.put([ask_to_sign_in("a")], NOW)
    store.sign_ins.open("a", NOW + 3600)
    record, _ = store.sign_ins.take_back("state of a", NOW)
    store.sign_ins.end(record, {"name": "Ava"}, None)

    [line] = lines(store)

    assert json.loads(line)["sign_in"]["stage"] == "ENDED"
    assert b"Ava" not in line


@pytest.mark.parametrize("packed", [b"", b"\x00\xff", b"[1]", b'{"a": 1'])
def test_a_body_that_says_nothing_is_given_as_its_bytes(store, packed):
    receive(store, "1", packed=packed)

    [record] = records(store)

    assert record["fields"] is None
    assert isinstance(record["packed"], str)


@pytest.mark.parametrize("odd", ["\n", "\r", "\u2028", "\x85", "\0"])
def test_a_message_is_one_line_whatever_it_says(store, odd):
    receive(store, "1", packed=json.dumps({"body": f"a{odd}b"}).encode())

    [line] = lines(store)

    assert line.endswith(b"\n")
    assert len(line.splitlines()) == 1
    assert json.loads(line)["fields"]["body"] == f"a{odd}b"


# Files


def test_a_file_is_for_its_owner_alone(path):
    begin_file(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_begun_anew(path):
    path.write_bytes(b"precious")

    with pytest.raises(FileExistsError):
        begin_file(path)

    assert path.read_bytes() == b"precious"


@pytest.fixture
def exported(store, path):
    """Give the bytes of an export of six messages, which are in a file."""
    for number in range(3):
        receive(store, str(number), NOW + number)
        answer(store, reply(f"a{number}"), now=NOW + number)
    path.write_bytes(b"".join(lines(store)))
    return path.read_bytes()


def test_a_file_is_gone_on_with_wherever_it_was_cut_off(store, path, exported):
    for length in range(0, len(exported) + 1, 7):
        path.write_bytes(exported[:length])
        file, position = go_on_with_file(path)
        with closing(file):
            for message in store.export.messages(position, store.export.end(), Wanted()):
                file.write(export_line(message, KEPT))

        assert path.read_bytes() == exported, length


def test_what_is_not_whole_is_taken_off_a_file(path, exported):
    path.write_bytes(exported[:-1])

    go_on_with_file(path)[0].close()

    assert path.read_bytes() == b"".join(exported.splitlines(keepends=True)[:-1])


def test_a_file_that_is_gone_on_with_is_for_its_owner_alone(path, exported):
    path.chmod(0o644)

    go_on_with_file(path)[0].close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "odd", [b"precious\n", b"{}\n", b"\n", b'{"direction": "up", "seq": 1, "a": 1}\n']
)
def test_a_file_of_something_else_is_left_as_it_is(path, exported, odd):
    path.write_bytes(exported + odd + b"and more")

    with pytest.raises(ExportUnfit, match="line 7"):
        go_on_with_file(path)

    assert path.read_bytes() == exported + odd + b"and more"


def test_a_file_without_a_whole_line_that_is_none_of_an_export_is_left_as_it_is(path):
    path.write_bytes(b"a diary without a line's end")

    with pytest.raises(ExportUnfit):
        go_on_with_file(path)

    assert path.read_bytes() == b"a diary without a line's end"


def test_a_file_that_is_not_there_cannot_be_gone_on_with(path):
    with pytest.raises(FileNotFoundError):
        go_on_with_file(path)
