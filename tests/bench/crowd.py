"""What a crowd costs: a million old messages in the store, and ten thousand that wait.

Taking in and draining are measured on a store that is empty and on one that holds old messages,
taking turns. Then messages come at a steady pace while others wait: while the backlog is worked
off, because the gateway is away, and because it is slow; beside them the same pace with none
waiting.
"""

import argparse
import shutil
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

from drain import drain, fill, set_due
from figures import line, milliseconds, percentile, spread
from running import BUSINESS_ID, end_what_was_started, server, stub_gateway
from traffic import customer_id, flood, make_requests, pace

from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import BusinessId, OpaqueId, new_message_id
from msp_server.messages.text import Text
from msp_server.store.opening import open_store

#: How many customers write.
CUSTOMERS = 1000
#: Over how many conversations the old messages are spread.
OLD_CONVERSATIONS = 10_000
MOST_PER_S = 6000
_LONG_AGO = int(time.time()) - 365 * 86400

_COUNTED = "WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)"
_NEW_ID = (
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-'"
    " || hex(randomblob(2)) || '-' || hex(randomblob(6)))"
)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=int, default=1_000_000, help="old messages")
    parser.add_argument("--waiting", type=int, default=10_000, help="messages that wait")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn, taking in")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--messages", type=int, default=1000, help="to drain in a round")
    parser.add_argument("--paced-seconds", type=float, default=8.0, help="length of a steady pace")
    parser.add_argument("--per-s", type=int, default=50, help="messages a second at that pace")
    return parser.parse_args()


def make_old(file, count):
    """Make a store of old messages: half of them received and answered, half sent."""
    open_store(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA synchronous=OFF")
        _insert_conversations(database)
        _insert_old(database, "inbox", count // 2, {"kind": "'Text'", "state": "'ANSWERED'"})
        sent = {"kind": "'Text'", "state": "'SENT'", "endpoint": "'message'"}
        _insert_old(database, "outbox", count - count // 2, sent)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _insert_conversations(database):
    customer = customer_id(0).replace("AQAAY000000", "AQAAY%06d")
    _insert(
        database,
        "conversations",
        OLD_CONVERSATIONS,
        {
            "id": "'old-' || n",
            "business_id": "'0f0e0d0c-0b0a-0908-0706-050403020100'",
            "customer_id": f"printf('{customer}', n)",
            "closed": "0",
            "closed_seq": "0",
            "heard_at": f"{_LONG_AGO}",
        },
    )


def _insert_old(database, table, count, values):
    values = {
        "message_id": _NEW_ID,
        "conversation_id": f"'old-' || (n % {OLD_CONVERSATIONS})",
        "headers": '\'{"capability-list": "AUTH,AUTH2,FORM,LIST,QUICK,TIME"}\'',
        "packed": "randomblob(250)",
        "attempts": "1",
        "created_at": f"{_LONG_AGO} + n",
        "finished_at": f"{_LONG_AGO} + n",
        **values,
    }
    _insert(database, table, count, values)


def _insert(database, table, count, values):
    """Insert rows; a column that may not be null and is not named gets 0."""
    columns = database.execute(f"PRAGMA table_info({table})").fetchall()
    needed = {name for _, name, _, not_null, _, key in columns if not_null and not key}
    values = dict.fromkeys(needed, "0") | values
    names, expressions = ", ".join(f'"{name}"' for name in values), ", ".join(values.values())
    database.execute(
        f"{_COUNTED} INSERT INTO {table} ({names}) SELECT {expressions} FROM counted",  # noqa: S608 - names of ours
        (count - 1,),
    )


def show_inbound(old_file, arguments):
    """Take messages in, on the empty store and on the old one in turn."""
    with ExitStack() as stack:
        servers = {}
        for name in ("empty", "old"):
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if name == "old":
                shutil.copy(old_file, directory / "msp.db")
            servers[name] = stack.enter_context(server(directory, "--web-only"))
        runs = {name: [] for name in servers}
        for turn in range(arguments.rounds + 1):
            for name, ours in servers.items():
                requests = make_requests(int(MOST_PER_S * arguments.seconds), CUSTOMERS)
                run = flood(ours.port, requests, arguments.connections, arguments.seconds)
                if turn:  # in the first one, connections are made
                    runs[name].append(run)
    for name, measured in runs.items():
        p99 = milliseconds(max(percentile(run.seconds, 99) for run in measured))
        rates = spread([run.rate for run in measured], 0)
        line(f"  taken in, {name} store", f"{rates} a second   highest p99 {p99}")
    ratios = [old.rate / new.rate for old, new in zip(runs["old"], runs["empty"], strict=True)]
    line("  taken in, old / empty", spread(ratios), "0.90")


def show_drain(old_file, arguments):
    """Drain a backlog, on the empty store and on the old one in turn."""
    rates = {"empty": [], "old": []}
    with stub_gateway() as stub:
        for _ in range(arguments.rounds):
            for name, measured in rates.items():
                with tempfile.TemporaryDirectory() as directory:
                    file = Path(directory) / "msp.db"
                    if name == "old":
                        shutil.copy(old_file, file)
                    url = f"sqlite:///{file}"
                    measured.append(drain(stub, url, arguments.messages, 500, 1).rate)
    for name, measured in rates.items():
        line(f"  drained, {name} store", f"{spread(measured, 0)} a second")
    ratios = [old / new for old, new in zip(rates["old"], rates["empty"], strict=True)]
    line("  drained, old / empty", spread(ratios), "0.90")


def paced_seconds(port, arguments):
    """Give how long each message took until it was acknowledged, at a steady pace."""
    count = int(arguments.per_s * arguments.paced_seconds)
    return pace(port, make_requests(count, 200), arguments.per_s).seconds


def fill_outbox(database_url, count):
    """Put so many messages into the outbox, due now."""
    with closing(open_store(database_url)) as store:
        for customer in range(CUSTOMERS):
            messages = [
                OutboundMessage(
                    new_message_id(),
                    BusinessId(BUSINESS_ID),
                    OpaqueId(customer_id(customer)),
                    Text(f"waits {number}"),
                    automated=True,
                )
                for number in range(count // CUSTOMERS)
            ]
            store.outbox.put(messages, time.time())


def measure_waiting(stub, waiting_file, arguments, mode):
    """Give the acknowledgements' seconds with a server, none waiting, and then all of them."""
    with tempfile.TemporaryDirectory() as directory:
        stub.reset()
        with server(directory, MSP_GATEWAY=stub.url) as ours:
            paced_seconds(ours.port, arguments)  # threads and connections
            idle = paced_seconds(ours.port, arguments)
    with tempfile.TemporaryDirectory() as directory:
        file = shutil.copy(waiting_file, Path(directory) / "msp.db")
        stub.reset(**mode)
        with server(directory, MSP_GATEWAY=stub.url) as ours:
            time.sleep(0.5)
            set_due(f"sqlite:///{file}", time.time())
            waiting = paced_seconds(ours.port, arguments)
    return idle, waiting


def show_waiting(name, mode, waiting_file, arguments):
    """Show how long acknowledgements take while many wait, beside none waiting."""
    with stub_gateway() as stub:
        idle, waiting = measure_waiting(stub, waiting_file, arguments, mode)
    p99s = [percentile(seconds, 99) for seconds in (idle, waiting)]
    figure = f"{milliseconds(p99s[1])}, idle {milliseconds(p99s[0])}: {p99s[1] / p99s[0]:.2f}"
    line(f"  acknowledged p99, {arguments.waiting} wait {name}", figure, "2 at most")


def show_all_waiting(directory, arguments):
    """Show it for each reason to wait."""
    in_inbox, in_outbox = directory / "inbox.db", directory / "outbox.db"
    fill(f"sqlite:///{in_inbox}", arguments.waiting, CUSTOMERS)
    fill_outbox(f"sqlite:///{in_outbox}", arguments.waiting)
    show_waiting("and are worked off", {}, in_inbox, arguments)
    show_waiting("and the gateway is away", {"status": 503}, in_outbox, arguments)
    show_waiting("and the gateway takes 1 s", {"delay_s": 1}, in_outbox, arguments)


def main():
    arguments = parse_arguments()
    end_what_was_started()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        old_file = directory / "old.db"
        started = time.monotonic()
        make_old(old_file, arguments.old)
        print(f"\n{arguments.old} old messages, made in {time.monotonic() - started:.0f} s")
        show_inbound(old_file, arguments)
        show_drain(old_file, arguments)
        show_all_waiting(directory, arguments)


if __name__ == "__main__":
    main()
