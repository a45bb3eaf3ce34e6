"""How long a customer waits: from the acknowledged message to the answer.

First as one customer who writes when the other's answer has come, on the emulator's phone; beside
it the same phone looks at its transcript: what the measuring itself costs. Then at a steady pace
over many conversations, whether answers come or not: once with the emulator as gateway, once with
a stub that does nothing but note when a message came, for what is the emulator's part of it.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime

import requests
from figures import line, milliseconds, percentile
from running import end_what_was_started, free_port, process, server, stub_gateway
from traffic import make_requests, pace

#: What the first requests meet is not measured: connections, threads that start.
WARM_UP_S = 2


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="length of the steady pace")
    parser.add_argument("--per-s", type=int, default=200, help="messages a second")
    parser.add_argument("--conversations", type=int, default=50)
    parser.add_argument("--messages", type=int, default=200, help="of the one customer")
    return parser.parse_args()


@contextmanager
def running_with_emulator():
    """Run the emulator and the server; give the emulator's address and the server's port."""
    emulator_port, port = free_port(), free_port()
    url = f"http://127.0.0.1:{emulator_port}"
    at_port = ["--port", str(emulator_port), "--msp", f"http://127.0.0.1:{port}"]
    with (
        tempfile.TemporaryDirectory() as directory,
        process(["-m", "msp_server.emulator", *at_port], directory),
        process(["-m", "msp_server", "serve"], directory, MSP_PORT=port, MSP_GATEWAY=f"{url}/v1"),
    ):
        yield url, port


def measure_one(phone, messages):
    """Give the seconds of each look, acknowledgement and answer."""
    web = requests.Session()
    looks, acknowledgements, answers = [], [], []
    seen = 0
    for number in range(messages):
        started = time.perf_counter()
        web.get(f"{phone}/transcript", params={"after": seen})
        looked = time.perf_counter()
        receipt = web.post(f"{phone}/text", json={"body": f"one {number}"}).json()
        acknowledged = time.perf_counter()
        seen += 2  # the typing and the text
        web.get(f"{phone}/transcript", params={"after": seen, "wait_s": 10})
        answered = time.perf_counter()
        seen += 1
        looks.append(looked - started)
        acknowledgements.append(receipt["seconds"])
        answers.append(answered - acknowledged)
    return looks, acknowledgements, answers


def show_one(phone, messages):
    looks, acknowledgements, answers = measure_one(phone, messages)
    print("\none customer, the emulator's phone")
    for name, seconds in (
        ("a look at the transcript", looks),
        ("message posted to acknowledged", acknowledgements),
        ("acknowledged to the answer on the phone", answers),
    ):
        ratio = statistics.median(seconds) / statistics.median(looks)
        line(f"  {name}", f"{both(seconds)}   {ratio:5.2f} x a look")


def both(seconds):
    p50, p99 = (milliseconds(percentile(seconds, percent)) for percent in (50, 99))
    return f"p50 {p50}   p99 {p99}"


def make_customers(web, emulator_url, count):
    """Give the opaque ids of new customers, by name."""
    names = [f"paced-{number}" for number in range(count)]
    return {
        name: web.post(f"{emulator_url}/customers", json={"name": name}).json()["id"]
        for name in names
    }


def arrivals_at_emulator(web, emulator_url, names):
    """Give when each text arrived, by its words; seconds of `time.monotonic`."""
    since_1970 = time.time() - time.monotonic()
    journal = web.get(
        f"{emulator_url}/emulator/journal", params={"direction": "to_gateway", "limit": 5000}
    ).json()["exchanges"]
    came = {each["id"]: datetime.fromisoformat(each["at"]).timestamp() for each in journal}
    arrivals = {}
    for name in names:
        transcript = web.get(f"{emulator_url}/customers/{name}/transcript").json()
        for entry in transcript["entries"]:
            if entry["from"] == "business" and entry["id"] in came:
                arrivals[entry["body"]] = came[entry["id"]] - since_1970
    return arrivals


def show_paced(name, outcome, arrivals, skipped):
    """Print how it went; give the median until the answer."""
    acknowledged = [each for each in outcome.acknowledged if each[0] >= skipped]
    waits = {
        number: (arrivals[f"text {number}"] - due, arrivals[f"text {number}"] - answered)
        for number, due, _, answered in acknowledged
        if f"text {number}" in arrivals
    }
    print(f"\n{name}: {len(acknowledged)} acknowledged, {len(waits)} of them answered")
    line("  due to acknowledged", both([answered - due for _, due, _, answered in acknowledged]))
    line("  due to the answer at the gateway", both([wait for wait, _ in waits.values()]))
    answers = [wait for _, wait in waits.values()]
    line("  acknowledged to the answer at the gateway", both(answers), "p50 < 15 ms, p99 < 60 ms")
    return percentile(answers, 50)


def paced(port, arguments, customers):
    """Send at the pace; give the outcome, and how many at the beginning do not count."""
    count = int(arguments.per_s * (arguments.seconds + WARM_UP_S))
    outcome = pace(port, make_requests(count, customers), arguments.per_s)
    return outcome, arguments.per_s * WARM_UP_S


def pace_with_emulator(emulator_url, port, arguments):
    with requests.Session() as web:
        customers = make_customers(web, emulator_url, arguments.conversations)
        outcome, skipped = paced(port, arguments, list(customers.values()))
        time.sleep(1)  # the last answers
        arrivals = arrivals_at_emulator(web, emulator_url, customers)
    name = f"{arguments.per_s} a second, the emulator as gateway"
    return show_paced(name, outcome, arrivals, skipped)


def pace_with_stub(arguments):
    with (
        tempfile.TemporaryDirectory() as directory,
        stub_gateway() as stub,
        server(directory, MSP_GATEWAY=stub.url) as ours,
    ):
        outcome, skipped = paced(ours.port, arguments, arguments.conversations)
        stub.wait_for(len(outcome.acknowledged), 10)
        arrivals = stub.arrivals()
    name = f"{arguments.per_s} a second, a stub as gateway"
    return show_paced(name, outcome, arrivals, skipped)


def main():
    arguments = parse_arguments()
    end_what_was_started()
    with running_with_emulator() as (emulator_url, port):
        show_one(f"{emulator_url}/customers/ava", arguments.messages)
        with_emulator = pace_with_emulator(emulator_url, port, arguments)
    with_stub = pace_with_stub(arguments)
    line("\nmedian with the emulator / with the stub", f"{with_emulator / with_stub:.2f}")


if __name__ == "__main__":
    main()
