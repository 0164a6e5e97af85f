"""The database: engine, session, the one declarative Base, ids, and migrations on start.

SQLite (WAL) by default, PostgreSQL in production; every table and query works on both. Knows no
room: tables live in the rooms, migrations in `hunmin/migrations/`.
"""

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from sqlalchemy import JSON, DateTime, Dialect, Engine, MetaData, QueuePool, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

from hunmin import telemetry
from hunmin.errors import (
    DatabaseBroken,
    DatabaseBusy,
    DatabaseFull,
    DatabaseNotWritable,
    DatabaseUnreachable,
    DatabaseUrlWrong,
)

BUSY_MS_MAX = 30_000
"""How long a writer waits for the one before it."""

_DatabaseError = (
    DatabaseBroken | DatabaseBusy | DatabaseFull | DatabaseNotWritable | DatabaseUnreachable
)

_KIND = "hunmin_kind"
"""What a connection is for: `reading`, `unsynced` writing, the same `at_once` or not at all, what
runs `outside` transactions."""

_PATIENT: dict[str, str | int] = {"busy_timeout": BUSY_MS_MAX}
_UNSYNCED: dict[str, str | int] = {
    "query_only": "OFF",
    "synchronous": "NORMAL",
    "wal_autocheckpoint": 16_384,
}

_PRAGMAS: dict[str | None, dict[str, str | int]] = {
    "reading": {**_PATIENT, "query_only": "ON"},
    # Pages of 4 KiB that SQLite's log may hold before a writer stops to copy them back; whoever
    # does not wait for the disk leaves that to `to_disk`, and stops only where it comes too late.
    "unsynced": {**_PATIENT, **_UNSYNCED},
    "at_once": {"busy_timeout": 0, **_UNSYNCED},
    None: {**_PATIENT, "query_only": "OFF", "synchronous": "FULL", "wal_autocheckpoint": 1_000},
}
"""What SQLite is told before a transaction of each kind."""

Json = dict[str, Any]
"""A column of plain JSON."""

Words = list[str]
"""A column of short words, kept as a JSON array; None is NULL."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always aware and in UTC, on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert value.tzinfo is not None, "a moment needs its time zone"
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The one base of every table in the house."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        Json: JSON().with_variant(JSONB(), "postgresql"),
        Words: JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
    }


class Database:
    """One database. Made by `open_database`; safe to use from many threads."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self.url = url
        self.engine = engine
        self._reading = engine.execution_options(**{_KIND: "reading"})
        self._unsynced = engine.execution_options(**{_KIND: "unsynced"})
        self._outside = engine.execution_options(**{_KIND: "outside"})

    @property
    def dialect(self) -> str:
        """Return `"sqlite"` or `"postgresql"`."""
        return self.engine.dialect.name

    @property
    def in_memory(self) -> bool:
        """Return whether it is one of SQLite in memory, which has one connection for all."""
        return self.dialect == "sqlite" and _in_memory(self.url)

    @contextmanager
    def session(
        self, *, read_only: bool = False, synced: bool = True, on: Connection | None = None
    ) -> Iterator[Session]:
        """Open one transaction: committed when the block ends, rolled back when it raises.

        Args:
            read_only: Refuse writes. On SQLite such a transaction never waits for a writer.
            synced: Wait until the disk has it. Without, on SQLite, what is committed outlives
                this process whatever ends it, but a loss of power only after `to_disk`.
                PostgreSQL has a setting of its own, `synchronous_commit`.
            on: A connection of one's own to take, from `connect_at_once`.

        Raises:
            HunminError: The database is away, full, locked or not writable.
        """
        deed = "read" if read_only else "write" if synced else "record"
        writing = self.engine if synced else self._unsynced
        began = time.perf_counter()
        try:
            with (
                self._known_errors(read_only=read_only),
                Session(on or (self._reading if read_only else writing)) as session,
                session.begin(),
            ):
                yield session
        finally:
            telemetry.transaction_ended(deed, seconds=time.perf_counter() - began)

    def connect_at_once(self) -> Connection:
        """Return a connection to a file of SQLite that waits for nobody, to be closed after use.

        A transaction on it begins at once, or is refused as `DatabaseBusy` where another writes;
        what it does is unsynced. See `session`.

        Raises:
            HunminError: The database is away or not writable.
        """
        with self._known_errors():
            return self.engine.execution_options(**{_KIND: "at_once"}).connect()

    def to_disk(self) -> None:
        """Bring everything committed to the disk, beside whoever reads and writes meanwhile.

        SQLite's log is copied back into the database, so that it does not grow for ever either.
        PostgreSQL does both by itself.

        Raises:
            HunminError: The database is away, full or not writable.
        """
        if self.dialect == "sqlite":
            with self._known_errors(), self._outside.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def migrate(self) -> None:
        """Bring the schema up to date; safe when several processes start at once.

        Raises:
            HunminError: The database is away, or its schema is newer than this program.
        """
        from hunmin.migrations.run import upgrade  # noqa: PLC0415 (Alembic is slow to import)

        with self._known_errors():
            upgrade(self.engine)

    def close(self) -> None:
        """Close every connection; one still at work is closed when it comes back."""

        @event.listens_for(self.engine, "checkin")
        def _close(connection: Any, record: Any) -> None:  # noqa: ANN401 (a driver's objects)
            if connection is not None:
                record.invalidate()

        self.engine.dispose()

    @contextmanager
    def _known_errors(self, *, read_only: bool = False) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
            known = _known_error(error)
            if known is None or (read_only and known is DatabaseNotWritable):
                raise
            shown = self.url.database if self.dialect == "sqlite" else self.url.render_as_string()
            raise known(address=str(shown)) from error


def open_database(url: str) -> Database:
    """Return the database at `url`, not yet connected.

    Args:
        url: `sqlite:///path/to/file.db`, `sqlite://` for one in memory, or
            `postgresql://user:password@host/name`.

    Raises:
        DatabaseUrlWrong: The address cannot be understood, or names another kind of database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseUrlWrong from error
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return Database(parsed, _sqlite(parsed))
    if kind == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        return Database(parsed, _postgresql(parsed))
    raise DatabaseUrlWrong


def _in_memory(url: URL) -> bool:
    return url.database in {None, "", ":memory:"}


def _sqlite(url: URL) -> Engine:
    in_memory = _in_memory(url)
    if not in_memory:
        try:
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseNotWritable(address=str(url.database)) from error
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_use_lifo=True,  # the connection used last still has its pages in memory
        hide_parameters=True,  # the words of people stay out of tracebacks
        pool_size=1 if in_memory else 8,
        max_overflow=0 if in_memory else 56,
        connect_args={
            "check_same_thread": False,
            "isolation_level": None,
            "timeout": BUSY_MS_MAX / 1000,
        },
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:  # noqa: ANN401 (a driver's object)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS_MAX}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that begins as a reader and then writes can only fail when another wrote
        # in between, so a writer takes the lock at once, and waits for it.
        kind = connection.get_execution_options().get(_KIND)
        if kind == "outside":
            return
        driver = connection.connection.cursor()
        for name, value in _PRAGMAS[kind].items():
            if connection.info.get(name) != value:
                driver.execute(f"PRAGMA {name} = {value}")
                connection.info[name] = value
        driver.execute("BEGIN" if kind == "reading" else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=8,
        max_overflow=24,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 10,
            "application_name": "hunmin",
            "options": f"-c lock_timeout={BUSY_MS_MAX}",
        },
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_KIND) == "reading":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    return engine


_SQLITE_ERRORS: dict[str, type[_DatabaseError]] = {
    "SQLITE_FULL": DatabaseFull,
    "SQLITE_READONLY": DatabaseNotWritable,
    "SQLITE_PERM": DatabaseNotWritable,
    "SQLITE_CANTOPEN": DatabaseNotWritable,
    "SQLITE_BUSY": DatabaseBusy,
    "SQLITE_LOCKED": DatabaseBusy,
    "SQLITE_CORRUPT": DatabaseBroken,
    "SQLITE_NOTADB": DatabaseBroken,
}

_POSTGRESQL_ERRORS: dict[str, type[_DatabaseError]] = {
    "53100": DatabaseFull,
    "25006": DatabaseNotWritable,
    "42501": DatabaseNotWritable,
    "53300": DatabaseBusy,
    "55P03": DatabaseBusy,
    "40P01": DatabaseBusy,
    "40001": DatabaseBusy,
    "3D000": DatabaseUnreachable,
    "57P01": DatabaseUnreachable,
    "57P02": DatabaseUnreachable,
    "57P03": DatabaseUnreachable,
    "28000": DatabaseUnreachable,
    "28P01": DatabaseUnreachable,
}


def _known_error(error: Exception) -> type[_DatabaseError] | None:
    """Return what a person should be told of an error of the driver; None for a fault of ours."""
    if isinstance(error, PoolTimeout):
        return DatabaseBusy
    told = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(told, sqlite3.Error):
        return _SQLITE_ERRORS.get("_".join(getattr(told, "sqlite_errorname", "").split("_")[:2]))
    if not isinstance(told, psycopg.OperationalError | psycopg.DatabaseError):
        return None
    if told.sqlstate is None or told.sqlstate.startswith("08"):
        return DatabaseUnreachable if isinstance(told, psycopg.OperationalError) else None
    return _POSTGRESQL_ERRORS.get(told.sqlstate)


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_id_lock = threading.Lock()
_last_id = 0


def new_id() -> str:
    """Return a new id: 26 characters that sort by the time they were made (a ULID, lower case)."""
    global _last_id  # noqa: PLW0603 (ids of one process never go back, whatever its clock does)
    fresh = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    with _id_lock:
        _last_id = fresh = fresh if fresh > _last_id else _last_id + 1
    return _encode(fresh)


def id_at(moment: datetime) -> str:
    """Return the least id that could have been made at a moment."""
    return _encode(max(int(moment.timestamp() * 1000), 0) << 80)


def id_before(known_id: str, seconds: int) -> str:
    """Return the least id that could have been made `seconds` before `known_id`."""
    number = 0
    for letter in known_id:
        number = number << 5 | _ALPHABET.index(letter)
    milliseconds = max((number >> 80) - seconds * 1000, 0)
    return _encode(milliseconds << 80)


def _encode(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -10, -10)])
