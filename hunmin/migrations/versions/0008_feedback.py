"""chat: Feedback on answers, and consents to use it for training."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "chat_training_consents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_training_consents")),
    )
    words = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.create_table(
        "chat_feedback",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reasons", words, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_id", sa.String(), nullable=True),
        sa.CheckConstraint("verdict IN ('good', 'bad')", name=op.f("ck_chat_feedback_verdict")),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["chat_training_consents.id"],
            name=op.f("fk_chat_feedback_consent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["chat_messages.id"],
            name=op.f("fk_chat_feedback_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_chat_feedback")),
    )
    op.create_index(
        op.f("ix_chat_feedback_consent_id"), "chat_feedback", ["consent_id"], unique=False
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("chat_feedback")
    op.drop_table("chat_training_consents")
