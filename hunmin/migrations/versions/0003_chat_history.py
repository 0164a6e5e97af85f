"""chat: Folders, pins, the archive, preferences, shares, and initials to be searched."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from hunmin.chat.rules import initials

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BATCH = 500
"""Texts whose initials are read and written together."""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "chat_folders",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("system_prompt", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["accounts_users.id"],
            name=op.f("fk_chat_folders_owner_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_folders")),
    )
    op.create_index(op.f("ix_chat_folders_owner_id"), "chat_folders", ["owner_id"], unique=False)
    op.create_table(
        "chat_preferences",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("system_prompt", sa.Text(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("temperature", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["accounts_users.id"],
            name=op.f("fk_chat_preferences_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_chat_preferences")),
    )
    op.create_table(
        "chat_shares",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column("snapshot", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["chat_conversations.id"],
            name=op.f("fk_chat_shares_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["accounts_users.id"],
            name=op.f("fk_chat_shares_owner_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_shares")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_chat_shares_secret_sha256")),
    )
    for column in ("conversation_id", "owner_id", "expires_at"):
        op.create_index(op.f(f"ix_chat_shares_{column}"), "chat_shares", [column], unique=False)
    with op.batch_alter_table("chat_conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("title_initials", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("folder_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("model", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("system_prompt", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("temperature", sa.Double(), nullable=True))
    with op.batch_alter_table("chat_messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("initials", sa.Text(), nullable=True))
    op.execute("UPDATE chat_conversations SET system_prompt = ''")
    _fill("chat_conversations", "title", "title_initials")
    _fill("chat_messages", "text", "initials")
    with op.batch_alter_table("chat_conversations", schema=None) as batch_op:
        batch_op.alter_column("title_initials", existing_type=sa.Text(), nullable=False)
        batch_op.alter_column("system_prompt", existing_type=sa.Text(), nullable=False)
        batch_op.create_index(
            batch_op.f("ix_chat_conversations_folder_id"), ["folder_id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_chat_conversations_folder_id"),
            "chat_folders",
            ["folder_id"],
            ["id"],
            ondelete="SET NULL",
        )
    with op.batch_alter_table("chat_messages", schema=None) as batch_op:
        batch_op.alter_column("initials", existing_type=sa.Text(), nullable=False)


def _fill(table: str, text: str, of_it: str) -> None:
    """Write the initials of every text of a table, some at a time, in the order of their ids."""
    connection = op.get_bind()
    columns = [sa.column(name) for name in ("id", text, of_it)]
    rows = sa.table(table, *columns)
    id_, words, _ = columns
    last = ""
    while True:
        some = sa.select(id_, words).select_from(rows).where(id_ > last).order_by(id_).limit(_BATCH)
        found = connection.execute(some).all()
        if not found:
            return
        connection.execute(
            sa.update(rows).where(id_ == sa.bindparam("row")).values({of_it: sa.bindparam("said")}),
            [{"row": row, "said": initials(said)} for row, said in found],
        )
        last = found[-1][0]


def downgrade() -> None:
    """Take back."""
    op.drop_table("chat_shares")
    with op.batch_alter_table("chat_messages", schema=None) as batch_op:
        batch_op.drop_column("initials")

    with op.batch_alter_table("chat_conversations", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_chat_conversations_folder_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_chat_conversations_folder_id"))
        batch_op.drop_column("temperature")
        batch_op.drop_column("system_prompt")
        batch_op.drop_column("model")
        batch_op.drop_column("archived_at")
        batch_op.drop_column("pinned_at")
        batch_op.drop_column("folder_id")
        batch_op.drop_column("title_initials")

    op.drop_table("chat_preferences")
    with op.batch_alter_table("chat_folders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_chat_folders_owner_id"))

    op.drop_table("chat_folders")
