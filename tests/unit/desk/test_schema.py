"""The schema fits sharded databases, and the migrations make exactly it."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Enum, Table

from tonevault.desk.migrations import SCRIPTS
from tonevault.desk.schema import METADATA
from tonevault.plumbing.migrations import is_current, upgrade
from tonevault.plumbing.sql import Database

TABLES = METADATA.sorted_tables


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_account_leads_every_key(table: Table) -> None:
    keys = [list(table.primary_key.columns)]
    keys += [list(index.columns) for index in table.indexes if index.unique]
    for key in keys:
        assert key[0].name == "account_id"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_nothing_that_shards_cannot_do(table: Table) -> None:
    for column in table.columns:
        assert not isinstance(column.type, Enum)
        assert column.autoincrement in ("auto", False)
        assert column.server_default is None
        if column.primary_key:
            assert not column.nullable
    assert not table.foreign_keys


def test_migrations_make_the_schema(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'desk.db'}")
    assert not is_current(database, SCRIPTS)
    upgrade(database, SCRIPTS)
    upgrade(database, SCRIPTS)
    assert is_current(database, SCRIPTS)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    database.close_now()
