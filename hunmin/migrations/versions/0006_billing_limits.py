"""billing: Limits, what was let in by the second, and what answers set aside."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "billing_limits",
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("holder_kind", sa.Text(), nullable=False),
        sa.Column("requests_per_minute_max", sa.BigInteger(), nullable=True),
        sa.Column("tokens_per_minute_max", sa.BigInteger(), nullable=True),
        sa.Column("concurrent_max", sa.BigInteger(), nullable=True),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "holder_kind IN ('key', 'project', 'organization', 'user')",
            name=op.f("ck_billing_limits_holder_kind"),
        ),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_billing_limits")),
    )
    op.create_table(
        "billing_reservations",
        sa.Column("admission_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("micro_won", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("admission_id", name=op.f("pk_billing_reservations")),
    )
    op.create_index(
        "ix_billing_reservations_tenant_deadline_at",
        "billing_reservations",
        ["tenant", "deadline_at"],
    )
    op.create_table(
        "billing_slots",
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder_id", "slot", name=op.f("pk_billing_slots")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("billing_slots")
    op.drop_index("ix_billing_reservations_tenant_deadline_at", table_name="billing_reservations")
    op.drop_table("billing_reservations")
    op.drop_table("billing_limits")
