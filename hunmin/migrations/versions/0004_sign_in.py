"""signin: By what sessions were opened and when proved; who made a link; challenges."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Sessions there are were opened by links or by guests, and proved when they began."""
    op.add_column("accounts_users", sa.Column("opened_at", sa.DateTime(timezone=True)))
    # Whether an account was ever opened is not known any more where that was long ago. Those that
    # may hold somebody's conversations count as opened.
    op.execute("UPDATE accounts_users SET opened_at = created_at")
    op.add_column("accounts_sign_in_links", sa.Column("created_by", sa.String()))
    with op.batch_alter_table("accounts_sessions") as sessions:
        sessions.add_column(sa.Column("method", sa.Text()))
        sessions.add_column(sa.Column("strength", sa.Integer()))
        sessions.add_column(sa.Column("proved_at", sa.DateTime(timezone=True)))
        sessions.add_column(sa.Column("for_other", sa.Boolean()))
    op.execute(
        "UPDATE accounts_sessions SET strength = 1, proved_at = created_at, for_other = false, "
        "method = CASE WHEN user_id IN (SELECT user_id FROM accounts_user_roles "
        "WHERE role = 'guest') THEN 'guest' ELSE 'link' END"
    )
    with op.batch_alter_table("accounts_sessions") as sessions:
        for name in ("method", "strength", "proved_at", "for_other"):
            sessions.alter_column(name, nullable=False)
        sessions.create_check_constraint(
            op.f("ck_accounts_sessions_method"),
            "method IN ('guest', 'link', 'password', 'passkey', 'oidc')",
        )
        sessions.create_check_constraint(
            op.f("ck_accounts_sessions_strength"), "strength IN (1, 2)"
        )
    op.create_table(
        "signin_challenges",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column("data", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('passkey_new', 'passkey', 'oidc', 'second')",
            name=op.f("ck_signin_challenges_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["accounts_users.id"],
            name=op.f("fk_signin_challenges_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_challenges")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_signin_challenges_secret_sha256")),
    )
    op.create_index(op.f("ix_signin_challenges_user_id"), "signin_challenges", ["user_id"])
    op.create_index(op.f("ix_signin_challenges_expires_at"), "signin_challenges", ["expires_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("signin_challenges")
    with op.batch_alter_table("accounts_sessions") as sessions:
        sessions.drop_constraint(op.f("ck_accounts_sessions_method"), type_="check")
        sessions.drop_constraint(op.f("ck_accounts_sessions_strength"), type_="check")
        for name in ("for_other", "proved_at", "strength", "method"):
            sessions.drop_column(name)
    op.drop_column("accounts_sign_in_links", "created_by")
    op.drop_column("accounts_users", "opened_at")
