"""Both ways to a schema lead to the same one, on each engine."""

import shutil
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from msp_server.errors import StoreUnavailable
from msp_server.store import migrating
from msp_server.store.migrating import MIGRATIONS, make_tables, migrate, read_version
from msp_server.store.schema import METADATA, SCHEMA_VERSION
from tests.postgresql import own_schema

NEXT = f"{int(SCHEMA_VERSION) + 1:04}"
SECOND = f'''"""Give each conversation a mood."""

import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{SCHEMA_VERSION}"


def upgrade():
    op.add_column("conversations", sa.Column("mood", sa.Text()))
'''
OF_POSTGRESQL = """
SELECT 'column', table_name, column_name, data_type, is_nullable, column_default, is_identity
FROM information_schema.columns WHERE table_schema = current_schema()
UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '', ''
FROM pg_indexes WHERE schemaname = current_schema()
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid),
    '', '', ''
FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
"""
OF_SQLITE = "SELECT type, name, tbl_name, sql FROM sqlite_master"


@contextmanager
def empty_database(engine_name, directory):
    """Give an engine on an empty database."""
    if engine_name == "sqlite":
        engine = create_engine(f"sqlite:///{directory / 'empty.db'}")
        yield engine
        engine.dispose()
        (directory / "empty.db").unlink()
        return
    with own_schema() as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request):
    return request.param


@pytest.fixture
def engine(engine_name, tmp_path):
    with empty_database(engine_name, tmp_path) as engine:
        yield engine


@pytest.fixture
def second_migration(tmp_path, monkeypatch):
    """Let there be a second migration, and a version of the server that needs it."""
    history = tmp_path / "migrations"
    history.mkdir()
    for step in MIGRATIONS.glob("[0-9]*.py"):
        shutil.copy(step, history)
    (history / f"{NEXT}_mood.py").write_text(SECOND)
    monkeypatch.setattr(migrating, "MIGRATIONS", history)
    monkeypatch.setattr(migrating, "SCHEMA_VERSION", NEXT)


def described(connection):
    """Give all that a database says about its tables, without the names of schemas."""
    sql = OF_SQLITE if connection.dialect.name == "sqlite" else OF_POSTGRESQL
    schema = inspect(connection).default_schema_name
    rows = [
        [str(value).replace(f"{schema}.", "") for value in row]
        for row in connection.execute(text(sql))
    ]
    return sorted(" ".join(" ".join(row).split()) for row in rows)


def columns(connection, table):
    return {column["name"] for column in inspect(connection).get_columns(table)}


def test_migrations_are_numbered_in_one_row_up_to_the_schema_of_this_version():
    script = ScriptDirectory(MIGRATIONS, version_locations=[MIGRATIONS])

    steps = list(script.walk_revisions())[::-1]

    assert [step.revision for step in steps] == [
        f"{number:04}" for number in range(1, len(steps) + 1)
    ]
    assert steps[-1].revision == SCHEMA_VERSION
    assert all(step.module.__file__.split("/")[-1].startswith(step.revision) for step in steps)


def test_migrating_from_nothing_gives_the_schema_of_a_new_database(engine_name, tmp_path):
    with empty_database(engine_name, tmp_path) as engine, engine.begin() as connection:
        make_tables(connection)
        made = described(connection)

    with empty_database(engine_name, tmp_path) as engine, engine.begin() as connection:
        list(migrate(connection))
        migrated = described(connection)

    assert migrated == made


def test_migrating_from_nothing_gives_what_the_schema_says(engine):
    with engine.begin() as connection:
        list(migrate(connection))
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)

        assert compare_metadata(context, METADATA) == []


def test_a_new_database_has_the_number_of_the_newest_schema(engine):
    with engine.begin() as connection:
        older = make_tables(connection)

        assert (older, read_version(connection)) == (None, SCHEMA_VERSION)


def test_an_empty_database_has_no_number(engine):
    with engine.begin() as connection:
        assert read_version(connection) is None


def test_a_step_tells_its_number_and_what_it_does(engine, second_migration):
    with engine.begin() as connection:
        steps = list(migrate(connection))

    assert steps[0] == "0001 Make the tables of the first release."
    assert steps[-1] == f"{NEXT} Give each conversation a mood."
    assert len(steps) == int(NEXT)


def test_migrating_takes_only_the_steps_that_lack(engine, second_migration, monkeypatch):
    with engine.begin() as connection:
        monkeypatch.setattr(migrating, "SCHEMA_VERSION", SCHEMA_VERSION)
        make_tables(connection)
        monkeypatch.setattr(migrating, "SCHEMA_VERSION", NEXT)

        assert make_tables(connection) == SCHEMA_VERSION
        assert list(migrate(connection)) == [f"{NEXT} Give each conversation a mood."]
        assert "mood" in columns(connection, "conversations")
        assert read_version(connection) == NEXT


def test_migrating_what_is_migrated_does_nothing(engine):
    with engine.begin() as connection:
        make_tables(connection)

        assert list(migrate(connection)) == []


def test_a_database_of_a_newer_version_is_refused(engine):
    with engine.begin() as connection:
        make_tables(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

        with pytest.raises(
            StoreUnavailable, match=rf"newer version .*9999.*knows {SCHEMA_VERSION}.*install"
        ):
            make_tables(connection)


def test_tables_from_before_there_were_numbers_get_one_if_they_lack_nothing(engine):
    with engine.begin() as connection:
        make_tables(connection)
        made = described(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text("DROP TABLE pulse"))
        connection.execute(text("DROP INDEX inbox_waiting"))

        make_tables(connection)

        assert read_version(connection) == SCHEMA_VERSION
        assert described(connection) == made


def test_tables_from_before_there_were_numbers_are_refused_if_they_lack_a_column(engine):
    with engine.begin() as connection:
        make_tables(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text("ALTER TABLE conversations DROP COLUMN note"))

        with pytest.raises(StoreUnavailable, match=r"conversations has no note.*move it away"):
            make_tables(connection)

        assert read_version(connection) is None
