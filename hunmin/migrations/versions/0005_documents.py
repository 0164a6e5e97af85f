"""documents: Files, their passages, and collections."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "documents_collections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=False),
        sa.Column("seen_by", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=True),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "seen_by IN ('everyone', 'people', 'organization')",
            name=op.f("ck_documents_collections_seen_by"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations_organizations.id"],
            name=op.f("fk_documents_collections_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents_collections")),
        sa.UniqueConstraint("name", name=op.f("uq_documents_collections_name")),
    )
    op.create_table(
        "documents_files",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("blob_sha256", sa.String(), nullable=True),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("characters", sa.Integer(), nullable=True),
        sa.Column("error", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('coming', 'waiting', 'read', 'failed')",
            name=op.f("ck_documents_files_state"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["accounts_users.id"],
            name=op.f("fk_documents_files_owner_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents_files")),
    )
    with op.batch_alter_table("documents_files", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_documents_files_blob_sha256"), ["blob_sha256"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_documents_files_conversation_id"), ["conversation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_documents_files_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "documents_passages",
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["documents_files.id"],
            name=op.f("fk_documents_passages_file_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", "place", name=op.f("pk_documents_passages")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("documents_passages")
    with op.batch_alter_table("documents_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_documents_files_owner_id"))
        batch_op.drop_index(batch_op.f("ix_documents_files_conversation_id"))
        batch_op.drop_index(batch_op.f("ix_documents_files_blob_sha256"))

    op.drop_table("documents_files")
    op.drop_table("documents_collections")
