"""Works that wait share a commit; each takes back its own part alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from msp_server.errors import StoreBusy
from msp_server.store import group as group_module
from msp_server.store.group import Group
from msp_server.store.opening import _begin_sqlite, _set_up_sqlite

DEADLINE_S = 10
CROWD = 20


@pytest.fixture
def engine(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'some.db'}")
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (word TEXT PRIMARY KEY)")
    yield engine
    engine.dispose()


@pytest.fixture
def commits(engine):
    """A list with one entry for each commit."""
    made = []
    event.listen(engine, "commit", lambda _connection: made.append(1))
    return made


@pytest.fixture
def group(engine):
    group = Group(engine)
    yield group
    group.close()


def add(connection, word):
    connection.exec_driver_sql("INSERT INTO words VALUES (?)", (word,))


def words(engine):
    with engine.connect() as connection:
        return set(connection.exec_driver_sql("SELECT word FROM words").scalars())


def waiting(group):
    return len(group._first) + len(group._others)


class Crowd:
    """Works that all wait behind one, which goes on when they do."""

    def __init__(self, group, wait_for):
        self.group = group
        self._wait_for = wait_for
        self._pool = ThreadPoolExecutor(CROWD + 1)

    def do(self, first, *others):
        """Give what became of each: None, or what it raised."""
        begun = threading.Event()

        def lead(connection):
            begun.set()
            self._wait_for(lambda: waiting(self.group) == len(others), "the crowd")
            first(connection)

        leading = self._pool.submit(self.group.do, lead)
        assert begun.wait(DEADLINE_S)
        following = []
        for place, work in enumerate(others, 1):  # one after the other, so that they come in order
            following.append(self.submit(work))
            self._wait_for(lambda place=place: waiting(self.group) >= place, "the next")
        outcomes = [future.exception(DEADLINE_S) for future in (leading, *following)]
        self._pool.shutdown()
        return outcomes

    def submit(self, work):
        """Let one more work wait."""
        do = self.group.do_first if getattr(work, "hurries", False) else self.group.do
        return self._pool.submit(do, work)


@pytest.fixture
def crowd(group, wait_for):
    return Crowd(group, wait_for)


def adding(word):
    return lambda connection: add(connection, word)


def hurrying(word):
    def work(connection):
        add(connection, word)

    work.hurries = True
    return work


def failing(word):
    def work(connection):
        add(connection, word)
        raise LookupError(word)

    return work


@pytest.fixture
def committed(engine):
    """What is new with each commit, in order."""
    seen = []

    def note(connection):
        there = set(connection.exec_driver_sql("SELECT word FROM words").scalars())
        seen.append(there - {word for words in seen for word in words})

    event.listen(engine, "commit", note)
    return seen


def test_a_work_alone_is_committed_at_once_and_gives_what_it_gives(group, engine, commits):
    given = group.do(lambda connection: (add(connection, "alone"), "given")[1])

    assert given == "given"
    assert commits == [1]
    assert words(engine) == {"alone"}


def test_works_that_wait_at_the_same_time_share_a_commit(crowd, engine, committed):
    names = [str(number) for number in range(CROWD)]

    outcomes = crowd.do(adding("first"), *(adding(name) for name in names))

    assert outcomes == [None] * (CROWD + 1)
    assert committed == [{"first"}, set(names)]
    assert words(engine) == {"first", *names}


def test_nobody_goes_on_before_the_commit(crowd, group, engine):
    seen = []

    def watching(word):
        def work(connection):
            add(connection, word)
            seen.append(words(engine))

        return work

    crowd.do(adding("first"), watching("second"), watching("third"))

    assert seen == [{"first"}, {"first"}]
    assert words(engine) == {"first", "second", "third"}


def test_one_that_raises_takes_back_its_own_part_alone(crowd, engine):
    outcomes = crowd.do(adding("first"), adding("second"), failing("lost"), adding("last"))

    assert [type(outcome) for outcome in outcomes] == [type(None)] * 2 + [LookupError, type(None)]
    assert words(engine) == {"first", "second", "last"}


def test_a_first_one_that_raises_leaves_the_others_alone(crowd, engine):
    outcomes = crowd.do(adding("first"), failing("lost"), adding("second"), adding("third"))

    assert [type(outcome) for outcome in outcomes] == [type(None), LookupError] + [type(None)] * 2
    assert words(engine) == {"first", "second", "third"}


def test_one_alone_that_raises_leaves_nothing(group, engine):
    with pytest.raises(LookupError):
        group.do(failing("lost"))

    group.do(adding("afterwards"))
    assert words(engine) == {"afterwards"}


def test_a_commit_that_fails_is_raised_by_all_who_took_part(crowd, group, engine):
    def refuse(_connection):
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    event.listen(engine, "commit", refuse)
    outcomes = crowd.do(adding("first"), adding("second"), adding("third"))
    event.remove(engine, "commit", refuse)

    assert [type(outcome) for outcome in outcomes] == [OperationalError] * 3
    assert words(engine) == set()
    group.do(adding("afterwards"))
    assert words(engine) == {"afterwards"}


def test_what_a_full_disk_took_back_is_raised_by_all_who_took_part(crowd, engine):
    def end_it_all(connection):
        connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself then
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    outcomes = crowd.do(
        adding("before"), adding("first"), adding("second"), end_it_all, adding("fourth")
    )

    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        *[OperationalError] * 3,
        type(None),
    ]
    assert words(engine) == {"before", "fourth"}


def test_a_statement_that_is_refused_costs_its_work_alone(crowd, engine):
    *others, refused, last = crowd.do(adding("one"), adding("two"), adding("two"), adding("three"))

    assert [*others, last] == [None] * 3
    assert isinstance(refused, DBAPIError)
    assert words(engine) == {"one", "two", "three"}


def test_who_is_in_a_hurry_goes_first_and_some_others_go_along(crowd, committed, monkeypatch):
    monkeypatch.setattr(group_module, "ALONG", 1)

    crowd.do(adding("now"), adding("one"), adding("two"), adding("three"), hurrying("first"))

    assert committed == [{"now"}, {"first", "one"}, {"two", "three"}]


def test_a_block_has_a_transaction_of_its_own(crowd, group, engine, committed, wait_for):
    def write(_connection):
        with group.write() as connection:
            add(connection, "block")

    block = threading.Thread(target=write, args=(None,))

    def lead(connection):
        add(connection, "before")
        block.start()
        wait_for(lambda: waiting(group) == 1, "the block")
        crowd.after = crowd.submit(adding("after"))
        wait_for(lambda: waiting(group) == 2, "what comes after")

    group.do(lead)
    block.join(DEADLINE_S)
    crowd.after.result(DEADLINE_S)

    assert committed == [{"before"}, {"block"}, {"after"}]


def test_a_block_that_raises_leaves_nothing_and_lets_others_go_on(group, engine):
    def write():
        with group.write() as connection:
            add(connection, "lost")
            raise LookupError

    with pytest.raises(LookupError):
        write()

    group.do(adding("afterwards"))
    assert words(engine) == {"afterwards"}


@pytest.mark.parametrize("how", ["do", "do_first"])
def test_one_whose_turn_does_not_come_raises_store_busy_and_leaves_the_others_alone(
    group, engine, monkeypatch, how
):
    monkeypatch.setattr(group_module, "TURN_LIMIT_S", 0.01)

    with group.write() as connection:
        with pytest.raises(StoreBusy, match="too many writers"):
            getattr(group, how)(adding("late"))
        with pytest.raises(StoreBusy), group.write():
            pass
        add(connection, "kept")

    assert words(engine) == {"kept"}


def test_many_threads_lose_nothing(group, engine):
    names = [f"{one} {two}" for one in range(8) for two in range(50)]

    def write(name):
        if name.endswith("0"):
            with group.write() as connection:
                add(connection, name)
        elif name.endswith("5"):
            group.do_first(adding(name))
        else:
            group.do(adding(name))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, names, timeout=DEADLINE_S))

    assert words(engine) == set(names)
    assert (waiting(group), group._is_led) == (0, False)
