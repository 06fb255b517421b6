"""A Core statement compiled once, for a path that runs it thousands of times a second.

It skips SQLAlchemy's work per execution, not its errors: a clash is still IntegrityError. Values go to
the driver as they are (text, whole numbers, floats, bytes, None): no type of a column converts them.
Most code does not want this; it wants `conn.execute(statement)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Executable

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Made by `Database.statement(statement, *names)`: `names` say what each place of a row stands for.

    >>> append = database.statement(insert(events), "turn", "n", "body")
    >>> await database.write(lambda conn: append.run_many(conn, [("t", 1, b"…"), ("t", 2, b"…")]))
    """

    sql: str
    _names: tuple[str, ...]
    _order: tuple[str, ...]
    _constants: dict[str, Any]
    _positional: bool

    @classmethod
    def compile(cls, statement: Executable, names: Sequence[str], dialect: Dialect) -> Statement:
        """Raises ValueError when a name is no parameter, or a parameter has neither name nor value."""
        columns = list(names) if getattr(statement, "is_insert", False) else None
        compiled = statement.compile(dialect=dialect, column_keys=columns)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        constants = {key: value for key, value in compiled.params.items() if key not in names}
        unknown = [name for name in names if name not in compiled.params]
        missing = [key for key in constants if compiled.binds[key].required]
        if unknown or missing:
            raise ValueError(f"no such parameter: {unknown}; without a value: {missing}")
        order = tuple(compiled.positiontup or ())
        return cls(str(compiled), tuple(names), order, constants, compiled.positional)

    def run(self, conn: Connection, *values: Any) -> CursorResult[Any]:
        """Execute for one row; `.rowcount` says how many rows it met, `.fetchall()` reads what it gives."""
        return conn.exec_driver_sql(self.sql, self._bind(values))

    def run_many(self, conn: Connection, rows: Iterable[Row]) -> int:
        """Execute for each row in one go of the driver; returns how many rows of the table were met."""
        bound = [self._bind(row) for row in rows]
        return conn.exec_driver_sql(self.sql, bound).rowcount if bound else 0

    def _bind(self, values: Row) -> Any:
        if self._positional and self._order == self._names:
            return values
        by_name = {**self._constants, **dict(zip(self._names, values, strict=True))}
        return tuple(by_name[name] for name in self._order) if self._positional else by_name
