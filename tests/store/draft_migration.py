"""Print the next migration: from where the migrations lead to what `schema.py` says, as a draft.

    .venv/bin/python tests/store/draft_migration.py 0002 > msp_server/store/migrations/0002_what.py

It has to be read and named: data that moves, values of new columns, and conditions of indexes that
changed are beyond it. Then `SCHEMA_VERSION` in `schema.py` becomes its number.
"""

import sys

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from msp_server.store.migrating import migrate
from msp_server.store.schema import METADATA

MODULE = '''"""Say what it does."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "{number}"
down_revision: Final = {before!r}


def upgrade() -> None:
    """Change the tables."""
    {steps}
'''


def draft(number):
    """Give the text of a migration, whose number is the next one."""
    before = f"{int(number) - 1:04}" if number > "0001" else None
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        if before:
            list(migrate(connection))
        context = MigrationContext.configure(connection)
        steps = produce_migrations(context, METADATA).upgrade_ops
        code = render_python_code(steps, sqlalchemy_module_prefix="sa.")
    lines = in_order([line for line in code.splitlines() if "# ###" not in line])
    return MODULE.format(number=number, before=before, steps="\n".join(lines).strip())


def in_order(lines):
    """Put the constraints of each table in the order of its columns; Alembic has them in none."""
    columns, sorted_lines = [], []
    for line in lines:
        sorted_lines.append(line)
        if "create_table(" in line:
            columns = []
        elif "sa.Column(" in line:
            columns.append(line.split("'")[1])
        elif "Constraint(" in line:
            begin = max(place for place, each in enumerate(sorted_lines) if "sa.Column(" in each)
            sorted_lines[begin + 1 :] = sorted(
                sorted_lines[begin + 1 :], key=lambda each: columns.index(each.split("'")[1])
            )
    return sorted_lines


if __name__ == "__main__":
    print(draft(sys.argv[1]))
