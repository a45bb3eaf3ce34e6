"""What holds of pruning on SQLite alone; its promises are in the contract suite."""

import pytest

from msp_server.store.opening import open_store
from msp_server.store.pruning import Cut
from tests.contract.given import DAY_S, NOW, answer, receive, receive_files
from tests.store.test_upkeep import plans

THEN = NOW + 100 * DAY_S
CUT = Cut.of(THEN, THEN)


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    receive_files(store, "1", "a.png")
    answer(store)
    yield store
    store.close()


def test_a_cut_keeps_what_was_received_in_the_last_two_days():
    assert Cut.of(THEN - 3600, THEN) == Cut(THEN - 3600, THEN - 2 * DAY_S, buried=False)
    assert Cut.of(THEN - 3 * DAY_S, THEN).received_before == THEN - 3 * DAY_S


def test_what_can_go_is_found_by_its_place(store):
    steps = [step for plan in plans(store, lambda: list(store.pruning.find(CUT))) for step in plan]

    assert steps
    assert [step for step in steps if step in ("SCAN inbox", "SCAN outbox")] == []
    assert not any("TEMP" in step for step in steps)


def test_to_forget_a_conversation_looks_at_no_table_as_a_whole(store):
    with store._database.read() as connection:
        children = connection.exec_driver_sql(
            'SELECT m.name, f."from" FROM sqlite_master m, pragma_foreign_key_list(m.name) f'
            " WHERE m.type = 'table' AND f.\"table\" IN ('conversations', 'inbox')"
        ).all()
        for table, column in children:
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE {column} = 'x'"  # noqa: S608 - names of ours
            ).all()
            assert plan[0][3].startswith("SEARCH"), (table, column)
    assert len(children) == 6


def test_what_is_forgotten_is_not_left_in_the_file(store, tmp_path):
    receive(store, "2", packed=b"a word that must be forgotten")
    answer(store)
    for page in store.pruning.find(CUT):
        store.pruning.remove(page, CUT)
    store.close()

    left = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))
    assert b"must be forgotten" not in left
