"""Prepared: a statement compiled once and then given to the driver as it is.

SQLAlchemy's own way of running a statement takes five times as long as the database itself. What
every answer runs goes this way; everything else takes the plain one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Delete, Dialect, Insert, Select, Update
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

_Processor = Callable[[Any], Any]
_Statement = Insert | Update | Delete | Select[*tuple[Any, ...]]


class Prepared:
    """A statement whose values come each time. Safe to use from many threads.

    An insert names every column in its values: defaults of a table are not asked. Errors are the
    driver's, which `Database.session` knows as it knows SQLAlchemy's.
    """

    def __init__(self, statement: _Statement) -> None:
        """Prepare a statement; it is compiled when a database first runs it."""
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, session: Session, values: Mapping[str, object]) -> int:
        """Run it in a session's transaction; return how many rows it wrote.

        Raises:
            KeyError: A value is missing.
        """
        count: int = self._execute(session, values).rowcount
        return count

    def first(self, session: Session, values: Mapping[str, object]) -> tuple[Any, ...] | None:
        """Return the first row a question finds, as its columns' types say; None for none.

        Raises:
            KeyError: A value is missing.
        """
        cursor = self._execute(session, values)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else self._compiled[_dialect(session).name].read(row)

    def _execute(self, session: Session, values: Mapping[str, object]) -> Any:  # noqa: ANN401 (a driver's cursor)
        dialect = _dialect(session)
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = _compile(self._statement, dialect, list(values))
            self._compiled[dialect.name] = compiled
        cursor = session.connection().connection.cursor()
        cursor.execute(compiled.sql, compiled.write(values))
        return cursor


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in one database's words, and how values become the driver's and back."""

    sql: str
    order: tuple[str, ...] | None
    """The order of values, for a driver that does not know them by name."""
    fixed: dict[str, Any]
    """What the statement says itself, ready for the driver."""
    writers: dict[str, _Processor | None]
    readers: tuple[_Processor | None, ...]

    def write(self, values: Mapping[str, object]) -> Any:  # noqa: ANN401 (what drivers take)
        given = self.fixed.copy()
        for name, writer in self.writers.items():
            value = values[name]
            given[name] = value if writer is None else writer(value)
        return given if self.order is None else [given[name] for name in self.order]

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        pairs = zip(row, self.readers, strict=True)
        return tuple([value if reader is None else reader(value) for value, reader in pairs])


def _compile(statement: _Statement, dialect: Dialect, names: list[str]) -> _Compiled:
    keys = names if isinstance(statement, Insert) else None
    compiled = statement.compile(dialect=dialect, column_keys=keys)
    assert isinstance(compiled, SQLCompiler)
    writers: dict[str, _Processor | None] = {}
    fixed: dict[str, Any] = {}
    for name, parameter in compiled.binds.items():
        writer = _writer(parameter.type, dialect)
        if parameter.required or name in names:
            writers[name] = writer
        else:
            fixed[name] = parameter.value if writer is None else writer(parameter.value)
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    return _Compiled(
        sql=str(compiled),
        order=tuple(compiled.positiontup) if compiled.positiontup is not None else None,
        fixed=fixed,
        writers=writers,
        readers=tuple(_reader(column.type, dialect) for column in columns),
    )


def _writer(kind: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _dialect(session: Session) -> Dialect:
    return session.get_bind().dialect
