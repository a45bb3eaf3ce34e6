"""What holds of the export, on every engine."""

import threading
from contextlib import closing

import pytest
from sqlalchemy import create_engine

from msp_server.messages.payment import PaymentStatus
from msp_server.store import export
from msp_server.store.export import Position, Wanted
from tests.contract.given import (
    BUSINESS,
    CUSTOMER,
    DAY_S,
    NOW,
    OTHER_CUSTOMER,
    answer,
    ask_to_pay,
    ask_to_sign_in,
    receive,
    receive_files,
    reply,
    send_all,
)

EVERYTHING = Wanted()
BEGINNING = Position()


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    monkeypatch.setattr(export, "PAGE", 3)


def exported(store, start=BEGINNING, wanted=EVERYTHING):
    return list(store.export.messages(start, store.export.end(), wanted))


def exported_ids(store, start=BEGINNING, wanted=EVERYTHING):
    return [message.row.message_id for message in exported(store, start, wanted)]


@pytest.fixture
def talk(store):
    """Give a store in which ten messages came, each of which was answered a second later."""
    for number in range(10):
        receive(store, f"in {number}", NOW + 2 * number)
        answer(store, reply(f"out {number}"), now=NOW + 2 * number + 1)
    return store


TALK = [f"{way} {number}" for number in range(10) for way in ("in", "out")]


def test_nothing_is_exported_of_an_empty_store(store):
    assert store.export.end() == Position()
    assert exported(store) == []


def test_both_directions_come_oldest_first(talk):
    assert exported_ids(talk) == TALK


def test_an_answer_comes_after_all_that_came_before_it(store):
    for number in range(5):
        receive(store, str(number), NOW + number)
    answer(store, reply("a"), now=NOW + 4.5)
    receive(store, "5", NOW + 5)

    assert exported_ids(store) == ["0", "1", "2", "3", "4", "a", "5"]


def test_of_equally_old_ones_the_received_comes_first(store):
    store.outbox.put([reply("out")], NOW)
    receive(store, "in", NOW)

    assert exported_ids(store) == ["in", "out"]


def test_a_message_has_everything(store):
    receive(store, "in", NOW)
    answer(store, reply("out"), now=NOW + 1)
    send_all(store, NOW + 2)

    received, sent = (message.row for message in exported(store))

    assert (received.state, received.kind, received.created_at) == ("ANSWERED", "Text", NOW)
    assert (received.customer_id, received.business_id) == (CUSTOMER, BUSINESS)
    assert (sent.state, sent.answers, sent.finished_at) == ("SENT", "in", NOW + 2)
    assert b"Hello" in sent.packed


def test_a_message_has_what_it_pointed_at(store):
    receive(store, "0", NOW)
    files = receive_files(store, "1", "a.png", "b.png", now=NOW + 1)
    receive(store, "2", NOW + 2)

    found = [[each.file for each in message.fetches] for message in exported(store)]

    assert found == [[], files, []]


def test_a_message_has_the_payment_it_asks_for(store):
    store.outbox.put([reply("a"), ask_to_pay("b"), ask_to_sign_in("c")], NOW)
    store.payments.open("b", NOW + 3600)
    store.payments.begin("token of b", "print", NOW)
    store.payments.settle("token of b", "print", PaymentStatus.SUCCESS, NOW)

    plain, paid, signed = exported(store)

    assert (plain.payment, plain.sign_in) == (None, None)
    assert [what for _, what, _ in paid.payment.course] == ["asked", "authorised"]
    assert signed.sign_in.message_id == "c"


@pytest.mark.parametrize("stopped", range(len(TALK) + 1))
def test_an_export_goes_on_where_it_was_stopped(talk, stopped):
    position = Position()
    for message in exported(talk)[:stopped]:
        position = position.moved(message)

    assert exported_ids(talk, position) == TALK[stopped:]


def test_an_export_goes_on_with_what_has_come_since(talk):
    position = talk.export.end()
    receive(talk, "later", NOW)

    assert exported_ids(talk, position) == ["later"]


def test_an_export_ends_with_what_there_was_when_it_began(talk):
    end = talk.export.end()
    receive(talk, "later", NOW)

    rows = [message.row.message_id for message in talk.export.messages(Position(), end, EVERYTHING)]

    assert rows == TALK


def test_a_clock_that_was_set_back_loses_nothing(talk):
    receive(talk, "early", NOW - DAY_S)
    answer(talk, reply("early too"), now=NOW - DAY_S)

    assert sorted(exported_ids(talk)) == sorted([*TALK, "early", "early too"])


def test_only_what_came_since_is_exported(talk):
    assert exported_ids(talk, wanted=Wanted(since=NOW + 15)) == TALK[15:]


def test_only_one_conversation_is_exported(talk):
    for number in range(5):
        receive(talk, f"of bob {number}", NOW + number, OTHER_CUSTOMER)
    bob = Wanted(conversation_id=talk.conversations.find(OTHER_CUSTOMER).id)

    assert exported_ids(talk, wanted=bob) == [f"of bob {number}" for number in range(5)]


def test_what_was_put_in_before_but_is_committed_later_is_waited_for(store, database_url):
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite commits in the order in which it gives places")
    receive(store, "1")
    ended = threading.Event()

    def find_end():
        store.export.end()
        ended.set()

    engine = create_engine(database_url)
    with closing(engine.connect()) as connection:
        connection.exec_driver_sql("UPDATE conversations SET locale = 'de'")  # as every put begins
        connection.exec_driver_sql("SELECT nextval('inbox_seq_seq')")
        thread = threading.Thread(target=find_end)
        thread.start()
        assert not ended.wait(0.3)
        connection.commit()
        assert ended.wait(10)
        thread.join()
    engine.dispose()
