"""chat: Answers stopped and read at another server."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("chat_messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reader_seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("stop_asked_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("chat_messages", schema=None) as batch_op:
        batch_op.drop_column("stop_asked_at")
        batch_op.drop_column("reader_seen_at")
