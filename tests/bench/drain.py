"""How fast a backlog is answered and sent: messages that wait in the inbox, until all are sent.

The agent echoes, the gateway is the stub. Workers are up before anything is due; then all is due
at once. Beside it a loop with one kept `requests.Session` posts as many sends to the same stub and
does nothing else. PostgreSQL is measured where `TEST_DATABASE_URL` names one.
"""

import argparse
import gzip
import json
import os
import tempfile
import time
import uuid
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import jwt
import requests
from figures import line
from running import BUSINESS_ID, MSP_ID, SECRET, cpu_s, end_what_was_started, process, stub_gateway
from sqlalchemy import create_engine, make_url, update
from traffic import customer_id, make_fields

from msp_server.messages.envelope import parse_message
from msp_server.store.opening import open_store
from msp_server.store.schema import CONVERSATIONS

LIMIT_S = 120
_LATELY_S = 3600


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000, help="over the conversations")
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--hot", type=int, default=1000, help="messages of the hot conversation")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], help="on PostgreSQL")
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


@contextmanager
def postgresql_schema(server_url):
    """Give the address of an empty schema of our own; it is dropped at the end."""
    schema = f"bench_{uuid.uuid4().hex}"
    engine = create_engine(server_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    url = make_url(server_url).update_query_dict({"options": f"-csearch_path={schema}"})
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
        engine.dispose()


def fill(database_url, count, conversations):
    """Put so many messages into the inbox, due for nobody yet."""
    with closing(open_store(database_url)) as store:
        for number in range(count):
            fields = make_fields(f"text {number}", customer_id(number % conversations))
            packed = gzip.compress(json.dumps(fields).encode(), compresslevel=1)
            headers = {
                "id": fields["id"],
                "source-id": fields["sourceId"],
                "destination-id": BUSINESS_ID,
                "capability-list": "AUTH,AUTH2,FORM,LIST,QUICK,TIME",
            }
            store.inbox.put(parse_message(headers, fields), headers, packed, time.time())
    set_due(database_url, None)


def set_due(database_url, at):
    """Say when what was put in lately is to be answered."""
    engine = create_engine(database_url)
    lately = CONVERSATIONS.c.heard_at > time.time() - _LATELY_S
    with engine.begin() as connection:
        connection.execute(update(CONVERSATIONS).where(lately).values(answer_at=at))
    engine.dispose()


@dataclass(frozen=True)
class Drained:
    """How fast it went."""

    #: Messages a second.
    rate: float
    #: How long a core was kept busy for one, seconds; None where the system does not say.
    cpu_s: float | None


def drain(stub, database_url, count, conversations, workers):
    """Answer and send so many messages with so many worker processes."""
    fill(database_url, count, conversations)
    stub.reset()
    settings = {"MSP_GATEWAY": stub.url, "MSP_DATABASE_URL": database_url}
    running = []
    with ExitStack() as stack:
        for _ in range(workers):
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            arguments = ["-m", "msp_server", "worker"]
            running.append(stack.enter_context(process(arguments, directory, **settings)))
        time.sleep(0.5)  # what a start does besides
        began_s = [cpu_s(each) for each in running]
        started = time.monotonic()
        set_due(database_url, time.time())
        sent = stub.wait_for(count, LIMIT_S)
        ended = max(stub.arrivals().values(), default=time.monotonic())
        busy_s = [cpu_s(each) for each in running]
    if sent < count:
        print(f"  only {sent} of {count} were sent within {LIMIT_S} s", flush=True)
    used_s = None if None in began_s else (sum(busy_s) - sum(began_s)) / max(1, sent)
    return Drained(sent / (ended - started), used_s)


def only_post(stub, count):
    """Make as many sends in a loop that does nothing but post them, each signed."""
    stub.reset()
    headers = {"Content-Type": "application/json", "Source-Id": BUSINESS_ID}
    bodies = [
        json.dumps(make_fields(f"text {number}", customer_id(number))).encode()
        for number in range(count)
    ]
    with requests.Session() as session:
        session.trust_env = False
        started, began_s = time.monotonic(), time.process_time()
        for body in bodies:
            token = jwt.encode({"iss": MSP_ID, "iat": int(time.time())}, SECRET, algorithm="HS256")
            authorization = {"Authorization": f"Bearer {token}"}
            session.post(f"{stub.url}/message", body, headers=headers | authorization)
        elapsed_s, busy_s = time.monotonic() - started, time.process_time() - began_s
    return Drained(count / elapsed_s, busy_s / count)


def show(stub, name, databases, loads, workers):
    """Drain each load once, and print it beside the loop that only posts."""
    for count, conversations in loads:
        with databases() as database_url:
            ours = drain(stub, database_url, count, conversations, workers)
        beside = only_post(stub, count)
        of = f"{conversations} conversations" if conversations > 1 else "one hot conversation"
        cores = (
            "" if ours.cpu_s is None else f"   by time of a core {beside.cpu_s / ours.cpu_s:.2f}"
        )
        ratio = f"{ours.rate / beside.rate:5.2f} x only posting ({beside.rate:.0f}){cores}"
        line(f"  {name}, {of}", f"{ours.rate:6.0f} a second   {ratio}")


@contextmanager
def sqlite_file():
    """Give the address of a database that is not there yet."""
    with tempfile.TemporaryDirectory() as directory:
        yield f"sqlite:///{directory}/msp.db"


def main():
    arguments = parse_arguments()
    end_what_was_started()
    loads = [(arguments.messages, arguments.conversations), (arguments.hot, 1)]
    server_url = os.environ.get("TEST_DATABASE_URL")
    if not server_url:
        print("TEST_DATABASE_URL names no PostgreSQL: it is left out")
    print("\ndrain, from due to sent")
    with stub_gateway() as stub:
        for _ in range(arguments.rounds):
            show(stub, "SQLite", sqlite_file, loads, 1)
            for workers in arguments.workers if server_url else []:
                name = f"PostgreSQL, {workers} worker{'s' if workers > 1 else ''}"
                show(stub, name, lambda: postgresql_schema(server_url), loads, workers)


if __name__ == "__main__":
    main()
