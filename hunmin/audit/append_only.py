"""How each database is told that nobody changes the audit log, whatever program asks."""

TABLES = {"audit_events": "id", "audit_seals": "number"}
"""The tables that only grow, with their keys."""

_RAISE = "BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END"

_SQLITE = (
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
    # INSERT OR REPLACE would delete a row without asking the trigger above.
    (
        "CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        "WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) {refuse}"
    ),
)

_POSTGRESQL_FUNCTION = (
    "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log is never changed'; END $$"
)

_POSTGRESQL = (
    "CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
)


def statements(dialect: str) -> list[str]:
    """Return what to tell a database of this kind, once its tables are there."""
    if dialect == "sqlite":
        return [
            statement.format(table=table, key=key, refuse=_RAISE)
            for table, key in TABLES.items()
            for statement in _SQLITE
        ]
    assert dialect == "postgresql"
    return [_POSTGRESQL_FUNCTION, *(_POSTGRESQL.format(table=table) for table in TABLES)]
