import base64
import json
import socket

import pytest
from click.testing import CliRunner

from msp_server.emulator.conversation_file import FORMAT, parse_conversation
from msp_server.emulator.replay_command import replay_command
from tests.emulator.conftest import BUSINESS_ID, MSP_ID, SECRET
from tests.emulator.test_replaying import TalkingMsp, serving

SAYS = {"from": "customer", "does": "text", "with": {"body": "Hello"}}
CREDENTIALS = {
    "MSP_ID": MSP_ID,
    "MSP_SECRET": base64.b64encode(SECRET).decode(),
    "MSP_BUSINESS_ID": BUSINESS_ID,
}


@pytest.fixture
def file(tmp_path):
    """A conversation in which the MSP said nothing; its name has what the diff shows."""
    whole = {"format": FORMAT, "version": 1, "customer": {}, "messages": [SAYS]}
    path = tmp_path / "hello.json"
    path.write_text(json.dumps(whole))
    return path


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture
def run(msp):
    def run(*arguments, port="0", environment=CREDENTIALS, msp_url=msp.url):
        quick = ("--port", port, "--msp", msp_url, "--answers-s", "0.2", "--more-s", "0.05")
        return CliRunner().invoke(
            replay_command, [*map(str, arguments), *quick], env=environment, prog_name="replay"
        )

    return run


def test_nothing_differs(run, file):
    ran = run(file)

    assert (ran.exit_code, ran.output) == (0, "hello.json: 1 messages, nothing differs\n")


def test_customer_is_a_stranger_each_time(run, file, msp):
    run(file)
    run(file)

    heard = [msp.next().fields["sourceId"] for _ in range(msp.received.qsize())]
    assert len(set(heard)) == 2


def test_difference_is_printed_and_ends_with_one(run, file, msp):
    msp.status = "500 Internal Server Error"

    ran = run(file)

    assert ran.exit_code == 1
    assert "+  not delivered: The MSP answered 500: ok" in ran.output


def test_missing_answer_ends_with_one_and_says_where_the_gateway_is(run, file):
    told = json.loads(file.read_text())
    told["messages"].append({"from": "business", "type": "text", "fields": {"body": "Hi"}})
    file.write_text(json.dumps(told))

    ran = run(file, "--update")

    assert ran.exit_code == 1
    assert "MSP_GATEWAY" in ran.stderr
    assert '-    "body": "Hi"' in ran.stdout
    assert json.loads(file.read_text()) == told


def test_update_writes_what_is_now(run, file, msp):
    msp.status = "500 Internal Server Error"

    assert run(file, "--update").exit_code == 0

    assert parse_conversation(file.read_bytes()).messages[0].error.startswith("The MSP answered")
    assert run(file).exit_code == 0


def test_key_to_ignore_does_not_count(run, file, free_port):
    """The one test in which the MSP answers: it sends to the port that the replay opens."""
    told = json.loads(file.read_text())
    told["messages"].append({"from": "business", "type": "text", "fields": {"body": "Hi"}})
    file.write_text(json.dumps(told))
    talking = TalkingMsp(f"http://127.0.0.1:{free_port}")
    talking.answers = lambda fields: [{"body": "Hi", "price": 7}]

    with serving(talking) as url:
        differs = run(file, port=str(free_port), msp_url=url)
        same = run(file, "--ignore", "price", port=str(free_port), msp_url=url)

    assert (differs.exit_code, same.exit_code) == (1, 0)
    assert '+    "price": 7' in differs.output


def test_taken_port_cannot_run_and_says_what_the_msp_needs(run, file):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run(file, port=str(taken.getsockname()[1]))

    assert ran.exit_code == 2
    assert "MSP_GATEWAY" in ran.stderr


@pytest.mark.parametrize(
    ("packed", "sentence"),
    [(b"{}", "holds no conversation"), (None, "cannot be read")],
)
def test_unfit_file_cannot_run(run, file, packed, sentence):
    file.unlink() if packed is None else file.write_bytes(packed)

    ran = run(file)

    assert ran.exit_code == 2
    assert sentence in ran.stderr


def test_missing_settings_cannot_run(run, file):
    ran = run(file, environment={})

    assert ran.exit_code == 2
    assert "--msp-id (MSP_ID)" in ran.stderr


def test_msp_that_is_not_there_cannot_run(file):
    arguments = [str(file), "--port", "0", "--msp", "http://127.0.0.1:1"]

    ran = CliRunner().invoke(replay_command, arguments, env=CREDENTIALS)

    assert ran.exit_code == 2
    assert "is it running" in ran.stderr
