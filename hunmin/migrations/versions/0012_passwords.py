"""signin: Passwords, second factors, recovery codes and failed tries."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "signin_passwords",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        _of_user("signin_passwords"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_signin_passwords")),
    )
    op.create_table(
        "signin_totp",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        _of_user("signin_totp"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_signin_totp")),
    )
    op.create_table(
        "signin_recovery_codes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("code_sha256", sa.String(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        _of_user("signin_recovery_codes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_recovery_codes")),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_signin_recovery_codes_code_sha256")),
    )
    op.create_index(op.f("ix_signin_recovery_codes_user_id"), "signin_recovery_codes", ["user_id"])
    op.create_table(
        "signin_attempts",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_signin_attempts")),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("attempts", "recovery_codes", "totp", "passwords"):
        op.drop_table(f"signin_{table}")


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["accounts_users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
    )
