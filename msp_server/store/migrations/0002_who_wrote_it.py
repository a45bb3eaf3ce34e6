"""Note who wrote a message and what had come by then, and find conversations for a desk."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Change the tables; what answered nothing until now was a desk's."""
    op.add_column("outbox", sa.Column("author", sa.Text(), server_default="agent", nullable=False))
    op.add_column("outbox", sa.Column("heard_seq", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("post_key", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("post_print", sa.Text(), nullable=True))
    op.create_index(
        "outbox_post",
        "outbox",
        ["conversation_id", "post_key"],
        unique=False,
        sqlite_where=sa.text("post_key IS NOT NULL"),
        postgresql_where=sa.text("post_key IS NOT NULL"),
    )
    op.create_index(
        "conversations_desk",
        "conversations",
        ["heard_at", "desk"],
        unique=False,
        sqlite_where=sa.text("desk IS NOT NULL"),
        postgresql_where=sa.text("desk IS NOT NULL"),
    )
    op.create_index("conversations_heard_at", "conversations", ["heard_at"], unique=False)
    op.execute(
        "UPDATE outbox SET author = 'desk', heard_seq = (SELECT max(inbox.seq) FROM inbox"
        " WHERE inbox.conversation_id = outbox.conversation_id"
        " AND inbox.created_at <= outbox.created_at) WHERE answers IS NULL"
    )
