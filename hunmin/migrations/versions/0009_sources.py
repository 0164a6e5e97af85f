"""chat: Files of questions and sources of answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "chat_message_files",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["documents_files.id"],
            name=op.f("fk_chat_message_files_file_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["chat_messages.id"],
            name=op.f("fk_chat_message_files_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", "file_id", name=op.f("pk_chat_message_files")),
    )
    with op.batch_alter_table("chat_message_files", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_chat_message_files_file_id"), ["file_id"], unique=False
        )

    op.create_table(
        "chat_message_sources",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("file_id", sa.String(), nullable=True),
        sa.Column("collection_id", sa.String(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["documents_files.id"],
            name=op.f("fk_chat_message_sources_file_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["chat_messages.id"],
            name=op.f("fk_chat_message_sources_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", "place", name=op.f("pk_chat_message_sources")),
    )
    with op.batch_alter_table("chat_message_sources", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_chat_message_sources_file_id"), ["file_id"], unique=False
        )

    with op.batch_alter_table("chat_conversations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "collection_ids", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=True
            )
        )

    with op.batch_alter_table("chat_messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("looked", sa.Boolean(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("chat_messages", schema=None) as batch_op:
        batch_op.drop_column("looked")

    with op.batch_alter_table("chat_conversations", schema=None) as batch_op:
        batch_op.drop_column("collection_ids")

    with op.batch_alter_table("chat_message_sources", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_chat_message_sources_file_id"))

    op.drop_table("chat_message_sources")
    with op.batch_alter_table("chat_message_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_chat_message_files_file_id"))

    op.drop_table("chat_message_files")
