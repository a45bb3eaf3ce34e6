"""The server is killed with `kill -9` under load, and started again."""

import signal
import threading
from collections import defaultdict

import pytest
import requests

from msp_server.agents.pictures import APPLE, KETTLE

CUSTOMERS = ("ava", "ben", "cleo", "dora")
KILLS = 3
TEXTS_BETWEEN_KILLS = 40


class Load:
    """Customers who write without pause, and remember what was acknowledged."""

    def __init__(self, apple):
        self.acknowledged = defaultdict(list)
        self._stopping = threading.Event()
        self._counted = threading.Condition()
        self._count = 0
        self._threads = [
            threading.Thread(target=self._write, args=(apple.phone(name),)) for name in CUSTOMERS
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more):
        with self._counted:
            wanted = self._count + more
            assert self._counted.wait_for(lambda: self._count >= wanted, 30)

    def _write(self, phone):
        phone.web = requests.Session()
        number = 0
        while not self._stopping.is_set():
            number += 1
            receipt = phone.text(f"{phone.name} {number}")
            if receipt["status"] == 200:
                with self._counted:
                    self.acknowledged[phone.name].append(f"{phone.name} {number}")
                    self._count += 1
                    self._counted.notify_all()
            else:
                self._stopping.wait(0.02)


def accepted_by_customer(apple):
    """Give the sends that the gateway accepted, by customer, each id at its first time."""
    accepted = defaultdict(dict)
    for send in apple.sends():
        if send["status"] == 200:
            accepted[send["customer"]].setdefault(send["id"], send)
    return accepted


@pytest.mark.slow
def test_server_killed_under_load_answers_each_acknowledged_message_once_and_in_order(
    apple, start_server, wait_for
):
    with Load(apple) as load:
        for _ in range(KILLS):
            with start_server() as process:
                load.wait_for(TEXTS_BETWEEN_KILLS)
                process.send_signal(signal.SIGKILL)
        with start_server():
            load.wait_for(TEXTS_BETWEEN_KILLS)
            load.__exit__()
            wanted = {name: set(texts) for name, texts in load.acknowledged.items()}

            def is_answered(name):
                sends = accepted_by_customer(apple)[name].values()
                return wanted[name] <= {send["fields"]["body"] for send in sends}

            wait_for(lambda: all(map(is_answered, CUSTOMERS)), "every acknowledged message")

    bodies_of_id = defaultdict(set)
    for send in apple.sends():
        bodies_of_id[send["id"]].add(send["body_sha256"])
    assert all(len(bodies) == 1 for bodies in bodies_of_id.values())
    for sends in accepted_by_customer(apple).values():
        answers = [send["fields"]["body"] for send in sends.values()]
        numbers = [int(answer.split()[1]) for answer in answers]
        assert len(set(answers)) == len(answers)
        assert numbers == sorted(numbers)


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
