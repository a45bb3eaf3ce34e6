"""Each exercise prints what stands at its end, as started by make and by itself."""

import os
import re
import socket
import subprocess
import sys
import threading
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]
EXERCISES = ROOT / "msp_server" / "exercises"
SENDERS = [
    "03_send_text_message",
    "04_send_image_attachment",
    "06_send_text_list_picker",
    "07_send_list_picker_with_image",
    "08_send_list_picker_with_multiple_images",
    "10_send_time_picker_with_user_timezone",
    "11_send_time_picker_with_fixed_timezone",
    "14_send_apple_pay_request",
    "16_send_rich_apple_pay_request",
    "18_send_auth_request",
    "22_invoke_custom_extension",
    "23_send_quick_reply",
]
LISTENERS = ["00_listening", "01_receiving_text_message", "02_verify_message"]
ANSWERERS = [
    "05_downloading_attachments",
    "12_large_interactive_message",
    "13_test_payment_gateway",
    "15_handle_payment_gateway",
    "19_receive_auth_response",
    "21_create_landing_page",
]
PICTURES = ROOT / "msp_server" / "agents" / "artwork"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def environment(tmp_path):
    """The environment of a user with nothing set, but for ports that are free."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MSP_PORT": str(free_port()),
        "MSP_EMULATOR_PORT": str(free_port()),
        "MSP_DATA_DIR": str(tmp_path / "var"),
    }


def expected_output(name):
    """Make a pattern of the block at an exercise's end; `<anything>` stands for any characters."""
    text = (EXERCISES / f"{name}.py").read_text()
    lines = text.split("# Expected output:\n")[1].splitlines()
    lines = [re.escape(line.removeprefix("# ")) for line in lines]
    return "\n".join(lines).replace("<anything>", ".*") + "\n"


@contextmanager
def running(command, environment):
    """Run an exercise that listens; give its output's file and, by the phone, a message to it."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for_line(process.stderr, "Listening")
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_line(stream, wanted):
    """Read up to a line, and so wait for it; the stream's end fails."""
    while wanted not in (line := stream.readline()):
        assert line, f"it ended without saying {wanted}"


def ways(name):
    number = name[:2]
    return [
        pytest.param(name, ["-m", "msp_server", "exercise", number], id=f"{number}-by-number"),
        pytest.param(name, [str(EXERCISES / f"{name}.py")], id=f"{number}-by-file"),
    ]


@pytest.mark.parametrize(("name", "arguments"), [way for name in LISTENERS for way in ways(name)])
def test_listening_exercise_prints_its_expected_output(name, arguments, environment):
    wanted = expected_output(name)

    with running([sys.executable, *arguments], environment) as process:
        phone = f"http://127.0.0.1:{environment['MSP_EMULATOR_PORT']}/customers/ava/text"
        requests.Session().post(phone, json={"body": "hello"})
        printed = "".join(process.stdout.readline() for _ in range(wanted.count("\n")))
        process.terminate()
        rest, _ = process.communicate(timeout=10)

    assert re.fullmatch(wanted, printed + rest)
    assert process.returncode == 0


def run(arguments, environment):
    """Run an exercise that ends by itself, and give what it printed."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def send_two_files(phone, _environment):
    files = [
        ("file", (name, (PICTURES / name).read_bytes(), "image/png"))
        for name in ("apple.png", "lemon.png")
    ]
    requests.Session().post(f"{phone}/files", files=files)


def choose_in_the_picker_of_08(phone, environment):
    run(["-m", "msp_server", "exercise", "08"], environment)
    requests.Session().post(f"{phone}/choose", json={"titles": ["Apple", "Carrot"]})


def pay_what_14_asks_for(phone, environment):
    run(["-m", "msp_server", "exercise", "14"], environment)
    assert requests.Session().post(f"{phone}/pay", json={}).status_code == 200


def pay_what_16_asks_for(phone, environment):
    run(["-m", "msp_server", "exercise", "16"], environment)
    paid = requests.Session().post(
        f"{phone}/pay", json={"postal_code": "90210", "shipping": "standard"}
    )
    assert paid.json()["sheet"]["status"] == "STATUS_SUCCESS"
    assert not [step for step in paid.json()["steps"] if step["finding"] or step["error"]]


def sign_in_as_18_asks(phone, environment):
    run(["-m", "msp_server", "exercise", "18"], environment)
    assert requests.Session().post(f"{phone}/sign_in", json={}).status_code == 200


def link_an_account(_phone, environment):
    server = f"http://127.0.0.1:{environment['MSP_PORT']}"
    query = {"id": str(uuid.uuid4()), "name": "Example Shop"}
    with requests.Session() as browser:
        page = browser.get(f"{server}/landingPage", params=query).text
        token = re.search('name="token" value="(.+)"', page)[1]
        form = {**query, "logo": "", "token": token, "userName": "kim", "userPassword": "secret"}
        done = browser.post(f"{server}/landingPage_handle", data=form)
    assert done.url == f"{server}/landingPage_done"


DEEDS = dict(
    zip(
        ANSWERERS,
        (
            send_two_files,
            choose_in_the_picker_of_08,
            pay_what_14_asks_for,
            pay_what_16_asks_for,
            sign_in_as_18_asks,
            link_an_account,
        ),
        strict=True,
    )
)


@pytest.mark.parametrize(("name", "arguments"), [way for name in ANSWERERS for way in ways(name)])
def test_answering_exercise_prints_its_expected_output(name, arguments, environment, tmp_path):
    wanted = expected_output(name)

    with running([sys.executable, *arguments], environment) as process:
        phone = f"http://127.0.0.1:{environment['MSP_EMULATOR_PORT']}/customers/ava"
        DEEDS[name](phone, environment)
        printed = "".join(process.stdout.readline() for _ in range(wanted.count("\n")))
        process.terminate()
        process.communicate(timeout=10)

    assert re.fullmatch(wanted, printed)
    written = re.findall(r"writing to local file: (.*)", printed)
    assert all((tmp_path / file).stat().st_size for file in written)


@pytest.mark.parametrize(("name", "arguments"), ways("17_generate_key_pair_and_nonce"))
def test_exercise_17_prints_its_expected_output(name, arguments, environment):
    assert re.fullmatch(expected_output(name), run(arguments, environment))


@pytest.mark.parametrize("old", [True, False], ids=["old", "new"])
@pytest.mark.parametrize(("name", "arguments"), ways("20_decode_token_get_user_data"))
def test_exercise_20_tells_who_signed_in_in_either_flow(name, arguments, environment, old):
    phone = f"http://127.0.0.1:{environment['MSP_EMULATOR_PORT']}/customers/ava"
    with running([sys.executable, "-m", "msp_server", "exercise", "19"], environment):
        if old:
            run(["-m", "msp_server", "exercise", "17"], environment)
        run(["-m", "msp_server", "exercise", "18", *(["--old"] if old else [])], environment)
        requests.Session().post(f"{phone}/sign_in", json={})

        printed = run(arguments, environment)

    assert re.fullmatch(expected_output(name), printed)


@pytest.mark.parametrize(("arguments", "first"), [(["18", "--old"], "17"), (["20"], "18")])
def test_exercise_says_what_comes_before_it(arguments, first, environment):
    done = subprocess.run(
        [sys.executable, "-m", "msp_server", "exercise", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert f"run exercise {first}" in done.stderr


def test_exercise_09_sends_what_08_kept(environment):
    with running([sys.executable, "-m", "msp_server", "exercise", "00"], environment):
        run(["-m", "msp_server", "exercise", "08"], environment)
        printed = run(["-m", "msp_server", "exercise", "09"], environment)
        url = f"http://127.0.0.1:{environment['MSP_EMULATOR_PORT']}/customers/ava/transcript"
        entries = requests.Session().get(url).json()["entries"]

    assert re.fullmatch(expected_output("09_send_list_picker_with_data_ref"), printed)
    assert "interactiveDataRef" in entries[1]["fields"]


def test_exercise_09_says_what_comes_before_it(environment):
    done = subprocess.run(
        [sys.executable, "-m", "msp_server", "exercise", "09"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "run exercise 08 first" in done.stderr


@pytest.mark.parametrize(("name", "arguments"), [way for name in SENDERS for way in ways(name)])
def test_sending_exercise_prints_its_expected_output(name, arguments, environment):
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )

    assert re.fullmatch(expected_output(name), done.stdout)
    assert f"phone: http://localhost:{environment['MSP_EMULATOR_PORT']}" in done.stderr


def test_sending_exercise_takes_the_customer_who_wrote_last(environment, msp, apple):
    apple.phone("ben").text("hello")
    apple.phone("ben").wait_for_bodies(1)
    environment |= {
        "MSP_ID": msp.settings.msp_id,
        "MSP_BUSINESS_ID": msp.settings.business_ids[0],
        "MSP_SECRET": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "MSP_GATEWAY": f"{apple.url}/v1",
    }

    subprocess.run(
        [sys.executable, "-m", "msp_server", "exercise", "03"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )

    assert apple.phone("ben").bodies() == ["hello", "Hello from Messages for Business!"]


def test_sending_exercise_takes_the_customer_it_is_told(environment):
    done = subprocess.run(
        [sys.executable, "-m", "msp_server", "exercise", "03", "--to", "urn:mbid:nobody"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "return code: 404" in done.stdout
    assert "Sending to urn:mbid:nobody" in done.stderr


def test_listening_exercise_says_what_to_stop_when_its_port_is_taken(environment):
    with socket.create_server(("127.0.0.1", int(environment["MSP_PORT"]))):
        done = subprocess.run(
            [sys.executable, "-m", "msp_server", "exercise", "00"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "make run" in done.stderr
    assert "Traceback" not in done.stderr


def test_exercise_uses_the_emulator_that_runs(environment):
    with running([sys.executable, "-m", "msp_server", "exercise", "00"], environment):
        done = subprocess.run(
            [sys.executable, "-m", "msp_server", "exercise", "03"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        url = f"http://127.0.0.1:{environment['MSP_EMULATOR_PORT']}/customers/ava/transcript"
        transcript = requests.Session().get(url).json()

    assert done.returncode == 0
    assert [entry["from"] for entry in transcript["entries"]] == ["business"]


def test_exercise_02_refuses_a_token_of_somebody_else(environment):
    with running([sys.executable, "-m", "msp_server", "exercise", "02"], environment) as process:
        message = f"http://127.0.0.1:{environment['MSP_PORT']}/message"
        answer = requests.Session().post(message, data=b"x", headers={"Authorization": "Bearer x"})
        reader = threading.Thread(target=process.stdout.readline)
        reader.start()
        reader.join(10)

    assert answer.status_code == 403
