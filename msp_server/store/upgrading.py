"""Migrate a database that an older version of this server made.

A SQLite file is migrated when it is opened, by whoever is first, after it was copied. PostgreSQL is
migrated on demand: other machines may run on it.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text

from msp_server.errors import StoreBusy, StoreUnavailable
from msp_server.store.base import translated
from msp_server.store.migrating import lock_tables, migrate, read_version
from msp_server.store.private_files import lock, make_private, open_private

#: How long another process may take to migrate the file that we want to open, seconds.
_TURN_LIMIT_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.05
#: How long tables may be in use by others before a migration gives up, seconds.
_IN_USE_LIMIT_S: Final = 30


def upgrade_file(
    engine: Engine, file: Path, lock_file: Path, found: str, tell: Callable[[str], None]
) -> None:
    """Migrate a SQLite file, unless another process does so meanwhile.

    Args:
        engine: on that file.
        file: the database.
        lock_file: held by the one process that works on it.
        found: the number of its schema.
        tell: called with each step.

    Raises:
        StoreBusy: a server or worker runs on it, which would not know the new schema.
        StoreUnavailable: it could not be copied or migrated, and is as it was.
    """
    descriptor = open_private(lock_file)
    try:
        if not _take_turn(engine, descriptor, lock_file, found):
            return
        with translated(), _without_foreign_keys(engine) as connection, connection.begin():
            if read_version(connection) != found:
                return  # migrated while we waited
            steps = migrate(connection)
            first = next(steps)
            copy = file.with_name(f"{file.name}.before-{first.split()[0]}")
            _copy(file, copy)
            tell(f"copied to {copy}")
            _take(first, steps, tell)
            _require_whole(connection)
    finally:
        os.close(descriptor)


def upgrade_postgresql(engine: Engine, tell: Callable[[str], None]) -> None:
    """Migrate a PostgreSQL database, in one transaction; nobody else does meanwhile.

    Raises:
        StoreBusy: somebody uses its tables.
        StoreUnavailable: it could not be migrated, and is as it was.
    """
    with translated(), engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{_IN_USE_LIMIT_S}s'"))
        lock_tables(connection)
        for step in migrate(connection):
            tell(step)


def _take(first: str, steps: Iterator[str], tell: Callable[[str], None]) -> None:
    tell(first)
    for step in steps:
        tell(step)


def _take_turn(engine: Engine, descriptor: int, lock_file: Path, found: str) -> bool:
    """Be the one who migrates; False when another process did it meanwhile."""
    deadline = time.monotonic() + _TURN_LIMIT_S
    while True:
        try:
            lock(descriptor, lock_file)
        except StoreBusy as busy:
            with translated(), engine.connect() as connection:
                if read_version(connection) != found:
                    return False
            if time.monotonic() > deadline:
                raise StoreBusy(
                    f"{busy}; the database is of an earlier version ({found}) and has to be "
                    "migrated"
                ) from busy
            time.sleep(_LOOK_AGAIN_S)
        else:
            return True


@contextmanager
def _without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """Give a connection on which a table can be made anew though others point at its rows."""
    with engine.execution_options(msp_writes=True).connect() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for the type checker
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def _require_whole(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StoreUnavailable(f"migrating would leave rows of {broken[0]} that point at nothing")


def _copy(file: Path, copy: Path) -> None:
    """Copy a database beside itself, whole or not at all."""
    draft = copy.with_name(f"{copy.name}.draft")
    draft.unlink(missing_ok=True)
    make_private(draft)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target)
        draft.replace(copy)
    except (sqlite3.Error, OSError) as error:
        draft.unlink(missing_ok=True)
        raise StoreUnavailable(
            f"{file} is of an earlier version and cannot be copied before it is migrated: {error}"
        ) from error
