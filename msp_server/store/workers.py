"""The workers on all machines that share a store: who lives, and where its files are."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, select

from msp_server.store.base import Database, insert_into
from msp_server.store.schema import WORKERS

#: After how long without a word a worker is forgotten, seconds.
_FORGOTTEN_AFTER_S: Final = 86_400.0


@dataclass(frozen=True)
class Worker:
    """A process that answers and sends."""

    #: Names a file in its data directory.
    token: str
    #: Machine and process.
    name: str
    #: When it last said that it lives, seconds since 1970.
    seen_at: float


class Workers:
    """The roll of all workers; each says again and again that it lives."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, token: str, name: str, now: float) -> None:
        """Say that a worker lives, and forget those that have not said so for a day."""
        said = {"name": name, "seen_at": now}
        with self._database.write() as connection:
            insert = insert_into(connection, WORKERS).values(token=token, **said)
            connection.execute(
                insert.on_conflict_do_update(index_elements=[WORKERS.c.token], set_=said)
            )
            connection.execute(delete(WORKERS).where(WORKERS.c.seen_at < now - _FORGOTTEN_AFTER_S))

    def forget(self, token: str) -> None:
        """Say that a worker has ended."""
        with self._database.write() as connection:
            connection.execute(delete(WORKERS).where(WORKERS.c.token == token))

    def seen_since(self, at: float) -> list[Worker]:
        """Give the workers that have said since a time that they live."""
        seen = select(WORKERS).where(WORKERS.c.seen_at >= at).order_by(WORKERS.c.name)
        with self._database.read() as connection:
            return [
                Worker(token=row.token, name=row.name, seen_at=row.seen_at)
                for row in connection.execute(seen)
            ]

    def clock(self) -> float:
        """Give the time of PostgreSQL's own clock, seconds since 1970."""
        with self._database.read() as connection:
            return float(
                connection.execute(
                    select(func.extract("epoch", func.clock_timestamp()))
                ).scalar_one()
            )
