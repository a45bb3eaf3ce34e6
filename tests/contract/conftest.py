"""One store on each engine: a SQLite file, and PostgreSQL where `TEST_DATABASE_URL` names one."""

import os
import uuid

import pytest
from sqlalchemy import create_engine, make_url

from msp_server.store.opening import open_store
from msp_server.store.schema import METADATA


@pytest.fixture(scope="session")
def postgresql_url():
    """Give the address of a schema of our own that has the tables; it is dropped at the end."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL")
    schema = f"contract_{uuid.uuid4().hex}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    url = make_url(server).update_query_dict({"options": f"-csearch_path={schema}"})
    address = url.render_as_string(hide_password=False)
    open_store(address).close()
    yield address
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


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
