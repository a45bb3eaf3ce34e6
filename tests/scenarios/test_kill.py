"""The server is killed with `kill -9` in the middle of a file, and started again."""

import signal

import pytest

from msp_server.agents.pictures import APPLE, KETTLE


@pytest.fixture
def killed_at(apple, start_server, wait_for):
    """Give a function that kills a server in the middle of what a fault draws out."""

    def kill(path, deed):
        with start_server(agent="msp_server.agents.guide:agent") as process:
            deed()
            wait_for(lambda: any(path in send["url"] for send in apple.sends()), path)
            process.send_signal(signal.SIGKILL)

    return kill


@pytest.mark.slow
def test_file_arrives_once_though_the_server_was_killed_in_the_middle_of_its_upload(
    apple, start_server, killed_at
):
    apple.fault("delay", endpoint="upload", delay_s=3)
    killed_at("/v1/preUpload", lambda: apple.phone().text("photo"))

    with start_server(agent="msp_server.agents.guide:agent"):
        (entry,) = apple.phone().wait_for_entries(1)

    assert apple.phone().attachment(entry["id"]) == KETTLE.data


@pytest.mark.slow
def test_file_is_handed_over_once_though_the_server_was_killed_in_the_middle_of_its_download(
    apple, start_server, killed_at, tmp_path
):
    apple.fault("drip", endpoint="download", delay_s=0.5)
    file = ("apple.png", "image/png", APPLE.data)
    killed_at("/v1/preDownload", lambda: apple.phone().files(file))

    with start_server(agent="msp_server.agents.guide:agent"):
        bodies = apple.phone().wait_for_bodies(1)

    assert bodies == [f"You sent:\napple.png, image/png, {len(APPLE.data)} bytes"]
    whole = [path for path in (tmp_path / "var" / "attachments").iterdir() if not path.suffix]
    assert [path.read_bytes() for path in whole] == [APPLE.data]
