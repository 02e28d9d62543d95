"""Both zones' schemas as a real PostgreSQL has them, and the code that uses them: fit for CockroachDB, Citus and YugabyteDB.

Those spread rows by tenant and have no sequences, triggers, LISTEN or advisory locks worth relying on.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text
from tests.databases import Kind, desk_url, on, secure_url

import tonevault
from tonevault.cde.schema import METADATA as SECURE
from tonevault.desk.schema import METADATA as DESK
from tonevault.plumbing.sql import Database

ZONES = {"secure": (secure_url, SECURE), "desk": (desk_url, DESK)}
SOURCE = Path(tonevault.__file__).parent
UNKEYED = {"alembic_version"}
"""The migration's own bookkeeping: one row, which every node may read and nobody writes while the product runs."""


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, MetaData]]:
    with on(Kind.POSTGRESQL):
        url, metadata = ZONES[request.param]
        database = Database(url(tmp_path))
        yield database, metadata
        database.close_now()


def ask(database: Database, statement: str) -> list[tuple[str, ...]]:
    return database.read_now(lambda c: [tuple(row) for row in c.execute(text(statement))])


def test_every_primary_and_unique_key_begins_with_the_account(zone: tuple[Database, MetaData]) -> None:
    keys = ask(
        zone[0],
        """SELECT t.relname, i.relname, a.attname FROM pg_index x
           JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
           JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
           JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
           WHERE x.indisunique""",
    )
    assert {table for table, _, _ in keys} >= set(zone[1].tables), "a table has no key at all"
    assert {
        (table, key) for table, key, first in keys if first != "account_id" and table not in UNKEYED
    } == set()


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        ("sequence", "SELECT relname FROM pg_class WHERE relkind = 'S'"),
        ("trigger", "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"),
        ("enum", "SELECT typname FROM pg_type WHERE typtype = 'e'"),
        ("function", "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE nspname = 'public'"),
        ("exclusion", "SELECT conname FROM pg_constraint WHERE contype = 'x'"),
        ("deferrable constraint", "SELECT conname FROM pg_constraint WHERE condeferrable"),
        ("default of the server", "SELECT adrelid::regclass::text FROM pg_attrdef"),
        ("rule", "SELECT rulename FROM pg_rules WHERE schemaname = 'public'"),
    ],
)  # fmt: skip
def test_nothing_that_other_databases_lack(
    zone: tuple[Database, MetaData], what: str, statement: str
) -> None:
    assert ask(zone[0], statement) == [], what


def test_foreign_keys_carry_the_account(zone: tuple[Database, MetaData]) -> None:
    firsts = ask(
        zone[0],
        """SELECT c.conname, a.attname FROM pg_constraint c
           JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'""",
    )
    assert {name for name, first in firsts if first != "account_id"} == set()


def test_the_migrations_make_what_the_code_says(zone: tuple[Database, MetaData]) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), zone[1]))

    assert zone[0].visit(differences) == []


def test_the_code_asks_for_nothing_that_other_databases_lack() -> None:
    """Comments and prose may speak of it; statements may not."""
    banned = re.compile(
        r"pg_(try_)?advisory|\bLISTEN\b|\bNOTIFY\b|pg_notify|\b(?i:nextval)\b|\bTRIGGER\b|"
        r"\bSequence\(|\bIdentity\(|\bSERIAL\b|add_listener\("
    )
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in SOURCE.rglob("*.py")
        if "sqlalchemy" in (code := path.read_text())
        for number, line in enumerate(code.splitlines(), 1)
        if banned.search(line)
    ]
    assert found == []
