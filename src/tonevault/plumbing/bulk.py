"""Many rows of one table by few statements, prepared once: what every card and every audit entry is written with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Column, Connection, Dialect, LargeBinary, Table, select, tuple_
from sqlalchemy.dialects.postgresql import asyncpg

CHUNK: Final = 64
"""Rows of one statement on SQLite, which has a place for each value. Halved down to 1, so that few statements are prepared."""

Row = Mapping[str, Any]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Shape:
    """How rows of a table are written on one kind of database: values in the table's order, some of them converted first."""

    names: tuple[str, ...]
    pick: Callable[[Row], tuple[Any, ...]]
    converts: tuple[tuple[int, Convert], ...]
    begin: str
    from_arrays: str

    def values(self, row: Row) -> list[Any]:
        values = list(self.pick(row))
        for place, convert in self.converts:
            values[place] = convert(values[place])
        return values


_shapes: dict[tuple[str, str], _Shape] = {}
"""By dialect and table: tables are few, and made once."""


def add_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, each of which has every column. Raises IntegrityError where a key is taken."""
    if not rows:
        return
    shape = _shape_of(connection.dialect, table)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(shape.from_arrays, _columns(shape, rows))
        return
    for chunk in _chunks(rows):
        connection.exec_driver_sql(*_statement(shape, chunk))


def add_rows_if(
    connection: Connection, table: Table, rows: Sequence[Row], condition: str, given: Sequence[Any]
) -> bool:
    """PostgreSQL alone: `add_rows` in one statement with a change that it depends on; False, and no row is added, where that fails.

    `condition` is a statement of one row such as an UPDATE with RETURNING, written by us, with `{0}`, `{1}` for the values `given`.
    """
    shape = _shape_of(connection.dialect, table)
    places = [f"${len(shape.names) + number}" for number in range(1, len(given) + 1)]
    first = f"WITH done AS ({condition.format(*places)})"
    sql = f"{first} {shape.from_arrays} WHERE EXISTS (SELECT 1 FROM done)"  # noqa: S608 - no value is part of it
    return connection.exec_driver_sql(sql, (*_columns(shape, rows), *given)).rowcount == len(rows)


def add_absent(
    connection: Connection, table: Table, rows: Sequence[Row], fresh: tuple[str, str]
) -> set[tuple[Any, Any]]:
    """Insert rows unless a primary or unique key of theirs is taken; the values of the columns `fresh` of those that were added.

    `fresh` tells the rows apart: the account and an id that no row had before, such as a random one. Of two rows with one key
    the first is added. A rival's uncommitted row is waited for.
    """
    if not rows:
        return set()
    shape = _shape_of(connection.dialect, table)
    if connection.dialect.name == "postgresql":
        sql = f"{shape.from_arrays} ON CONFLICT DO NOTHING RETURNING {', '.join(fresh)}"
        return {(row[0], row[1]) for row in connection.exec_driver_sql(sql, _columns(shape, rows))}
    added: set[tuple[Any, Any]] = set()
    for chunk in _chunks(rows):
        sql, values = _statement(shape, chunk)
        count = connection.exec_driver_sql(f"{sql} ON CONFLICT DO NOTHING", values).rowcount
        keys = [(row[fresh[0]], row[fresh[1]]) for row in chunk]
        # That all were added is the rule; which ones were not is asked for when it is broken.
        added.update(keys if count == len(chunk) else _present(connection, table, keys, fresh))
    return added


def put_newest(
    connection: Connection, table: Table, rows: Sequence[Row], key: tuple[str, ...], version: str
) -> None:
    """Insert rows, each in the place of the one that has its `key` already, where its `version` is the greater; else it is left out."""
    if not rows:
        return
    newest: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        there = newest.setdefault(tuple(row[name] for name in key), row)
        if row[version] > there[version]:
            newest[tuple(row[name] for name in key)] = row
    # In one order, so that two writers of the same rows wait for each other and never in a ring.
    ordered = [newest[each] for each in sorted(newest)]
    shape = _shape_of(connection.dialect, table)
    changes = ", ".join(f"{name} = excluded.{name}" for name in shape.names if name not in key)
    end = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes} WHERE {table.name}.{version} < excluded.{version}"
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"{shape.from_arrays} {end}", _columns(shape, ordered))
        return
    for chunk in _chunks(ordered):
        sql, values = _statement(shape, chunk)
        connection.exec_driver_sql(f"{sql} {end}", values)


def _present(
    connection: Connection, table: Table, keys: list[tuple[Any, Any]], names: tuple[str, str]
) -> set[tuple[Any, Any]]:
    columns = [table.c[name] for name in names]
    found = connection.execute(select(*columns).where(tuple_(*columns).in_(keys)))
    return {(row[0], row[1]) for row in found}


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    at, size = 0, CHUNK
    while at < len(rows):
        while size > len(rows) - at:
            size //= 2
        yield rows[at : at + size]
        at += size


def _statement(shape: _Shape, rows: Sequence[Row]) -> tuple[str, tuple[Any, ...]]:
    places = f"({', '.join('?' * len(shape.names))})"
    values = tuple(chain.from_iterable(map(shape.values, rows)))
    return f"{shape.begin} VALUES {', '.join([places] * len(rows))}", values


def _columns(shape: _Shape, rows: Sequence[Row]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*map(shape.values, rows), strict=True))


def _shape_of(dialect: Dialect, table: Table) -> _Shape:
    shape = _shapes.get((dialect.name, table.name))
    if shape is None or shape.names != tuple(column.name for column in table.columns):
        shape = _shapes[dialect.name, table.name] = _make_shape(dialect, table)
    return shape


def _make_shape(dialect: Dialect, table: Table) -> _Shape:
    names = tuple(column.name for column in table.columns)
    converts = tuple(
        (place, convert)
        for place, column in enumerate(table.columns)
        # Every driver takes bytes as they are.
        if not isinstance(column.type, LargeBinary)
        and (convert := column.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    )
    arrays = [f"${place}::{_array_type(column)}[]" for place, column in enumerate(table.columns, 1)]
    # Names come from the schema alone, and no value is ever part of a statement.
    begin = f"INSERT INTO {table.name} ({', '.join(names)})"
    from_arrays = f"{begin} SELECT * FROM unnest({', '.join(arrays)})"  # noqa: S608
    return _Shape(names, itemgetter(*names), converts, begin, from_arrays)


def _array_type(column: Column[Any]) -> str:
    return str(column.type.compile(asyncpg.dialect())).partition("(")[0]  # type: ignore[no-untyped-call]
