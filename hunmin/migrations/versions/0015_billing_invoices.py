"""billing: Invoices, which are never changed once they are issued."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEYS = {"billing_invoices": "id", "billing_invoice_voids": "invoice_id"}
REFUSE = "BEGIN SELECT RAISE(ABORT, 'an issued invoice is never changed'); END"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "billing_invoices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("document", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_invoices")),
        sa.UniqueConstraint(
            "organization_id",
            "month",
            "edition",
            name=op.f("uq_billing_invoices_organization_id_month_edition"),
        ),
        sa.UniqueConstraint("serial", name=op.f("uq_billing_invoices_serial")),
    )
    op.create_table(
        "billing_invoice_voids",
        sa.Column("invoice_id", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("voided_by", sa.String(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["billing_invoices.id"],
            name=op.f("fk_billing_invoice_voids_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_billing_invoice_voids")),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(
            "CREATE OR REPLACE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'an issued invoice is never changed'; END $$"
        )
    for table, key in KEYS.items():
        for statement in _sqlite(table, key) if sqlite else _postgresql(table):
            op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.drop_table("billing_invoice_voids")
    op.drop_table("billing_invoices")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION billing_refuse_change()")


def _sqlite(table: str, key: str) -> list[str]:
    same = f"SELECT 1 FROM {table} WHERE {key} = NEW.{key}"  # noqa: S608 (names of ours)
    refuse_again = f"WHEN EXISTS ({same}) {REFUSE}"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {REFUSE}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {REFUSE}",
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {refuse_again}",
    ]


def _postgresql(table: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change()"
    ]
