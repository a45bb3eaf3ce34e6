"""One store on each engine: a SQLite file, and PostgreSQL where `TEST_DATABASE_URL` names one."""

import pytest
from sqlalchemy import create_engine

from msp_server.store.opening import open_store
from msp_server.store.schema import METADATA
from tests.postgresql import own_schema


@pytest.fixture(scope="session")
def postgresql_url():
    """Give the address of a schema of our own that has the tables; it is dropped at the end."""
    with own_schema() as address:
        open_store(address).close()
        yield address


@pytest.fixture
def empty_postgresql_url(postgresql_url):
    """Give the address of the schema with nothing left in its tables."""
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
    return postgresql_url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """Give the address of an empty database of each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("empty_postgresql_url")


@pytest.fixture
def store(database_url):
    """Open an empty store."""
    store = open_store(database_url)
    yield store
    store.close()
