"""What holds of the depths on SQLite alone; what they tell is in the contract suite."""

from contextlib import closing

import pytest
from sqlalchemy import text

from msp_server.store import depths
from msp_server.store.opening import open_store


@pytest.mark.parametrize("box", ["inbox", "outbox"])
def test_old_messages_are_not_looked_at(tmp_path, box):
    with closing(open_store(f"sqlite:///{tmp_path / 'store.db'}")) as store:
        engine = store._database.engine
        asked = depths._STATEMENTS[box].compile(
            engine, compile_kwargs={"render_postcompile": True, "literal_binds": True}
        )
        with engine.connect() as connection:
            plan = [row[-1] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {asked}"))]

    scans = [step for step in plan if step.startswith("SCAN") and box in step]
    assert len(scans) == 2
    assert [f"{box}_waiting" in scans[0], f"{box}_buried" in scans[1]] == [True, True]
