import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

PICTURE = bytes(range(256)) * 500
MIB = 1024 * 1024


@pytest.fixture
def send_form(emulator, web):
    def send(files, **fields):
        return web.post(f"{emulator.url}/customers/ava/files", files=files, data=fields, timeout=5)

    return send


def test_files_reach_the_msp_as_apples_samples_read_them(send_form, msp, mover):
    answer = send_form(
        [("file", ("a.png", PICTURE, "image/png")), ("file", ("b", b"x"))],
        body="the broken \ufffcpart",
    )

    assert (answer.status_code, answer.json()["status"]) == (200, 200)
    assert msp.next().fields["type"] == "typing_start"
    fields = msp.next().fields
    assert fields["id"] == answer.json()["id"]
    assert (fields["type"], fields["body"]) == ("text", "\ufffc\ufffcthe broken part")
    first, second = fields["attachments"]
    assert first.keys() == second.keys()
    assert list(first) == [
        "name",
        "mimeType",
        "url",
        "owner",
        "size",
        "signature",
        "signature-base64",
        "key",
    ]
    assert (first["name"], first["mimeType"], first["size"]) == ("a.png", "image/png", 128_000)
    assert re.fullmatch(r"00[0-9A-F]{64}", first["key"])
    assert re.fullmatch(r"01[0-9A-F]{40}", first["signature"])
    assert mover.read(first) == PICTURE
    assert mover.read(second) == b"x"


def test_files_without_words_come_as_one_message(send_form, msp):
    send_form([("file", ("a.png", PICTURE, "image/png"))])

    fields = msp.next().fields
    assert (fields["type"], fields["body"]) == ("text", "\ufffc")


def test_files_stand_on_the_phone_and_can_be_opened(send_form, ava, emulator, web):
    send_form([("file", ("a.png", PICTURE, "image/png"))])

    (entry,) = ava.transcript()["entries"]
    (shown,) = entry["attachments"]
    assert (shown["name"], shown["type"], shown["size"]) == ("a.png", "image/png", 128_000)
    assert web.get(emulator.url + shown["url"], timeout=5).content == PICTURE


def test_made_files_are_what_the_phone_shows(ava, msp, mover, emulator, web):
    ava.do("files", body="Here", make=[{"name": "a", "type": "image/png", "size": 70_000}])

    msp.next()
    (described,) = msp.next().fields["attachments"]
    shown = ava.transcript()["entries"][-1]["attachments"][0]["url"]
    assert mover.read(described) == web.get(emulator.url + shown, timeout=5).content


@pytest.mark.parametrize("fields", [{"body": 7, "make": [{"size": 1}]}, {"made": []}, {}])
def test_unfit_wish_is_400(ava, fields):
    answer = ava.do("files", **fields)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert ava.transcript()["entries"] == []


def test_unfit_form_is_400_and_shows_nothing(send_form, ava):
    answer = send_form([("photo", ("a.png", PICTURE, "image/png"))])

    assert answer.status_code == 400
    assert "name each file `file`" in answer.json()["error"]
    assert ava.transcript()["entries"] == []


def test_full_store_is_told(emulator, send_form, monkeypatch):
    monkeypatch.setattr(emulator._parts.mmcs, "_limit_bytes", 1_000)

    answer = send_form([("file", ("a.png", PICTURE, "image/png"))])

    assert answer.status_code == 507
    assert "store is full" in answer.json()["error"]


def test_file_that_somebody_removed_is_404(emulator, mover, ava, msp, web):
    ava.do("files", make=[{"size": 7}])
    (place,) = msp.next().fields["attachments"]
    download_url = mover.look_up(place).json()["download-url"]
    for path in emulator._parts.mmcs._directory.iterdir():
        path.unlink()

    shown = ava.transcript()["entries"][0]["attachments"][0]["url"]
    for url in (emulator.url + shown, download_url):
        answer = web.get(url, timeout=5)
        assert answer.status_code == 404
        assert "made room for newer ones" in answer.json()["error"]


def test_unknown_customer_sends_and_opens_nothing(emulator, web):
    address = f"{emulator.url}/customers/eve"

    assert web.post(f"{address}/files", timeout=5).status_code == 404
    assert web.get(f"{address}/attachments/x/0", timeout=5).status_code == 404


def test_wrong_key_is_told_to_the_msp_alone(ava, msp, mover, order_fault, emulator, web):
    order_fault("wrong_key")

    ava.do("files", make=[{"size": 100}, {"size": 100}])

    shown = ava.transcript()["entries"][-1]["attachments"]
    plain = [web.get(emulator.url + each["url"], timeout=5).content for each in shown]
    read = [mover.read(each) for each in msp.next().fields["attachments"]]
    assert [one == other for one, other in zip(plain, read, strict=True)] == [False, True]


def test_wrong_size_is_told_to_the_msp(ava, msp, mover, order_fault):
    order_fault("wrong_size", type="text", customer="ava")

    ava.do("files", make=[{"size": 100}])

    (described,) = msp.next().fields["attachments"]
    assert described["size"] == 101
    assert len(mover.read(described)) == 100


def test_many_files_at_once_each_keep_their_bytes(emulator, send_form, msp, mover):
    contents = [bytes([number]) * 100_000 for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: send_form([("file", ("a", content))]), contents))

    received = [msp.next().fields["attachments"][0] for _ in contents]
    assert sorted(mover.read(each) for each in received) == contents


def high_water(process):
    """Give the most memory a process has had so far, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024


def make_file(path, size, head=b"", tail=b""):
    """Make a file of zeros between a head and a tail."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)
        file.seek(0, os.SEEK_END)
        file.write(tail)
    return path


@pytest.fixture
def apart(settings, msp):
    """Run an emulator in a process of its own, and give both process and address."""
    environ = {
        "MSP_ID": settings.msp_id,
        "MSP_SECRET": "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcyAuLi4=",
        "MSP_BUSINESS_ID": settings.business_ids[0],
        "PYTHONPATH": ":".join(filter(None, sys.path)),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "msp_server.emulator", "--port", "0", "--msp", msp.url],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process, process.stdout.readline().partition(": ")[2].strip()
        process.send_signal(signal.SIGTERM)


@dataclass
class Heavy:
    """Moves files of any size without holding them."""

    web: requests.Session
    mover: object
    msp: object
    directory: Path

    def receive(self, **request):
        """Let the customer send a file, and fetch it; give how much came."""
        url = f"{self.mover.url}/customers/ava/files"
        assert self.web.post(url, timeout=60, **request).ok
        url = self.mover.look_up(self.msp.next().fields["attachments"][0]).json()["download-url"]
        with self.web.get(url, stream=True, timeout=60) as answer:
            return sum(len(chunk) for chunk in answer.iter_content(MIB))

    def receive_form(self, size):
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        path = make_file(self.directory / "form", size, head, b"\r\n--x--\r\n")
        with path.open("rb") as file:
            kind = {"Content-Type": "multipart/form-data; boundary=x"}
            return self.receive(data=file, headers=kind)

    def send(self, size):
        """Upload a file, and give how much the emulator says came."""
        url = self.mover.announce(size).json()["upload-url"]
        with make_file(self.directory / "sent", size).open("rb") as file:
            return self.web.post(url, data=file, timeout=60).json()["singleFile"]["size"]

    def move(self, size):
        assert self.receive(json={"make": [{"size": size}]}) == size
        assert self.receive_form(size) == size
        assert self.send(size) == size


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_hundred_megabytes_each_way_cost_a_few_of_memory(apart, mover, msp, web, tmp_path):
    process, mover.url = apart
    heavy = Heavy(web, mover, msp, tmp_path)
    heavy.move(MIB)
    before = high_water(process)

    heavy.move(100 * MIB)

    assert high_water(process) - before < 8 * MIB
