"""Walking a database along the chain: one process at a time, all or nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from hunmin.errors import DatabaseTooNew

_LOCK = 0x68756E6D696E
"""The PostgreSQL advisory lock of migrations: "hunmin" as a number."""


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision.

    The whole walk is one transaction that other processes wait for: on SQLite it holds the write
    lock, on PostgreSQL an advisory lock. A second process finds nothing left to do.

    Raises:
        DatabaseTooNew: The schema has a revision this program does not know.
    """
    config = chain_config()
    scripts = ScriptDirectory.from_config(config)
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection, _copying_tables(connection), connection.begin():
        if not sqlite:
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        if _heads(connection, scripts) == set(scripts.get_heads()):
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            assert not broken, f"a migration left dangling references: {broken}"


@contextmanager
def _copying_tables(connection: Connection) -> Iterator[None]:
    """Let SQLite alter a table by copying it, which must not delete what refers to it."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    raw.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys = ON")


def chain_config() -> Config:
    """Return Alembic's configuration for the chain inside this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _heads(connection: Connection, scripts: ScriptDirectory) -> set[str]:
    """Return the revisions the database has, having refused unknown ones."""
    heads = set(MigrationContext.configure(connection).get_current_heads())
    known = {script.revision for script in scripts.walk_revisions()}
    for head in sorted(heads - known):
        raise DatabaseTooNew(revision=head)
    return heads
