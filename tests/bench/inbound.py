"""What taking a message in costs: verified, recorded once, on disk before the answer.

Beside it, under the same server, run three handlers of `plain.py`; and gunicorn's threads with our
app, if gunicorn is there. They take turns, so that whatever else the machine does meets all alike.
Printed are ratios, each run of ours against the run of the other in the same round.
"""

import argparse
import importlib.util
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from figures import line, milliseconds, percentile, spread
from running import Server, cpu_s, end_what_was_started, free_port, plain_server, process, server
from traffic import flood, make_requests

CUSTOMERS = 1000
#: More requests than any of them answers in a second.
MOST_PER_S = 6000
PLAIN = ("bare", "tutorial", "inserting")
GOALS = {"bare": "0.45", "tutorial": "0.80", "inserting": "1.50"}
_GUNICORN = """
import sys
from gunicorn.app.wsgiapp import run
sys.argv[0] = "gunicorn"
print("up", flush=True)
run()
"""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each has its turn")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn")
    parser.add_argument("--connections", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--log-level", default="INFO", help="MSP_LOG_LEVEL of ours")
    return parser.parse_args()


def has_gunicorn():
    return importlib.util.find_spec("gunicorn") is not None


@contextmanager
def gunicorn(directory, log_level):
    """Serve our app with gunicorn's threads."""
    port = free_port()
    address = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "32"]
    arguments = ["-c", _GUNICORN, *address, "--log-level", "error", "msp_server.app:create_app()"]
    with process(arguments, directory, MSP_LOG_LEVEL=log_level) as running:
        wait_for_port(port)
        yield Server(port, running)


def wait_for_port(port):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            flood(port, make_requests(1, 1), 1, 1)
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("gunicorn did not start")


def start_all(stack, log_level):
    """Start each; give them by name."""

    def directory():
        return Path(stack.enter_context(tempfile.TemporaryDirectory()))

    ours = server(directory(), "--web-only", MSP_LOG_LEVEL=log_level)
    servers = {"ours": stack.enter_context(ours)}
    for name in PLAIN:
        servers[name] = stack.enter_context(plain_server(name, directory()))
    if has_gunicorn():
        servers["gunicorn"] = stack.enter_context(gunicorn(directory(), log_level))
    return servers


def measure(servers, connections, rounds, seconds):
    """Let all take turns; give the outcomes of each by name."""
    outcomes = {name: [] for name in servers}
    for each in servers.values():
        flood(
            each.port, make_requests(200, CUSTOMERS), connections, seconds
        )  # connections, first rows
    for _ in range(rounds):
        for name, each in servers.items():
            requests = make_requests(int(MOST_PER_S * seconds), CUSTOMERS)
            before_s = cpu_s(each.process)
            outcome = flood(each.port, requests, connections, seconds)
            if before_s is not None:
                outcome.cpu_s = cpu_s(each.process) - before_s
            outcomes[name].append(outcome)
    return outcomes


def show(outcomes, connections):
    print(f"\ninbound, {connections} connections")
    for name, runs in outcomes.items():
        show_one(name, runs)
    for name in [name for name in outcomes if name != "ours"]:
        pairs = list(zip(outcomes["ours"], outcomes[name], strict=True))
        ratios = [ours.rate / other.rate for ours, other in pairs]
        line(f"  ours / {name}", f"{spread(ratios)}{cpu_ratio(pairs)}", GOALS.get(name, ""))
    pairs = zip(outcomes["ours"], outcomes["inserting"], strict=True)
    ratios = [percentile(ours.seconds, 99) / percentile(other.seconds, 99) for ours, other in pairs]
    line("  p99 of ours / p99 of inserting", spread(ratios), "0.10 at most")


def show_one(name, runs):
    rates = spread([run.rate for run in runs], 0)
    p50, p99 = (
        milliseconds(statistics.median(percentile(run.seconds, percent) for run in runs))
        for percent in (50, 99)
    )
    refused = sum(run.refused for run in runs)
    line(f"  {name}", f"{rates} a second   p50 {p50}   p99 {p99}   refused {refused}")


def cpu_ratio(pairs):
    """Write how many messages ours takes in for each of the other's in as much time of a core."""
    if any(not run.cpu_s for pair in pairs for run in pair):  # gunicorn works in another process
        return ""
    ratios = [
        (len(ours.acknowledged) / ours.cpu_s) / (len(other.acknowledged) / other.cpu_s)
        for ours, other in pairs
    ]
    return f"   by time of a core {spread(ratios)}"


def main():
    arguments = parse_arguments()
    end_what_was_started()
    if not has_gunicorn():
        print("gunicorn is not installed: it is left out")
    with ExitStack() as stack:
        servers = start_all(stack, arguments.log_level)
        for connections in arguments.connections:
            show(measure(servers, connections, arguments.rounds, arguments.seconds), connections)


if __name__ == "__main__":
    main()
