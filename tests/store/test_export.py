"""What holds of the export on SQLite alone; its promises are in the contract suite."""

import pytest

from msp_server.store import export
from msp_server.store.export import Position, Wanted
from msp_server.store.opening import open_store
from tests.contract.given import CUSTOMER, NOW, receive, reply
from tests.store.test_upkeep import plans


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


def test_a_page_is_read_by_its_place(store):
    receive(store, "1")
    store.outbox.put([reply("a")], NOW)

    def act():
        list(store.export.messages(Position(), store.export.end(), Wanted()))

    steps = [step for plan in plans(store, act) for step in plan]

    assert any(step.startswith("SEARCH inbox USING INTEGER PRIMARY KEY") for step in steps)
    assert [step for step in steps if step in ("SCAN inbox", "SCAN outbox")] == []


def test_no_more_than_a_page_of_each_direction_is_read_ahead(store, monkeypatch):
    monkeypatch.setattr(export, "PAGE", 2)
    for number in range(6):
        receive(store, str(number), NOW + number)
    read = store.export.messages(Position(), Position(6, 0), Wanted())

    assert next(read).row.message_id == "0"
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE inbox SET kind = 'changed' WHERE message_id != '0'")

    assert [message.row.kind for message in read] == ["Text", *["changed"] * 4]


def test_one_conversation_is_found_by_its_index(store):
    receive(store, "1")
    wanted = Wanted(conversation_id=store.conversations.find(CUSTOMER).id)

    def act():
        list(store.export.messages(Position(), Position(1, 0), wanted))

    steps = [step for plan in plans(store, act) for step in plan]

    assert any("USING COVERING INDEX inbox_history" in step for step in steps), steps
