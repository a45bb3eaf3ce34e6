"""Workers that stand still for longer than their lease, and handlers that end their process."""

import signal

import pytest
from sqlalchemy import create_engine, select

from msp_server.delivery.cut_offs import CUT_OFFS_LIMIT
from msp_server.store.schema import INBOX, OUTBOX, InboxState, OutboxState
from tests.faults.processes import Fleet, free_port
from tests.postgresql import own_schema

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LEASE_S = 3
LIMIT_S = 60
#: For longer than everything takes that happens meanwhile.
GATEWAY_S = 5


@pytest.fixture
def make_fleet(apple, tmp_path):
    """Give a function that makes a fleet on a store, for customers to write to."""

    def make(database_url):
        settings = {"MSP_LEASE_S": str(LEASE_S), "TEST_DIRECTORY": str(tmp_path)}
        fleet = Fleet(tmp_path, f"{apple.url}/v1", database_url, free_port(), settings)
        apple.emulator.msp_url = fleet.url
        return fleet

    return make


@pytest.fixture
def fleet(make_fleet):
    """Make a fleet on PostgreSQL, which takes messages in."""
    with own_schema() as database_url, make_fleet(database_url) as fleet:
        run(fleet, "web", "serve", "--web-only")
        yield fleet


@pytest.fixture
def sqlite_fleet(make_fleet, tmp_path):
    """Make a fleet on a file, which takes messages in."""
    with make_fleet(f"sqlite:///{tmp_path / 'var' / 'msp.db'}") as fleet:
        run(fleet, "web", "serve", "--web-only")
        yield fleet


def run(fleet, name, *arguments, **settings):
    fleet.start(name, *arguments, **settings)
    fleet.wait_until_ready(name)


def read(fleet, table):
    engine = create_engine(fleet.database_url)
    with engine.connect() as connection:
        rows = connection.execute(select(table).order_by(table.c.seq)).all()
    engine.dispose()
    return rows


def test_answer_of_a_worker_that_stood_still_for_longer_than_its_lease_is_not_sent(
    apple, fleet, tmp_path, wait_for
):
    run(fleet, "late worker", "worker", MSP_AGENT="tests.faults.agents:waiting")
    receipt = apple.phone().text("first")
    wait_for((tmp_path / "began").exists, "the late worker's handler", LIMIT_S)
    fleet.signal("late worker", signal.SIGSTOP)

    run(fleet, "worker", "worker")
    wait_for(apple.phone().bodies, "the other worker's answer", LIMIT_S)
    (tmp_path / "go").touch()
    fleet.signal("late worker", signal.SIGCONT)
    wait_for(lambda: "claim lost" in fleet.members["late worker"].log(), "its end", LIMIT_S)
    fleet.kill("late worker")
    apple.phone().text("second")
    wait_for(lambda: len(apple.phone().bodies()) > 1, "the second answer", LIMIT_S)

    assert apple.phone().bodies() == ["first", "second"]
    assert [row.answers for row in read(fleet, OUTBOX)].count(receipt["id"]) == 1
    assert {row.state for row in read(fleet, INBOX)} == {InboxState.ANSWERED}


def test_worker_that_stood_still_while_it_sent_changes_nothing_when_it_goes_on(
    apple, fleet, wait_for
):
    apple.fault("delay", endpoint="message", delay_s=GATEWAY_S)
    run(fleet, "late worker", "worker")
    apple.phone().text("first")
    faults = f"{apple.url}/emulator/faults"
    wait_for(lambda: '"happened":1' in compact(apple.web.get(faults)), "its send", LIMIT_S)
    fleet.signal("late worker", signal.SIGSTOP)

    run(fleet, "worker", "worker")
    wait_for(lambda: is_sent(fleet), "the other worker's send", LIMIT_S)
    wait_for(lambda: len(apple.sends()) == 2, "both sends", LIMIT_S)
    noted = read(fleet, OUTBOX)
    fleet.signal("late worker", signal.SIGCONT)
    wait_for(lambda: "claim lost" in fleet.members["late worker"].log(), "its end", LIMIT_S)

    assert read(fleet, OUTBOX) == noted
    assert len({(send["id"], send["body_sha256"]) for send in apple.sends()}) == 1
    assert apple.phone().bodies() == ["first"]


def compact(http_response):
    return http_response.text.replace(" ", "")


def is_sent(fleet):
    return {row.state for row in read(fleet, OUTBOX)} == {OutboxState.SENT}


def test_handler_that_ends_its_process_is_given_up_and_no_other_message_with_it(
    apple, sqlite_fleet, wait_for
):
    for name, words in (("ava", "die"), ("ben", "hello"), ("cleo", "hello")):
        assert apple.phone(name).text(words)["status"] == 200

    deaths = 0
    while not is_over(sqlite_fleet):
        sqlite_fleet.start("worker", "worker", MSP_AGENT="tests.faults.agents:deadly")
        process = sqlite_fleet.members["worker"].process
        wait_for(lambda p=process: not p.is_alive() or is_over(sqlite_fleet), "its end", LIMIT_S)
        deaths += not process.is_alive()
        process.kill()
        process.join()

    of_ava, of_ben, of_cleo = (row for row in read(sqlite_fleet, INBOX) if row.kind == "Text")
    assert deaths == 1 + CUT_OFFS_LIMIT
    assert (of_ava.state, of_ben.state, of_cleo.state) == ("BURIED", "ANSWERED", "ANSWERED")
    assert of_ava.reason == "cut off 4 times while it was being answered"
    assert of_ava.attempts == 2 + CUT_OFFS_LIMIT


def is_over(fleet):
    over = {InboxState.ANSWERED, InboxState.BURIED}
    return {row.state for row in read(fleet, INBOX)} <= over
