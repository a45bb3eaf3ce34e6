"""What files cost: the cipher, 100 MB both ways, and texts while files travel.

Prints ratios against what runs beside it on the same machine: openssl's own cipher, and plain
streaming with requests of the same bytes without encryption.
"""

import base64
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import jwt
import requests

from msp_server.wire.cipher import CHUNK_BYTES, encrypt, new_key

MEGABYTE = 1024 * 1024
SIZE_BYTES = 100 * MEGABYTE
FILES_AT_ONCE = 10
AGENT = """
from msp_server import Agent, Text

agent = Agent("back")


@agent.on(Text, where=lambda text, _conversation: bool(text.attachments))
def send_back(text, _conversation):
    return Text("Back", text.attachments)


@agent.on(Text)
def echo(text, _conversation):
    return Text(text.body)
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def running():
    """Run everything as `make run` does; give process, emulator's address and directory."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "back.py").write_text(AGENT)
        process = subprocess.Popen(
            [sys.executable, "-m", "msp_server", "run"],
            cwd=directory,
            env={
                **os.environ,
                "PYTHONPATH": f"{Path(__file__).parents[2]}:{directory}",
                "MSP_PORT": str(free_port()),
                "MSP_EMULATOR_PORT": str(port),
                "MSP_DATA_DIR": directory,
                "MSP_AGENT": "back:agent",
                "MSP_LOG_LEVEL": "WARNING",
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        while "Next" not in process.stdout.readline():
            pass
        try:
            yield process, f"http://127.0.0.1:{port}", Path(directory)
        finally:
            process.terminate()
            process.wait()


def memory_bytes(process, name):
    """Give what the kernel knows of a process's memory; None where it does not tell."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return None
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024


def cipher_rate():
    """Give how many bytes our cipher encrypts in a second of a core, as openssl counts it."""
    chunk = bytes(CHUNK_BYTES)
    count = 10 * SIZE_BYTES // CHUNK_BYTES
    started = time.process_time()
    for _ in encrypt((chunk for _ in range(count)), new_key()):
        pass
    return count * CHUNK_BYTES / (time.process_time() - started)


def openssl_rate():
    """Give what `openssl speed` says of the same cipher and chunk; None without openssl."""
    if shutil.which("openssl") is None:
        return None
    command = ["openssl", "speed", "-mr", "-seconds", "1", "-bytes", str(CHUNK_BYTES)]
    told = subprocess.run(
        [*command, "-evp", "aes-256-ctr"], capture_output=True, text=True, check=True
    )
    return float(re.search(r"\+F:\d+:[^:]+:([\d.]+)", told.stdout)[1])


def wait_for_entries(web, phone, count):
    """Wait until the business has sent so many messages that have files."""
    while True:
        entries = web.get(f"{phone}/transcript").json()["entries"]
        back = [each for each in entries if each["from"] == "business" and each.get("attachments")]
        if len(back) >= count:
            return
        time.sleep(0.02)


def round_trip_seconds(web, phone):
    """Send 100 MB to the server, and wait until it has sent them back."""
    made = [{"name": "big.bin", "type": "application/octet-stream", "size": SIZE_BYTES}]
    web.post(f"{phone}/files", json={"body": "", "make": made})
    started = time.perf_counter()  # the message is acknowledged; its bytes still rest at Apple's
    wait_for_entries(web, phone, 1)
    return time.perf_counter() - started


class Chunks:
    """A body whose length is known."""

    def __init__(self, path):
        self.path = path

    def __len__(self):
        return SIZE_BYTES

    def __iter__(self):
        with self.path.open("rb") as file:
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")


def plain_seconds(web, address, directory):
    """Fetch the same bytes to a file and upload them again, with requests and nothing else."""
    kept = json.loads((directory / "emulator.json").read_text())
    claims = {"iss": kept["MSP_ID"], "iat": int(time.time())}
    token = jwt.encode(claims, base64.b64decode(kept["MSP_SECRET"]), "HS256")
    headers = {"Authorization": f"Bearer {token}", "Source-Id": kept["MSP_BUSINESS_ID"]}
    entries = web.get(f"{address}/customers/ava/transcript").json()["entries"]
    told = next(each["fields"] for each in entries if "attachments" in each["fields"])
    told = told["attachments"][0]
    signature = base64.b64encode(bytes.fromhex(told["signature"])).decode()
    stored = {"MMCS-Url": told["url"], "MMCS-Owner": told["owner"], "MMCS-Signature": signature}
    path = directory / "plain.bin"
    started = time.perf_counter()
    answer = web.get(f"{address}/v1/preDownload", headers=headers | stored)
    with web.get(answer.json()["download-url"], stream=True) as download, path.open("wb") as file:
        for chunk in iter(lambda: download.raw.read(CHUNK_BYTES), b""):
            file.write(chunk)
        os.fsync(file.fileno())
    size = {"MMCS-Size": str(SIZE_BYTES)}
    upload = web.get(f"{address}/v1/preUpload", headers=headers | size).json()["upload-url"]
    web.post(upload, data=Chunks(path)).raise_for_status()
    return time.perf_counter() - started


def acknowledgements(web, address, files):
    """Give the seconds until each text is acknowledged while files travel both ways."""
    phones = [
        web.post(f"{address}/customers", json={"name": f"sender-{number}"}).json()["name"]
        for number in range(files)
    ]
    for name in phones:
        made = [{"name": "f.bin", "type": "application/octet-stream", "size": 20 * MEGABYTE}]
        web.post(f"{address}/customers/{name}/files", json={"body": "", "make": made})
    seconds = []
    deadline = time.perf_counter() + 60
    waiting = set(phones)
    while (waiting or len(seconds) < 100) and time.perf_counter() < deadline:
        receipt = web.post(f"{address}/customers/ava/text", json={"body": "text"}).json()
        seconds.append(receipt["seconds"])
        for name in list(waiting):
            entries = web.get(f"{address}/customers/{name}/transcript").json()["entries"]
            if any(each["from"] == "business" for each in entries):
                waiting.discard(name)
    return seconds


def show_cipher():
    ours, theirs = cipher_rate(), openssl_rate()
    ratio = "" if theirs is None else f"   {ours / theirs:5.2f} x openssl speed"
    print(f"{'cipher':<40} {ours / 1e6:6.0f} MB/s{ratio}")


def show_round_trip(web, process, address, directory):
    idle = memory_bytes(process, "VmRSS")
    seconds = round_trip_seconds(web, f"{address}/customers/ava")
    peak = memory_bytes(process, "VmHWM")
    plain = plain_seconds(web, address, directory)
    print(f"{'100 MB down and up':<40} {seconds:6.2f} s    {plain / seconds:5.2f} x plain requests")
    if idle is not None and peak is not None:
        print(f"{'memory above idle, at the highest':<40} {(peak - idle) / MEGABYTE:6.1f} MB")


def show_texts(web, address):
    before = acknowledgements(web, address, 0)
    during = acknowledgements(web, address, FILES_AT_ONCE)
    for name, seconds in (("texts alone", before), ("texts beside ten files of 20 MB", during)):
        p99 = statistics.quantiles(seconds, n=100)[98]
        ratio = p99 / statistics.quantiles(before, n=100)[98]
        print(f"{name + ', acknowledged p99':<40} {p99 * 1000:6.1f} ms   {ratio:5.2f} x alone")


if __name__ == "__main__":
    show_cipher()
    with running() as (server, url, kept_in), requests.Session() as session:
        show_round_trip(session, server, url, kept_in)
        show_texts(session, url)
