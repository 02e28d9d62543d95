"""One statement both databases write alike: insert a row unless its key is taken. Refuses to tell which key it was."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_if_absent(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Insert a row; False when a primary or unique key already stands there. A rival's uncommitted row is waited for."""
    statement = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    return connection.execute(statement.values(values).on_conflict_do_nothing()).rowcount == 1
