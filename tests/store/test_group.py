"""Writers of one process share a commit; each takes back its own part alone."""

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
    return group._first.waiting + group._others.waiting


class Crowd:
    """Writers who all wait behind one, who goes on when they do."""

    def __init__(self, group, wait_for):
        self.group = group
        self._wait_for = wait_for
        self._pool = ThreadPoolExecutor(CROWD + 1)

    def write(self, first, *others):
        """Give what became of each: None, or what it raised."""
        begun = threading.Event()

        def lead():
            with self.group.write() as connection:
                begun.set()
                self._wait_for(lambda: waiting(self.group) == len(others), "the crowd")
                first(connection)

        leading = self._pool.submit(lead)
        assert begun.wait(DEADLINE_S)
        following = []
        for place, work in enumerate(others, 1):  # one after the other, so that they come in order
            following.append(self.submit(work))
            self._wait_for(lambda place=place: waiting(self.group) >= place, "the next")
        outcomes = [future.exception(DEADLINE_S) for future in (leading, *following)]
        self._pool.shutdown()
        return outcomes

    def submit(self, work):
        """Let one more write wait."""

        def follow():
            hurries = getattr(work, "hurries", False)
            with self.group.write_first() if hurries else self.group.write() as connection:
                work(connection)

        return self._pool.submit(follow)


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


def test_a_writer_alone_commits_at_once(group, engine, commits):
    with group.write() as connection:
        add(connection, "alone")

    assert commits == [1]
    assert words(engine) == {"alone"}


def test_writers_that_wait_at_the_same_time_share_a_commit(crowd, engine, commits):
    outcomes = crowd.write(*(adding(str(number)) for number in range(CROWD)))

    assert outcomes == [None] * CROWD
    assert words(engine) == {str(number) for number in range(CROWD)}
    assert commits == [1]


def test_nobody_goes_on_before_the_commit(group, engine, wait_for):
    seen = []

    def write(word):
        with group.write() as connection:
            wait_for(lambda: waiting(group) or word == "second", "the second")
            add(connection, word)
        seen.append(words(engine))

    first = threading.Thread(target=write, args=("first",))
    first.start()
    wait_for(lambda: group._busy, "the first")
    write("second")
    first.join(DEADLINE_S)

    assert seen == [{"first", "second"}] * 2


def test_one_that_raises_takes_back_its_own_part_alone(crowd, engine):
    first, *outcomes, last = crowd.write(
        adding("first"), adding("second"), failing("lost"), adding("last")
    )

    assert (first, last) == (None, None)
    assert [type(outcome) for outcome in outcomes] == [type(None), LookupError]
    assert words(engine) == {"first", "second", "last"}


def test_a_first_one_that_raises_leaves_the_others_alone(crowd, engine):
    first, *others = crowd.write(failing("lost"), adding("second"), adding("third"))

    assert isinstance(first, LookupError)
    assert others == [None, None]
    assert words(engine) == {"second", "third"}


def test_a_last_one_that_raises_does_not_keep_the_others_from_the_commit(crowd, engine):
    first, last = crowd.write(adding("first"), failing("lost"))

    assert first is None
    assert isinstance(last, LookupError)
    assert words(engine) == {"first"}


def test_a_commit_that_fails_is_raised_by_all_who_took_part(crowd, engine):
    def refuse(_connection):
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    event.listen(engine, "commit", refuse)
    outcomes = crowd.write(adding("first"), adding("second"), adding("third"))
    event.remove(engine, "commit", refuse)

    assert [type(outcome) for outcome in outcomes] == [OperationalError] * 3
    assert words(engine) == set()
    with crowd.group.write() as connection:
        add(connection, "afterwards")
    assert words(engine) == {"afterwards"}


def test_what_a_full_disk_took_back_is_raised_by_all_who_took_part(crowd, engine):
    def end_it_all(connection):
        connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself then
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    outcomes = crowd.write(adding("first"), adding("second"), end_it_all, adding("fourth"))

    assert {type(outcome) for outcome in outcomes[:3]} == {OperationalError}
    assert outcomes[3] is None
    assert words(engine) == {"fourth"}


def test_a_statement_that_is_refused_costs_its_writer_alone(crowd, engine):
    first, second, third = crowd.write(adding("one"), adding("one"), adding("three"))

    assert (first, third) == (None, None)
    assert isinstance(second, DBAPIError)
    assert words(engine) == {"one", "three"}


@pytest.fixture
def committed(engine):
    """What is new with each commit, in order."""
    seen = []

    def note(connection):
        there = set(connection.exec_driver_sql("SELECT word FROM words").scalars())
        seen.append(there - {word for words in seen for word in words})

    event.listen(engine, "commit", note)
    return seen


def test_who_is_in_a_hurry_goes_before_all_who_wait_and_is_committed_without_them(crowd, committed):
    crowd.write(adding("now"), adding("later"), adding("later too"), hurrying("first"))

    assert committed == [{"now", "first"}, {"later", "later too"}]


def test_one_who_is_in_no_hurry_has_a_turn_after_each_commit(crowd, committed, group, wait_for):
    more = []

    def hurry_on(connection):
        add(connection, "first")
        if not more:
            group._owed = True  # as after the commit before
            more.append(crowd.submit(hurrying("second")))
            wait_for(lambda: group._first.waiting == 1, "the second")

    hurry_on.hurries = True
    crowd.write(hurry_on, adding("later"))
    more[0].result(DEADLINE_S)

    assert committed == [{"first", "later", "second"}]


def test_one_whose_turn_does_not_come_raises_store_busy_and_leaves_the_others_alone(
    group, engine, monkeypatch
):
    monkeypatch.setattr(group_module, "TURN_LIMIT_S", 0.01)

    with group.write() as connection:
        with pytest.raises(StoreBusy, match="too many writers"), group.write():
            pass
        add(connection, "kept")

    assert words(engine) == {"kept"}
