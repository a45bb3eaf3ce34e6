"""Bring a database to the schema of this version, one numbered migration after the other.

A new database gets its tables from `schema.py` at once, and the number of the newest migration; the
tests see to it that both ways lead to the same schema. The number stands in Alembic's table.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
)

from msp_server.errors import StoreUnavailable
from msp_server.store.schema import METADATA, SCHEMA_VERSION

#: Where the migrations are.
MIGRATIONS: Final = Path(__file__).parent / "migrations"
#: Names the making and changing of tables among PostgreSQL's advisory locks.
_TABLES_LOCK: Final = 8002
#: Alembic's own table.
_VERSIONS: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32)),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def read_version(connection: Connection) -> str | None:
    """Give the number of a database's schema; None for none."""
    if not inspect(connection).has_table(_VERSIONS.name):
        return None
    version: str | None = connection.scalar(select(_VERSIONS.c.version_num))
    return version


def newest_version() -> str:
    """Give the number of the schema that this version of the server has."""
    return SCHEMA_VERSION


def make_tables(connection: Connection) -> str | None:
    """Make the tables in a database that has none.

    Tables that were made before there were numbers are taken over if they lack nothing.

    Returns:
        The number of the schema, if that is an older one; None when it is ours.

    Raises:
        StoreUnavailable: they lack something, or a newer version of this server made them.
    """
    version = read_version(connection)
    if version is None:
        lock_tables(connection)  # of several processes at once, one makes them
        version = read_version(connection)
    if version is None:
        there = _require_whole(connection)
        METADATA.create_all(connection)
        for name in there:
            for index in METADATA.tables[name].indexes:
                index.create(connection, checkfirst=True)
        _VERSIONS.create(connection, checkfirst=True)
        connection.execute(insert(_VERSIONS).values(version_num=SCHEMA_VERSION))
        return None
    if version > SCHEMA_VERSION:
        raise StoreUnavailable(
            f"{_name(connection)} was made by a newer version of this server (its schema is "
            f"{version}, this version knows {SCHEMA_VERSION}): install that, or name another "
            "database with MSP_DATABASE_URL or MSP_DATA_DIR"
        )
    return None if version == SCHEMA_VERSION else version


def migrate(connection: Connection) -> Iterator[str]:
    """Bring the tables to the newest schema, all in the transaction of the connection.

    Yields:
        The number of each step and what it does, before it is taken.
    """
    script = ScriptDirectory(MIGRATIONS, version_locations=[MIGRATIONS])
    context = MigrationContext.configure(connection)
    steps = script.iterate_revisions("heads", read_version(connection) or "base")
    for step in reversed(list(steps)):
        yield f"{step.revision} {step.doc}"
        with Operations.context(context):
            step.module.upgrade()
        context.stamp(script, step.revision)


def lock_tables(connection: Connection) -> None:
    """Keep others from making or changing tables until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_TABLES_LOCK)))


def _require_whole(connection: Connection) -> list[str]:
    """Name the tables that are there; refuse those that lack a column, before others are made."""
    there = inspect(connection).get_multi_columns(filter_names=list(METADATA.tables))
    for (_, name), columns in there.items():
        lacks = set(METADATA.tables[name].c.keys()) - {column["name"] for column in columns}
        if lacks:
            raise StoreUnavailable(
                f"{_name(connection)} was made by an earlier version of this server "
                f"(its table {name} has no {', '.join(sorted(lacks))}): move it away, or name "
                "another with MSP_DATABASE_URL or MSP_DATA_DIR"
            )
    return [name for _, name in there]


def _name(connection: Connection) -> str | None:
    return connection.engine.url.database
