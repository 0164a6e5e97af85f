"""Organizations, projects and members; keys with scopes, models and successors."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = ("administrator", "auditor", "person", "guest")
WORDS = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Apply. Keys made before may do what programs do, and no longer open conversations."""
    op.create_table(
        "organizations_organizations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations_organizations")),
        sa.UniqueConstraint("name_key", name=op.f("uq_organizations_organizations_name_key")),
    )
    op.create_table(
        "organizations_members",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'manager', 'billing', 'member')",
            name=op.f("ck_organizations_members_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations_organizations.id"],
            name=op.f("fk_organizations_members_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["accounts_users.id"],
            name=op.f("fk_organizations_members_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "user_id", name=op.f("pk_organizations_members")
        ),
    )
    op.create_index(op.f("ix_organizations_members_user_id"), "organizations_members", ["user_id"])
    op.create_table(
        "organizations_projects",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations_organizations.id"],
            name=op.f("fk_organizations_projects_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations_projects")),
        sa.UniqueConstraint(
            "organization_id",
            "name_key",
            name=op.f("uq_organizations_projects_organization_id_name_key"),
        ),
    )
    op.create_table(
        "organizations_project_members",
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('manager', 'developer', 'viewer')",
            name=op.f("ck_organizations_project_members_role"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["organizations_projects.id"],
            name=op.f("fk_organizations_project_members_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["accounts_users.id"],
            name=op.f("fk_organizations_project_members_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "user_id", name=op.f("pk_organizations_project_members")
        ),
    )
    op.create_index(
        op.f("ix_organizations_project_members_user_id"),
        "organizations_project_members",
        ["user_id"],
    )
    op.create_table(
        "organizations_invitations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "role IN ('owner', 'manager', 'billing', 'member')",
            name=op.f("ck_organizations_invitations_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations_organizations.id"],
            name=op.f("fk_organizations_invitations_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["used_by"],
            ["accounts_users.id"],
            name=op.f("fk_organizations_invitations_used_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations_invitations")),
        sa.UniqueConstraint(
            "secret_sha256", name=op.f("uq_organizations_invitations_secret_sha256")
        ),
    )
    op.create_index(
        op.f("ix_organizations_invitations_organization_id"),
        "organizations_invitations",
        ["organization_id"],
    )
    op.add_column(
        "accounts_users", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True)
    )
    _allow_roles((*ROLES, "service"))
    with op.batch_alter_table("accounts_keys") as keys:
        keys.add_column(sa.Column("organization_id", sa.String(), nullable=True))
        keys.add_column(sa.Column("project_id", sa.String(), nullable=True))
        keys.add_column(sa.Column("scopes", WORDS, nullable=True))
        keys.add_column(sa.Column("models", WORDS, nullable=True))
        keys.add_column(sa.Column("replaces_id", sa.String(), nullable=True))
        keys.add_column(sa.Column("retires_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("""UPDATE accounts_keys SET scopes = '["inference", "files", "usage"]'""")
    with op.batch_alter_table("accounts_keys") as keys:
        keys.alter_column("scopes", existing_type=WORDS, nullable=False)
        keys.create_foreign_key(
            op.f("fk_accounts_keys_replaces_id"),
            "accounts_keys",
            ["replaces_id"],
            ["id"],
            ondelete="SET NULL",
        )
        keys.create_index(op.f("ix_accounts_keys_organization_id"), ["organization_id"])
        keys.create_index(op.f("ix_accounts_keys_project_id"), ["project_id"])


def downgrade() -> None:
    """Take back. Service accounts go with their keys."""
    with op.batch_alter_table("accounts_keys") as keys:
        keys.drop_index(op.f("ix_accounts_keys_project_id"))
        keys.drop_index(op.f("ix_accounts_keys_organization_id"))
        keys.drop_constraint(op.f("fk_accounts_keys_replaces_id"), type_="foreignkey")
        for name in ("retires_at", "replaces_id", "models", "scopes", "project_id"):
            keys.drop_column(name)
        keys.drop_column("organization_id")
    for table in (
        "organizations_invitations",
        "organizations_project_members",
        "organizations_projects",
        "organizations_members",
        "organizations_organizations",
    ):
        op.drop_table(table)
    for service in ("accounts_keys WHERE user_id", "accounts_users WHERE id"):
        op.execute(
            f"DELETE FROM {service} IN "  # noqa: S608 (of the two above)
            "(SELECT user_id FROM accounts_user_roles WHERE role = 'service')"
        )
    op.execute("DELETE FROM accounts_user_roles WHERE role = 'service'")
    _allow_roles(ROLES)
    with op.batch_alter_table("accounts_users") as users:
        users.drop_column("disabled_at")


def _allow_roles(roles: tuple[str, ...]) -> None:
    """Allow these roles and no others."""
    named = ", ".join(f"'{role}'" for role in roles)
    name = op.f("ck_accounts_user_roles_role")
    with op.batch_alter_table("accounts_user_roles") as rows:
        rows.drop_constraint(name, type_="check")
        rows.create_check_constraint(name, sa.text(f"role IN ({named})"))
