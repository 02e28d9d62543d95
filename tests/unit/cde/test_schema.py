"""The secure zone's schema: fit for a database of many nodes, told the same by its migrations, and with no place for a code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Dialect, Enum, Integer, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.schema import METADATA, TOKEN
from tonevault.plumbing.migrations import (
    DatabaseUnusableError,
    SchemaOutdatedError,
    is_current,
    require_current,
    upgrade,
)
from tonevault.plumbing.sql import Database

DIALECTS: tuple[Dialect, ...] = (postgresql.dialect(), sqlite.dialect())  # type: ignore[no-untyped-call]
TABLES = sorted(METADATA.tables.values(), key=lambda table: table.name)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'secure.db'}")
    yield made
    made.close_now()


def test_migrations_make_the_schema_and_may_run_twice(database: Database) -> None:
    with pytest.raises(SchemaOutdatedError):
        require_current(database, SCRIPTS)
    upgrade(database, SCRIPTS)
    upgrade(database, SCRIPTS)
    assert is_current(database, SCRIPTS)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_schema_of_a_newer_release_is_told_apart(database: Database) -> None:
    upgrade(database, SCRIPTS)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusableError, match="newer release"):
        upgrade(database, SCRIPTS)


def _shape(database: Database) -> dict[str, str]:
    """Each object's SQL, without the line breaks and quotes in which two writers of one statement may differ."""
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"
        )
        return {name: re.sub(r'[\s"]+', "", sql) for name, sql in rows}


def test_constraints_of_the_migrations_are_those_of_the_schema(database: Database, tmp_path: Path) -> None:
    upgrade(database, SCRIPTS)
    direct = Database(f"sqlite:///{tmp_path / 'direct.db'}")
    METADATA.create_all(direct.engine)
    migrated, declared = _shape(database), _shape(direct)
    direct.close_now()
    assert migrated.keys() == declared.keys()
    for name, sql in declared.items():
        # The two write a table's constraints in different order, and that alone may differ.
        assert sorted(migrated[name]) == sorted(sql), name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_key_begins_with_the_account(table: Table) -> None:
    assert next(iter(table.primary_key.columns)).name == "account_id"
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            assert next(iter(constraint.columns)).name == "account_id", constraint.name
    assert not [index.name for index in table.indexes if index.unique]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_sequence_enum_or_default_of_the_server(table: Table) -> None:
    for column in table.columns:
        assert not isinstance(column.type, Enum), column.name
        assert column.server_default is None, column.name
        assert not (isinstance(column.type, Integer) and column.autoincrement is True), column.name
    assert "SERIAL" not in str(CreateTable(table).compile(dialect=DIALECTS[0]))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_both_databases_can_make_the_table(table: Table) -> None:
    for dialect in DIALECTS:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=dialect))


def test_no_column_could_hold_a_security_code() -> None:
    named = [
        c.name
        for table in TABLES
        for c in table.columns
        if re.search(r"cvv|cvc|cvn|pin|security_code", c.name)
    ]
    assert named == ["security_code_check"]


@pytest.mark.parametrize(("state", "sealed"), [("revoked", b"x"), ("active", None), ("consumed", b"x")])
def test_only_an_active_token_holds_a_card(database: Database, state: str, sealed: bytes | None) -> None:
    upgrade(database, SCRIPTS)
    row = {column.name: None for column in TOKEN.columns} | {
        "account_id": "acme",
        "token_id": "tok_a",
        "usage": "multi",
        "state": state,
        "brand": "visa",
        "first6": "424242",
        "last4": "4242",
        "length": 16,
        "exp_month": 1,
        "exp_year": 2030,
        "epoch": 1,
        "sealed": sealed,
    }
    del row["created_at"], row["updated_at"]
    with pytest.raises(IntegrityError, match="sealed_while_active"), database.engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO token ({', '.join(row)}, created_at, updated_at) "  # noqa: S608 - names from the schema
            f"VALUES ({', '.join(':' + name for name in row)}, 0, 0)",
            row,
        )
