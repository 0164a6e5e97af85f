"""billing: Prices, budgets, spendings, alerts and usage days."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "billing_budgets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_kind", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("by_house", sa.Boolean(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "holder_kind IN ('project', 'organization', 'user')",
            name=op.f("ck_billing_budgets_holder_kind"),
        ),
        sa.CheckConstraint(
            "period IN ('day', 'month', 'total')", name=op.f("ck_billing_budgets_period")
        ),
        sa.CheckConstraint("unit IN ('tokens', 'won')", name=op.f("ck_billing_budgets_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_budgets")),
    )
    op.create_index(op.f("ix_billing_budgets_holder_id"), "billing_budgets", ["holder_id"])
    op.create_table(
        "billing_prices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("prompt_won", sa.BigInteger(), nullable=False),
        sa.Column("cached_won", sa.BigInteger(), nullable=False),
        sa.Column("completion_won", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_prices")),
        sa.UniqueConstraint(
            "model",
            "organization_id",
            "from_day",
            name=op.f("uq_billing_prices_model_organization_id_from_day"),
        ),
    )
    op.create_table(
        "billing_usage_days",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("micro_won", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "day",
            "project_id",
            "key_id",
            "model",
            name=op.f("pk_billing_usage_days"),
        ),
    )
    op.create_table(
        "billing_alerts",
        sa.Column("budget_id", sa.String(), nullable=False),
        sa.Column("period_on", sa.Date(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["budget_id"],
            ["billing_budgets.id"],
            name=op.f("fk_billing_alerts_budget_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "budget_id", "period_on", "percent", name=op.f("pk_billing_alerts")
        ),
    )
    op.create_table(
        "billing_spendings",
        sa.Column("budget_id", sa.String(), nullable=False),
        sa.Column("period_on", sa.Date(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["budget_id"],
            ["billing_budgets.id"],
            name=op.f("fk_billing_spendings_budget_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("budget_id", "period_on", name=op.f("pk_billing_spendings")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("billing_spendings")
    op.drop_table("billing_alerts")
    op.drop_table("billing_usage_days")
    op.drop_table("billing_prices")
    op.drop_index(op.f("ix_billing_budgets_holder_id"), table_name="billing_budgets")
    op.drop_table("billing_budgets")
