"""How long a customer waits: from the acknowledged message to the answer on the phone.

Starts `serve` and the emulator as processes, writes as one customer after the other's answer has
come, and prints figures. What runs beside it, for the ratio, is the same phone looking at its
transcript: what the measuring itself costs.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

import requests

MESSAGES = 500


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def running():
    """Run everything as `make run` does; give the address of the phone."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [sys.executable, "-m", "msp_server", "run"],
            env={
                **os.environ,
                "MSP_PORT": str(free_port()),
                "MSP_EMULATOR_PORT": str(port),
                "MSP_DATA_DIR": directory,
                "MSP_AGENT": "msp_server.agents.echo:agent",
                "MSP_LOG_LEVEL": "WARNING",
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        while "Next" not in process.stdout.readline():
            pass
        try:
            yield f"http://127.0.0.1:{port}/customers/ava"
        finally:
            process.terminate()
            process.wait()


def measure(phone):
    """Give the seconds of each look, acknowledgement and answer."""
    web = requests.Session()
    looks, acknowledgements, answers = [], [], []
    seen = 0
    for number in range(MESSAGES):
        started = time.perf_counter()
        web.get(f"{phone}/transcript", params={"after": seen})
        looked = time.perf_counter()
        receipt = web.post(f"{phone}/text", json={"body": f"text {number}"}).json()
        acknowledged = time.perf_counter()
        seen += 2  # the typing and the text
        web.get(f"{phone}/transcript", params={"after": seen, "wait_s": 10})
        answered = time.perf_counter()
        seen += 1
        looks.append(looked - started)
        acknowledgements.append(receipt["seconds"])
        answers.append(answered - acknowledged)
    return looks, acknowledgements, answers


def show(name, seconds, beside):
    """Print median and 99th percentile, and the ratio to what ran beside."""
    p99 = statistics.quantiles(seconds, n=100)[98]
    ratio = statistics.median(seconds) / statistics.median(beside)
    print(
        f"{name:<40} p50 {statistics.median(seconds) * 1000:6.1f} ms"
        f"   p99 {p99 * 1000:6.1f} ms   {ratio:5.2f} x a look"
    )


if __name__ == "__main__":
    with running() as address:
        looks, acknowledgements, answers = measure(address)
    show("a look at the transcript", looks, looks)
    show("message posted to acknowledged", acknowledgements, looks)
    show("acknowledged to the answer on the phone", answers, looks)
