"""How each database is told that nobody changes some tables, whatever program asks.

They are those of the audit log, and of other rooms whose rows only grow.
"""

from collections.abc import Mapping

from sqlalchemy import DDL, FromClause, event

TABLES = {"audit_events": "id", "audit_seals": "number"}
"""The tables of the audit log, with their keys."""

_RAISE = "BEGIN SELECT RAISE(ABORT, '{what} is never changed'); END"

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
    "CREATE OR REPLACE FUNCTION {room}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '{what} is never changed'; END $$"
)

_POSTGRESQL = (
    "CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION {room}_refuse_change()"
)


def statements(
    dialect: str,
    tables: Mapping[str, str] = TABLES,
    *,
    room: str = "audit",
    what: str = "the audit log",
) -> list[str]:
    """Return what to tell a database of this kind, once its tables are there.

    Args:
        dialect: `sqlite` or `postgresql`.
        tables: Those that only grow, with their keys.
        room: Whose they are.
        what: What is said never to change.
    """
    if dialect == "sqlite":
        refuse = _RAISE.format(what=what)
        return [
            statement.format(table=table, key=key, refuse=refuse)
            for table, key in tables.items()
            for statement in _SQLITE
        ]
    assert dialect == "postgresql"
    function = _POSTGRESQL_FUNCTION.format(room=room, what=what)
    return [function, *(_POSTGRESQL.format(table=table, room=room) for table in tables)]


def refuse_changes(
    last: FromClause,
    tables: Mapping[str, str] = TABLES,
    *,
    room: str = "audit",
    what: str = "the audit log",
) -> None:
    """Have tables only grow from when `last`, the last of them, is made. See `statements`."""
    for dialect in ("sqlite", "postgresql"):
        for statement in statements(dialect, tables, room=room, what=what):
            event.listen(last, "after_create", DDL(statement).execute_if(dialect=dialect))
