"""What holds of transactions on SQLite; the order of claims is in the contract suite."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError

from msp_server import metrics
from msp_server.agents.agent import TYPING_LIMIT_S
from msp_server.delivery.sending import LONGEST_DELAY_S, backoff_s
from msp_server.delivery.signing_in import LOOK_AGAIN_S
from msp_server.errors import StoreBusy, StoreUnavailable
from msp_server.remote.answers import RETRY_AFTER_LIMIT_S
from msp_server.settings import LEASE_LIMIT_S
from msp_server.store import group
from msp_server.store.base import FAR_FUTURE_S, Database
from msp_server.store.opening import _begin_sqlite, _set_up_sqlite

DEADLINE_S = 10


@pytest.fixture
def engine(tmp_path):
    engine = create_engine(
        f"sqlite:///{tmp_path / 'some.db'}", pool_size=2, max_overflow=0, pool_timeout=0.01
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (word TEXT PRIMARY KEY)")
    yield engine
    engine.dispose()


@pytest.fixture
def database(engine):
    database = Database(engine)
    yield database
    database.close()


def add(connection, word):
    connection.exec_driver_sql("INSERT INTO words VALUES (?)", (word,))


def add_all(connection, *several):
    for word in several:
        add(connection, word)


def words(database):
    with database.read() as connection:
        return list(connection.exec_driver_sql("SELECT word FROM words ORDER BY word").scalars())


def test_write_commits_when_its_block_ends(database):
    with database.write() as connection:
        add(connection, "kept")

    assert words(database) == ["kept"]


def test_write_takes_all_back_when_its_block_raises(database):
    with pytest.raises(StoreUnavailable), database.write() as connection:
        add_all(connection, "lost", "twice", "twice")

    assert words(database) == []


def test_write_lets_through_what_is_no_error_of_the_database(database):
    with pytest.raises(LookupError, match="ours"), database.write():
        raise LookupError("ours")


def test_write_is_possible_again_after_one_that_raised(database):
    with pytest.raises(LookupError), database.write():
        raise LookupError

    with database.write() as connection:
        add(connection, "kept")

    assert words(database) == ["kept"]


def test_read_sees_what_was_committed_while_another_writes(database):
    with database.write() as connection:
        add(connection, "not yet")
        seen = words(database)

    assert seen == []


def test_writers_of_one_process_take_turns(database):
    inside = []
    crowds = []

    def write(number):
        with database.write() as connection:
            inside.append(number)
            crowds.append(len(inside))
            add(connection, str(number))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40), timeout=DEADLINE_S))

    assert crowds == [1] * 40


def test_a_write_waits_for_the_one_before_it(database):
    begun = threading.Event()

    def write():
        begun.set()
        with database.write() as connection:
            return list(connection.exec_driver_sql("SELECT word FROM words").scalars())

    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            second = pool.submit(write)
            assert begun.wait(DEADLINE_S)
            add(connection, "first")
        seen = second.result(DEADLINE_S)

    assert seen == ["first"]


def test_write_raises_store_busy_when_its_turn_does_not_come(database, monkeypatch):
    monkeypatch.setattr(group, "TURN_LIMIT_S", 0.01)

    with database.write(), pytest.raises(StoreBusy, match="too many writers"), database.write():
        pass


def test_a_turn_that_did_not_come_leaves_the_writer_before_it_alone(database, monkeypatch):
    monkeypatch.setattr(group, "TURN_LIMIT_S", 0.01)

    with database.write() as connection:
        with pytest.raises(StoreBusy), database.write():
            pass
        add(connection, "kept")

    assert words(database) == ["kept"]


def test_write_raises_store_busy_when_no_connection_is_free(database):
    busy = pytest.raises(StoreBusy, match="no free connection")

    with database.read(), database.read(), busy, database.write():
        pass


def test_write_raises_store_unavailable_for_a_constraint(database):
    with (
        pytest.raises(StoreUnavailable, match="UNIQUE constraint failed"),
        database.write() as connection,
    ):
        add_all(connection, "twice", "twice")


def test_what_a_constraint_refused_is_not_quoted(database):
    with pytest.raises(StoreUnavailable) as caught, database.write() as connection:
        add_all(connection, "what was said", "what was said")

    assert "what was said" not in str(caught.value)


def test_write_raises_store_unavailable_for_a_missing_table(database):
    with pytest.raises(StoreUnavailable, match="no such table"), database.write() as connection:
        connection.exec_driver_sql("DELETE FROM absent")


def test_read_raises_store_unavailable_for_a_missing_table(database):
    with pytest.raises(StoreUnavailable, match="no such table"), database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM absent")


def test_a_deadlock_is_store_busy(database):
    deadlock = OperationalError("UPDATE", {}, Exception("deadlock detected"))

    with pytest.raises(StoreBusy, match="deadlock"), database.write():
        raise deadlock


def test_each_error_of_the_database_is_counted_once_by_its_class(database):
    def counts():
        return [
            metrics.REGISTRY.get_sample_value("msp_store_errors_total", {"error": error})
            for error in ("StoreBusy", "StoreUnavailable")
        ]

    before = counts()

    with pytest.raises(StoreUnavailable), database.read() as connection:
        connection.exec_driver_sql("SELECT 1 FROM nowhere")
    for _ in range(2):
        with pytest.raises(StoreBusy), database.write():
            raise StoreBusy

    assert [now - then for now, then in zip(counts(), before, strict=True)] == [2, 1]


def test_an_error_of_the_database_has_its_cause(database):
    with pytest.raises(StoreUnavailable) as caught, database.write() as connection:
        connection.exec_driver_sql("DELETE FROM absent")

    assert isinstance(caught.value.__cause__, OperationalError)


@pytest.mark.parametrize(
    "delay_s",
    [
        LEASE_LIMIT_S,
        RETRY_AFTER_LIMIT_S,
        LONGEST_DELAY_S,
        TYPING_LIMIT_S,
        LOOK_AGAIN_S,
        backoff_s(1000),
    ],
)
def test_whatever_may_be_due_later_is_due_before_the_far_future(delay_s):
    clocks_differ_s = 30

    assert delay_s + clocks_differ_s <= FAR_FUTURE_S
